import { describe, expect, test } from "vitest";
import { type Model, modelSchema, type ProviderEntry, providerSchema } from "./catalogue.ts";
import type { ModelHealth } from "./health.ts";
import { noCandidateError, type RoutingInput, rankCandidates, sizeFits } from "./routing.ts";

const read = { reviewed: "2026-11-01", source: "a page" };
function providerOf(name: string, rated: "allowed" | "unclear", buyable = true): ProviderEntry {
  return providerSchema.parse({
    name,
    buyable,
    terms: {
      general: { allows: "allowed", ...read },
      suggestive: { allows: rated, ...read },
      nudity: { allows: rated, ...read },
    },
  });
}
function modelOf(name: string, change: Partial<Record<keyof Model, unknown>> = {}): Model {
  return modelSchema.parse({
    name,
    provider: "replicate",
    model: `owner/${name}`,
    version: null,
    buyable: true,
    verified: true,
    price: { per: "second", usd: 0.001, seconds: 10, steps: null, list: 0.01 },
    sizes: { kind: "range", width: "width", height: "height", min: 256, max: 1024 },
    prompt: { parameter: "prompt", charactersMax: 500 },
    negativePrompt: "negative_prompt",
    steps: { parameter: "steps", min: 1, max: 100 },
    guidanceScale: { parameter: "guidance", min: 1, max: 20 },
    seed: "seed",
    outputs: null,
    licence: { rating: "nudity", ...read },
    typicalSeconds: 5,
    ...change,
  });
}
const providers = [
  providerOf("replicate", "unclear"),
  providerOf("sandbox", "allowed"),
  providerOf("stability", "unclear", false),
];
const plain = modelOf("plain");
const cheap = modelOf("cheap", { price: { per: "image", usd: 0.002 } });
const attestation = { provider: "replicate", rating: "nudity", by: "ada", date: "2026-11-22" } as const;

const rank = (change: Partial<RoutingInput>) =>
  rankCandidates({
    models: [plain, cheap],
    providers,
    wanted: { model: null, provider: "replicate" },
    templateModels: [],
    rating: "general",
    parameters: { width: 1024, height: 1024, steps: 50, guidanceScale: 7.5 },
    promptCharacters: 200,
    negativePrompt: true,
    attestations: [],
    on: ["replicate"],
    off: new Map(),
    tried: [],
    rejectedBy: [],
    failedProviders: [],
    capMicros: null,
    health: null,
    today: "2026-11-22",
    termsExpireAfterDays: 365,
    ...change,
  });
const names = (change: Partial<RoutingInput>) => rank(change).candidates.map((candidate) => candidate.model);
const reasons = (change: Partial<RoutingInput>) =>
  Object.fromEntries(rank(change).excluded.map((exclusion) => [exclusion.model, exclusion.reason]));

describe("ranking", () => {
  test("gives price, terms and no warnings for a model that does all that is asked", () => {
    expect(rank({ models: [plain] })).toStrictEqual({
      candidates: [
        {
          model: "plain",
          provider: "replicate",
          listMicros: 10_000,
          mostMicros: 300_000,
          warnings: [],
          termsDate: "2026-11-01",
          termsSource: "a page",
        },
      ],
      excluded: [],
    });
  });

  test("is by the template's models, then by price, then by name", () => {
    const also = modelOf("also");
    expect(names({ models: [plain, cheap, also] })).toStrictEqual(["cheap", "also", "plain"]);
    expect(names({ models: [plain, cheap, also], templateModels: ["plain", "missing"] })).toStrictEqual([
      "plain",
      "cheap",
      "also",
    ]);
  });
});

