import { createAttestations } from "@atelier/aws/dynamo/attestations";
import { createAudit } from "@atelier/aws/dynamo/audit";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { CATALOGUE } from "../../test/builders/catalogue.ts";
import { type MemoryTables, startMemoryTables } from "../../test/builders/memory-table.ts";
import {
  announceExpiring,
  attestAge,
  attestTerms,
  EXPIRY_WARNING_DAYS,
  expiring,
  expiringText,
  isAgeAttested,
  termsOf,
  withdrawAge,
  withdrawTerms,
} from "./attestations.ts";
import type { Audit } from "./ports.ts";
import { termsAllow } from "./terms.ts";

const DAY_MS = 86_400_000;
const NOW_MS = Date.UTC(2026, 10, 22, 12);
let tables: MemoryTables;
let nowMs: number;
let deps: Parameters<typeof attestTerms>[1] & { audit: Audit };
beforeAll(async () => {
  tables = await startMemoryTables();
});
afterAll(() => tables.close());
beforeEach(async () => {
  nowMs = NOW_MS;
  const dynamo = await tables.table();
  deps = {
    attestations: createAttestations(dynamo),
    audit: createAudit(dynamo),
    clock: () => nowMs,
    actor: "ada",
    catalogue: {
      providers: CATALOGUE.providers.map((provider) => ({
        ...provider,
        terms: {
          ...provider.terms,
          suggestive: { allows: "unclear", reviewed: "2026-11-01", source: "a page" },
        },
      })),
    },
  };
});

const said = {
  provider: "replicate",
  rating: "suggestive",
  how: "read the contract",
  date: "2026-11-22",
} as const;
const allows = async (today: string) =>
  termsAllow({
    provider: "replicate",
    rating: "suggestive",
    providers: deps.catalogue.providers,
    attestations: termsOf(await deps.attestations.terms()),
    today,
    termsExpireAfterDays: 365,
  });

describe("terms attested", () => {
  test("are stored with who, how and when, audited, and decide until they expire", async () => {
    expect((await allows("2026-11-22")).allowed).toBe(false);
    await attestTerms(said, deps);
    expect(await deps.attestations.terms()).toStrictEqual([{ ...said, by: "ada", atMs: NOW_MS }]);
    expect(await allows("2026-11-22")).toMatchObject({
      allowed: true,
      date: "2026-11-22",
      source: "attested by ada",
    });
    expect((await allows("2027-11-22")).allowed).toBe(true);
    expect((await allows("2027-11-23")).allowed).toBe(false);
    const entries = await deps.audit.ofSubject("terms:replicate");
    expect(entries.map(({ phase, kind, by, facts }) => [phase, kind, by, facts.rating])).toStrictEqual([
      ["intended", "attested", "ada", "suggestive"],
      ["done", "attested", "ada", "suggestive"],
    ]);
  });

  test("are renewed by saying them again, and gone once taken back", async () => {
    await attestTerms(said, deps);
    nowMs += DAY_MS;
    await attestTerms({ ...said, date: "2026-11-23" }, deps);
    expect((await deps.attestations.terms()).map(({ date }) => date)).toStrictEqual(["2026-11-23"]);
    expect(await withdrawTerms(said, deps)).toBe(true);
    expect(await withdrawTerms(said, deps)).toBe(false);
    expect((await allows("2026-11-23")).allowed).toBe(false);
  });

  test("cannot override terms that say no, nor be about a provider that nobody knows", async () => {
    await expect(attestTerms({ ...said, rating: "nudity" }, deps)).rejects.toMatchObject({
      name: "TermsDenied",
    });
    await expect(attestTerms({ ...said, provider: "nobody" }, deps)).rejects.toMatchObject({
      name: "UnknownName",
    });
    expect(await deps.attestations.terms()).toStrictEqual([]);
  });
});

describe("an age attested", () => {
  test("counts from now to its end, a year at most", async () => {
    await attestAge({ viewer: "bob", how: "passport seen" }, deps);
    const attestation = await deps.attestations.age("bob");
    expect(attestation).toStrictEqual({
      viewer: "bob",
      how: "passport seen",
      by: "ada",
      atMs: NOW_MS,
      untilMs: NOW_MS + 365 * DAY_MS,
    });
    expect(
      [NOW_MS - 1, NOW_MS, NOW_MS + 365 * DAY_MS].map((at) => isAgeAttested(attestation, at)),
    ).toStrictEqual([false, true, false]);
    for (const untilMs of [NOW_MS, NOW_MS + 366 * DAY_MS]) {
      await expect(attestAge({ viewer: "bob", how: "x", untilMs }, deps)).rejects.toMatchObject({
        name: "UsageError",
      });
    }
    expect(await withdrawAge("bob", deps)).toBe(true);
    expect(isAgeAttested(await deps.attestations.age("bob"), NOW_MS)).toBe(false);
  });
});

describe("what expires", () => {
  const [model] = CATALOGUE.models;
  if (!model) throw new Error("The catalogue has no model.");
  const onDay = (today: string) =>
    expiring({
      catalogue: {
        ...CATALOGUE,
        models: [{ ...model, licence: { ...model.licence, reviewed: "2026-11-10" } }],
      },
      attestations: [{ provider: "a1111", rating: "nudity", by: "ada", date: "2026-11-05" }],
      ages: [{ viewer: "bob", by: "ada", how: "x", atMs: 0, untilMs: Date.parse("2027-11-20") }],
      today,
    });

  test("is told thirty days before, the soonest first", () => {
    // The terms of the catalogue were read on 2026-11-01 and count for 365 days.
    expect(onDay("2027-10-01")).toStrictEqual([]);
    expect(onDay("2027-10-02").map(({ what, rating, daysLeft }) => [what, rating, daysLeft])).toStrictEqual([
      ["terms", "general", EXPIRY_WARNING_DAYS],
      ["terms", "suggestive", EXPIRY_WARNING_DAYS],
    ]);
    expect(onDay("2027-11-02").map(({ what, name, daysLeft }) => [what, name, daysLeft])).toStrictEqual([
      ["terms", "replicate", -1],
      ["terms", "replicate", -1],
      ["terms-attestation", "a1111", 3],
      ["licence", model.name, 8],
      ["age-attestation", "bob", 18],
    ]);
    expect(onDay("2027-11-02").slice(1, 3).map(expiringText)).toStrictEqual([
      "the terms of replicate for suggestive expired after 2027-11-01",
      "the attestation that a1111 may make nudity expires after 2027-11-05 (3 days)",
    ]);
  });

  test("is one event a day, without a viewer's name, and none where nothing is", async () => {
    const events: { id: string; detail: Readonly<Record<string, unknown>> }[] = [];
    const publishing = {
      events: { publish: async (event: (typeof events)[number]) => void events.push(event) },
    };
    await announceExpiring(onDay("2027-10-01"), "2027-10-01", publishing);
    await announceExpiring(onDay("2027-11-02"), "2027-11-02", publishing);
    await announceExpiring(onDay("2027-11-02"), "2027-11-02", publishing);
    await announceExpiring(onDay("2027-11-03"), "2027-11-03", publishing);
    expect(new Set(events.map(({ id }) => id)).size).toBe(2);
    expect(JSON.stringify(events)).not.toContain("bob");
  });
});
