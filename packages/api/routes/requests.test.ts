import { imageIdOf, keyedRequestId } from "@atelier/core/ids";
import { IMAGE_STATUSES } from "@atelier/core/image";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { someImage, someRequest } from "../../../test/contract/table-fixtures.ts";
import { BASE_URL, startTestApi, type TestApi, type TestCall } from "../testing/api.ts";

let api: TestApi;
beforeEach(async () => {
  api = await startTestApi();
});
afterEach(() => api.close());

const STILL_LIFE = { category: "weekend_special", template: "still_life", count: 3 };

const NONE = Object.fromEntries(IMAGE_STATUSES.map((status) => [status, 0]));

async function asked(json: object, call: TestCall = {}) {
  const answer = await api.call("/v1/requests", { json, ...call });
  return { answer, body: (await answer.json()) as Record<string, unknown> };
}

/** What its body says of a refusal. */
async function refused(json: object, call: TestCall = {}) {
  const { answer, body } = await asked(json, call);
  return [answer.status, body.name, body.rule];
}

describe("asking", () => {
  test("of a template is accepted, and its first execution started", async () => {
    const { answer, body } = await asked(STILL_LIFE);
    const requestId = String(body.request_id);
    expect(answer.status).toBe(202);
    expect(answer.headers.get("location")).toBe(`${BASE_URL}/v1/requests/${requestId}`);
    expect(body).toEqual({
      request_id: requestId,
      status: "accepted",
      images: [0, 1, 2].map((index) => imageIdOf(requestId, index)),
      count: 3,
      category: "weekend_special",
      template: "still_life",
      progress: { ...NONE, planned: 3 },
      cost: 0,
      created_at: "2026-11-22T12:00:00.000Z",
      cancelled_at: null,
      finished_at: null,
    });
    expect(api.started.map(({ input }) => input)).toEqual([{ requestId, part: 0, generation: 1 }]);
    expect(await api.deps.requests.get(requestId)).toMatchObject({ askedBy: "ada", source: "api" });
    const shown = await api.call(`/v1/requests/${requestId}`);
    expect(await shown.json()).toEqual(body);
  });

  test("of a prompt keeps its text sealed, and leaves nothing in the vault until it is planned", async () => {
    const prompt = "A bowl of quinces on a table";
    const { answer, body } = await asked({ prompt, negative_prompt: "blurred", max_cost: 0.5 });
    expect(answer.status).toBe(202);
    expect(JSON.stringify(body)).not.toContain("quinces");
    const imageId = imageIdOf(String(body.request_id), 0);
    expect(await api.deps.vault.get(imageId)).toBeUndefined();
    const { sealedPrompt, ...stored } = (await api.deps.requests.get(String(body.request_id))) ?? {};
    expect(JSON.stringify(stored)).not.toContain("quinces");
    await api.deps.vault.putSealed(imageId, sealedPrompt ?? "");
    expect(await api.deps.vault.get(imageId)).toEqual({ prompt, negativePrompt: "blurred" });
  });

  test("again under the same key is the same request; with something else it is a conflict", async () => {
    const keyed = { headers: { "Idempotency-Key": "order-1" } };
    const first = await asked(STILL_LIFE, keyed);
    api.advance(60_000);
    const second = await asked({ ...STILL_LIFE }, keyed);
    expect([first.answer.status, second.answer.status]).toEqual([202, 202]);
    expect(second.body).toEqual(first.body);
    expect(first.body.request_id).toBe(keyedRequestId("ada", "order-1"));
    expect(api.started).toHaveLength(1);
    expect(await refused({ ...STILL_LIFE, count: 4 }, keyed)).toEqual([409, "RequestConflict", undefined]);
    const other = await asked(STILL_LIFE, { ...keyed, as: "bob" });
    expect(other.body.request_id).not.toBe(first.body.request_id);
  });

  test("without a key is a new request each time", async () => {
    const [one, other] = [await asked(STILL_LIFE), await asked(STILL_LIFE)];
    expect(one.body.request_id).not.toBe(other.body.request_id);
  });

  test.each(["", "a b", "ä", "a".repeat(256)])("a key %o is refused", async (key) => {
    // Clients cannot send other bytes than Latin-1.
    const call = { headers: { "Idempotency-Key": key } };
    expect((await refused(STILL_LIFE, call))[0]).toBe(400);
    expect(api.started).toEqual([]);
  });

  test.each<[string, object, unknown[]]>([
    ["the policy", { prompt: "a forbiddenword on a table" }, [422, "PolicyRefused", "no-forbidden"]],
    ["the caller's own cap", { ...STILL_LIFE, max_cost: 0.01 }, [402, "MaxCostExceeded", undefined]],
    ["the budget", { ...STILL_LIFE, count: 100_000 }, [402, "BudgetExceeded", undefined]],
    ["an unknown template", { ...STILL_LIFE, template: "nature_morte" }, [404, "UnknownName", undefined]],
    ["too many", { ...STILL_LIFE, count: 100_001 }, [400, "Malformed", undefined]],
  ])("is refused by %s, and nothing starts", async (_, json, expected) => {
    const { answer, body } = await asked(json);
    expect([answer.status, body.name, body.rule]).toEqual(expected);
    expect(JSON.stringify(body)).not.toMatch(/forbiddenword|nature_morte/);
    expect(api.started).toEqual([]);
  });

  test("for what the policy refuses, again and again, ends with waiting", async () => {
    for (let time = 0; time < 4; time++) await asked({ prompt: `a forbiddenword ${time}` });
    api.advance(2_000);
    const answers = [];
    for (let time = 0; time < 3; time++) {
      answers.push((await asked({ prompt: `a forbiddenword, again ${time}` })).answer);
    }
    const waiting = answers.at(-1);
    expect(waiting?.status).toBe(422);
    expect(Number(waiting?.headers.get("retry-after"))).toBeGreaterThan(0);
    expect((await asked(STILL_LIFE, { as: "bob" })).answer.status).toBe(202);
  });
});

