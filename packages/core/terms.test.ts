import { describe, expect, test } from "vitest";
import type { ProviderEntry } from "./catalogue.ts";
import { type Attestation, isExpired, parseAttestations, termsAllow } from "./terms.ts";

const entry = (allows: "allowed" | "denied" | "unclear") => ({
  allows,
  reviewed: "2026-11-01",
  source: "a page",
});
const limits = { createsPerMinute: null, concurrent: null, createsPerDay: null, createsPerMonth: null };
const NAMES = ["replicate", "stability", "a1111"];
const providers: ProviderEntry[] = [
  {
    name: "replicate",
    buyable: true,
    limits,
    terms: { general: entry("allowed"), suggestive: entry("unclear"), nudity: entry("unclear") },
  },
  {
    name: "stability",
    buyable: true,
    limits,
    terms: { general: entry("allowed"), suggestive: entry("denied"), nudity: entry("denied") },
  },
  {
    name: "sandbox",
    buyable: true,
    limits,
    terms: { general: entry("allowed"), suggestive: entry("allowed"), nudity: entry("allowed") },
  },
];
const attested: Attestation = { provider: "replicate", rating: "nudity", by: "ada", date: "2026-11-22" };

const ask = (change: Partial<Parameters<typeof termsAllow>[0]>) =>
  termsAllow({
    provider: "replicate",
    rating: "general",
    providers,
    attestations: [],
    today: "2026-11-22",
    termsExpireAfterDays: 365,
    ...change,
  });

test("what was read as allowed is allowed, with date and source", () => {
  expect(ask({})).toStrictEqual({
    allowed: true,
    reason: "the terms of replicate allow general",
    date: "2026-11-01",
    source: "a page",
  });
});

test("unclear is denied, and the reason says what to do", () => {
  const decision = ask({ rating: "suggestive" });
  expect(decision.allowed).toBe(false);
  expect(decision.reason).toContain("ATELIER_TERMS=replicate=suggestive");
});

test("an unknown provider is denied", () => {
  expect(ask({ provider: "comfyui" })).toMatchObject({ allowed: false, date: null, source: null });
});

describe("an attestation", () => {
  test.each(["suggestive", "nudity"] as const)("of nudity covers %s and is named", (rating) => {
    expect(ask({ rating, attestations: [attested] })).toStrictEqual({
      allowed: true,
      reason: "ada attests that the terms of replicate allow nudity",
      date: "2026-11-22",
      source: "attested by ada",
    });
  });

  test("covers no higher rating, no other provider, and not for ever", () => {
    expect(ask({ rating: "nudity", attestations: [{ ...attested, rating: "suggestive" }] }).allowed).toBe(
      false,
    );
    expect(ask({ rating: "nudity", attestations: [{ ...attested, provider: "a1111" }] }).allowed).toBe(false);
    expect(ask({ rating: "nudity", attestations: [{ ...attested, date: "2025-11-21" }] }).allowed).toBe(
      false,
    );
  });

  test("never overrides terms that say no", () => {
    const attestation = { ...attested, provider: "stability" } as const;
    expect(ask({ provider: "stability", rating: "suggestive", attestations: [attestation] }).allowed).toBe(
      false,
    );
  });
});

test("terms expire after their days, and then an attestation counts", () => {
  expect(ask({ today: "2027-11-01" }).allowed).toBe(true);
  expect(ask({ today: "2027-11-02" }).allowed).toBe(false);
  expect(ask({ today: "2027-11-02", attestations: [attested] }).allowed).toBe(true);
  expect(ask({ today: "2040-01-01", provider: "sandbox", rating: "nudity" }).allowed).toBe(true);
});

test("a date that cannot be read is expired", () => {
  expect(isExpired("soon", "2026-11-22", 365)).toBe(true);
});

describe("ATELIER_TERMS", () => {
  test("is a list of provider=rating", () => {
    expect(
      parseAttestations(" replicate=nudity, A1111 = suggestive ,", "ada", "2026-11-22", NAMES),
    ).toStrictEqual([attested, { provider: "a1111", rating: "suggestive", by: "ada", date: "2026-11-22" }]);
    expect(parseAttestations("", "ada", "2026-11-22", NAMES)).toStrictEqual([]);
  });

  test.each([
    ["replicat=nudity", /provider "replicat".*Did you mean "replicate"/],
    ["replicate=nudes", /rating "nudes"/],
    ["replicate", /rating ""/],
    ["replicate=explicit", /rating "explicit", but must .* general, suggestive, nudity/],
    ["replicate=nudity=x", /rating "nudity=x"/],
  ])("%j is refused", (text, message) => {
    expect(() => parseAttestations(text, "ada", "2026-11-22", NAMES)).toThrow(message);
  });
});
