/// <reference path="../.sst/platform/config.d.ts" />
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Catalogue, Schedule } from "@atelier/core/catalogue";
import { microsFromUsd } from "@atelier/core/money";
import { retentionSchema } from "@atelier/core/retention";
import { isTimezone } from "@atelier/core/schedule";
import { parseAttestations } from "@atelier/core/terms";
import { isProduction } from "./stage.ts";

/** As `npm run templates` wrote it from the registry. */
export interface ProviderSettings {
  readonly name: string;
  readonly variables: Readonly<
    Record<string, { readonly name: string; readonly secret: boolean; readonly forWebhooks?: true }>
  >;
  readonly switchedOnBy: string;
}

export interface Settings {
  readonly schedule: Schedule;
  /** One time zone for calendar, budgets and folders. */
  readonly timezone: string;
  /** The providers of this deployment, in the order in which they were named. */
  readonly providers: readonly ProviderSettings[];
  /** What every function is told about this installation. */
  readonly environment: Readonly<Record<string, string>>;
  /** What the function that signs is told besides its key: the certificate, once there is one. */
  readonly provenance: Readonly<Record<string, string>>;
  /** What the API is told besides. */
  readonly api: Readonly<Record<string, string>>;
  /** Whose tokens the API takes; null: those of a user pool that is made for it. */
  readonly oidc: { readonly issuer: string; readonly audiences: readonly string[] } | null;
  /** Where the user pool sends people back to when they have signed in. */
  readonly callbackUrls: readonly string[];
  /** How long pictures and records are kept, where that is not the default. */
  readonly retention: Readonly<Record<string, string>>;
  /** Who is told of alarms; null: nobody. */
  readonly alertEmail: string | null;
  /** Whether a chat is told of them, at the address that is a secret. */
  readonly alertChat: boolean;
  /** Whether the calendar fires. It buys pictures: on a stage for trying it is off unless it is asked for. */
  readonly calendarFires: boolean;
}

/** Read from the shell or from `.env` and `.env.{stage}`, which SST loads. */
export function readSettings(): Settings {
  const { schedule, providers: offered } = readCatalogue();
  const timezone = setting("ATELIER_TIMEZONE") ?? schedule.timezone;
  const providers = chosenProviders();
  checkForAws(timezone);
  checkForFunctions(offered.map(({ name }) => name));
  return {
    schedule,
    timezone,
    providers,
    environment: {
      ATELIER_PROVIDERS: providers.map(({ name }) => name).join(","),
      ATELIER_PROVIDER: chosenProvider(providers),
      ...addresses(providers),
      ATELIER_TIMEZONE: timezone,
      ...optional("ATELIER_BUDGET_USD"),
      ...optional("ATELIER_BUDGET_MONTH_USD"),
      ...optional("ATELIER_TERMS"),
    },
    provenance: provenance(),
    api: {
      ...optional("ATELIER_ALLOWED_ORIGINS"),
      ...optional("ATELIER_RATE_LIMIT_PER_MINUTE"),
      ...optional("ATELIER_REVIEW_FOUR_EYES"),
    },
    oidc: oidc(),
    callbackUrls: listOf("ATELIER_CALLBACK_URLS", CALLBACK_DEFAULT),
    retention: optional("ATELIER_RETENTION"),
    alertEmail: setting("ATELIER_ALERT_EMAIL"),
    alertChat: isOn("ATELIER_ALERT_CHAT", false),
    calendarFires: isOn("ATELIER_CALENDAR", isProduction),
  };
}

/** Whom this deployment may buy from. Naming one that is off by default switches it on. */
function chosenProviders(): ProviderSettings[] {
  // What has no settings is the sandbox of one machine.
  const known = readCompiled<ProviderSettings[]>("providers.json").filter(
    ({ variables }) => Object.keys(variables).length > 0,
  );
  const names = (setting("ATELIER_PROVIDERS") ?? "replicate").split(",").map((name) => name.trim());
  return [...new Set(names)].map((name) => {
    const found = known.find((candidate) => candidate.name === name);
    if (!found) {
      const all = known.map((provider) => provider.name).join(", ");
      throw new Error(`ATELIER_PROVIDERS names "${name}"; take a list of ${all}.`);
    }
    // Of a secret it is SST that says when it is missing.
    const needed = found.variables[found.switchedOnBy];
    if (needed && !needed.secret && setting(needed.name) === null) {
      throw new Error(
        `ATELIER_PROVIDERS names "${name}", but ${needed.name} is not set; set it to its address.`,
      );
    }
    return found;
  });
}

/** Whom occurrences and requests buy from: the only provider, or the best of several. */
function chosenProvider(providers: readonly ProviderSettings[]): string {
  const fallback = providers.length === 1 ? (providers[0]?.name ?? "any") : "any";
  const wanted = setting("ATELIER_PROVIDER") ?? fallback;
  if (wanted === "any" || providers.some(({ name }) => name === wanted)) return wanted;
  throw new Error(`ATELIER_PROVIDER is "${wanted}"; take any, or one of ATELIER_PROVIDERS.`);
}

/** What is no secret: addresses of providers, where they are not the usual ones. */
function addresses(providers: readonly ProviderSettings[]): Record<string, string> {
  const variables = providers.flatMap((provider) => Object.values(provider.variables));
  return Object.assign({}, ...variables.filter(({ secret }) => !secret).map(({ name }) => optional(name)));
}

/** Lambda takes 4 kB of settings in all; the chain's root is of no use in it, whoever trusts it has it. */
const CERTIFICATE_BYTES_MAX = 3_000;

