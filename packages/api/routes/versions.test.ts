import { manifestSchema, versionFolder } from "@atelier/core/manifest";
import { versionIdOf } from "@atelier/core/version";
import { afterAll, beforeAll, expect, test } from "vitest";
import { someImage } from "../../../test/contract/table-fixtures.ts";
import { startTestApi, type TestApi } from "../testing/api.ts";

let api: TestApi;
const begun: unknown[] = [];
beforeAll(async () => {
  api = await startTestApi({ beginVersion: ({ version }) => begun.push(version) });
});
afterAll(() => api.close());

/** A completed image as record leaves it: with its first version's manifest. */
async function completed(requestId: string, fields = {}) {
  const full = { name: "full", path: "content/full.jpg", width: 3_000, height: 2_000, bytes: 1 } as const;
  const renditions = [{ ...full, sha256: "0".repeat(64), contentType: "image/jpeg" }];
  const blank = someImage({ requestId, askedBy: "ada" });
  const folder = versionFolder("content", blank, 1);
  const image = {
    ...blank,
    status: "completed" as const,
    version: 1,
    manifestKey: `${folder}manifest.json`,
    renditions,
    finishedAtMs: 1,
    ...fields,
  };
  const parts = { sharpness: 1, exposure: 1, contrast: 1, colourfulness: 1, noise: 1, blockiness: 1 };
  const manifest = manifestSchema.parse({
    ...{ imageId: image.imageId, attemptId: `${image.imageId}-1`, version: 1, category: image.category },
    ...{ rating: image.rating, provider: "replicate", model: "sdxl", modelVersion: null },
    recipe: api.deps.recipe.name,
    chosen: { key: "incoming/a.png", sha256: "0".repeat(64), bytes: 1, contentType: "image/png" },
    ...{ alternates: [], quality: 50, qualityParts: parts, fingerprint: null, colours: [] },
    verdict: { decision: "released", basis: "classifier", rating: "general", reason: "" },
    ...{ renditions, developedAtMs: 1 },
  });
  await api.deps.blobs.put(image.manifestKey, Buffer.from(JSON.stringify(manifest)), "application/json");
  await api.deps.images.putIfAbsent(image);
  return image;
}

test("a version is asked for once, followed, and made current by whoever saw the image as it is", async () => {
  const { imageId } = await completed("req_versions");
  const path = `/v1/images/${imageId}/versions`;
  const asked = await api.call(path, { method: "POST", json: { upscale: 2 } });
  expect(asked.status).toBe(202);
  expect(asked.headers.get("location")).toMatch(new RegExp(`${path}/2$`));
  const document = await asked.json();
  expect(document).toMatchObject({
    ...{ image_id: imageId, version: 2, current: false, state: "making" },
    recipe: { upscale: 2, enhance: null },
  });
  expect(await (await api.call(path, { method: "POST", json: { upscale: 2 } })).json()).toStrictEqual(
    document,
  );
  expect(begun).toStrictEqual([2, 2]);
  expect(await (await api.call(`${path}/2`)).json()).toStrictEqual(document);
  expect(await (await api.call(path)).json()).toMatchObject({
    items: [{ version: 1, current: true, state: "ready" }, { version: 2 }],
    next_cursor: null,
  });
  expect((await api.call(`${path}/2/current`, { method: "PUT" })).status).toBe(400);
  const tag = (await api.call(`/v1/images/${imageId}`)).headers.get("etag") ?? "";
  const chosen = await api.call(`${path}/1/current`, { method: "PUT", headers: { "If-Match": tag } });
  expect([chosen.status, chosen.headers.get("etag")]).toStrictEqual([200, tag]);
  const stale = await api.call(`${path}/1/current`, { method: "PUT", headers: { "If-Match": '"old"' } });
  expect(stale.status).toBe(412);
});