describe("a dry run", () => {
  test("shows the variations and the price, and makes nothing", async () => {
    for (const [path, json] of [
      ["/v1/requests?dry_run=true", STILL_LIFE],
      ["/v1/requests", { ...STILL_LIFE, dry_run: true }],
    ] as const) {
      const answer = await api.call(path, { json });
      const body = (await answer.json()) as { items: { prompt: string; seed: number }[]; price: object };
      expect(answer.status).toBe(200);
      expect(body.items).toHaveLength(3);
      expect(new Set(body.items.map(({ seed }) => seed)).size).toBe(3);
      for (const { prompt } of body.items) expect(prompt).toMatch(/^A bowl of \w+ on a table/);
      expect(body.price).toEqual({ list: 0.03, most: 0.06 });
    }
    expect(api.started).toEqual([]);
  });

  test("shows the first 50, and the price of all", async () => {
    const { body } = await asked({ ...STILL_LIFE, count: 300, dry_run: true });
    expect(body.items).toHaveLength(50);
    expect(body.price).toEqual({ list: 3, most: 6 });
  });

  test("shows prompts only to whom they may be shown", async () => {
    const scopes = ["requests:write"] as const;
    for (const json of [STILL_LIFE, { prompt: "A bowl of quinces" }]) {
      const { answer, body } = await asked({ ...json, dry_run: true }, { scopes });
      expect(answer.status).toBe(200);
      expect(JSON.stringify(body)).not.toContain("bowl");
      expect(body.items).toEqual(
        expect.arrayContaining([expect.objectContaining({ prompt: null, negative_prompt: null })]),
      );
    }
  });

  test.each<[string, object, unknown[]]>([
    ["the caller's own cap", { ...STILL_LIFE, max_cost: 0.01 }, [402, "MaxCostExceeded"]],
    ["a prompt above the cap", { prompt: "A bowl of quinces", max_cost: 0.01 }, [402, "MaxCostExceeded"]],
    ["the budget", { ...STILL_LIFE, count: 100_000 }, [402, "BudgetExceeded"]],
    ["another provider", { ...STILL_LIFE, provider: "sandbox" }, [400, "UsageError"]],
  ])("is refused by %s as the request itself would be, and nothing is written", async (_, json, expected) => {
    api = await api.with({ provider: "replicate" });
    api.writes.length = 0;
    const trial = await asked({ ...json, dry_run: true });
    expect([trial.answer.status, trial.body.name]).toEqual(expected);
    expect(api.writes).toEqual([]);
    const { body } = await asked(json);
    expect({ ...trial.body, instance: null }).toEqual({ ...body, instance: null });
  });

  test("of a prompt that the policy refuses is refused, and counts", async () => {
    const json = { prompt: "a forbiddenword on a table", dry_run: true };
    expect(await refused(json)).toEqual([422, "PolicyRefused", "no-forbidden"]);
    expect((await api.deps.callers.get("ada"))?.restraint.refusedAtMs).toHaveLength(1);
  });
});

