/** @module The configuration of this machine: environment and the folder's settings, parsed once. */
import { resolve } from "node:path";
import { DEFAULT_DAY_USD, DEFAULT_MONTH_USD } from "@atelier/core/budget";
import { type ProviderName, SANDBOX } from "@atelier/core/catalogue";
import { unknownName } from "@atelier/core/closest";
import { AtelierError } from "@atelier/core/errors";
import type { LedgerLimits } from "@atelier/core/ledger-month";
import { microsFromUsd } from "@atelier/core/money";
import { isTimezone } from "@atelier/core/schedule";
import { type Attestation, parseAttestations } from "@atelier/core/terms";
import { type SettingsInEnvironment, settingsFromEnvironment } from "@atelier/providers/registry";
import * as z from "zod";
import type { Settings } from "./settings.ts";

export interface Configuration {
  /** Whom this command buys from; null: the best of those that are configured. */
  readonly provider: ProviderName | null;
  readonly timezone: string;
  /** For the first month of a ledger. */
  readonly firstLimits: LedgerLimits;
  readonly attestations: readonly Attestation[];
  /** Settings of the providers that are configured and on, and why others are not. */
  readonly providers: SettingsInEnvironment;
  /** Public base URL under which this machine receives webhooks, or null. */
  readonly publicWebhookUrl: string | null;
  /** Rated pictures need two reviewers. */
  readonly isFourEyes: boolean;
  /** Folder that originals and content are mirrored into, or null. */
  readonly backupFolder: string | null;
}

/** Empty variables count as unset: shells and compose files leave them behind. */
const textSchema = z
  .string()
  .trim()
  .transform((text) => (text === "" ? undefined : text))
  .optional();
const environmentSchema = z.object({
  ATELIER_ENABLE: textSchema,
  ATELIER_BUDGET_USD: textSchema,
  ATELIER_BUDGET_MONTH_USD: textSchema,
  ATELIER_TERMS: textSchema,
  ATELIER_TIMEZONE: textSchema,
  ATELIER_WEBHOOK_URL: textSchema,
  ATELIER_BACKUP: textSchema,
});

/**
 * @param input.provider `--provider`; null: the folder's setting, else the sandbox. A key in the environment never decides
 * @param input.todayIn yyyy-mm-dd in a time zone: the date of attestations
 * @throws AtelierError `UsageError`, `UnknownName` or `ConfigurationInvalid` naming the variable or setting
 */
export function readConfiguration(input: {
  readonly provider: string | null;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly settings: Settings;
  /** The calendar's own time zone, where nothing else is set. */
  readonly timezone: string;
  /** The operating system's user: who attests. */
  readonly user: string;
  readonly todayIn: (timezone: string) => string;
  /** The names that the catalogue knows. */
  readonly knownProviders: readonly ProviderName[];
}): Configuration {
  const environment = environmentSchema.parse(input.environment);
  const timezone = environment.ATELIER_TIMEZONE ?? input.settings.timezone ?? input.timezone;
  if (!isTimezone(timezone)) {
    throw new AtelierError(
      "ConfigurationInvalid",
      `ATELIER_TIMEZONE is "${timezone}", which is no time zone; give a name such as Europe/Paris.`,
    );
  }
  const { knownProviders } = input;
  const enabled = providerNames(environment.ATELIER_ENABLE ?? "", knownProviders);
  const providers = settingsFromEnvironment(input.environment, enabled);
  return {
    provider: chosenProvider(input.provider ?? input.settings.provider ?? SANDBOX, providers, knownProviders),
    timezone,
    firstLimits: {
      dayMicros: limit(
        environment.ATELIER_BUDGET_USD,
        "ATELIER_BUDGET_USD",
        input.settings.budget_usd ?? DEFAULT_DAY_USD,
      ),
      monthMicros: limit(
        environment.ATELIER_BUDGET_MONTH_USD,
        "ATELIER_BUDGET_MONTH_USD",
        input.settings.budget_month_usd ?? DEFAULT_MONTH_USD,
      ),
    },
    attestations: parseAttestations(
      environment.ATELIER_TERMS ?? "",
      input.user,
      input.todayIn(timezone),
      knownProviders,
    ),
    providers,
    publicWebhookUrl: publicUrl(environment.ATELIER_WEBHOOK_URL),
    isFourEyes: input.settings.review_four_eyes ?? false,
    backupFolder: backupFolder(environment.ATELIER_BACKUP),
  };
}

/** Buys from whatever routing finds best; never the sandbox, which somebody must name. */
const ANY = "any";

function chosenProvider(
  name: string,
  { settings, off }: SettingsInEnvironment,
  known: readonly ProviderName[],
): ProviderName | null {
  if (name === ANY) {
    if (Object.keys(settings).length > 0) return null;
    throw new AtelierError(
      "ConfigurationInvalid",
      `--provider any needs at least one provider that is configured (${[...off.values()].map(({ detail }) => detail).join(" ")}), or leave --provider out to use the sandbox.`,
    );
  }
  if (!known.includes(name)) throw unknownName("provider", name, [...known, ANY]);
  const reason = off.get(name);
  if (reason) {
    throw new AtelierError(
      "ConfigurationInvalid",
      `The provider ${name} cannot be used: ${reason.detail} Or leave --provider out to use the sandbox.`,
    );
  }
  return name;
}

function providerNames(list: string, known: readonly ProviderName[]): ProviderName[] {
  return list
    .split(",")
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== "")
    .map((name) => {
      if (known.includes(name)) return name;
      throw new AtelierError(
        "ConfigurationInvalid",
        `ATELIER_ENABLE names the provider "${name}", but must be a list of ${known.join(", ")}.`,
      );
    });
}

function limit(text: string | undefined, name: string, fallbackUsd: number): number {
  return microsFromUsd(text ?? fallbackUsd, name);
}

function publicUrl(text: string | undefined): string | null {
  if (text === undefined) return null;
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url?.protocol !== "https:") {
    throw new AtelierError(
      "ConfigurationInvalid",
      `ATELIER_WEBHOOK_URL is "${text}", but must be a public address that begins with https://.`,
    );
  }
  return text.replace(/\/+$/, "");
}

function backupFolder(text: string | undefined): string | null {
  if (text?.startsWith("s3://")) {
    throw new AtelierError(
      "ConfigurationInvalid",
      `ATELIER_BACKUP is "${text}", but only folders can be backed up to on one machine yet; give a folder.`,
    );
  }
  return text === undefined ? null : resolve(text);
}
