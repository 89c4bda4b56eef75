import { audited } from "@atelier/core/audit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestApi, type TestApi } from "../testing/api.ts";

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
  for (const [subject, occasions] of [
    ["img_a_00000", 3],
    ["budget:day", 1],
  ] as const) {
    for (let occasion = 0; occasion < occasions; occasion++) {
      api.advance(1_000);
      const facts = { amountMicros: occasion };
      await audited(
        { subject, kind: "limit-changed", phase: "done", occasion: String(occasion), facts },
        { ...api.deps, actor: "bob" },
      );
    }
  }
});
afterAll(() => api.close());

interface Page {
  readonly items: readonly { readonly subject: string; readonly facts: Readonly<Record<string, unknown>> }[];
  readonly next_cursor: string | null;
}
const read = { scopes: ["audit:read"] } as const;
const page = async (query: string) => (await (await api.call(`/v1/audit${query}`, read)).json()) as Page;
const amounts = ({ items }: Page) => items.map(({ facts }) => facts.amountMicros);

test("everything, the newest first, page by page", async () => {
  const first = await page("?limit=3");
  expect(first.items.map(({ subject }) => subject)).toEqual(["budget:day", "img_a_00000", "img_a_00000"]);
  expect(first.items[0]).toMatchObject({ kind: "limit-changed", by: "bob", at: "2026-11-22T12:00:04.000Z" });
  const rest = await page(`?limit=3&cursor=${first.next_cursor}`);
  expect([amounts(rest), rest.next_cursor]).toEqual([[0], null]);
});

test("of a subject, the oldest first, page by page", async () => {
  const first = await page("?subject=img_a_00000&limit=2");
  expect(amounts(first)).toEqual([0, 1]);
  const rest = await page(`?subject=img_a_00000&limit=2&cursor=${first.next_cursor}`);
  expect([amounts(rest), rest.next_cursor]).toEqual([[2], null]);
  expect(await page("?subject=img_nobody_00000")).toEqual({ items: [], next_cursor: null });
  // A cursor of another list.
  expect((await api.call("/v1/audit?subject=img_a_00000&cursor=e30", read)).status).toBe(400);
});

test("a chain is proved, and one that was tampered with is not", async () => {
  const proof = async (subject: string, target = api) =>
    (await target.call(`/v1/audit/${encodeURIComponent(subject)}/proof`, read)).json();
  expect(await proof("img_a_00000")).toEqual({
    subject: "img_a_00000",
    entries: 3,
    head: expect.stringMatching(/^[0-9a-f]{64}$/),
    problems: [],
    proved: true,
  });
  expect(await proof("budget:day")).toMatchObject({ entries: 1, proved: true });
  const altered = await api.with({
    audit: {
      ...api.deps.audit,
      async chainOf(subject) {
        const chain = await api.deps.audit.chainOf(subject);
        return { ...chain, chained: chain.chained.map((entry) => ({ ...entry, by: "somebody else" })) };
      },
    },
  });
  expect(await proof("img_a_00000", altered)).toMatchObject({ proved: false, problems: { length: 3 } });
  expect((await api.call("/v1/audit/img_nobody_00000/proof", read)).status).toBe(404);
});

test("attestations, with who gave their word; nobody gives theirs by API", async () => {
  const said = { by: "ada", how: "as read on their page", atMs: api.clock() };
  await api.deps.attestations.putTerms({
    ...said,
    provider: "replicate",
    rating: "suggestive",
    date: "2026-11-22",
  });
  await api.deps.attestations.putAge({ ...said, viewer: "bob", untilMs: api.clock() + 1_000 });
  const listed = async () =>
    ((await (await api.call("/v1/attestations", read)).json()) as { items: unknown }).items;
  expect(await listed()).toMatchObject([
    { kind: "terms", provider: "replicate", rating: "suggestive", by: "ada", how: "as read on their page" },
    { kind: "age", viewer: "bob", by: "ada", valid: true },
  ]);
  api.advance(1_000);
  expect(await listed()).toMatchObject([{ kind: "terms" }, { kind: "age", valid: false }]);
  expect((await api.call("/v1/attestations", { method: "POST", json: {} })).status).toBe(405);
});
