/** @module The catalogue as `npm run templates` compiled it, and what follows from it and the installation's settings. */
import { readAttestations, readSettings } from "@atelier/aws/config";
import type { Catalogue } from "@atelier/core/catalogue";
import { installedRouting } from "@atelier/core/installed-routing";
import { localDateOf } from "@atelier/core/schedule";
// Checked when it was compiled; parsing it again would cost every cold start.
import compiled from "../../dist/catalogue.json" with { type: "json" };
import { chosenTimezone } from "./installation.ts";
import type { Surroundings } from "./runtime.ts";

export function openCatalogue({ clock }: Pick<Surroundings, "clock">) {
  const written = compiled as unknown as Catalogue;
  const { ATELIER_PROVIDER, ATELIER_PROVIDERS } = readSettings(["ATELIER_PROVIDER", "ATELIER_PROVIDERS"]);
  const timezone = chosenTimezone(written.schedule.timezone);
  const catalogue: Catalogue = { ...written, schedule: { ...written.schedule, timezone } };
  return {
    catalogue,
    timezone,
    /** Whom occurrences and requests buy from; null: the best of `providers`. */
    provider: ATELIER_PROVIDER,
    providers: ATELIER_PROVIDERS,
    today: () => localDateOf(clock(), timezone),
  };
}

/** Ranks candidates with the deployment's attestations. A provider that is deployed has its key. */
export function openRouting({ catalogue, providers, today }: ReturnType<typeof openCatalogue>) {
  const names = catalogue.providers.map(({ name }) => name);
  const others = names.filter((name) => !providers.includes(name));
  const attestations = readAttestations(today(), names);
  const providersOff = new Map(others.map((name) => [name, NOT_DEPLOYED]));
  return {
    route: installedRouting({ catalogue, attestations, on: providers, off: providersOff, today }),
    providersOff,
    termsAttested: async () => attestations,
  };
}

const NOT_DEPLOYED = {
  reason: "no-key",
  detail: "it is not among ATELIER_PROVIDERS of this deployment",
} as const;
