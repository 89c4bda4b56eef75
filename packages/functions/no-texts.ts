/** @module The vault of functions that have no key for what people wrote. */
import { AtelierError } from "@atelier/core/errors";
import type { TextVault } from "@atelier/core/ports";

async function refuse(): Promise<never> {
  throw new AtelierError("ConfigurationInvalid", "This function has no key for what people wrote.");
}

/** For functions that come across what people wrote, and neither read nor write it. */
export const NO_TEXTS: TextVault = { seal: refuse, open: refuse, reseal: refuse };
