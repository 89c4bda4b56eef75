/**
 * @module Real answers of every operation, each held against the document by Ajv (`api.call` does so). Every status that the document
 * lists has to be seen here, or to stand below with the reason why it cannot.
 */
import { SCOPES } from "@atelier/core/caller";
import { AtelierError } from "@atelier/core/errors";
import { afterAll, beforeAll, expect, test } from "vitest";
import { BASE_URL, type TestApi, type TestCall } from "../../packages/api/testing/api.ts";
import { callOf } from "../hostile/calls.ts";
import { OPERATIONS, type Operation } from "../hostile/operations.ts";
import { ATTACKER, openStage, type Stage, VERDICT } from "../hostile/stage.ts";

/** Operation and status to why nobody can bring it about. */
const UNSEEN: Readonly<Record<string, string>> = {
  "getImage 400": "Any text may stand in If-None-Match.",
  "deleteImage 400": "Any text may stand in If-Match.",
  "watchRequest 400": "What cannot be an event's id in Last-Event-ID begins at the start.",
};

let stage: Stage;
let api: TestApi;
const seen = new Set<string>();
beforeAll(async () => {
  stage = await openStage();
  api = stage.api;
}, 60_000);
afterAll(() => stage.close());

interface Journey extends TestCall {
  /** Instead of that of the well-formed call. */
  readonly path?: string;
  /** After it. */
  readonly query?: string;
  /** Another app over the same stores. */
  readonly over?: TestApi;
}

/** The well-formed call of an operation, with one thing changed; noted as seen. */
async function called(
  operation: Operation,
  { path, query = "", over = api, ...change }: Journey = {},
): Promise<Response> {
  const prepared = await callOf(operation.id).prepare(stage);
  const answer = await over.call((path ?? prepared.path) + query, {
    method: operation.method,
    as: ATTACKER,
    ...(prepared.json !== undefined && change.body === undefined && { json: prepared.json }),
    ...change,
  });
  seen.add(`${operation.id} ${answer.status}`);
  return answer;
}

const operation = (id: string): Operation => {
  const found = OPERATIONS.find((each) => each.id === id);
  if (!found) throw new Error(`There is no operation ${id}.`);
  return found;
};

test.each(OPERATIONS)("$id: done", async (each) => {
  expect((await called(each)).status).toBeLessThan(300);
});

test.each(OPERATIONS)("$id: what every operation refuses", async (each) => {
  const isOpen = each.scope === null;
  const { scope } = each;
  if (scope === null) {
    await called(each, { headers: { Origin: "https://elsewhere.test" } });
    if (each.statuses.includes(401))
      await called(each, { scopes: null, headers: { Authorization: "Bearer x" } });
  } else {
    await called(each, { scopes: null });
    await called(each, { scopes: SCOPES.filter((other) => other !== scope) });
  }
  const bound = await api.with({}, { hosts: ["127.0.0.1:1"] });
  expect((await called(each, { over: bound })).status).toBe(421);
  if (each.statuses.includes(429)) {
    const limited = await api.with({ rateLimit: { take: async () => ({ ok: false, retryAfterMs: 1_500 }) } });
    const answer = await called(each, { over: limited });
    expect([answer.status, answer.headers.get("retry-after")]).toEqual([429, "2"]);
  }
  for (const [fault, status] of [
    [new Error("nobody foresaw it"), 500],
    [new AtelierError("StorageUnavailable", "The table does not answer."), 503],
  ] as const) {
    const failing = async () => {
      throw fault;
    };
    const broken = isOpen
      ? await api.with({
          images: { ...api.deps.images, get: failing },
          attempts: { ...api.deps.attempts, open: failing },
        })
      : await api.with({ tokens: { verify: failing } });
    expect((await called(each, { over: broken })).status).toBe(status);
    expect(api.faults.splice(0)).toEqual([fault]);
  }
});

test.each(OPERATIONS.filter(({ statuses }) => statuses.includes(404)))(
  "$id: nothing of that name",
  async (each) => {
    const { path, json } = await callOf(each.id).prepare(stage);
    const places = each.path.split("/");
    const missing = path
      .split("/")
      .map((part, index) => (places[index]?.startsWith("{") ? `${part.slice(0, 3)}_x` : part));
    const change: Journey =
      each.id === "createRequest"
        ? { json: { ...(json as object), template: "nobody" } }
        : each.id === "setBudget"
          ? { path: "/v1/budgets/provider:nobody" }
          : { path: missing.join("/") };
    expect((await called(each, change)).status).toBe(404);
  },
);

test.each(OPERATIONS.filter(({ body }) => body))("$id: bodies that are none", async (each) => {
  const type = (name: string) => ({ "Content-Type": name });
  const refused: [Journey, number][] = [
    [{ body: "{", headers: type("application/json") }, 400],
    [{ json: [1] }, 400],
    [{ json: { unknown: 1 } }, 400],
    [{ body: "{}", headers: type("text/plain") }, 415],
    [{ body: `"${"x".repeat(300_000)}"`, headers: type("application/json") }, 413],
  ];
  for (const [change, status] of refused) expect((await called(each, change)).status).toBe(status);
});

