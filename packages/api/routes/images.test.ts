import type { Image } from "@atelier/core/image";
import { verdictSchema } from "@atelier/core/image";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { START_MS, someAttempt, someImage } from "../../../test/contract/table-fixtures.ts";
import { startTestApi, type TestApi, type TestCall } from "../testing/api.ts";

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

let made = 0;
/** Ada's, with a prompt in the vault, under a request of its own. */
async function stored(fields: Partial<Image> = {}): Promise<Image> {
  const image = someImage({ requestId: `req_${++made}`, askedBy: "ada", ...fields });
  await api.deps.images.putIfAbsent(image);
  await api.deps.vault.put(image.imageId, { prompt: "A bowl of quinces", negativePrompt: "blurred" });
  return image;
}
const mine: TestCall = { scopes: ["images:read", "images:write"] };

describe("an image", () => {
  test("is shown with its prompt only to whom prompts may be shown, and what may repeat it neither", async () => {
    const failure = { name: "ProviderRefused", message: 'It refused "A bowl of quinces".', rule: null };
    const { imageId } = await stored({ status: "failed", failure });
    const reader = await api.call(`/v1/images/${imageId}`);
    expect(await reader.json()).toMatchObject({
      prompt: "A bowl of quinces",
      negative_prompt: "blurred",
      failure: { message: failure.message },
    });
    const other = await api.call(`/v1/images/${imageId}`, mine);
    const text = await other.text();
    expect(JSON.parse(text)).toMatchObject({ image_id: imageId, prompt: null, negative_prompt: null });
    expect(text).not.toContain("quinces");
  });

  test("is not sent again while its tag holds", async () => {
    const { imageId } = await stored();
    const path = `/v1/images/${imageId}`;
    const tag = (await api.call(path)).headers.get("etag") ?? "";
    expect(tag).toMatch(/^"[0-9a-f]{32}"$/);
    for (const sent of [tag, `"x", ${tag}`, "*", `W/${tag}`, `W/"x",W/${tag}`]) {
      const answer = await api.call(path, { headers: { "If-None-Match": sent } });
      expect([answer.status, answer.headers.get("etag"), await answer.text()]).toEqual([304, tag, ""]);
    }
    for (const sent of ['"x"', `w/${tag}`, tag.slice(1)]) {
      expect((await api.call(path, { headers: { "If-None-Match": sent } })).status).toBe(200);
    }
    await api.deps.images.patch(imageId, { set: { status: "held" }, when: [] });
    expect((await api.call(path, { headers: { "If-None-Match": tag } })).status).toBe(200);
    // Another document, another tag.
    expect((await api.call(path, mine)).headers.get("etag")).not.toBe(tag);
  });

  test("of somebody else is as good as missing, for whatever is asked", async () => {
    const { imageId } = await stored({ askedBy: "bob", status: "completed" });
    for (const [method, suffix] of [
      ["GET", ""],
      ["DELETE", ""],
      ["GET", "/renditions/web"],
    ] as const) {
      const answers = await Promise.all(
        [imageId, "img_missing_00000"].map((id) =>
          api.call(`/v1/images/${id}${suffix}`, { ...mine, method }),
        ),
      );
      const bodies = await Promise.all(
        answers.map(async (answer) => ({ ...((await answer.json()) as object), instance: "" })),
      );
      expect(answers.map(({ status }) => status)).toEqual([404, 404]);
      expect(bodies[0]).toEqual(bodies[1]);
    }
    expect((await api.call(`/v1/images/${imageId}`)).status).toBe(200);
  });
});

