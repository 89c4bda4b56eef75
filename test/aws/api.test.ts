/** @module The API as API Gateway calls it: events of format 2.0 through the real function, on table, bucket, keys and issuer. */

import { rateKey } from "@atelier/aws/dynamo/keys";
import { derivedKey } from "@atelier/aws/secrets";
import { SCOPES } from "@atelier/core/caller";
import { hashedWord } from "@atelier/core/words";
import type { GatewayAnswer } from "@atelier/functions/http-api";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { type Cloud, httpEvent, openCloud } from "./cloud.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let cloud: Cloud;
const written: string[] = [];
/** Ada has every scope, and is an adult for an hour. */
let ada: string;
beforeAll(async () => {
  for (const method of ["info", "log", "warn", "error", "debug"] as const) {
    vi.spyOn(console, method).mockImplementation((line: unknown) => void written.push(String(line)));
  }
  process.env.POWERTOOLS_DEV = "true";
  cloud = await openCloud({ ATELIER_RATE_LIMIT_PER_MINUTE: "200" });
  ada = await cloud.issuer.token(everything());
});
afterAll(() => cloud.close());
afterEach(() => vi.useRealTimers());

function everything(claims: Readonly<Record<string, unknown>> = {}) {
  const scope = SCOPES.map((each) => `atelier/${each}`).join(" ");
  return { scope, age_attested_until: Math.floor(Date.now() / 1000) + 3_600, ...claims };
}

interface Call {
  readonly token?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** Over the event as API Gateway writes it. */
  readonly event?: Readonly<Record<string, unknown>>;
}

async function call(method: string, path: string, { token = ada, headers = {}, body, event }: Call = {}) {
  const [rawPath = "", query = ""] = path.split("?");
  const text = body === undefined ? "" : JSON.stringify(body);
  const sent = {
    host: "abcdef.execute-api.eu-west-3.amazonaws.com",
    ...(token !== null && { authorization: `Bearer ${token}` }),
    ...(text !== "" && { "content-type": "application/json", "content-length": String(text.length) }),
    ...headers,
  };
  const written = httpEvent(method, rawPath, sent, Buffer.from(text));
  return (await cloud.invoke("api", {
    ...written,
    routeKey: "ANY /{proxy+}",
    rawQueryString: query,
    ...event,
  })) as GatewayAnswer;
}

async function json(method: string, path: string, more: Call & { readonly status: number }) {
  const answer = await call(method, path, more);
  expect({ status: answer.statusCode, body: answer.body }).toEqual({
    status: more.status,
    body: expect.any(String),
  });
  return JSON.parse(answer.body);
}

const APPLES = { prompt: "A bowl of red apples on a wooden table", parameters: { width: 256, height: 256 } };

async function made(key: string, body: Readonly<Record<string, unknown>> = APPLES) {
  const headers = { "idempotency-key": key };
  const asked = await json("POST", "/v1/requests", { status: 202, headers, body });
  await cloud.machine.ended(`${asked.request_id}.0-1`);
  return { requestId: String(asked.request_id), imageId: String(asked.images[0]) };
}

