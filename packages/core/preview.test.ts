import { describe, expect, test } from "vitest";
import { CATALOGUE, FIRST_MODEL, SECOND_MODEL } from "../../test/builders/catalogue.ts";
import { someRequest } from "../../test/contract/table-fixtures.ts";
import { expandRequest } from "./expand.ts";
import { checkMaxCost, previewImage, priceOrRefuse, variationDocument } from "./preview.ts";
import { type RoutingInput, rankCandidates } from "./routing.ts";

const free = someRequest({ category: "custom", freePrompt: true });
const templated = someRequest({ category: "weekend_special" });

function previewed(text: string | null, change: Partial<RoutingInput> = {}) {
  const [expanded] = expandRequest({
    request: text === null ? templated : free,
    catalogue: CATALOGUE,
    indexes: [0],
    ...(text === null ? {} : { freePrompts: new Map([[0, { prompt: text, negativePrompt: "" }]]) }),
  });
  if (!expanded) throw new Error("Nothing was expanded.");
  return previewImage(expanded, { wantedModel: null, wantedProvider: null }, (query) =>
    rankCandidates({
      models: CATALOGUE.models,
      providers: CATALOGUE.providers,
      wanted: { model: query.wantedModel, provider: query.wantedProvider },
      templateModels: [],
      rating: query.rating,
      parameters: query.parameters,
      promptCharacters: query.prompt.prompt.length,
      negativePrompt: false,
      attestations: [],
      on: ["replicate"],
      off: new Map(),
      rejectedBy: [],
      failedProviders: [],
      capMicros: null,
      health: null,
      tried: query.tried,
      today: "2026-11-22",
      termsExpireAfterDays: 365,
      ...change,
    }),
  );
}
const refusal = (run: () => unknown) => {
  try {
    run();
  } catch (error) {
    return error;
  }
  throw new Error("Nothing was refused.");
};

describe("what must hold before a request is started", () => {
  test("an allowed picture has the most it can cost, and from whom", () => {
    expect(priceOrRefuse(previewed(null))).toEqual({ provider: "replicate", amountMicros: 20_000 });
  });

  test("policy refuses first, with its rule and without the text", () => {
    const error = refusal(() => priceOrRefuse(previewed("a forbiddenword here", { on: [] })));
    expect(error).toMatchObject({ name: "PolicyRefused", data: { rule: "no-forbidden" } });
    expect(String(error)).not.toContain("forbiddenword");
  });

  test("terms, keys and prices refuse by their own names", () => {
    expect(refusal(() => priceOrRefuse(previewed("a pear", { rating: "nudity" })))).toMatchObject({
      name: "TermsDenied",
    });
    expect(refusal(() => priceOrRefuse(previewed("a pear", { on: [] })))).toMatchObject({
      name: "NoCandidate",
    });
    const unpriced = CATALOGUE.models.map((model) => ({ ...model, price: null }));
    expect(refusal(() => priceOrRefuse(previewed("a pear", { models: unpriced })))).toMatchObject({
      name: "PriceUnknown",
    });
  });

  test("the command's own cap covers the whole or refuses, with both amounts", () => {
    checkMaxCost(60_000, 60_000);
    checkMaxCost(60_000, null);
    expect(refusal(() => checkMaxCost(60_001, 60_000))).toMatchObject({
      name: "MaxCostExceeded",
      message: expect.stringMatching(/\$0\.060001.*\$0\.06/),
      data: { neededMicros: 60_001, maxCostMicros: 60_000 },
    });
  });
});

describe("the document of a variation", () => {
  test("has prompt, seed, candidates with prices, and the occurrence", () => {
    const document = variationDocument("weekend_special", previewed(null), "sunday@2026-11-22");
    expect(document).toMatchObject({
      category: "weekend_special",
      template: "still_life",
      prompt: expect.stringMatching(/^A bowl of (apples|pears|plums) on a table$/),
      negative_prompt: "blurred",
      rating: "general",
      parameters: { width: 256, height: 256, steps: 20, guidance_scale: 7, seed: document.seed },
      price: { list: 0.01, most: 0.02 },
      policy: { decision: "allowed", rule: null, message: null },
      occurrence: "sunday@2026-11-22",
    });
    expect(document.candidates.map(({ model }) => model)).toEqual([FIRST_MODEL.name, SECOND_MODEL.name]);
    expect(variationDocument("weekend_special", previewed(null), "sunday@2026-11-22")).toEqual(document);
  });

  test("without a candidate has no price and says why of each model", () => {
    const document = variationDocument("custom", previewed("a pear", { on: [] }), null);
    expect(document).toMatchObject({ candidates: [], price: null });
    expect(document.excluded.map(({ reason }) => reason)).toEqual(["no-key", "no-key"]);
  });
});