test("an image is not erased while one of its versions is being made, and is afterwards", async () => {
  const { imageId } = await completed("req_erased");
  const erase = () => api.call(`/v1/images/${imageId}`, { method: "DELETE" });
  await api.call(`/v1/images/${imageId}/versions`, { method: "POST", json: { upscale: 2 } });
  const [wanted] = (await api.deps.versions.ofImage(imageId)).filter(({ state }) => state === "making");
  const id = versionIdOf({ imageId, recipeName: wanted?.recipeName ?? "" });
  const claimedAtMs = api.deps.clock();
  for (const state of ["making", "removed"] as const) {
    await api.deps.versions.patch(id, { set: { maker: "somebody", claimedAtMs, state }, when: [] });
    const refused = await erase();
    expect([refused.status, refused.headers.get("retry-after"), await refused.json()]).toMatchObject([
      ...[409, "15"],
      { name: "ImageUnfinished" },
    ]);
    expect((await api.deps.images.get(imageId))?.erasedAtMs).toBeUndefined();
  }
  await api.deps.versions.patch(id, { set: { maker: null, claimedAtMs: null, state: "making" }, when: [] });
  expect((await erase()).status).toBe(204);
  expect(await api.deps.versions.ofImage(imageId)).toStrictEqual([]);
});

test("an image whose version is claimed while it is erased is answered for once that is gone", async () => {
  const { imageId } = await completed("req_claimed");
  await api.call(`/v1/images/${imageId}/versions`, { method: "POST", json: { upscale: 2 } });
  const { versions, clock } = api.deps;
  const [wanted] = (await versions.ofImage(imageId)).filter(({ state }) => state === "making");
  const id = versionIdOf({ imageId, recipeName: wanted?.recipeName ?? "" });
  const { intend } = claimingAtErasure(id, clock());
  const answer = await intend(() => api.call(`/v1/images/${imageId}`, { method: "DELETE" }));
  expect(answer.status).toBe(409);
  expect((await api.deps.images.get(imageId))?.erasedAtMs).toBeDefined();
  await versions.remove(id);
  expect((await api.call(`/v1/images/${imageId}`, { method: "DELETE" })).status).toBe(204);
});

/** A maker claims the version between the look at it and the first write of the erasure. */
function claimingAtErasure(id: string, claimedAtMs: number) {
  const { versions } = api.deps;
  const { patch } = versions;
  return {
    async intend<T>(work: () => Promise<T>): Promise<T> {
      Object.assign(versions, {
        patch: async (...given: Parameters<typeof patch>) => {
          Object.assign(versions, { patch });
          await patch(id, { set: { maker: "somebody", claimedAtMs }, when: [] });
          return patch(...given);
        },
      });
      return work().finally(() => Object.assign(versions, { patch }));
    },
  };
}

test("what is too large, unknown, somebody else's or not to be had is refused", async () => {
  const { imageId } = await completed("req_refused");
  const path = `/v1/images/${imageId}/versions`;
  const large = await api.call(path, { method: "POST", json: { upscale: 4 } });
  expect(large.status).toBe(400);
  expect(JSON.stringify(await large.json())).toContain("3000 x 2000 enlarged 4 times is 12000 x 8000");
  expect((await api.call(path, { method: "POST", json: { upscale: 3 } })).status).toBe(400);
  expect((await api.call(path, { method: "POST", json: { sharpen: true } })).status).toBe(400);
  expect((await api.call(`${path}/9`)).status).toBe(404);
  const theirs = { as: "bob", scopes: ["images:read", "images:write"] } as const;
  expect((await api.call(path, theirs)).status).toBe(404);
  expect((await api.call(path, { ...theirs, method: "POST", json: {} })).status).toBe(404);
  expect((await api.call(path, { method: "POST", json: {}, scopes: ["images:read"] })).status).toBe(403);
  const sealed = await completed("req_rejected", { status: "rejected" });
  const refused = await api.call(`/v1/images/${sealed.imageId}/versions`, { method: "POST", json: {} });
  expect(refused.status).toBe(422);
});