describe("a journey", () => {
  test("a dry run makes nothing", async () => {
    const tried = await json("POST", "/v1/requests?dry_run=true", { status: 200, body: APPLES });
    expect(tried.items).toHaveLength(1);
    expect(tried.price).toMatchObject({ most: expect.any(Number) });
    expect((await json("GET", "/v1/images", { status: 200 })).items).toEqual([]);
  });

  test("ask, watch, list, search, view, delete", async () => {
    const { requestId, imageId } = await made("journey");
    const again = await json("POST", "/v1/requests", {
      status: 202,
      headers: { "idempotency-key": "journey" },
      body: APPLES,
    });
    expect(again).toMatchObject({ request_id: requestId, status: "completed" });

    const request = await json("GET", `/v1/requests/${requestId}`, { status: 200 });
    expect(request).toMatchObject({ status: "completed" });

    // Images are listed a moment after their end.
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 10_000 });
    const watched = await call("GET", `/v1/requests/${requestId}/events`);
    expect(watched.headers["content-type"]).toMatch(/^text\/event-stream/);
    expect(watched.isBase64Encoded).toBe(false);
    const eventId = /^id: (.+)$/m.exec(watched.body)?.[1] ?? "";
    expect(watched.body).toMatch(/^event: image$/m);
    const resumed = await call("GET", `/v1/requests/${requestId}/events`, {
      headers: { "last-event-id": eventId },
    });
    expect(resumed.body).not.toMatch(/^event: image$/m);
    expect(resumed.body).toMatch(/^event: progress$/m);
    expect(resumed.body).toMatch(/^event: end$/m);
    vi.useRealTimers();

    const listed = await json("GET", "/v1/images?status=completed&category=custom", { status: 200 });
    expect(listed.items.map(({ image_id }: { image_id: string }) => image_id)).toEqual([imageId]);
    const shown = await call("GET", `/v1/images/${imageId}`);
    expect(JSON.parse(shown.body)).toMatchObject({ image_id: imageId, prompt: APPLES.prompt });
    const unchanged = await call("GET", `/v1/images/${imageId}`, {
      headers: { "if-none-match": shown.headers.etag ?? "" },
    });
    expect([unchanged.statusCode, unchanged.body]).toEqual([304, ""]);

    const { url } = await json("GET", `/v1/images/${imageId}/renditions/web`, { status: 200 });
    const link = String(url).replace("https://api.example.com", "");
    written.length = 0;
    const answer = await call("GET", link, { token: null, event: { routeKey: "GET /v1/content/{link}" } });
    expect(answer.statusCode).toBe(302);
    // Pages of any origin that hold the link may show it, and the redirect is judged like its target.
    expect(answer.headers["cross-origin-resource-policy"]).toBe("cross-origin");
    const address = new URL(answer.headers.location ?? "");
    expect(address.searchParams.get("X-Amz-Expires")).toBe("60");
    expect(address.searchParams.get("response-content-disposition")).toBe(
      `inline; filename="${imageId}-web.webp"`,
    );
    expect(written.join("\n")).not.toContain(link.slice("/v1/content/".length));
    const delivered = await fetch(address);
    expect([delivered.status, delivered.headers.get("content-type")]).toEqual([200, "image/webp"]);
    const image = await cloud.images.get(imageId);
    const stored = image?.renditions.find(({ name }) => name === "web");
    expect((await delivered.arrayBuffer()).byteLength).toBe(stored?.bytes);

    // As replication would have.
    for (const { key } of image?.originals ?? []) {
      const original = await cloud.blobs.get(key);
      await cloud.copies.put(key, original?.bytes ?? new Uint8Array(), "image/png");
    }
    const erased = await call("DELETE", `/v1/images/${imageId}`);
    expect({ status: erased.statusCode, body: erased.body }).toEqual({ status: 204, body: "" });
    const known = await json("DELETE", `/v1/privacy/${imageId}`, { status: 200 });
    expect(known).toMatchObject({ files: [], left: [], places: ["library", "backup"] });
    const files = [cloud.blobs, cloud.copies].map(async (blobs) => {
      const keys: string[] = [];
      for await (const { key } of blobs.list("")) if (key.includes(imageId)) keys.push(key);
      return keys;
    });
    expect(await Promise.all(files)).toEqual([[], []]);
    expect((await call("GET", link, { token: null })).statusCode).toBeGreaterThanOrEqual(400);
  });

  test("what waits for a person is released; what must be developed anew for a decision is, within a minute", async () => {
    cloud.rekognition.sees(null);
    const { imageId } = await made("reviewed", { ...APPLES, prompt: "A bowl of green pears on a table" });
    cloud.rekognition.sees([]);
    const waiting = await json("GET", "/v1/reviews", { status: 200 });
    expect(waiting.items).toMatchObject([{ image_id: imageId }]);
    const path = `/v1/images/${imageId}/review`;
    const reason = "Fruit, and nobody in the picture.";
    const released = await json("POST", path, { status: 200, body: { action: "release", reason } });
    expect(released).toMatchObject({ status: "completed" });
    const shown = await json("GET", `/v1/reviews/${imageId}`, { status: 200 });
    // With the reason, which was sealed meanwhile.
    expect(JSON.stringify(shown)).toContain(reason);

    const rate = { action: "rate", rating: "suggestive", reason: "To be careful." };
    const decided = await call("POST", path, { body: rate });
    expect(decided.statusCode).toBe(409);
    expect(decided.headers["retry-after"]).toBe("60");
    expect(await cloud.invoke("reprocess", {})).toMatchObject({ reviews: 1 });
    expect(await json("POST", path, { status: 200, body: rate })).toMatchObject({ rating: "suggestive" });
    expect(await cloud.invoke("reprocess", {})).toMatchObject({ reviews: 0 });
    const removed = await json("POST", path, { status: 200, body: { action: "reject" } });
    expect(removed).toMatchObject({ status: "rejected" });
  });

  test("a version is asked for here and made by the function that has sharp", async () => {
    const { imageId } = await made("versioned", { ...APPLES, prompt: "A bowl of plums on a table" });
    const path = `/v1/images/${imageId}/versions`;
    const wanted = await json("POST", path, { status: 202, body: { upscale: 2 } });
    expect(wanted).toMatchObject({ version: 2, state: "making" });
    expect(await cloud.invoke("reprocess", {})).toMatchObject({ made: 1 });
    expect(await json("GET", `${path}/2`, { status: 200 })).toMatchObject({ state: "ready" });
  });

  test("cancelling a request that has ended leaves it as it is", async () => {
    const asked = await json("POST", "/v1/requests", { status: 202, body: APPLES });
    const path = `/v1/requests/${asked.request_id}`;
    await cloud.machine.ended(`${asked.request_id}.0-1`);
    const before = await json("GET", path, { status: 200 });
    expect(before.finished_at).not.toBeNull();
    expect(await json("POST", `${path}/cancel`, { status: 200 })).toEqual(before);
  });
});

