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
    expect(await submit(() => reply, reply === "silence" ? 40 : undefined)).toMatchObject({ kind });
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

  it("throws rather than send what the client will not build", async () => {
    const adapter = await provider(() => ({}));
    await expect(adapter.submit(REQUEST, { attemptId: "a", webhookUrl: "no address" })).rejects.toMatchObject(
      {
        name: "Unexpected",
      },
    );
    expect(server?.requests).toHaveLength(0);
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
    const adapter = await provider(() => reply, reply === "silence" ? 40 : undefined);
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
