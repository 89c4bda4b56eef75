import type { LostCreate, ProviderRequest } from "@atelier/core/provider";
import { afterEach, describe, expect, it } from "vitest";
import { FLUX, SDXL } from "../../../test/simulators/models.ts";
import { type ScriptedServer, startScriptedServer } from "../../../test/simulators/scripted-server.ts";
import { createReplicateProvider } from "./provider.ts";
import { signWebhook } from "./webhook.ts";

const NOW_MS = Date.parse("2026-11-22T06:00:00Z");
const WEBHOOK = "https://atelier.example/w/img_a-1";
const REQUEST: ProviderRequest = {
  model: SDXL,
  prompt: "a lighthouse at dusk",
  negativePrompt: "",
  parameters: { width: 1024, height: 1024, steps: 50, guidanceScale: 7.5 },
  seed: 42,
  deadlineMs: 60_000,
};
const LOST: LostCreate = {
  attemptId: "img_a-1",
  model: SDXL,
  seed: 42,
  webhookUrl: WEBHOOK,
  submittingAtMs: NOW_MS,
};
const MINE = { id: "mine", status: "starting", version: SDXL.version, input: { seed: 42 }, webhook: WEBHOOK };

let server: ScriptedServer | undefined;
afterEach(() => server?.close());

async function provider(answer: Parameters<typeof startScriptedServer>[0], timeoutMs = 5_000) {
  server = await startScriptedServer(answer);
  return createReplicateProvider(
    { name: "replicate", baseUrl: `${server.origin}/v1`, token: "r8_token", webhookSecret: "whsec_c2VjcmV0" },
    { clock: () => NOW_MS, createTimeoutMs: timeoutMs, readTimeoutMs: timeoutMs },
  );
}
const submit = async (answer: Parameters<typeof startScriptedServer>[0], timeoutMs?: number) =>
  (await provider(answer, timeoutMs)).submit(REQUEST, { attemptId: "img_a-1", webhookUrl: WEBHOOK });
const json = (value: unknown) => ({ body: JSON.stringify(value) });

describe("submit", () => {
  it.each([
    ["429 with the time in the header", { status: 429, headers: { "retry-after": "3" } }, "rate-limited"],
    ["429 with nothing", { status: 429 }, "rate-limited"],
    ["421", { status: 421 }, "refused"],
    ["502", { status: 502 }, "unknown"],
    ["a redirect", { status: 307, headers: { location: "/v1/elsewhere" } }, "unknown"],
    ["a reset", "reset", "unknown"],
    ["an answer that breaks off", "cut", "unknown"],
    ["silence", "silence", "unknown"],
    ["a body without an id", { status: 201, body: "{}" }, "unknown"],
    ["a body that is no JSON", { status: 201, body: "<html>" }, "unknown"],
    ["201", { status: 201, body: '{"id":"p1","status":"starting"}' }, "accepted"],
    ["202 with a new status", { status: 202, body: '{"id":"p1","status":"booting"}' }, "accepted"],
  ] as const)("puts one create on the wire for %s", async (_, reply, kind) => {
    expect(await submit(() => reply, reply === "silence" ? 300 : undefined)).toMatchObject({ kind });
    expect(server?.requests).toHaveLength(1);
  });

  it("is certain that nothing was bought when nobody listens", async () => {
    const closed = await provider(() => ({}));
    await server?.close();
    expect(await closed.submit(REQUEST, { attemptId: "img_a-1", webhookUrl: null })).toMatchObject({
      kind: "refused",
      name: "ProviderAborted",
    });
  });

  it("asks the client for the first create, and sends every one itself with its own deadline", async () => {
    const adapter = await provider((_, index) => ({
      status: 201,
      body: `{"id":"p${index}","status":"starting"}`,
    }));
    for (const deadlineMs of [60_000, 90_000]) {
      await adapter.submit({ ...REQUEST, deadlineMs }, { attemptId: "img_a-1", webhookUrl: null });
    }
    expect(server?.requests.map(({ path, headers }) => [path, headers["cancel-after"]])).toStrictEqual([
      ["/v1/predictions", "60s"],
      ["/v1/predictions", "90s"],
    ]);
    expect(server?.requests[1]?.headers).toMatchObject({
      authorization: "Bearer r8_token",
      "user-agent": "atelier",
    });
  });

  it("waits as long as an account with little credit is told to", async () => {
    const detail =
      "Request was throttled. Your rate limit for creating predictions is reduced to 6 requests per minute with a burst of 1 requests while you have less than $5.0 in credit. Your rate limit resets in ~9s.";
    const limited = { status: 429, body: JSON.stringify({ detail, status: 429, retry_after: 9 }) };
    expect(await submit(() => limited)).toMatchObject({ kind: "rate-limited", retryAfterMs: 9_000 });
    await server?.close();
    const told = { status: 429, body: JSON.stringify({ detail, status: 429 }) };
    expect(await submit(() => told)).toMatchObject({ kind: "rate-limited", retryAfterMs: 9_000 });
  });
});