describe("who calls", () => {
  test.each([
    ["no token", async () => null],
    ["a key that is nobody's", () => cloud.issuer.forged()],
    ["another issuer", () => cloud.issuer.token(everything({ iss: "https://issuer.example.com" }))],
    ["another audience", () => cloud.issuer.token(everything({ client_id: "somebody-else" }))],
    ["an ID token", () => cloud.issuer.token(everything({ token_use: "id" }))],
    ["expired", () => cloud.issuer.token(everything({ exp: Math.floor(Date.now() / 1000) - 60 }))],
  ] satisfies [string, () => Promise<string | null>][])("%s is refused", async (_, token) => {
    const answer = await call("GET", "/v1/images", { token: await token() });
    expect(answer.statusCode).toBe(401);
    expect(answer.headers["content-type"]).toBe("application/problem+json");
  });

  test("the issuer's keys are fetched once, and while they cannot be, nobody is let in or sent away", async () => {
    expect(Object.fromEntries(cloud.issuer.asked)).toEqual({
      "/.well-known/openid-configuration": 1,
      "/keys": 1,
    });
    vi.resetModules();
    const { handler } = await import("@atelier/functions/api");
    const event = httpEvent("GET", "/v1/images", { authorization: `Bearer ${ada}` }, Buffer.alloc(0));
    const context = { awsRequestId: "cold", getRemainingTimeInMillis: () => 1_000 };
    cloud.issuer.fail(true);
    expect(await handler(event, context)).toMatchObject({
      statusCode: 503,
      headers: { "retry-after": expect.any(String) },
    });
    cloud.issuer.fail(false);
    expect(await handler(event, context)).toMatchObject({ statusCode: 200 });
  });

  test("without a token there are the contract, health and preflights of pages that may call", async () => {
    const headers = {
      origin: "https://console.example.com",
      "access-control-request-method": "POST",
    };
    const preflight = await call("OPTIONS", "/v1/requests", { token: null, headers });
    expect([preflight.statusCode, preflight.body]).toEqual([204, ""]);
    expect(preflight.headers).toMatchObject({ "access-control-allow-origin": headers.origin });
    expect(
      (await call("OPTIONS", "/v1/requests", { headers: { ...headers, origin: "https://example.org" } }))
        .statusCode,
    ).toBe(403);
    expect(await json("GET", "/v1/health", { status: 200, token: null })).not.toHaveProperty("alarms");
    expect((await json("GET", "/openapi.json", { status: 200, token: null })).openapi).toBe("3.1.0");
    const page = await call("GET", "/reference", { token: null });
    expect(page).toMatchObject({ statusCode: 200, isBase64Encoded: false });
    const head = await call("HEAD", "/v1/health", { token: null });
    expect([head.statusCode, head.body]).toEqual([200, ""]);
  });

  test("scopes are what the token says, others' images are not there", async () => {
    const token = await cloud.issuer.token({ sub: "bob", scope: "atelier/images:read openid" });
    expect((await call("POST", "/v1/requests", { token, body: APPLES })).statusCode).toBe(403);
    expect((await json("GET", "/v1/images", { status: 200, token })).items).toEqual([]);
  });

  test("who asks too often in a minute hears when to come back, and nobody else does", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Math.ceil(Date.now() / 60_000) * 60_000 + 60_000 });
    const often = await cloud.issuer.token({ sub: "often", scope: "atelier/images:read" });
    const minute = Math.floor(Date.now() / 60_000);
    await cloud.dynamo.put({ ...rateKey("often", minute), calls: 199 });
    // An address that is not there is nobody's rate.
    expect((await call("GET", "/v1/nothing", { token: often })).statusCode).toBe(404);
    expect((await call("GET", "/v1/images/img_none_00000", { token: often })).statusCode).toBe(404);
    const refused = await call("GET", "/v1/images/img_none_00000", { token: often });
    expect(refused.statusCode).toBe(429);
    expect(Number(refused.headers["retry-after"])).toBeGreaterThan(0);
    expect(Number(refused.headers["retry-after"])).toBeLessThanOrEqual(60);
    expect((await call("GET", "/v1/images")).statusCode).toBe(200);
  });
});

