/**
 * @module The configuration of a function on AWS: the one place that reads its environment and its SST links. The stacks set
 * both; a function reads the settings that it needs, once per cold start.
 */
import { DEFAULT_DAY_USD, DEFAULT_MONTH_USD } from "@atelier/core/budget";
import { type ProviderName, providerNameSchema } from "@atelier/core/catalogue";
import { AtelierError } from "@atelier/core/errors";
import type { LedgerLimits } from "@atelier/core/ledger-month";
import { microsFromUsd } from "@atelier/core/money";
import { isTimezone } from "@atelier/core/schedule";
import { type Attestation, parseAttestations } from "@atelier/core/terms";
import { Resource } from "sst/resource";
import * as z from "zod";

/** What `ATELIER_RATE_LIMIT_PER_MINUTE` is unless it is set: five calls a second. */
const DEFAULT_RATE_PER_MINUTE = 300;

/** Empty variables count as unset. */
const unset = (value: unknown) => (typeof value === "string" && value.trim() === "" ? undefined : value);
const required = (what: string) => z.preprocess(unset, z.string(`is missing; set it to ${what}`).trim());
const optional = <T extends z.ZodType>(schema: T) => z.preprocess(unset, schema.optional());

const SETTINGS = {
  ATELIER_TABLE: required("the name of the table"),
  ATELIER_BUCKET: required("the name of the content bucket"),
  ATELIER_PROMPT_KEY_ARN: required("the ARN of the KMS key for prompts").pipe(
    z.string().regex(/^arn:[^:]+:kms:[^:]+:\d+:key\/.+/, "must be the ARN of a key, and not of an alias"),
  ),
  ATELIER_PROVENANCE_KEY: required("the KMS key that signs where pictures come from"),
  /** PEM, the certificate of that key first. Undefined: none was issued yet. */
  ATELIER_PROVENANCE_CERTIFICATE: optional(z.string()),
  ATELIER_STATE_MACHINE_ARN: required("the ARN of the state machine"),
  /** Where providers reach the webhook route; without a slash at the end. */
  ATELIER_WEBHOOK_URL: required("the public base URL of the webhook route").pipe(
    safeAddress().transform((text) => text.replace(/\/+$/, "")),
  ),
  /** Where the API is reached; without a slash at the end. */
  ATELIER_API_URL: required("the public base URL of the API").pipe(
    safeAddress().transform((text) => text.replace(/\/+$/, "")),
  ),
  /** As it stands in `iss` of tokens, to the letter. */
  ATELIER_OIDC_ISSUER: required("the issuer of tokens").pipe(safeAddress()),
  /** Of tokens: any of them. */
  ATELIER_OIDC_AUDIENCE: required("the audiences of tokens, separated by commas")
    .transform(listOf)
    .pipe(z.array(z.string()).min(1)),
  /** Origins whose pages may call the API. */
  ATELIER_ALLOWED_ORIGINS: z.preprocess(unset, z.string().default("").transform(listOf)),
  /** Calls of one caller; 0: nobody is limited. */
  ATELIER_RATE_LIMIT_PER_MINUTE: z.preprocess(
    unset,
    z.coerce
      .number("must be a whole number, 0 for no limit")
      .int("must be a whole number, 0 for no limit")
      .min(0, "must be a whole number, 0 for no limit")
      .default(DEFAULT_RATE_PER_MINUTE),
  ),
  /** Whether rated pictures need two reviewers to be let out. */
  ATELIER_REVIEW_FOUR_EYES: z.preprocess(unset, z.enum(["on", "off"], "must be on or off").default("off")),
  ATELIER_BACKUP_BUCKET: required("the name of the bucket of copies"),
  ATELIER_EVENT_BUS: required("the name of the event bus"),
  /** Where metrics stand in CloudWatch; a stage has its own. */
  ATELIER_METRICS_NAMESPACE: z.preprocess(unset, z.string().trim().default("Atelier")),
  /** Whom this deployment may buy from: their secrets are linked to the functions that buy and ask. */
  ATELIER_PROVIDERS: z.preprocess(
    unset,
    z
      .string()
      .default("replicate")
      .transform((list) => list.split(",").map((name) => name.trim()))
      .pipe(z.array(providerNameSchema)),
  ),
  /** Whom occurrences and requests buy from; null: the best of them. */
  ATELIER_PROVIDER: z.preprocess(
    unset,
    z
      .string()
      .default("any")
      .transform((name) => (name === "any" ? null : name))
      .pipe(providerNameSchema.nullable()),
  ),
  /** Undefined: the calendar's own. */
  ATELIER_TIMEZONE: optional(z.string().refine(isTimezone, "must be a time zone such as Europe/Paris")),
  ATELIER_BUDGET_USD: optional(z.string()),
  ATELIER_BUDGET_MONTH_USD: optional(z.string()),
  ATELIER_TERMS: optional(z.string()),
} as const;
export type SettingName = keyof typeof SETTINGS;
export type Settings = { readonly [Name in SettingName]: z.output<(typeof SETTINGS)[Name]> };
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * @throws AtelierError `ConfigurationInvalid` with one sentence for each setting that is missing or wrong
 */
