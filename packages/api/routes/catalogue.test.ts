import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestApi, type TestApi } from "../testing/api.ts";

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

const catalogue = { scopes: ["catalogue:read"] } as const;
async function listed(path: string, target = api) {
  const answer = await target.call(path, catalogue);
  expect(answer.status).toBe(200);
  return (await answer.json()) as { items: Record<string, unknown>[]; next_cursor: null };
}

test("categories and templates, with prices; a template by its name", async () => {
  expect((await listed("/v1/categories")).items).toEqual([
    { name: "weekend_special", rating: "general", description: "Still lifes.", templates: ["still_life"] },
    { name: "custom", rating: "general", description: "Free prompts.", templates: [] },
  ]);
  const { items } = await listed("/v1/templates");
  expect(items.map(({ template }) => template)).toEqual(["still_life", null]);
  const one = await api.call("/v1/templates/still_life", catalogue);
  expect(await one.json()).toEqual(items[0]);
  expect(items[0]).toMatchObject({ combinations: 3, slots: { fruit: ["apples", "pears", "plums"] } });
});

test("a preview is the same for a seed, has prices, and prompts only for whom they may be shown", async () => {
  const path = "/v1/templates/still_life/preview?variations=3";
  const { items } = await listed(path);
  expect(items).toHaveLength(3);
  expect(items[0]).toMatchObject({ prompt: null, negative_prompt: null, template: "still_life" });
  expect(items[0]?.price).toEqual({ list: expect.any(Number), most: expect.any(Number) });
  expect((await listed(path)).items).toEqual(items);
  expect((await listed(`${path}&seed=8`)).items.map(({ seed }) => seed)).not.toEqual(
    items.map(({ seed }) => seed),
  );
  const open = await api.call(path, { scopes: ["catalogue:read", "prompts:read"] });
  const { items: shown } = (await open.json()) as { items: { prompt: string }[] };
  expect(new Set(shown.map(({ prompt }) => prompt)).size).toBe(3);
  expect(shown[0]?.prompt).toMatch(/^A bowl of (apples|pears|plums) on a table/);
  expect(api.writes).toEqual([]);
});

test("models say whether they are offered, what for, and how their account stands", async () => {
  const off = await api.with({
    providersOff: new Map([["replicate", { reason: "no-key", detail: "no key is set" }]]),
  });
  const [offered] = (await listed("/v1/models")).items;
  expect(offered).toMatchObject({
    provider: "replicate",
    offered: true,
    health: null,
    account: { circuit: "closed", running: 0 },
    terms: [
      { rating: "general", allowed: true },
      { rating: "suggestive", allowed: expect.any(Boolean) },
      { rating: "nudity", allowed: false },
    ],
  });
  const [switchedOff] = (await listed("/v1/models", off)).items;
  expect(switchedOff).toMatchObject({ offered: false, reason: "no key is set" });
});

test("terms by provider and rating, with what the operator attested", async () => {
  const { items } = await listed("/v1/terms");
  expect(items.map(({ rating, allowed }) => [rating, allowed])).toEqual([
    ["general", true],
    ["suggestive", true],
    ["nudity", false],
  ]);
  // Terms that were read and say no are not overridden.
  const attested = await api.with({
    termsAttested: async () => [{ provider: "replicate", rating: "nudity", by: "ada", date: "2026-11-20" }],
  });
  expect((await listed("/v1/terms", attested)).items.at(-1)).toMatchObject({
    rating: "nudity",
    allowed: false,
  });
});
