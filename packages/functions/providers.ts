/** @module The providers of a function, and what they offer: with their keys for those that ask or buy, without them for the one that only listens. */
import { readSettings, readVariables } from "@atelier/aws/config";
import { readSecret } from "@atelier/aws/secrets";
import type { ProviderName } from "@atelier/core/catalogue";
import { AtelierError } from "@atelier/core/errors";
import type { Clock } from "@atelier/core/ids";
import type { Provider } from "@atelier/core/provider";
import { secretNameOf } from "@atelier/core/secret-name";
import type { Variable } from "@atelier/providers/definition";
import { createProviders, PROVIDERS } from "@atelier/providers/registry";
import { createOutputFetcher } from "@atelier/providers/safe-url";
import { openOffers } from "./offers.ts";
import type { Surroundings } from "./runtime.ts";

export function openProviders({ clock }: Pick<Surroundings, "clock">) {
  return providersWith(
    ({ forWebhooks, name }) => (forWebhooks ? undefined : readSecret(secretNameOf(name))),
    clock,
  );
}

/** Reads webhooks alone: a public address holds no key that buys, so it asks nobody anything. */
export function openListeners({ clock }: Pick<Surroundings, "clock">) {
  const { providerOf, ...known } = providersWith(
    ({ forWebhooks, name }) =>
      forWebhooks ? readSecret(secretNameOf(name)) : "none: this function only listens",
    clock,
  );
  return {
    ...known,
    providerOf: (name: ProviderName): Provider | undefined => {
      const provider = providerOf(name);
      return provider && { ...provider, check: async () => Promise.reject(askedInVain()) };
    },
  };
}

/** What a secret is set to that a provider may do without: SST has no empty ones. */
const NOT_SET = "none";

function askedInVain(): AtelierError {
  return new AtelierError("ProviderUnavailable", "This function only listens; the reconciler asks.");
}

function providersWith(secretOf: (variable: Variable) => string | undefined, clock: Clock) {
  const known = openOffers();
  const { ATELIER_PROVIDERS: names } = readSettings(["ATELIER_PROVIDERS"]);
  const definitions = PROVIDERS.filter(({ name }) => names.includes(name));
  const settings = Object.fromEntries(
    definitions.map(({ name, variables }) => {
      const plain = readVariables(
        Object.values(variables).flatMap((variable) => (variable.secret ? [] : [variable.name])),
      );
      const values = Object.entries(variables).flatMap(([setting, variable]) => {
        const value = variable.secret ? secretOf(variable) : plain[variable.name];
        return value === undefined || value === NOT_SET ? [] : [[setting, value] as const];
      });
      return [name, Object.fromEntries(values)] as const;
    }),
  );
  const opened = createProviders(settings, { clock, workflows: known.offers.workflows }, definitions);
  return { ...known, providers: names, providerOf: (name: ProviderName) => opened.get(name) };
}

export function openFetcher() {
  return { fetcher: createOutputFetcher() };
}
