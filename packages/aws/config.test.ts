import { describe, expect, it } from "vitest";
import { linkedResource, readAttestations, readFirstLimits, readSettings } from "./config.ts";

const ARN = "arn:aws:states:eu-west-3:123456789012:stateMachine:atelier";

describe("settings", () => {
  it("are read by name, with their defaults", () => {
    const environment = {
      ATELIER_TABLE: " atelier ",
      ATELIER_STATE_MACHINE_ARN: ARN,
      ATELIER_WEBHOOK_URL: "https://abc.example.com/",
      ATELIER_TIMEZONE: " ",
    };
    expect(
      readSettings(
        [
          "ATELIER_TABLE",
          "ATELIER_STATE_MACHINE_ARN",
          "ATELIER_WEBHOOK_URL",
          "ATELIER_PROVIDERS",
          "ATELIER_PROVIDER",
          "ATELIER_TIMEZONE",
          "ATELIER_PROVENANCE_CERTIFICATE",
        ],
        environment,
      ),
    ).toStrictEqual({
      ATELIER_TABLE: "atelier",
      ATELIER_STATE_MACHINE_ARN: ARN,
      ATELIER_WEBHOOK_URL: "https://abc.example.com",
      ATELIER_PROVIDERS: ["replicate"],
      ATELIER_PROVIDER: null,
      ATELIER_TIMEZONE: undefined,
      ATELIER_PROVENANCE_CERTIFICATE: undefined,
    });
    const named = { ATELIER_PROVIDERS: "replicate, stability", ATELIER_PROVIDER: "stability" };
    expect(readSettings(["ATELIER_PROVIDERS", "ATELIER_PROVIDER"], named)).toStrictEqual({
      ATELIER_PROVIDERS: ["replicate", "stability"],
      ATELIER_PROVIDER: "stability",
    });
  });

  it("that are missing are named, each in a sentence; those of others are not asked for", () => {
    expect(() => readSettings(["ATELIER_TABLE", "ATELIER_BUCKET"], { ATELIER_TABLE: "" })).toThrow(
      expect.objectContaining({
        name: "ConfigurationInvalid",
        message:
          "ATELIER_TABLE is missing; set it to the name of the table. ATELIER_BUCKET is missing; set it to the name of the content bucket.",
      }),
    );
    expect(readSettings([], {})).toStrictEqual({});
  });

  it.each([
    ["ATELIER_WEBHOOK_URL", "http://abc.example.com", "must be an address that begins with https://."],
    ["ATELIER_WEBHOOK_URL", "abc", "must be an address that begins with https://."],
    ["ATELIER_TIMEZONE", "Mars/Olympus", "must be a time zone such as Europe/Paris."],
    ["ATELIER_PROMPT_KEY_ARN", "alias/prompts", "must be the ARN of a key, and not of an alias."],
    ["ATELIER_PROVENANCE_KEY", " ", "is missing; set it to the KMS key that signs where pictures come from."],
  ] as const)("%s as %s is refused", (name, value, message) => {
    expect(() => readSettings([name], { [name]: value })).toThrow(
      expect.objectContaining({ name: "ConfigurationInvalid", message: `${name} ${message}` }),
    );
  });
});

it("limits have the defaults of the command line, and must be amounts", () => {
  expect(readFirstLimits({})).toStrictEqual({ dayMicros: 10_000_000, monthMicros: 200_000_000 });
  expect(readFirstLimits({ ATELIER_BUDGET_USD: "2.5", ATELIER_BUDGET_MONTH_USD: "40" })).toStrictEqual({
    dayMicros: 2_500_000,
    monthMicros: 40_000_000,
  });
  expect(() => readFirstLimits({ ATELIER_BUDGET_USD: "much" })).toThrow(/ATELIER_BUDGET_USD is "much"/);
});

it("attestations carry who and when", () => {
  expect(readAttestations("2026-11-22", ["replicate"], { ATELIER_TERMS: "replicate=nudity" })).toStrictEqual([
    { provider: "replicate", rating: "nudity", by: "the deployment's operator", date: "2026-11-22" },
  ]);
  expect(readAttestations("2026-11-22", ["replicate"], {})).toStrictEqual([]);
});

it("nothing is linked where SST has linked nothing", () => {
  expect(linkedResource("NoSuchSecret")).toBeUndefined();
});
