/** @module Which providers there are. Adding one is a folder, a line here, its entries in the catalogue and the contract suite. */
import type { ProviderName } from "@atelier/core/catalogue";
import type { Provider } from "@atelier/core/provider";
import type { ProviderOff } from "@atelier/core/routing";
import { a1111 } from "./a1111/definition.ts";
import { comfyui } from "./comfyui/definition.ts";
import type { ProviderDefinition, ProviderDeps } from "./definition.ts";
import { midjourney } from "./midjourney/definition.ts";
import { replicate, sandbox } from "./replicate/definition.ts";
import { stability } from "./stability/definition.ts";

export const PROVIDERS: readonly ProviderDefinition[] = [
  replicate,
  sandbox,
  stability,
  midjourney,
  a1111,
  comfyui,
];

/** Provider to its settings, as `ProviderDefinition.open` takes them. A provider without settings is not offered. */
export type ProviderSettings = Readonly<Record<ProviderName, Readonly<Record<string, unknown>> | undefined>>;

/** @throws AtelierError `ConfigurationInvalid` naming the provider and the setting */
export function createProviders(
  settings: ProviderSettings,
  deps: ProviderDeps,
  definitions: readonly ProviderDefinition[] = PROVIDERS,
): Map<ProviderName, Provider> {
  const providers = new Map<ProviderName, Provider>();
  for (const definition of definitions) {
    const values = settings[definition.name];
    if (values !== undefined) providers.set(definition.name, definition.open(values, deps));
  }
  return providers;
}

export interface SettingsInEnvironment {
  /** Providers that are configured and on. */
  readonly settings: ProviderSettings;
  /** Providers that are not, each with the reason for people. */
  readonly off: ReadonlyMap<ProviderName, ProviderOff>;
}

/**
 * Reads every provider's variables. Empty ones count as unset.
 *
 * @param enabled names in `ATELIER_ENABLE`: for providers that are off unless somebody says so
 */
export function settingsFromEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
  enabled: readonly ProviderName[],
  definitions: readonly ProviderDefinition[] = PROVIDERS,
): SettingsInEnvironment {
  const settings: Record<ProviderName, Readonly<Record<string, unknown>>> = {};
  const off = new Map<ProviderName, ProviderOff>();
  for (const { name, variables, switchedOnBy, offBecause } of definitions) {
    const values = Object.fromEntries(
      Object.entries(variables).flatMap(([setting, variable]) => {
        const text = environment[variable.name]?.trim();
        return text ? [[setting, text]] : [];
      }),
    );
    const switchedOn = variables[switchedOnBy]?.name;
    if (switchedOn === undefined) continue;
    if (offBecause !== null && !enabled.includes(name)) {
      const detail = `${offBecause} Switch it on with ATELIER_ENABLE=${name}.`;
      off.set(name, { reason: "disabled", detail });
    } else if (values[switchedOnBy] === undefined) {
      off.set(name, { reason: "no-key", detail: `${switchedOn} is not set.` });
    } else {
      settings[name] = values;
    }
  }
  return { settings, off };
}
