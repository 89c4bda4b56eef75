import { loadInstalledCatalogue } from "@atelier/local/installed-catalogue";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { someRequest } from "../../test/contract/table-fixtures.ts";
import { CATEGORY_NAMES, type Catalogue, categorySchema, ratingRank } from "./catalogue.ts";
import { expandRequest } from "./expand.ts";
import { installedRouting } from "./installed-routing.ts";
import { previewImage, priceOrRefuse } from "./preview.ts";
import { charactersOf } from "./prompt.ts";
import { boundOf, extentOf } from "./request-bound.ts";
import type { RoutingQuery } from "./workflow/steps/validate.ts";

const TODAY = "2026-11-22";
let catalogue: Catalogue;
let nowMs = 0;
let routed = 0;
beforeAll(async () => {
  catalogue = await loadInstalledCatalogue();
});

function deps(of: Catalogue = catalogue) {
  const ranked = installedRouting({
    catalogue: of,
    attestations: [{ provider: "replicate", rating: "nudity", by: "a test", date: TODAY }],
    on: ["replicate"],
    off: new Map(),
    today: () => TODAY,
  });
  const route = (query: RoutingQuery) => {
    routed++;
    return ranked(query);
  };
  return { catalogue: of, route, clock: () => nowMs };
}

describe("the bound of a request", () => {
  test("covers every variation of the templates that are shipped: length, rating and price", () => {
    const own = deps();
    const producing = CATEGORY_NAMES.filter((name) => name !== "custom");
    fc.assert(
      fc.property(
        fc.constantFrom(...producing),
        fc.integer({ min: 1, max: 2 ** 31 - 2 }),
        (category, seed) => {
          const request = someRequest({ category, seed, count: 7, wantedProvider: "replicate" });
          const images = expandRequest({ request, catalogue, indexes: [0, 1, 2, 3, 4, 5, 6] });
          const found = catalogue.categories.find(({ name }) => name === category);
          for (const image of images) {
            const template = found?.templates.find(({ name }) => name === image.template);
            if (!found || !template) throw new Error("A template is missing.");
            const extent = extentOf(template, found, catalogue);
            expect(ratingRank(image.judgement.rating)).toBeLessThanOrEqual(ratingRank(extent.rating));
            expect(charactersOf(image.prompt)).toBeLessThanOrEqual(extent.longest);
            expect(charactersOf(image.prompt)).toBeGreaterThanOrEqual(extent.shortest);
          }
          const exact = images
            .map((image) => priceOrRefuse(previewImage(image, request, own.route)))
            .reduce((sum, { amountMicros }) => sum + amountMicros, 0);
          const bound = boundOf(request, own).reduce((sum, { amountMicros }) => sum + amountMicros, 0);
          expect(bound).toBeGreaterThanOrEqual(exact);
        },
      ),
      { numRuns: 60 },
    );
  });

  test("of 100,000 pictures takes as much as that of one, and is kept for a second", () => {
    const own = deps();
    const request = someRequest({ category: "lingerie", count: 1, wantedProvider: "replicate" });
    const one = boundOf(request, own);
    const after = routed;
    const all = boundOf({ ...request, count: 100_000 }, own);
    expect(routed).toBe(after);
    expect(one.filter(({ amountMicros }) => amountMicros > 0)).toHaveLength(1);
    const each = 100_000 / all.length;
    for (const { amountMicros } of all) expect(amountMicros).toBeGreaterThanOrEqual(Math.floor(each) * 1_000);
    nowMs += 1_000;
    boundOf(request, own);
    expect(routed).toBeGreaterThan(after);
  });

  test("is refused, and never kept, where no model may make the highest rating", () => {
    const own = deps();
    const request = someRequest({ category: "artistic_nude", wantedModel: "no-model" });
    expect(() => boundOf(request, own)).toThrow(/no-model/);
    const expired = { ...own, route: installedRouting({ ...routing(), today: () => "2036-01-01" }) };
    for (const _ of [1, 2]) {
      expect(() => boundOf(someRequest({ category: "artistic_nude" }), expired)).toThrow(/No model can make/);
    }
  });

  const routing = () => ({
    catalogue,
    attestations: [],
    on: ["replicate"],
    off: new Map(),
    today: () => TODAY,
  });
});

test("words that two values make together count, where nothing stands between them", () => {
  const category = (prompt: string) =>
    categorySchema.parse({
      name: "weekend_special",
      rating: "general",
      description: "For a test.",
      templates: [
        {
          name: "pairs",
          description: "For a test.",
          prompt,
          slots: {
            one: [{ text: "red" }, { text: "silk" }],
            other: [{ text: "lamp" }, { text: "stockings" }],
          },
          tags: ["pairs"],
          parameters: { width: 512, height: 512, steps: 20, guidanceScale: 7 },
        },
      ],
    });
  const policy = {
    ...catalogue.policy,
    concepts: { pair: { words: ["silk stockings"], patterns: [], except: [] } },
    rules: [],
    raises: { pair: "suggestive" as const },
  };
  const ratingOf = (prompt: string) => {
    const found = category(prompt);
    const [template] = found.templates;
    return template && extentOf(template, found, { policy }).rating;
  };
  expect(ratingOf("{one} {other} on a table")).toBe("suggestive");
  expect(ratingOf("{one} cloth beside {other} on a table")).toBe("general");
});
