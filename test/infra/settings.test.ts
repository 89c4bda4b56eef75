/** @module The settings of a deployment alone: what follows from them, and what is refused in one sentence. */
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { compileCatalogue } from "../../scripts/templates.ts";
import { ROOT } from "./evaluation.ts";

const SET = [
  "ATELIER_PROVIDERS",
  "ATELIER_PROVIDER",
  "ATELIER_CALENDAR",
  "ATELIER_PROVENANCE_CERTIFICATE",
  "ATELIER_TIMEZONE",
  "ATELIER_ALERT_EMAIL",
  "ATELIER_CALLBACK_URLS",
  "ATELIER_BUDGET_USD",
  "ATELIER_BUDGET_MONTH_USD",
  "ATELIER_TERMS",
  "ATELIER_RETENTION",
  "ATELIER_RATE_LIMIT_PER_MINUTE",
  "ATELIER_REVIEW_FOUR_EYES",
  "STABILITY_BASE_URL",
  "MIDJOURNEY_BASE_URL",
];
type Settings = Readonly<Record<"environment" | "provenance", Readonly<Record<string, string>>>>;
let readSettings: () => Settings;
let checkedStage: (stage: string) => string;
/** By its path: its types would bring SST's platform along, which is checked by a configuration of its own. */
const stack = (name: string) => pathToFileURL(join(ROOT, "stacks", `${name}.ts`)).href;

beforeAll(async () => {
  await compileCatalogue();
  // What SST's command line puts there.
  vi.stubGlobal("$cli", { paths: { root: ROOT } });
  vi.stubGlobal("$app", { name: "atelier", stage: "dev" });
  ({ readSettings } = await import(stack("settings")));
  ({ checkedStage } = await import(stack("stage")));
});
afterEach(() => vi.unstubAllEnvs());

function settings(set: Readonly<Record<string, string>>) {
  for (const name of SET) vi.stubEnv(name, set[name] ?? "");
  return readSettings();
}

describe("providers", () => {
  test.each([
    [{}, "replicate", "replicate"],
    [{ ATELIER_PROVIDERS: "replicate, stability" }, "replicate,stability", "any"],
    [
      { ATELIER_PROVIDERS: "replicate,stability", ATELIER_PROVIDER: "stability" },
      "replicate,stability",
      "stability",
    ],
    [{ ATELIER_PROVIDERS: "stability,stability", ATELIER_PROVIDER: "any" }, "stability", "any"],
    [
      { ATELIER_PROVIDERS: "midjourney", MIDJOURNEY_BASE_URL: "https://wrapper.example.com" },
      "midjourney",
      "midjourney",
    ],
  ])("%j", (set, ATELIER_PROVIDERS, ATELIER_PROVIDER) => {
    expect(settings(set).environment).toMatchObject({ ATELIER_PROVIDERS, ATELIER_PROVIDER });
  });

  test("only addresses of those that are deployed are handed on", () => {
    const STABILITY_BASE_URL = "https://stability.example.com";
    expect(settings({ STABILITY_BASE_URL }).environment).not.toHaveProperty("STABILITY_BASE_URL");
    expect(settings({ STABILITY_BASE_URL, ATELIER_PROVIDERS: "stability" }).environment).toMatchObject({
      STABILITY_BASE_URL,
    });
  });

  test.each([
    [
      { ATELIER_PROVIDERS: "replicate,nobody" },
      /^ATELIER_PROVIDERS names "nobody"; take a list of replicate, /,
    ],
    [{ ATELIER_PROVIDERS: "replicate,,stability" }, /^ATELIER_PROVIDERS names ""; /],
    [{ ATELIER_PROVIDERS: "sandbox" }, /^ATELIER_PROVIDERS names "sandbox"; take a list of (?!.*sandbox)/],
    [
      { ATELIER_PROVIDER: "stability" },
      /^ATELIER_PROVIDER is "stability"; take any, or one of ATELIER_PROVIDERS\.$/,
    ],
    [{ ATELIER_CALENDAR: "maybe" }, /^ATELIER_CALENDAR is "maybe"; set it to on or off\.$/],
  ])("%j is refused", (set, sentence) => {
    expect(() => settings(set)).toThrow(sentence);
  });
});

