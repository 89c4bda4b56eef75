import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type Model,
  modelSchema,
  type ProviderEntry,
  providerSchema,
  RATINGS,
  ratingRank,
} from "./catalogue.ts";
import { type RoutingInput, rankCandidates } from "./routing.ts";
import { type Attestation, isExpired } from "./terms.ts";

const mostly = fc.oneof({ weight: 5, arbitrary: fc.constant(true) }, fc.constant(false));
const PROVIDERS = ["replicate", "stability", "a1111", "sandbox"] as const;
const TODAY = "2026-11-22";
const EXPIRE_AFTER_DAYS = 365;
const DAY_MS = 86_400_000;

/** Mostly of the last year; some from two years ago, some from next week. */
const day = fc
  .oneof({ weight: 4, arbitrary: fc.integer({ min: -366, max: 0 }) }, fc.integer({ min: -730, max: 7 }))
  .map((offset) => new Date(Date.parse(TODAY) + offset * DAY_MS).toISOString().slice(0, 10));
const entry = fc.record({
  allows: fc.constantFrom("allowed", "denied", "unclear"),
  reviewed: day,
  source: fc.constantFrom("page one", "page two"),
});
const provider = (name: string) =>
  fc
    .record({ buyable: mostly, terms: fc.record({ general: entry, suggestive: entry, nudity: entry }) })
    .map((fields): ProviderEntry => providerSchema.parse({ name, ...fields }));
const providers = fc.subarray([...PROVIDERS]).chain((names) => fc.tuple(...names.map(provider)));
const models = fc
  .array(
    fc.record({
      provider: fc.constantFrom("replicate", "stability", "a1111"),
      buyable: mostly,
      verified: mostly,
      licence: fc.record({
        rating: fc.constantFrom(...RATINGS),
        reviewed: day,
        source: fc.constant("card"),
      }),
    }),
    { maxLength: 6 },
  )
  .map((list) =>
    list.map(
      (fields, index): Model =>
        modelSchema.parse({
          name: `model-${index}`,
          provider: fields.provider,
          model: `owner/model-${index}`,
          version: null,
          buyable: fields.buyable,
          verified: fields.verified,
          price: { per: "image", usd: 0.01 },
          sizes: { kind: "range", width: "width", height: "height", min: 256, max: 1024 },
          prompt: { parameter: "prompt", charactersMax: 500 },
          negativePrompt: null,
          steps: null,
          guidanceScale: null,
          seed: "seed",
          outputs: null,
          licence: fields.licence,
          typicalSeconds: 5,
        }),
    ),
  );
const attestations = fc.array(
  fc.record({
    provider: fc.constantFrom(...PROVIDERS),
    rating: fc.constantFrom(...RATINGS),
    by: fc.constant("ada"),
    date: day,
  }),
  { maxLength: 4 },
);
const input = fc
  .record({
    models,
    providers,
    attestations,
    rating: fc.constantFrom(...RATINGS),
    provider: fc.constantFrom(null, null, null, ...PROVIDERS),
    on: fc.subarray(["replicate", "stability", "a1111"], { minLength: 2 }),
  })
  .map(
    ({ provider: wanted, ...given }): RoutingInput => ({
      ...given,
      wanted: { model: null, provider: wanted },
      templateModels: [],
      parameters: { width: 512, height: 512, steps: 20, guidanceScale: 7 },
      promptCharacters: 100,
      negativePrompt: false,
      off: new Map(),
      tried: [],
      rejectedBy: [],
      failedProviders: [],
      capMicros: null,
      health: null,
      today: TODAY,
      termsExpireAfterDays: EXPIRE_AFTER_DAYS,
    }),
  );

/** What the rules say, written a second time and apart from `termsAllow`: who says yes, with date and source. */
function permissions(name: string, { providers: known, attestations: attested, rating }: RoutingInput) {
  const said = known.find((candidate) => candidate.name === name)?.terms[rating];
  if (said?.allows === "denied") return [];
  const counts = (date: string) => !isExpired(date, TODAY, EXPIRE_AFTER_DAYS);
  const covers = (one: Attestation) =>
    one.provider === name && ratingRank(one.rating) >= ratingRank(rating) && counts(one.date);
  return [
    ...(said?.allows === "allowed" && (name === "sandbox" || counts(said.reviewed))
      ? [{ date: said.reviewed, source: said.source }]
      : []),
    ...attested.filter(covers).map(({ by, date }) => ({ date, source: `attested by ${by}` })),
  ];
}

describe("over random catalogues", () => {
  test("no rating goes where terms or licence do not allow it, and each candidate names the entry and its date", () => {
    let candidates = 0;
    let denied = 0;
    fc.assert(
      fc.property(input, (given) => {
        const routing = rankCandidates(given);
        for (const candidate of routing.candidates) {
          candidates++;
          const { provider: name, termsDate: date, termsSource: source } = candidate;
          expect(permissions(name, given)).toContainEqual({ date, source });
          const model = given.models.find((one) => one.name === candidate.model);
          if (name === "sandbox") continue;
          expect(ratingRank(model?.licence.rating ?? "general")).toBeGreaterThanOrEqual(
            ratingRank(given.rating),
          );
          expect(isExpired(model?.licence.reviewed ?? "", TODAY, EXPIRE_AFTER_DAYS)).toBe(false);
        }
        for (const { provider: name, reason, detail } of routing.excluded) {
          if (reason !== "terms") continue;
          denied++;
          expect(permissions(name, given)).toStrictEqual([]);
          expect(detail).toContain(name);
        }
        expect(routing.candidates.length + routing.excluded.length).toBe(given.models.length);
      }),
      { numRuns: 3_000, seed: 7 },
    );
    expect(candidates).toBeGreaterThan(100);
    expect(denied).toBeGreaterThan(100);
  });
});
