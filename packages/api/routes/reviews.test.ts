import type { Image } from "@atelier/core/image";
import { verdictSchema } from "@atelier/core/image";
import { countRefusals } from "@atelier/core/probing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { START_MS, someImage } from "../../../test/contract/table-fixtures.ts";
import { startTestApi, type TestApi } from "../testing/api.ts";

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi({ isFourEyes: true });
});
afterAll(() => api.close());

let made = 0;
async function waiting(fields: Partial<Image> = {}, verdict: object = {}): Promise<string> {
  const image = someImage({
    requestId: `req_${++made}`,
    status: "quarantined",
    version: 1,
    manifestKey: `quarantine/${made}/manifest.json`,
    createdAtMs: START_MS + made,
    askedBy: "bob",
    verdict: verdictSchema.parse({
      decision: "quarantined",
      basis: "classifier",
      rating: "general",
      reason: "Unsure.",
      ...verdict,
    }),
    renditions: [
      {
        name: "preview",
        path: `quarantine/${made}/preview.jpg`,
        width: 1,
        height: 1,
        bytes: 1,
        sha256: "0".repeat(64),
        contentType: "image/jpeg",
      },
    ],
    ...fields,
  });
  await api.deps.images.putIfAbsent(image);
  return image.imageId;
}

interface Listed {
  readonly items: readonly { readonly image_id: string; readonly preview: string | null }[];
  readonly next_cursor: string | null;
}
const list = async (query = "") => (await (await api.call(`/v1/reviews${query}`)).json()) as Listed;
const decide = (imageId: string, as: string, json: object, headers = {}) =>
  api.call(`/v1/images/${imageId}/review`, { as, json, headers, scopes: ["images:review"] });

describe("what waits", () => {
  test("comes page by page: suspected minors, then what is urgent, then the oldest; of a sealed one no file", async () => {
    const old = await waiting();
    const young = await waiting();
    const urgent = await waiting({}, { priority: true });
    const sealed = await waiting({}, { sealed: true });
    const { items } = await list();
    expect(items.map(({ image_id }) => image_id)).toEqual([sealed, urgent, old, young]);
    expect(items.map(({ preview }) => preview !== null)).toEqual([false, true, true, true]);

    const first = await list("?limit=2");
    // Decided meanwhile: the next page goes on all the same.
    await api.deps.images.patch(urgent, { set: { status: "completed" }, when: [] });
    const second = await list(`?limit=2&cursor=${first.next_cursor}`);
    expect(second.items.map(({ image_id }) => image_id)).toEqual([old, young]);
    expect(second.next_cursor).toBeNull();
    expect((await api.call("/v1/reviews?cursor=nonsense")).status).toBe(400);
  });
});

describe("a decision", () => {
  test("about a rated picture takes two reviewers, each by their token's name; reasons are shown to reviewers", async () => {
    const imageId = await waiting({ rating: "suggestive" });
    const release = { action: "release", reason: "an adult" };
    const noted = await decide(imageId, "ada", release);
    expect(noted.status).toBe(202);
    expect(await noted.json()).toMatchObject({
      is_awaiting: true,
      status: "quarantined",
      votes: [{ action: "release", by: "ada" }],
    });
    // The same person again is no second one.
    expect((await decide(imageId, "ada", release)).status).toBe(202);
    const shown = await api.call(`/v1/reviews/${imageId}`);
    expect(await shown.json()).toMatchObject({
      evidence: { decision: "quarantined", basis: "classifier" },
      waiting: [{ by: "ada", reason: "an adult" }],
      history: [],
    });
    const entries = await api.deps.audit.ofSubject(imageId);
    expect(entries.map(({ by, facts }) => [by, facts.reviewer])).toEqual([
      ["ada", "ada"],
      ["ada", "ada"],
    ]);
  });

  test("removes a picture at once, and is not carried out for whoever has seen another one", async () => {
    const imageId = await waiting();
    const stale = await decide(imageId, "ada", { action: "reject" }, { "If-Match": '"another"' });
    expect(stale.status).toBe(412);
    expect((await decide(imageId, "ada", { action: "reject", reason: "blurred" })).status).toBe(200);
    expect((await api.deps.images.get(imageId))?.status).toBe("rejected");
    // Nothing of it waits any more.
    expect((await list()).items.map(({ image_id }) => image_id)).not.toContain(imageId);
  });

  test("cannot let out what is sealed, nor what was rejected", async () => {
    const sealed = await waiting({}, { sealed: true });
    for (const [imageId, rule] of [
      [sealed, "sealed"],
      [await waiting({ status: "rejected" }), "rejected"],
    ] as const) {
      const answer = await decide(imageId, "ada", { action: "release", reason: "an adult" });
      expect([answer.status, ((await answer.json()) as { rule: string }).rule]).toEqual([422, rule]);
    }
  });

  test("needs the reviewer's scope, not that of whose picture it is", async () => {
    const imageId = await waiting();
    const answer = await api.call(`/v1/images/${imageId}/review`, {
      as: "bob",
      json: { action: "release", reason: "mine" },
      scopes: ["images:read", "images:write"],
    });
    expect(answer.status).toBe(403);
  });
});

describe("callers who are held back", () => {
  test("are listed, and let go by somebody else", async () => {
    for (let round = 0; round < 7; round++)
      await countRefusals("mallory", 3, { ...api.deps, actor: "mallory" });
    const callers = (await (await api.call("/v1/callers")).json()) as { items: object[] };
    expect(callers.items).toMatchObject([{ caller: "mallory", state: "suspended", refusals: 20 }]);

    const lift = (as: string, name: string) =>
      api.call(`/v1/callers/${name}/lift`, { as, json: { reason: "a misunderstanding" } });
    expect((await lift("mallory", "mallory")).status).toBe(403);
    expect((await lift("ada", "nobody")).status).toBe(404);
    const lifted = await lift("ada", "mallory");
    expect(await lifted.json()).toMatchObject({
      state: "admitted",
      refusals: 0,
      lifted: { by: "ada", reason: "a misunderstanding" },
    });
    expect((await lift("ada", "mallory")).status).toBe(404);
    const entries = await api.deps.audit.ofSubject("caller:mallory");
    expect(entries.at(-1)).toMatchObject({ by: "ada", facts: { action: "lifted", liftedBy: "ada" } });
  });
});