describe("events of the gateway", () => {
  test("a path of another stage, cookies and repeated headers", async () => {
    const { requestContext } = httpEvent("GET", "/", {}, Buffer.alloc(0));
    const event = {
      rawPath: "/trial/v1/images",
      cookies: ["session=somebody"],
      requestContext: { ...requestContext, stage: "trial" },
    };
    const headers = { cookie: "session=somebody", accept: "application/json,text/html" };
    const answer = await call("GET", "/v1/images", { event, headers });
    expect(answer.statusCode).toBe(200);
    expect(Object.keys(answer.headers)).not.toContain("set-cookie");
  });

  test("bodies as text and in Base64 are the same, whatever they hold", async () => {
    const body = { ...APPLES, prompt: "A bowl of crème brûlée, ☕ beside it" };
    const plain = await json("POST", "/v1/requests?dry_run=true", { status: 200, body });
    const event = { body: JSON.stringify(body), isBase64Encoded: false };
    const text = await json("POST", "/v1/requests?dry_run=true", { status: 200, body, event });
    expect(text).toEqual(plain);
    expect(plain.items[0].prompt).toContain("crème brûlée, ☕");
    const broken = { body: Buffer.from([0x7b, 0xff, 0xfe, 0x7d]).toString("base64") };
    expect((await call("POST", "/v1/requests", { body: {}, event: broken })).statusCode).toBe(400);
  });

  test("a GET with a body, strange paths and queries are answered, never a fault", async () => {
    for (const path of [
      "/v1/%2e%2e/images",
      "//example.com/v1/images",
      "/v1/images/%00",
      "/v1/images?cursor=%ff",
    ]) {
      const { statusCode } = await call("GET", path, { body: { a: 1 } });
      expect([path, statusCode]).toEqual([path, expect.toSatisfy((status: number) => status < 500)]);
    }
  });
});

