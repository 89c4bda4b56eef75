import { afterAll, beforeAll, expect, test } from "vitest";
import { someImage } from "../../../test/contract/table-fixtures.ts";
import { startTestApi, type TestApi } from "../testing/api.ts";

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

test("an image is shown, and not again while it is the same", async () => {
  const image = someImage({ requestId: "req_show", askedBy: "ada" });
  await api.deps.images.putIfAbsent(image);
  const shown = await api.call(`/v1/images/${image.imageId}`);
  expect(shown.status).toBe(200);
  expect(await shown.json()).toMatchObject({ image_id: image.imageId, prompt: null });
  const etag = shown.headers.get("etag") ?? "";
  const again = await api.call(`/v1/images/${image.imageId}`, { headers: { "If-None-Match": etag } });
  expect(again.status).toBe(304);
  for (const each of [{ scopes: null }, { scopes: [] }, { as: "bob", scopes: ["images:read"] as const }]) {
    const refused = await api.call(`/v1/images/${image.imageId}`, each);
    expect(refused.status).toBeGreaterThan(400);
  }
});