describe("each reason to leave a model out", () => {
  const one = (model: Model, change: Partial<RoutingInput> = {}) =>
    reasons({ models: [model], ...change })[model.name];

  test.each<[string, Model, Partial<RoutingInput>]>([
    ["not-buyable", modelOf("one", { buyable: false, note: "listed only" }), {}],
    ["not-buyable", modelOf("one", { provider: "stability" }), { wanted: { model: null, provider: null } }],
    ["not-buyable", modelOf("one", { provider: "comfyui" }), { wanted: { model: null, provider: null } }],
    ["other-provider", plain, { wanted: { model: null, provider: "stability" } }],
    ["already-tried", plain, { tried: [{ model: "plain", provider: "replicate" }] }],
    ["unverified", modelOf("one", { verified: false, fallback: "plain" }), {}],
    ["price-unknown", modelOf("one", { price: null }), {}],
    ["size", plain, { parameters: { width: 2048, height: 1024, steps: 50, guidanceScale: 7.5 } }],
    ["prompt-too-long", plain, { promptCharacters: 501 }],
    ["terms", plain, { rating: "suggestive" }],
    ["terms", plain, { rating: "suggestive", on: [] }],
    ["terms", plain, { today: "2028-01-01" }],
    [
      "licence",
      modelOf("one", { licence: { rating: "suggestive", ...read } }),
      { rating: "nudity", attestations: [attestation] },
    ],
    [
      "licence",
      modelOf("one", { licence: { rating: "nudity", reviewed: "2025-01-01", source: "a page" } }),
      {},
    ],
    ["no-key", plain, { on: [] }],
    [
      "disabled",
      plain,
      { on: [], off: new Map([["replicate", { reason: "disabled", detail: "Nobody switched it on." }]]) },
    ],
    ["content-rejected", plain, { rejectedBy: ["replicate"] }],
    ["price-cap", plain, { capMicros: 299_999 }],
  ])("%s", (reason, model, change) => {
    expect(one(model, change)).toBe(reason);
    expect(rank({ models: [model], ...change }).candidates).toStrictEqual([]);
  });

  test("a rated picture goes out with an attestation and a licence", () => {
    expect(
      rank({ models: [plain], rating: "nudity", attestations: [attestation] }).candidates[0],
    ).toMatchObject({
      termsDate: "2026-11-22",
      termsSource: "attested by ada",
    });
  });
});

describe("a model asked for by name", () => {
  test("is never replaced", () => {
    expect(
      rank({ wanted: { model: "plain", provider: "replicate" }, templateModels: ["cheap"] }),
    ).toMatchObject({
      candidates: [{ model: "plain" }],
      excluded: [{ model: "cheap", reason: "other-model-wanted" }],
    });
  });

  test("must exist", () => {
    expect(() => rank({ wanted: { model: "plan", provider: null } })).toThrow(
      /no model "plan"\. Did you mean "plain"/,
    );
  });
});

describe("an unverified model", () => {
  const doubtful = modelOf("doubtful", { verified: false, fallback: "plain" });

  test("gives its place in the template's order to its fallback", () => {
    expect(names({ models: [doubtful, cheap, plain], templateModels: ["doubtful", "cheap"] })).toStrictEqual([
      "plain",
      "cheap",
    ]);
  });

  test("asked for by name is not replaced; the detail names the fallback", () => {
    const { candidates, excluded } = rank({
      models: [doubtful, plain],
      wanted: { model: "doubtful", provider: "replicate" },
    });
    expect(candidates).toStrictEqual([]);
    expect(excluded[0]).toMatchObject({ model: "doubtful", reason: "unverified" });
    expect(excluded[0]?.detail).toContain("its fallback is plain");
  });

  test("is imitated by the sandbox, with a warning", () => {
    const { candidates } = rank({ models: [doubtful], wanted: { model: "doubtful", provider: "sandbox" } });
    expect(candidates[0]?.warnings).toStrictEqual([
      "the version of doubtful was not found among published models",
    ]);
  });
});

test("the sandbox stands in for Replicate's models: its own terms, no key, no licence, the list price", () => {
  const strict = modelOf("strict", { licence: { rating: "general", ...read } });
  const elsewhere = modelOf("elsewhere", { provider: "stability", buyable: false });
  const routing = rank({
    models: [strict, elsewhere],
    wanted: { model: null, provider: "sandbox" },
    rating: "nudity",
    on: [],
  });
  expect(routing.candidates).toMatchObject([
    { model: "strict", provider: "sandbox", listMicros: 10_000, mostMicros: 10_000 },
  ]);
  expect(routing.excluded).toMatchObject([
    { model: "elsewhere", provider: "stability", reason: "not-buyable" },
  ]);
  expect(
    reasons({
      models: [strict],
      wanted: { model: null, provider: "sandbox" },
      tried: [{ model: "strict", provider: "sandbox" }],
    }),
  ).toStrictEqual({ strict: "already-tried" });
});