describe("ages", () => {
  test("an operator's word is in the next token of the pool, until it is taken back; scopes go by groups", async () => {
    const event = {
      version: "2",
      triggerSource: "TokenGeneration_Authentication",
      userName: "ada",
      request: {
        userAttributes: { sub: "6b1f", email: "ada@example.com" },
        groupConfiguration: { groupsToOverride: ["images:review"], iamRolesToOverride: [] },
        scopes: ["openid", "atelier/images:read"],
      },
      response: { claimsAndScopeOverrideDetails: null },
    };
    const claims = async (groups: readonly string[] = []) => {
      const request = { ...event.request, groupConfiguration: { groupsToOverride: groups } };
      const answer = (await cloud.invoke("claims", { ...event, request })) as {
        response: {
          claimsAndScopeOverrideDetails: {
            accessTokenGeneration: { claimsToAddOrOverride: object; scopesToSuppress: string[] };
          };
        };
      };
      return answer.response.claimsAndScopeOverrideDetails.accessTokenGeneration;
    };
    expect((await claims()).claimsToAddOrOverride).toEqual({});
    const until = new Date(Date.now() + 86_400_000).toISOString();
    const word = { viewer: "6b1f", by: "an operator", how: "Saw an identity card." };
    expect(await cloud.invoke("attest", { ...word, until })).toEqual({
      viewer: "6b1f",
      attested_until: until,
    });
    expect((await claims()).claimsToAddOrOverride).toEqual({
      age_attested_until: Math.floor(Date.parse(until) / 1000),
    });
    expect(await cloud.audit.ofSubject("age:6b1f")).not.toEqual([]);

    expect((await claims()).scopesToSuppress).toContain("atelier/images:review");
    expect((await claims()).scopesToSuppress).not.toContain("atelier/images:read");
    expect((await claims(["images:review"])).scopesToSuppress).not.toContain("atelier/images:review");
    expect((await claims(["operators"])).scopesToSuppress).toEqual([]);

    await cloud.invoke("attest", { ...word, how: null });
    expect((await claims()).claimsToAddOrOverride).toEqual({});
    await expect(cloud.invoke("attest", { ...word, viewer: "two words" })).rejects.toThrow(/viewer/);
  });
});

describe("once a day", () => {
  test("what is due by retention goes from both buckets, its record stays; again does nothing", async () => {
    const { imageId } = await made("kept", { category: "weekend_special", count: 1 });
    const image = await cloud.images.get(imageId);
    // Words that were chosen for a template stand in the record as hashes alone.
    const { prompt } = await json("GET", `/v1/images/${imageId}`, { status: 200 });
    const words: string[] = prompt.toLowerCase().match(/[a-z]{4,}/g) ?? [];
    const word = words.find((each) => image?.words.includes(hashedWord(each, derivedKey("prompts"))));
    const found = await json("GET", `/v1/images?text=${word}`, { status: 200 });
    expect(found.items).toMatchObject([{ image_id: imageId }]);
    await cloud.images.patch(imageId, { set: { status: "failed", finishedAtMs: 1 }, when: [] });
    const first = (await cloud.invoke("daily", {})) as { removed: number };
    expect(first.removed).toBeGreaterThanOrEqual(1);
    expect((await cloud.images.get(imageId))?.erasedAtMs).toEqual(expect.any(Number));
    expect(await cloud.invoke("daily", {})).toMatchObject({ removed: 0 });
  });
});