describe("a list", () => {
  async function listed(query: string, call: TestCall = mine) {
    const answer = await api.call(`/v1/images?${query}`, call);
    expect(answer.status).toBe(200);
    const { items, next_cursor } = (await answer.json()) as {
      items: { image_id: string }[];
      next_cursor: string | null;
    };
    return { ids: items.map(({ image_id }) => image_id), cursor: next_cursor };
  }

  test("takes every filter, alone and together", async () => {
    const image = await stored({
      category: "artistic_nude",
      status: "completed",
      rating: "nudity",
      template: "study",
      tags: ["window_light"],
      quality: 80,
      createdAtMs: START_MS,
    });
    const other = await stored({ category: "lingerie", createdAtMs: START_MS - 86_400_000 });
    const filters = [
      "category=artistic_nude",
      "status=completed",
      "rating=nudity",
      "template=study",
      "tag=window_light",
      "min_quality=80",
      "since=2026-11-22",
      "until=2026-11-22T06:00:00.001Z",
      "since=2026-11-22T07:00:00%2B01:00",
      `request_id=${image.requestId}`,
      "text=Window%20STUDY",
    ];
    for (const filter of [...filters, filters.slice(0, 6).join("&")]) {
      const { ids } = await listed(`limit=200&${filter}`);
      expect([filter, ids.includes(image.imageId)]).toEqual([filter, true]);
    }
    for (const filter of filters.filter((each) => !each.startsWith("until"))) {
      expect([filter, (await listed(filter)).ids.includes(other.imageId)]).toEqual([filter, false]);
    }
    expect((await listed("until=2026-11-22&limit=200")).ids).toContain(other.imageId);
    expect((await listed("min_quality=81&limit=200")).ids).not.toContain(image.imageId);
  });

  test.each(["%25", "a", "the%20of"])("by the text %s, which has no word, is refused", async (text) => {
    const answer = await api.call(`/v1/images?text=${text}`, mine);
    expect([answer.status, await answer.json()]).toEqual([
      400,
      expect.objectContaining({ detail: expect.stringMatching(/no word to search by/) }),
    ]);
  });

  test("is read page by page to its end, each image once", async () => {
    const images = await Promise.all(
      [0, 1, 2, 3, 4].map((index) => stored({ requestId: "req_pages", index })),
    );
    const found: string[] = [];
    for (let cursor: string | null = ""; cursor !== null; ) {
      const page = await listed(`request_id=req_pages&limit=2${cursor === "" ? "" : `&cursor=${cursor}`}`);
      expect(page.ids.length).toBeLessThanOrEqual(2);
      found.push(...page.ids);
      cursor = page.cursor;
    }
    expect(found.toSorted()).toEqual(images.map(({ imageId }) => imageId));
  });

  test("holds one's own and the installation's, and everybody's for whoever may see them", async () => {
    const fields = { category: "custom" } as const;
    const [own, bobs, plans] = await Promise.all([
      stored(fields),
      stored({ ...fields, askedBy: "bob" }),
      stored({ ...fields, askedBy: null }),
    ]);
    const { ids } = await listed("category=custom");
    expect(ids.toSorted()).toEqual([own.imageId, plans.imageId].toSorted());
    const all = await listed("category=custom", { scopes: ["images:read", "requests:all"] });
    expect(all.ids).toContain(bobs.imageId);
  });

  test.each([
    "limit=0",
    "limit=201",
    "limit=1e2",
    "limit=",
    "category=none",
    "since=yesterday",
    "min_quality=101",
    "tag=../x",
    "cursor=!",
    "cursor=e30",
    "unknown=1",
    "status=failed&status=completed",
    "text=",
  ])("does not take %s", async (query) => {
    const answer = await api.call(`/v1/images?${query}`);
    expect([query, answer.status]).toEqual([query, 400]);
    expect(await answer.text()).not.toMatch(/yesterday|\.\.\/x|1e2/);
  });
});

describe("erasing", () => {
  const erase = (id: string, call: TestCall = {}) =>
    api.call(`/v1/images/${id}`, { ...mine, method: "DELETE", ...call });

  async function finished(fields: Partial<Image> = {}): Promise<Image> {
    const image = await stored({ status: "completed", finishedAtMs: START_MS, version: 1, ...fields });
    const path = `content/feet/2026/11/${image.imageId}/v1/full-00000000.jpg`;
    await api.deps.blobs.put(path, new Uint8Array([1, 2, 3]), "image/jpeg");
    return image;
  }

  test("removes files, prompt and details, and can be repeated; then nothing is there", async () => {
    const image = await finished();
    const answer = await erase(image.imageId);
    expect([answer.status, await answer.text()]).toEqual([204, ""]);
    expect(await api.deps.vault.get(image.imageId)).toBeUndefined();
    for await (const { key } of api.deps.blobs.list("content/")) expect(key).not.toContain(image.imageId);
    const audited = await api.deps.audit.ofSubject(image.imageId);
    expect(audited.map(({ kind, phase }) => [kind, phase])).toEqual([
      ["erased", "intended"],
      ["erased", "done"],
    ]);
    expect((await erase(image.imageId)).status).toBe(204);
    expect((await api.call(`/v1/images/${image.imageId}`, mine)).status).toBe(404);
    const list = (await (await api.call(`/v1/images?request_id=${image.requestId}`)).json()) as object;
    expect(list).toEqual({ items: [], next_cursor: null });
  });

  test("waits for what is in the making, and for money that is not settled", async () => {
    const making = await stored({ status: "generating" });
    const unsettled = await finished();
    await api.deps.attempts.putIfAbsent(someAttempt({ imageId: unsettled.imageId, state: "submitted" }));
    for (const { imageId } of [making, unsettled]) {
      const answer = await erase(imageId);
      expect([answer.status, await answer.json()]).toMatchObject([409, { name: "ImageUnfinished" }]);
    }
    expect(await api.deps.vault.get(unsettled.imageId)).toBeDefined();
  });

  test("is not for what is sealed", async () => {
    const verdict = { decision: "quarantined", basis: "classifier", rating: null, reason: "", sealed: true };
    const { imageId } = await finished({ status: "quarantined", verdict: verdictSchema.parse(verdict) });
    expect((await erase(imageId)).status).toBe(403);
  });

  test("is refused when the image has changed since it was read", async () => {
    const { imageId } = await finished();
    const tag = (await api.call(`/v1/images/${imageId}`, mine)).headers.get("etag") ?? "";
    await api.deps.images.patch(imageId, { set: { quality: 50 }, when: [] });
    const answer = await erase(imageId, { headers: { "If-Match": tag } });
    expect([answer.status, await answer.json()]).toMatchObject([412, { name: "PreconditionFailed" }]);
    const now = (await api.call(`/v1/images/${imageId}`, mine)).headers.get("etag") ?? "";
    expect((await erase(imageId, { headers: { "If-Match": now } })).status).toBe(204);
  });

  test("needs images:write", async () => {
    const { imageId } = await finished();
    expect((await erase(imageId, { scopes: ["images:read"] })).status).toBe(403);
  });
});