describe("health", () => {
  const health = (change: Partial<ModelHealth> & { model: string }): ModelHealth => ({
    provider: "replicate",
    ended: 10,
    successRate: 1,
    p50Seconds: 5,
    p95Seconds: 9,
    consecutiveFailures: 0,
    spentMicros: 0,
    meanCostMicros: null,
    meanQuality: null,
    problem: null,
    ...change,
  });
  const view = (...models: ModelHealth[]) => ({ models, closed: new Map<string, string>() });

  test("ranks by measured quality for the money; the template's order goes before", () => {
    // Plain costs five times as much; five times the quality for a fifth of the list price turns them round.
    const measured = view(
      health({ model: "plain", meanCostMicros: 1_500, meanQuality: 90 }),
      health({ model: "cheap", meanCostMicros: 2_000, meanQuality: 60 }),
    );
    expect(names({})).toStrictEqual(["cheap", "plain"]);
    expect(names({ health: measured })).toStrictEqual(["plain", "cheap"]);
    expect(names({ health: measured, templateModels: ["cheap"] })).toStrictEqual(["cheap", "plain"]);
  });

  test("ranks equals by speed: measured, else typical", () => {
    const models = [modelOf("one"), modelOf("two"), modelOf("three", { typicalSeconds: 4 })];
    const measured = view(health({ model: "one", p50Seconds: 8 }), health({ model: "two", p50Seconds: 3 }));
    expect(names({ models, health: measured })).toStrictEqual(["two", "three", "one"]);
  });

  test("passes over what fails, and providers that take nothing now, while another can be had", () => {
    const failing = view(health({ model: "cheap", problem: "its last 4 attempts failed" }));
    expect(rank({ health: failing })).toMatchObject({
      candidates: [{ model: "plain", warnings: [] }],
      excluded: [{ model: "cheap", reason: "unhealthy", detail: "its last 4 attempts failed" }],
    });
    const closed = { models: [], closed: new Map([["replicate", "it is left alone"]]) };
    const own = modelOf("own", { provider: "own", price: { per: "nothing" } });
    const change = {
      models: [plain, own],
      wanted: { model: null, provider: null },
      on: ["replicate", "own"],
    };
    expect(
      names({ ...change, providers: [...providers, providerOf("own", "allowed")], health: closed }),
    ).toStrictEqual(["own"]);
  });

  test("with nothing else, what fails stays a candidate, with a warning", () => {
    const failing = view(
      health({ model: "cheap", problem: "its last 4 attempts failed" }),
      health({ model: "plain", problem: "gone" }),
    );
    expect(rank({ health: failing })).toMatchObject({
      candidates: [
        {
          model: "cheap",
          warnings: ["cheap: its last 4 attempts failed; nothing else can make the picture"],
        },
        { model: "plain" },
      ],
      excluded: [],
    });
  });
});

test("what a model cannot do is a warning that says what is sent instead", () => {
  const limited = modelOf("limited", {
    negativePrompt: null,
    steps: { parameter: "steps", min: 1, max: 4 },
    guidanceScale: null,
  });
  expect(rank({ models: [limited] }).candidates[0]?.warnings).toStrictEqual([
    "limited takes no negative prompt; it is left out",
    "limited takes steps from 1 to 4; 4 is sent, not 50",
    "limited takes no guidance; it is left out",
  ]);
  expect(rank({ models: [limited], negativePrompt: false }).candidates[0]?.warnings).toHaveLength(2);
});

test.each([
  [{ kind: "range", width: "w", height: "h", min: 64, max: 1024, multipleOf: 64 }, 512, 1024, true],
  [{ kind: "range", width: "w", height: "h", min: 64, max: 1024, multipleOf: 64 }, 520, 1024, false],
  [{ kind: "range", width: "w", height: "h", min: 64, max: 1024, multipleOf: 64 }, 1088, 512, false],
  [{ kind: "dimensions", parameter: "d", values: ["512x512"] }, 512, 512, true],
  [{ kind: "dimensions", parameter: "d", values: ["512x512"] }, 512, 768, false],
  [{ kind: "aspect", parameter: "a", values: { "3:2": "1216x832" } }, 1216, 832, true],
  [{ kind: "aspect", parameter: "a", values: { "3:2": "1216x832" } }, 832, 1216, false],
] as const)("%j and %i x %i: %s", (sizes, width, height, fits) => {
  expect(sizeFits(modelOf("one", { sizes }).sizes, width, height)).toBe(fits);
});

test.each([
  [["size", "terms"], "TermsDenied"],
  [["terms", "price-cap"], "MaxCostExceeded"],
  [["size", "content-rejected"], "ContentRejected"],
  [["licence"], "TermsDenied"],
  [["size", "price-unknown"], "PriceUnknown"],
  [["size", "no-key"], "NoCandidate"],
  [[], "NoCandidate"],
] as const)("excluded for %j is %s", (excludedFor, name) => {
  expect(
    noCandidateError(excludedFor.map((reason) => ({ model: "m", provider: "p", reason, detail: "" }))),
  ).toBe(name);
});
