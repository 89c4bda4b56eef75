import { sha256Hex } from "@atelier/core/ids";
import { type Image, RENDITION_NAMES, verdictSchema } from "@atelier/core/image";
import { LINK_LIFETIME_MS } from "@atelier/core/viewing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { someImage } from "../../../test/contract/table-fixtures.ts";
import { BASE_URL, startTestApi, type TestApi, type TestCall } from "../testing/api.ts";

const BYTES = new Uint8Array([0xff, 0xd8, 0xff, 0xe0]);
const mine: TestCall = { scopes: ["images:read"] };

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

let made = 0;
async function stored(fields: Partial<Image> = {}): Promise<Image> {
  const requestId = `req_${++made}`;
  const renditions = RENDITION_NAMES.map((name) => ({
    name,
    path: `content/${requestId}/${name}.jpg`,
    width: 1,
    height: 1,
    bytes: BYTES.length,
    sha256: sha256Hex(BYTES),
    contentType: "image/jpeg",
  }));
  const image = someImage({
    requestId,
    askedBy: "ada",
    status: "completed",
    version: 1,
    renditions,
    ...fields,
  });
  await api.deps.images.putIfAbsent(image);
  for (const { path } of renditions) await api.deps.blobs.put(path, BYTES, "image/jpeg");
  return image;
}

const linkTo = (image: Image, name = "web", call: TestCall = {}) =>
  api.call(`/v1/images/${image.imageId}/renditions/${name}`, { ...mine, ...call });

async function urlOf(answer: Response): Promise<string> {
  expect(answer.status).toBe(200);
  return ((await answer.json()) as { url: string }).url;
}

describe("a link", () => {
  test("leads to the file, without a token, for minutes", async () => {
    const image = await stored();
    const answer = await linkTo(image);
    const body = (await answer.json()) as { url: string; expires_at: string };
    expect(Date.parse(body.expires_at)).toBe(api.clock() + LINK_LIFETIME_MS);
    expect(body.url.startsWith(`${BASE_URL}/v1/content/`)).toBe(true);
    const file = await api.app.request(body.url);
    expect(new Uint8Array(await file.arrayBuffer())).toEqual(BYTES);
    expect(Object.fromEntries(file.headers)).toMatchObject({
      "content-type": "image/jpeg",
      "content-disposition": `inline; filename="${image.imageId}-web.jpg"`,
      "content-security-policy": "default-src 'none'; sandbox",
      "cache-control": "private, max-age=60",
      "x-content-type-options": "nosniff",
    });
    api.advance(LINK_LIFETIME_MS);
    const late = await api.app.request(body.url);
    expect([late.status, await late.json()]).toMatchObject([410, { name: "LinkExpired", rule: "expired" }]);
  });

  test("may lead to a store that answers by itself", async () => {
    const redirecting = await api.with({
      deliver: async () => ({ kind: "redirect", url: "https://bucket.test/x?signature=y" }),
    });
    const url = await urlOf(await linkTo(await stored()));
    const answer = await redirecting.app.request(url);
    expect([answer.status, answer.headers.get("location")]).toEqual([
      302,
      "https://bucket.test/x?signature=y",
    ]);
  });

  test("that is altered is none", async () => {
    const url = await urlOf(await linkTo(await stored()));
    const at = BASE_URL.length + "/v1/content/".length + 5;
    const altered = url.slice(0, at) + (url[at] === "A" ? "B" : "A") + url.slice(at + 1);
    expect((await api.app.request(altered)).status).toBe(404);
    expect((await api.app.request(`${url}x`)).status).toBe(404);
  });

  test("is dead once its picture was rejected, or moved", async () => {
    const image = await stored();
    const url = await urlOf(await linkTo(image));
    await api.deps.images.patch(image.imageId, { set: { version: 2 }, when: [] });
    expect((await api.app.request(url)).status).toBe(410);
    await api.deps.images.patch(image.imageId, { set: { version: 1, status: "rejected" }, when: [] });
    expect((await api.app.request(url)).status).toBe(403);
  });
});

describe("who may look", () => {
  const attested = () => ({ ageAttestedUntilMs: api.clock() + 60_000 });

  test("at a rated picture: whose token attests their age, as long as it does; at the blurred one everybody", async () => {
    const image = await stored({ rating: "nudity" });
    const refused = await linkTo(image);
    expect([refused.status, await refused.json()]).toMatchObject([403, { rule: "age-not-attested" }]);
    expect((await linkTo(image, "web", { ageAttestedUntilMs: api.clock() - 1_000 })).status).toBe(403);
    expect((await linkTo(image, "blurred")).status).toBe(200);
    const answer = await linkTo(image, "full", attested());
    const { url, expires_at } = (await answer.json()) as { url: string; expires_at: string };
    expect(Date.parse(expires_at)).toBe(attested().ageAttestedUntilMs);
    expect((await api.app.request(url)).status).toBe(200);
  });

  test("into quarantine: reviewers of an attested age", async () => {
    const image = await stored({ status: "quarantined" });
    const scopes = ["images:read", "images:review"] as const;
    expect((await linkTo(image, "web", attested())).status).toBe(403);
    expect((await linkTo(image, "web", { scopes })).status).toBe(403);
    expect((await linkTo(image, "web", { scopes, ...attested() })).status).toBe(200);
  });

  test("at what is sealed or rejected: nobody", async () => {
    const verdict = { decision: "quarantined", basis: "classifier", rating: null, reason: "", sealed: true };
    const sealed = await stored({ status: "quarantined", verdict: verdictSchema.parse(verdict) });
    const rejected = await stored({ status: "rejected" });
    for (const image of [sealed, rejected]) {
      for (const name of RENDITION_NAMES) {
        const scopes = ["images:read", "images:review"] as const;
        expect((await linkTo(image, name, { scopes, ...attested() })).status).toBe(403);
      }
    }
  });

  test("at what is not made yet: nobody, yet", async () => {
    const image = await stored({ status: "processing" });
    const answer = await linkTo(image);
    expect([answer.status, await answer.json()]).toMatchObject([409, { name: "ImageUnfinished" }]);
  });

  test("at a file that there is not: nobody", async () => {
    const image = await stored({ renditions: [] });
    expect((await linkTo(image)).status).toBe(404);
    expect((await linkTo(await stored(), "original")).status).toBe(404);
  });
});