/** One line in a file of settings holds a chain with its line breaks written as a backslash and an n. */
function provenance(): Record<string, string> {
  const chain = setting("ATELIER_PROVENANCE_CERTIFICATE")?.replaceAll("\\n", "\n");
  if (chain === undefined) return {};
  if (!/^-----BEGIN CERTIFICATE-----\n[\s\S]+-----END CERTIFICATE-----$/.test(chain)) {
    throw new Error(
      "ATELIER_PROVENANCE_CERTIFICATE is no certificate; give the chain in PEM, the signing one first.",
    );
  }
  if (chain.length > CERTIFICATE_BYTES_MAX) {
    throw new Error(
      `ATELIER_PROVENANCE_CERTIFICATE has ${chain.length} bytes, at most ${CERTIFICATE_BYTES_MAX} fit; leave out the root.`,
    );
  }
  return { ATELIER_PROVENANCE_CERTIFICATE: `${chain}\n` };
}

function isOn(name: string, byDefault: boolean): boolean {
  const wanted = setting(name) ?? (byDefault ? "on" : "off");
  if (wanted !== "on" && wanted !== "off") {
    throw new Error(`${name} is "${wanted}"; set it to on or off.`);
  }
  return wanted === "on";
}

/** Where programs of one machine listen for the code of a sign-in; Cognito takes http for localhost alone. */
const CALLBACK_DEFAULT = "http://localhost:8976/callback";

function oidc(): Settings["oidc"] {
  const issuer = setting("ATELIER_OIDC_ISSUER");
  if (issuer === null) return null;
  if (!URL.canParse(issuer) || new URL(issuer).protocol !== "https:") {
    throw new Error(`ATELIER_OIDC_ISSUER is "${issuer}"; set it to an address that begins with https://.`);
  }
  const audiences = listOf("ATELIER_OIDC_AUDIENCE", "");
  if (audiences.length === 0) {
    throw new Error(
      "ATELIER_OIDC_ISSUER is set, but ATELIER_OIDC_AUDIENCE is not; set it to what stands in `aud` of its tokens.",
    );
  }
  return { issuer, audiences };
}

function listOf(name: string, byDefault: string): string[] {
  return (setting(name) ?? byDefault)
    .split(",")
    .map((each) => each.trim())
    .filter((each) => each !== "");
}

/** What AWS would refuse when half of the stage stands already. @throws Error of one sentence */
function checkForAws(timezone: string): void {
  // `Intl` also knows offsets, which are no names of the time zone database.
  if (!isTimezone(timezone) || /^[+-]/.test(timezone)) {
    throw new Error(`ATELIER_TIMEZONE is "${timezone}"; set it to a time zone such as Europe/Paris.`);
  }
  const email = setting("ATELIER_ALERT_EMAIL");
  if (email !== null && !/^[^\s@,]+@[^\s@,]+$/.test(email)) {
    throw new Error(`ATELIER_ALERT_EMAIL is "${email}"; set it to one address.`);
  }
  for (const url of listOf("ATELIER_CALLBACK_URLS", CALLBACK_DEFAULT)) {
    // As Cognito's reference of app clients has it.
    if (
      !/^(http:\/\/(localhost|127\.0\.0\.1|\[::1\])[:/]|(?!http:)[a-z][a-z0-9+.-]*:\/\/)[^\s#]*$/i.test(url)
    ) {
      throw new Error(
        `ATELIER_CALLBACK_URLS has "${url}"; take addresses that begin with https://, or http://localhost on one machine.`,
      );
    }
  }
}

/** What every function would refuse at its first call. @throws Error of one sentence */
function checkForFunctions(providers: readonly string[]): void {
  for (const name of ["ATELIER_BUDGET_USD", "ATELIER_BUDGET_MONTH_USD"]) {
    const amount = setting(name);
    if (amount !== null) microsFromUsd(amount, name);
  }
  parseAttestations(setting("ATELIER_TERMS") ?? "", "whoever deploys", "2000-01-01", providers);
  const retention = setting("ATELIER_RETENTION") ?? "{}";
  if (!isRetention(retention)) {
    throw new Error(
      `ATELIER_RETENTION is wrong; give days by status in JSON, such as {"failed":90,"rejected":30}, null for good.`,
    );
  }
  const rate = setting("ATELIER_RATE_LIMIT_PER_MINUTE") ?? "0";
  if (!/^\d{1,9}$/.test(rate)) {
    throw new Error(`ATELIER_RATE_LIMIT_PER_MINUTE is "${rate}"; set it to a whole number, 0 for no limit.`);
  }
  isOn("ATELIER_REVIEW_FOUR_EYES", false);
}

function isRetention(text: string): boolean {
  try {
    return retentionSchema.safeParse(JSON.parse(text)).success;
  } catch {
    return false;
  }
}

/** As `npm run templates` has checked and compiled it. */
function readCatalogue(): Catalogue {
  return readCompiled<Catalogue>("catalogue.json");
}

function readCompiled<T>(name: "catalogue.json" | "providers.json"): T {
  try {
    return JSON.parse(readFileSync(join($cli.paths.root, "dist", name), "utf8")) as T;
  } catch {
    throw new Error(`dist/${name} is missing; run \`npm run templates\` before deploying.`);
  }
}

function setting(name: string): string | null {
  return process.env[name]?.trim() || null;
}

function optional(name: string): Record<string, string> {
  const value = setting(name);
  return value === null ? {} : { [name]: value };
}