describe("requests listed", () => {
  const reader = { scopes: ["requests:read"] as const };
  const listed = async (query = "", call: TestCall = reader) => {
    const answer = await api.call(`/v1/requests${query}`, call);
    expect(answer.status).toBe(200);
    return (await answer.json()) as { items: Record<string, unknown>[]; next_cursor: string | null };
  };
  const ids = ({ items }: { items: Record<string, unknown>[] }) => items.map((each) => each.request_id);

  test("newest first, one's own and the installation's, as each would be shown alone", async () => {
    const own: unknown[] = [];
    for (let count = 1; count <= 3; count++) {
      own.unshift((await asked({ ...STILL_LIFE, count })).body.request_id);
      api.advance(1_000);
    }
    const other = { askedBy: "bob", createdAtMs: api.clock() };
    await api.deps.requests.putIfAbsent(someRequest({ requestId: "req_bob", ...other }));
    await api.deps.requests.putIfAbsent(
      someRequest({ requestId: "req_plan", askedBy: null, createdAtMs: 1 }),
    );
    const all = await listed();
    expect(ids(all)).toEqual([...own, "req_plan"]);
    expect(all.next_cursor).toBeNull();
    const { images: _, ...shown } = (await (await api.call(`/v1/requests/${own[0]}`)).json()) as {
      images: unknown;
    };
    expect(all.items[0]).toEqual(shown);
    const first = await listed("?limit=2");
    expect(ids(first)).toEqual(own.slice(0, 2));
    expect(ids(await listed(`?limit=2&cursor=${first.next_cursor}`))).toEqual([own[2], "req_plan"]);
    expect(ids(await listed("?asked_by=ada"))).toEqual(own);
    expect((await api.call("/v1/requests?asked_by=bob", reader)).status).toBe(403);
    const operator = { scopes: ["requests:read", "requests:all"] as const };
    expect(ids(await listed("?asked_by=bob", operator))).toEqual(["req_bob"]);
  });

  test("by status: a page may be short before the end", async () => {
    const [old, cancelled] = [
      (await asked(STILL_LIFE)).body.request_id,
      (await asked(STILL_LIFE)).body.request_id,
    ];
    await api.call(`/v1/requests/${cancelled}/cancel`, { method: "POST" });
    expect(ids(await listed("?status=cancelled"))).toEqual([cancelled]);
    expect(ids(await listed("?status=accepted"))).toEqual([old]);
    const pages: unknown[][] = [];
    for (let cursor: string | null = ""; cursor !== null; ) {
      const page = await listed(`?status=accepted&limit=1${cursor && `&cursor=${cursor}`}`);
      pages.push(ids(page));
      cursor = page.next_cursor;
    }
    expect(pages.flat()).toEqual([old]);
    expect(pages).toHaveLength(2);
  });

  test.each(["?status=done", "?limit=0", "?limit=101", "?cursor=e30", "?asked_by=", "?category=feet"])(
    "%s is refused",
    async (query) => {
      expect((await api.call(`/v1/requests${query}`, reader)).status).toBe(400);
    },
  );
});

describe("a request", () => {
  const mine = { scopes: ["requests:read", "requests:write"] as const };

  test("of somebody else is as good as missing; the installation's own is everybody's to see", async () => {
    await api.deps.requests.putIfAbsent(someRequest({ requestId: "req_bob", askedBy: "bob" }));
    await api.deps.requests.putIfAbsent(someRequest({ requestId: "req_plan", askedBy: null }));
    const answers = await Promise.all(
      ["req_bob", "req_missing"].map((id) => api.call(`/v1/requests/${id}`, mine)),
    );
    const [of, missing] = await Promise.all(
      answers.map(async (answer) => ({ ...((await answer.json()) as object), instance: "" })),
    );
    expect(answers.map(({ status }) => status)).toEqual([404, 404]);
    expect(of).toEqual(missing);
    expect((await api.call("/v1/requests/req_bob/cancel", { ...mine, method: "POST" })).status).toBe(404);
    expect((await api.call("/v1/requests/req_bob/events", mine)).status).toBe(404);
    expect((await api.call("/v1/requests/req_bob")).status).toBe(200);
    expect((await api.call("/v1/requests/req_plan", mine)).status).toBe(200);
    expect((await api.call("/v1/requests/req_plan/cancel", { ...mine, method: "POST" })).status).toBe(403);
  });

  test("is cancelled with its images, once and for all", async () => {
    const { body } = await asked(STILL_LIFE);
    const cancel = () => api.call(`/v1/requests/${body.request_id}/cancel`, { ...mine, method: "POST" });
    const first = await (await cancel()).json();
    expect(first).toMatchObject({ status: "cancelled", progress: { cancelled: 3 } });
    api.advance(1_000);
    expect(await (await cancel()).json()).toEqual(first);
  });

  test("that has ended stays as it is when it is cancelled", async () => {
    const { body } = await asked({ ...STILL_LIFE, count: 1 });
    const requestId = String(body.request_id);
    await api.deps.requests.parts.putIfAbsent({
      requestId,
      part: 0,
      owner: null,
      generation: 1,
      open: false,
      createdAtMs: api.clock(),
      ended: null,
    });
    const image = someImage({ requestId, askedBy: "ada", status: "completed", finishedAtMs: api.clock() });
    await api.deps.images.putIfAbsent(image);
    const answer = await api.call(`/v1/requests/${requestId}/cancel`, { ...mine, method: "POST" });
    expect(await answer.json()).toMatchObject({ status: "completed", cancelled_at: null });
    expect((await api.deps.requests.get(requestId))?.cancelledAtMs).toBeNull();
  });
});
