import { audited } from "@atelier/core/audit";
import { verifyChain } from "@atelier/core/audit-chain";
import { imageFolder } from "@atelier/core/manifest";
import { afterAll, beforeAll, expect, test } from "vitest";
import { someImage, someRequest } from "../../../test/contract/table-fixtures.ts";
import { createMemoryBlobs } from "../../../test/simulation/memory-blobs.ts";
import { startTestApi, type TestApi } from "../testing/api.ts";

const WORDS = "A bowl of quinces";

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

let made = 0;
async function kept(
  status: "completed" | "generating" = "completed",
): Promise<{ imageId: string; requestId: string }> {
  const requestId = `req_${++made}`;
  const image = someImage({ requestId, status, askedBy: "bob", slots: { left_light: "window" } });
  await api.deps.requests.putIfAbsent(someRequest({ requestId, askedBy: "bob" }));
  await api.deps.images.putIfAbsent(image);
  await api.deps.vault.put(image.imageId, { prompt: WORDS, negativePrompt: "" });
  await api.deps.blobs.put(`${imageFolder("content", image)}v1/web.jpg`, new Uint8Array([1]), "image/jpeg");
  const facts = { promptHash: "abc" };
  await audited(
    { subject: image.imageId, kind: "asked", phase: "done", facts },
    { ...api.deps, actor: "bob" },
  );
  return { imageId: image.imageId, requestId };
}

const scopes = ["privacy:write"] as const;
async function lines(path: string, call: Parameters<TestApi["call"]>[1] = { scopes }) {
  const answer = await api.call(path, call);
  expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "application/x-ndjson"]);
  const text = await answer.text();
  return {
    text,
    documents: text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>),
  };
}

test("everything of a subject, a line each, as the API writes; prompts only for whom they may be shown", async () => {
  const { imageId, requestId } = await kept();
  const { documents, text } = await lines(`/v1/privacy/${requestId}`);
  expect(documents.map(({ kind }) => kind)).toEqual(["request", "image", "prompt", "file", "audit"]);
  expect(documents).toMatchObject([
    { request_id: requestId, asked_by: "bob" },
    { image_id: imageId, slots: { left_light: "window" } },
    { prompt: null, negative_prompt: null },
    { place: "library", content_type: "image/jpeg" },
    { by: "bob", facts: { promptHash: "abc" } },
  ]);
  expect(text).not.toContain(WORDS);
  // Where the folder lies is nobody's business.
  expect(text).not.toContain(api.folder);
  const open = await lines(`/v1/privacy/${requestId}`, { scopes: ["privacy:write", "prompts:read"] });
  expect(open.documents[2]).toMatchObject({ kind: "prompt", prompt: WORDS });
  expect((await api.call("/v1/privacy/nobody", { scopes })).status).toBe(404);
});

test("an export that breaks off is told to the operator", async () => {
  const { imageId } = await kept();
  const fault = new Error("the disk is gone");
  const broken = await api.with({ attempts: { ...api.deps.attempts, ofImage: () => Promise.reject(fault) } });
  const answer = await broken.call(`/v1/privacy/${imageId}`, { scopes });
  await expect(answer.text()).rejects.toThrow();
  expect(api.faults.splice(0)).toEqual([fault]);
});

test("erasing removes it in every place, in the caller's name, and looks again", async () => {
  const { imageId } = await kept();
  const backup = createMemoryBlobs();
  const image = await api.deps.images.get(imageId);
  if (!image) throw new Error("There is no image.");
  const path = `${imageFolder("content", image)}v1/web.jpg`;
  await backup.put(path, new Uint8Array([1]), "image/jpeg");
  const overviews: string[] = [];
  const both = await api.with({
    places: [...api.deps.places, { name: "/srv/backup", blobs: backup }],
    removeOverviews: async (shown) => void overviews.push(shown),
  });
  const erase = () => both.call(`/v1/privacy/${imageId}`, { method: "DELETE", scopes });
  const erased = await erase();
  expect(await erased.json()).toEqual({
    subject: imageId,
    images: [imageId],
    prompts: 1,
    files: ["library", "backup"].map((place) => ({ place, path, sha256: expect.any(String) })),
    audit_entries: expect.any(Number),
    places: ["library", "backup"],
    left: [],
    proved: true,
  });
  expect(overviews).toEqual([imageId]);
  expect(await api.deps.blobs.get(path)).toBeUndefined();
  expect(await api.deps.vault.get(imageId)).toBeUndefined();
  const chain = await api.deps.audit.chainOf(imageId);
  expect(verifyChain(chain).problems).toEqual([]);
  expect(JSON.stringify(chain)).not.toContain("bob");
  // Again: nothing is there, nothing fails.
  expect(await (await erase()).json()).toMatchObject({ prompts: 0, files: [], proved: true });
});

test("what has not ended is not erased, and nothing of it is touched", async () => {
  const { imageId } = await kept("generating");
  const writes = api.writes.length;
  const answer = await api.call(`/v1/privacy/${imageId}`, { method: "DELETE", scopes });
  expect([answer.status, ((await answer.json()) as { name: string }).name]).toEqual([400, "UsageError"]);
  expect(api.writes.slice(writes)).toEqual([]);
});
