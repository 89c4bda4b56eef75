import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestApi, type TestApi } from "../testing/api.ts";

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

interface Budgets {
  readonly items: readonly { readonly scope: string; readonly limit: number; readonly remaining: number }[];
}
const scopesOf = ({ items }: Budgets) => Object.fromEntries(items.map(({ scope, limit }) => [scope, limit]));
const put = (scope: string, json: object) =>
  api.call(`/v1/budgets/${scope}`, { method: "PUT", json, scopes: ["budgets:write"] });

test("a limit is changed in the caller's name, and removed where it may be", async () => {
  const before = (await (await api.call("/v1/budgets", { scopes: ["budgets:read"] })).json()) as Budgets;
  expect(scopesOf(before)).toEqual({ day: 10, month: 200 });
  const changed = await put("day", { limit: 12.5 });
  expect(scopesOf((await changed.json()) as Budgets)).toEqual({ day: 12.5, month: 200 });
  const capped = await put("provider:replicate", { limit: 3 });
  expect(scopesOf((await capped.json()) as Budgets)).toMatchObject({ "provider:replicate": 3 });
  const free = await put("provider:replicate", { limit: null });
  expect(scopesOf((await free.json()) as Budgets)).toEqual({ day: 12.5, month: 200 });
  const entries = await api.deps.audit.ofSubject("budget:day");
  expect(entries.map(({ by, phase, facts }) => [by, phase, facts.limitMicros])).toEqual([
    ["ada", "intended", 12_500_000],
    ["ada", "done", 12_500_000],
  ]);
});

test.each([
  ["month", { limit: 100, expected: 99 }, 412],
  ["month", { limit: 100, expected: null }, 412],
  ["month", { limit: null }, 400],
  ["month", { limit: 0.0000001 }, 400],
  ["month", { limit: -1 }, 400],
  ["month", { limit: 1e9 }, 400],
  ["month", {}, 400],
  ["provider:nobody", { limit: 1 }, 404],
  ["category:nothing", { limit: 1 }, 404],
  ["year", { limit: 1 }, 404],
])("%s: %o is answered with %i, and nothing is written", async (scope, json, status) => {
  await api.call("/v1/budgets");
  const writes = api.writes.length;
  expect((await put(scope, json)).status).toBe(status);
  expect(api.writes.slice(writes)).toEqual([]);
});

test("the expected limit lets a change through", async () => {
  expect((await put("month", { limit: 150, expected: 200 })).status).toBe(200);
  // It stands as it is wanted already: asking again is harmless.
  expect((await put("month", { limit: 150, expected: 200 })).status).toBe(200);
});