test.each(OPERATIONS.filter(({ method, statuses }) => method === "GET" && statuses.includes(400)))(
  "$id: a query that is none",
  async (each) => {
    await called(each, { query: "?unknown=1" });
    await called(each, { query: "?limit=1&cursor=e30" });
  },
);

test("requests: tried out, too dear, against the policy, twice under one key", async () => {
  const create = operation("createRequest");
  const json = { category: "weekend_special", template: "still_life", count: 2 };
  expect((await called(create, { json: { ...json, dry_run: true } })).status).toBe(200);
  expect((await called(create, { json: { ...json, max_cost: 0.000001 } })).status).toBe(402);
  expect((await called(create, { json: { prompt: "forbiddenword" } })).status).toBe(422);
  const headers = { "Idempotency-Key": "order-4711" };
  expect((await called(create, { json, headers })).status).toBe(202);
  expect((await called(create, { json: { ...json, count: 3 }, headers })).status).toBe(409);
});

test("images: unchanged, changed meanwhile, unfinished, with links that die", async () => {
  const { imageId } = await stage.filedImage(ATTACKER, "completed");
  const path = `/v1/images/${imageId}`;
  const tag = (await called(operation("getImage"), { path })).headers.get("etag") ?? "";
  expect((await called(operation("getImage"), { path, headers: { "If-None-Match": tag } })).status).toBe(304);
  const stale = { headers: { "If-Match": '"another"' } };
  expect((await called(operation("deleteImage"), { path, ...stale })).status).toBe(412);
  expect((await called(operation("reviewImage"), stale)).status).toBe(412);
  expect((await called(operation("chooseVersion"), stale)).status).toBe(412);

  const running = await stage.image(ATTACKER, { status: "generating", version: null, finishedAtMs: null });
  const unfinished = `/v1/images/${running.imageId}`;
  expect((await called(operation("deleteImage"), { path: unfinished })).status).toBe(409);
  expect((await called(operation("getRendition"), { path: `${unfinished}/renditions/preview` })).status).toBe(
    409,
  );

  const link = await called(operation("getRendition"), { path: `${path}/renditions/preview` });
  const { pathname } = new URL(((await link.json()) as { url: string }).url);
  const content = operation("getContent");
  const elsewhere = await api.with({
    deliver: async () => ({ kind: "redirect", url: `${BASE_URL}/elsewhere` }),
  });
  expect((await called(content, { path: pathname, over: elsewhere })).status).toBe(302);
  api.advance(3_600_000);
  expect((await called(content, { path: pathname })).status).toBe(410);
});

test("versions: of what is not completed, and of what nothing may be made of", async () => {
  const sealed = { status: "rejected", verdict: { ...VERDICT, sealed: true } } as const;
  for (const [fields, expected] of [
    [{ status: "quarantined" }, 400],
    [sealed, 422],
  ] as const) {
    const { imageId } = await stage.image(ATTACKER, fields);
    for (const [id, suffix] of [
      ["requestVersion", ""],
      ["chooseVersion", "/2/current"],
    ] as const) {
      const answer = await called(operation(id), { path: `/v1/images/${imageId}/versions${suffix}` });
      expect([fields.status, id, answer.status]).toEqual([fields.status, id, expected]);
    }
  }
});

test("reviews: by two people, without a reason, of what is final", async () => {
  const review = operation("reviewImage");
  const rated = await stage.image("ada", { status: "quarantined", rating: "suggestive" });
  const release = { action: "release", reason: "an adult" };
  const path = `/v1/images/${rated.imageId}/review`;
  expect((await called(review, { path, json: release })).status).toBe(202);
  expect((await called(review, { json: { action: "release" } })).status).toBe(400);
  const rejected = await stage.image("ada", { status: "rejected" });
  const final = { path: `/v1/images/${rejected.imageId}/review`, json: release };
  expect((await called(review, final)).status).toBe(422);
});

test("budgets: another limit meanwhile; a day without one", async () => {
  const change = operation("setBudget");
  expect((await called(change, { json: { limit: 5, expected: 1 } })).status).toBe(412);
  expect((await called(change, { path: "/v1/budgets/day", json: { limit: null } })).status).toBe(400);
});

test("privacy: what has not ended is not erased", async () => {
  const { imageId } = await stage.image(ATTACKER, { status: "generating" });
  expect((await called(operation("eraseSubject"), { path: `/v1/privacy/${imageId}` })).status).toBe(400);
});

test("every status of the document was seen, or cannot be", () => {
  const documented = OPERATIONS.flatMap(({ id, statuses }) => statuses.map((status) => `${id} ${status}`));
  expect(documented.filter((each) => !seen.has(each)).sort()).toEqual(Object.keys(UNSEEN).sort());
});