describe("check", () => {
  const operation = '{"id":"p1"}';

  it.each([
    ["404", { status: 404, body: '{"detail":"Not found"}' }],
    ["401", { status: 401 }],
    ["429", { status: 429, headers: { "retry-after": "3" } }],
    ["502", { status: 502 }],
    ["a reset", "reset"],
    ["silence", "silence"],
    ["no JSON", { body: "<html>" }],
    ["another prediction", json({ id: "p2", status: "succeeded" })],
  ] as const)("asks once and throws ProviderUnavailable for %s", async (_, reply) => {
    const adapter = await provider(() => reply, reply === "silence" ? 300 : undefined);
    await expect(adapter.check(operation, SDXL)).rejects.toMatchObject({ name: "ProviderUnavailable" });
    expect(server?.requests).toHaveLength(1);
  });

  it("passes on how long a read must wait", async () => {
    const adapter = await provider(() => ({ status: 429, headers: { "retry-after": "3" } }));
    await expect(adapter.check(operation, SDXL)).rejects.toMatchObject({
      data: { status: 429, retryAfterMs: 3_000 },
    });
  });
});

describe("cancel", () => {
  it.each([200, 404, 409, 422])("takes %i as done", async (status) => {
    const adapter = await provider(() => ({ status, body: "{}" }));
    await expect(adapter.cancel?.('{"id":"p1"}')).resolves.toBeUndefined();
    expect(server?.requests).toMatchObject([{ method: "POST", path: "/v1/predictions/p1/cancel" }]);
  });

  it.each([401, 429, 500])("does not take %i as done", async (status) => {
    const adapter = await provider(() => ({ status }));
    await expect(adapter.cancel?.('{"id":"p1"}')).rejects.toMatchObject({ name: "ProviderUnavailable" });
    expect(server?.requests).toHaveLength(1);
  });
});

describe("find", () => {
  const find = async (answer: Parameters<typeof startScriptedServer>[0], lost: Partial<LostCreate> = {}) =>
    (await provider(answer)).find?.({ ...LOST, ...lost });
  const listing = (...results: object[]) => json({ next: null, results });
  const found = { kind: "found", operation: '{"id":"mine"}' };

  it("lists from a minute before the create", async () => {
    expect(await find(() => listing())).toStrictEqual({ kind: "none" });
    expect(server?.requests).toMatchObject([
      { method: "GET", path: "/v1/predictions?created_after=2026-11-22T05%3A59%3A00.000Z" },
    ]);
  });

  it.each([
    ["everything shown", MINE, found],
    ["no webhook shown", { ...MINE, webhook: undefined }, found],
    ["no input shown", { ...MINE, input: {} }, found],
    ["a hidden version", { ...MINE, version: "hidden" }, found],
    ["another seed", { ...MINE, input: { seed: 43 } }, { kind: "none" }],
    ["another version", { ...MINE, version: "0".repeat(64) }, { kind: "none" }],
    ["another webhook", { ...MINE, webhook: "https://atelier.example/w/img_a-2" }, { kind: "none" }],
    ["neither seed nor webhook", { ...MINE, webhook: undefined, input: {} }, { kind: "unknown" }],
  ])("decides with %s", async (_, prediction, expected) => {
    expect(await find(() => listing({ ...MINE, id: "other", input: { seed: 7 } }, prediction))).toStrictEqual(
      expected,
    );
  });

  it("finds a job of an official model, whose version is hidden", async () => {
    const official = { ...MINE, model: "black-forest-labs/flux-schnell", version: "hidden" };
    expect(await find(() => listing(official), { model: FLUX })).toStrictEqual(found);
  });

  it("follows pages to the end", async () => {
    const pages = (end: object) => (_: unknown, index: number) =>
      index < 2 ? json({ next: `${server?.origin}/v1/predictions?cursor=${index}`, results: [] }) : end;
    expect(await find(pages(listing(MINE)))).toStrictEqual(found);
    await server?.close();
    expect(await find(pages(listing()))).toStrictEqual({ kind: "none" });
    expect(server?.requests).toHaveLength(3);
  });

  it.each([
    ["fails", () => ({ status: 502 })],
    ["is throttled", () => ({ status: 429 })],
    ["is cut off", () => "cut" as const],
    ["is no listing", () => json({ detail: "?" })],
    [
      "goes on at another origin",
      () => json({ next: "https://attacker.example/v1/predictions", results: [] }),
    ],
    ["goes round in a circle", () => json({ next: "/v1/predictions?cursor=a", results: [] })],
  ])("is unknown when the listing %s", async (_, answer) => {
    expect(await find(answer)).toStrictEqual({ kind: "unknown" });
    expect(server?.requests.length).toBeLessThanOrEqual(2);
  });
});