describe("what would be refused only once it is deployed", () => {
  test.each([
    [{ ATELIER_TIMEZONE: "Paris" }, /^ATELIER_TIMEZONE is "Paris"; set it to a time zone such as /],
    [{ ATELIER_TIMEZONE: "+01:00" }, /^ATELIER_TIMEZONE is "\+01:00"; /],
    [{ ATELIER_ALERT_EMAIL: "ada" }, /^ATELIER_ALERT_EMAIL is "ada"; set it to one address\.$/],
    [{ ATELIER_ALERT_EMAIL: "a@example.com, b@example.com" }, /; set it to one address\.$/],
    [
      { ATELIER_CALLBACK_URLS: "http://example.com/callback" },
      /^ATELIER_CALLBACK_URLS has "http:\/\/example/,
    ],
    [{ ATELIER_CALLBACK_URLS: "https://example.com/#here" }, /^ATELIER_CALLBACK_URLS has "https:/],
    [{ ATELIER_CALLBACK_URLS: "http://localhost.example.com/" }, /^ATELIER_CALLBACK_URLS has "http:/],
    [{ ATELIER_BUDGET_USD: "10 USD" }, /^ATELIER_BUDGET_USD is "10 USD", but must be an amount/],
    [{ ATELIER_BUDGET_MONTH_USD: "-1" }, /^ATELIER_BUDGET_MONTH_USD is "-1", but must be an amount/],
    [{ ATELIER_TERMS: "replicate=nude" }, /^ATELIER_TERMS names the rating "nude"/],
    [{ ATELIER_RETENTION: "90" }, /^ATELIER_RETENTION is wrong; give days by status in JSON/],
    [{ ATELIER_RETENTION: '{"failed":-1}' }, /^ATELIER_RETENTION is wrong; /],
    [{ ATELIER_RATE_LIMIT_PER_MINUTE: "many" }, /^ATELIER_RATE_LIMIT_PER_MINUTE is "many"; /],
    [{ ATELIER_REVIEW_FOUR_EYES: "yes" }, /^ATELIER_REVIEW_FOUR_EYES is "yes"; set it to on or off\.$/],
  ])("%j", (set, sentence) => {
    expect(() => settings(set)).toThrow(sentence);
  });

  test("what is taken", () => {
    const ATELIER_CALLBACK_URLS =
      "https://example.com/a?b=c, http://localhost:8976/callback, http://127.0.0.1/x, myapp://done";
    const ATELIER_RETENTION = '{"failed":90,"completed":null}';
    const set = { ATELIER_CALLBACK_URLS, ATELIER_RETENTION, ATELIER_ALERT_EMAIL: "ada+x@example.com" };
    const others = {
      ATELIER_TIMEZONE: "America/New_York",
      ATELIER_BUDGET_USD: "2.50",
      ATELIER_TERMS: "replicate=nudity",
    };
    expect(() => settings({ ...set, ...others })).not.toThrow();
  });
});

describe("the stage", () => {
  test.each(["dev", "production", "pr-123", "a", "x".repeat(30)])("%s", (stage) => {
    expect(checkedStage(stage)).toBe(stage);
    // Of the names that every stage has, the address for signing in is the one with the least room.
    expect(`atelier-${stage}-123456789012`).toMatch(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])$/);
  });

  test.each(["Ada", "my-aws-trial", "cognito", "1st", "trial-", "x".repeat(31), "a_b", ""])(
    "%j is refused before anything is made",
    (stage) => {
      expect(() => checkedStage(stage)).toThrow(/^The stage is ".*"; take a name of up to 30 small letters/);
    },
  );
});

describe("the certificate for provenance", () => {
  const chain = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----";

  test("goes to the function that signs, with its line breaks however they are written", () => {
    expect(settings({}).provenance).toEqual({});
    for (const written of [`${chain}\n`, chain.replaceAll("\n", "\\n")]) {
      expect(settings({ ATELIER_PROVENANCE_CERTIFICATE: written }).provenance).toEqual({
        ATELIER_PROVENANCE_CERTIFICATE: `${chain}\n`,
      });
    }
  });

  test.each([
    ["chain.pem", /^ATELIER_PROVENANCE_CERTIFICATE is no certificate; /],
    [
      chain.replace("MIIB", "A".repeat(4_000)),
      /^ATELIER_PROVENANCE_CERTIFICATE has 40\d\d bytes, at most 3000 fit; /,
    ],
  ])("a chain that is none, or too long: %#", (written, sentence) => {
    expect(() => settings({ ATELIER_PROVENANCE_CERTIFICATE: written })).toThrow(sentence);
  });
});