export function readSettings<Name extends SettingName>(
  names: readonly Name[],
  environment: Environment = process.env,
): Pick<Settings, Name> {
  const problems: string[] = [];
  const read = names.map((name) => {
    const parsed = SETTINGS[name].safeParse(environment[name]);
    if (!parsed.success) problems.push(`${name} ${parsed.error.issues[0]?.message}.`);
    return [name, parsed.data] as const;
  });
  if (problems.length > 0) throw new AtelierError("ConfigurationInvalid", problems.join(" "));
  return Object.fromEntries(read) as Pick<Settings, Name>;
}

/**
 * Limits for the first month of a ledger.
 *
 * @throws AtelierError `UsageError` naming the variable
 */
export function readFirstLimits(environment: Environment = process.env): LedgerLimits {
  const { ATELIER_BUDGET_USD: day, ATELIER_BUDGET_MONTH_USD: month } = readSettings(
    ["ATELIER_BUDGET_USD", "ATELIER_BUDGET_MONTH_USD"],
    environment,
  );
  return {
    dayMicros: microsFromUsd(day ?? DEFAULT_DAY_USD, "ATELIER_BUDGET_USD"),
    monthMicros: microsFromUsd(month ?? DEFAULT_MONTH_USD, "ATELIER_BUDGET_MONTH_USD"),
  };
}

/**
 * What whoever deployed attests; the word counts from the day on which a function reads it.
 *
 * @param today yyyy-mm-dd
 * @throws AtelierError `ConfigurationInvalid`
 */
export function readAttestations(
  today: string,
  providers: readonly ProviderName[],
  environment: Environment = process.env,
): Attestation[] {
  const { ATELIER_TERMS: terms } = readSettings(["ATELIER_TERMS"], environment);
  return parseAttestations(terms ?? "", "the deployment's operator", today, providers);
}

/** Variables that only their reader can judge, such as the addresses of providers; empty ones are left out. */
export function readVariables(
  names: readonly string[],
  environment: Environment = process.env,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const text = environment[name]?.trim();
      return text ? [[name, text]] : [];
    }),
  );
}

/** What SST linked to the function under a name; undefined when nothing is. */
export function linkedResource(name: string): unknown {
  return name in Resource ? (Resource as unknown as Record<string, unknown>)[name] : undefined;
}

function safeAddress() {
  return z
    .string()
    .refine(
      (text) => URL.canParse(text) && isSafeBase(new URL(text)),
      "must be an address that begins with https://",
    );
}

function listOf(text: string): string[] {
  return text
    .split(",")
    .map((each) => each.trim())
    .filter((each) => each !== "");
}

/** Plain http on loopback is for tests: nobody outside reaches it. */
function isSafeBase({ protocol, hostname }: URL): boolean {
  return protocol === "https:" || (protocol === "http:" && hostname === "127.0.0.1");
}