describe("parseWebhook", () => {
  it("refuses a well-signed body that is no prediction", async () => {
    const adapter = await provider(() => ({}));
    const rawBody = Buffer.from('{"hello":1}');
    const timestamp = String(NOW_MS / 1000);
    const headers = {
      "webhook-id": "msg",
      "webhook-timestamp": timestamp,
      "webhook-signature": signWebhook("whsec_c2VjcmV0", "msg", timestamp, rawBody),
    };
    expect(adapter.parseWebhook?.(headers, rawBody, NOW_MS, SDXL)).toMatchObject({
      kind: "refused",
      reason: "body",
    });
  });
});

describe("probe", () => {
  const probe = async (reply: Parameters<typeof startScriptedServer>[0], model = SDXL) =>
    (await provider(reply)).probe?.(model);

  it("asks for the pinned version, or for the model where none is pinned", async () => {
    expect(await probe(() => ({ body: "{}" }))).toBe("available");
    expect(server?.requests).toMatchObject([
      { method: "GET", path: `/v1/models/stability-ai/sdxl/versions/${SDXL.version}` },
    ]);
    await server?.close();
    expect(await probe(() => ({ status: 404 }), FLUX)).toBe("gone");
    expect(server?.requests).toMatchObject([{ path: "/v1/models/black-forest-labs/flux-schnell" }]);
  });

  it("asks nothing about a model whose owner is not known", async () => {
    expect(await probe(() => ({}), { ...SDXL, model: "realistic-vision-v2" })).toBe("unknown");
    expect(server?.requests).toHaveLength(0);
  });

  it.each([
    [{ status: 401 }, "KeyRefused"],
    [{ status: 403 }, "KeyRefused"],
    [{ status: 429 }, "ProviderUnavailable"],
    [{ status: 502 }, "ProviderUnavailable"],
    ["reset", "ProviderUnavailable"],
  ] as const)("learns nothing of the model from %j", async (reply, name) => {
    await expect(probe(() => reply)).rejects.toMatchObject({ name });
  });
});

describe("costs", () => {
  const ended = json({
    id: "p1",
    status: "succeeded",
    output: "https://a.example/1.png",
    metrics: { predict_time: 3 },
  });

  it("come from the prediction at Replicate, and from the list in the sandbox", async () => {
    const adapter = await provider(() => ended);
    const model = {
      ...SDXL,
      price: { per: "second" as const, usd: 0.001, seconds: 5, steps: null, list: null },
    };
    expect(await adapter.check('{"id":"p1"}', model)).toMatchObject({ costMicros: 3_000 });
    const sandbox = createReplicateProvider(
      { name: "sandbox", baseUrl: `${server?.origin}/v1`, token: "t", webhookSecret: null },
      { clock: () => NOW_MS },
    );
    expect(await sandbox.check('{"id":"p1"}', model)).toMatchObject({ kind: "succeeded", costMicros: null });
  });
});
