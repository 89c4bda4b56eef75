import { sha256Hex } from "@atelier/core/ids";
import type { ProviderRequest, Submission } from "@atelier/core/provider";
import { afterEach, describe, expect, it } from "vitest";
import { startScriptedServer } from "../../../test/simulators/scripted-server.ts";
import {
  type StabilityFault,
  type StabilityOptions,
  startTestStability,
  type TestStability,
} from "../../../test/simulators/stability.ts";
import { CORE, ENGINE, SD35_MEDIUM } from "../../../test/simulators/stability-models.ts";
import { tinyPng } from "../../../test/simulators/tiny-png.ts";
import { createProviders, settingsFromEnvironment } from "../registry.ts";
import { createStabilityProvider } from "./provider.ts";

const KEY = "sk-test-of-the-simulator";
const NOW_MS = Date.parse("2026-11-22T06:00:00Z");
const CONTEXT = { attemptId: "img_a-1", webhookUrl: null };
const REQUEST: ProviderRequest = {
  model: CORE,
  prompt: "a lighthouse at dusk",
  negativePrompt: "",
  parameters: { width: 1024, height: 1024, steps: 30, guidanceScale: 7.5 },
  seed: 42,
  deadlineMs: 300_000,
};

let open: { close(): Promise<void> } | undefined;
afterEach(() => open?.close());

async function start(options: Partial<StabilityOptions> = {}, timeoutMs = 5_000) {
  const stability = await startTestStability({
    clock: () => NOW_MS,
    apiKey: KEY,
    draw: (_width, _height, seed) => tinyPng(64, 64, seed),
    ...options,
  });
  open = stability;
  return { stability, provider: providerAt(stability.origin, timeoutMs) };
}
const providerAt = (baseUrl: string, timeoutMs = 5_000, apiKey = KEY) =>
  createStabilityProvider(
    { baseUrl, apiKey },
    { clock: () => NOW_MS, createTimeoutMs: timeoutMs, readTimeoutMs: timeoutMs },
  );

const shaOf = (submission: Submission) =>
  submission.kind === "done"
    ? submission.outputs.map((output) => (output.kind === "bytes" ? sha256Hex(output.bytes) : output.kind))
    : submission.kind;
const chargedMicros = (stability: TestStability) =>
  stability.made.reduce((sum, picture) => sum + picture.chargedMicros, 0);

describe("submit", () => {
  it.each([ENGINE, CORE, SD35_MEDIUM])("brings the very picture that $name made", async (model) => {
    const { stability, provider } = await start();
    const submission = await provider.submit({ ...REQUEST, model }, CONTEXT);
    expect(stability.made).toMatchObject([{ model: model.model, seed: 42 }]);
    expect(shaOf(submission)).toStrictEqual(stability.made.map(({ sha256 }) => sha256));
    expect(stability.balanceMicros()).toBe(1_000_000_000 - chargedMicros(stability));
  });

  it("asks for bytes, in the way of each interface", async () => {
    const { stability, provider } = await start();
    await provider.submit({ ...REQUEST, model: ENGINE }, CONTEXT);
    await provider.submit(REQUEST, CONTEXT);
    expect(stability.creates.map(({ headers }) => headers.accept)).toStrictEqual(["image/png", "image/*"]);
  });

  const lostForGood = { kind: "failed", name: "ProviderFailed", charged: true, costMicros: null };
  const faults: readonly (readonly [string, StabilityFault, pictures: number, expected: object])[] = [
    [
      "429 with a header",
      { kind: "rate-limit", seconds: 7 },
      0,
      { kind: "rate-limited", retryAfterMs: 7_000 },
    ],
    [
      "429 with a sentence",
      { kind: "rate-limit", seconds: 30, in: "body" },
      0,
      { kind: "rate-limited", retryAfterMs: 30_000 },
    ],
    ["429 with no time", { kind: "rate-limit" }, 0, { kind: "rate-limited", retryAfterMs: 60_000 }],
    [
      "an empty account, v1",
      { kind: "insufficient-balance", status: 429 },
      0,
      { kind: "refused", name: "OutOfCredit" },
    ],
    [
      "an empty account, v2beta",
      { kind: "insufficient-balance", status: 402 },
      0,
      { kind: "refused", name: "OutOfCredit" },
    ],
    ["a refused prompt", { kind: "moderated" }, 0, { kind: "refused", name: "ContentRejected" }],
    ["a retired engine", { kind: "engine-gone" }, 0, { kind: "refused", name: "ModelUnavailable" }],
    ["500 before the picture", { kind: "status", status: 500 }, 0, { kind: "unknown" }],
    ["500 after it", { kind: "status", status: 500, accepted: true }, 1, { kind: "unknown" }],
    ["408 after it", { kind: "status", status: 408, accepted: true }, 1, { kind: "unknown" }],
    ["a reset before it", { kind: "reset" }, 0, { kind: "unknown" }],
    ["a reset after it", { kind: "reset", accepted: true }, 1, { kind: "unknown" }],
    [
      "a filtered picture",
      { kind: "answer", as: "filtered" },
      1,
      { ...lostForGood, name: "ContentRejected" },
    ],
    ["a failed model", { kind: "answer", as: "failed" }, 1, lostForGood],
    ["half a JSON", { kind: "answer", as: "malformed" }, 1, lostForGood],
    ["text", { kind: "answer", as: "text" }, 1, lostForGood],
    ["a connection that breaks within the picture", { kind: "answer", as: "cut" }, 1, lostForGood],
    ["half a picture", { kind: "answer", as: "truncated" }, 1, { kind: "done" }],
    ["JSON", { kind: "answer", as: "json" }, 1, { kind: "done" }],
    ["a bare list", { kind: "answer", as: "bare-list" }, 1, { kind: "done" }],
    ["a slow answer", { kind: "delay", ms: 20 }, 1, { kind: "done" }],
    ["a picture that drips", { kind: "drip", ms: 2 }, 1, { kind: "done" }],
  ];
  for (const model of [ENGINE, CORE]) {
    it.each(faults)(
      `sends one create to ${model.name} and books what it cost: %s`,
      async (_, fault, pictures, expected) => {
        const { stability, provider } = await start();
        stability.spoilCreates(fault);
        const submission = await provider.submit({ ...REQUEST, model }, CONTEXT);
        expect(submission).toMatchObject(expected);
        expect(stability.creates).toHaveLength(1);
        expect(stability.made).toHaveLength(pictures);
      },
    );
  }

  it("gives up on silence without knowing, and on a picture that never ends knowing that it was made", async () => {
    const { stability, provider } = await start({}, 60);
    stability.spoilCreates({ kind: "delay", ms: 300 }, { kind: "drip", ms: 100 });
    expect(await provider.submit(REQUEST, CONTEXT)).toMatchObject({ kind: "unknown" });
    expect(await provider.submit(REQUEST, CONTEXT)).toMatchObject(lostForGood);
    expect(stability.creates).toHaveLength(2);
  });

  it("waits no longer than the job's own deadline", async () => {
    const { stability, provider } = await start();
    stability.spoilCreates({ kind: "delay", ms: 300 });
    expect(await provider.submit({ ...REQUEST, deadlineMs: 60 }, CONTEXT)).toMatchObject({
      kind: "unknown",
      message: expect.stringContaining("60 ms"),
    });
  });

  it("is certain that nothing was bought when nobody listens", async () => {
    const { stability, provider } = await start();
    await stability.close();
    expect(await provider.submit(REQUEST, CONTEXT)).toMatchObject({
      kind: "refused",
      name: "ProviderAborted",
    });
  });

  it("never repeats key or prompt", async () => {
    const server = await startScriptedServer(({ headers, body }) => ({
      status: 400,
      body: JSON.stringify({
        name: "bad_request",
        errors: [`${headers.authorization}: ${body} is not allowed`],
      }),
    }));
    open = server;
    const submission = await providerAt(server.origin).submit({ ...REQUEST, model: ENGINE }, CONTEXT);
    expect(submission).toMatchObject({ kind: "refused", name: "ProviderRefused" });
    expect(JSON.stringify(submission)).not.toMatch(/sk-test|lighthouse/);
  });
});

describe("reads", () => {
  it("tells the balance in micro-USD", async () => {
    const { provider } = await start({ balanceMicros: 6_300 });
    expect(await provider.balance?.()).toStrictEqual({ amountMicros: 6_300 });
  });

  it("knows whether an engine of v1 is served, and says so when no list would tell", async () => {
    const { stability, provider } = await start();
    expect(await provider.probe?.(ENGINE)).toBe("available");
    stability.engines.clear();
    expect(await provider.probe?.(ENGINE)).toBe("gone");
    expect(await provider.probe?.(CORE)).toBe("unknown");
  });

  it("throws KeyRefused for a wrong key and ProviderUnavailable for silence, asking once", async () => {
    const { stability, provider } = await start();
    await expect(providerAt(stability.origin, 5_000, "wrong").balance?.()).rejects.toMatchObject({
      name: "KeyRefused",
    });
    stability.spoilReads(1);
    await expect(provider.probe?.(ENGINE)).rejects.toMatchObject({ name: "ProviderUnavailable" });
    expect(await provider.probe?.(ENGINE)).toBe("available");
  });

  it("has no job to ask about", async () => {
    const { provider } = await start();
    await expect(provider.check("anything", CORE)).rejects.toMatchObject({ name: "Unexpected" });
    expect(provider.find).toBeUndefined();
  });
});

describe("settings", () => {
  const deps = { clock: () => NOW_MS, workflows: {} };

  it("come from the environment, and switch the provider on by its key", async () => {
    const { stability } = await start();
    const on = settingsFromEnvironment(
      { STABILITY_API_KEY: KEY, STABILITY_BASE_URL: `${stability.origin}/` },
      [],
    );
    const provider = createProviders(on.settings, deps).get("stability");
    expect(provider?.trustedOrigin).toBe(stability.origin);
    expect(await provider?.balance?.()).toStrictEqual({ amountMicros: 1_000_000_000 });
    const off = settingsFromEnvironment({ STABILITY_BASE_URL: stability.origin }, []);
    expect(off.settings).not.toHaveProperty("stability");
  });

  it.each([
    [{ apiKey: " " }, /^STABILITY_API_KEY of the provider stability must not be empty/],
    [
      { apiKey: KEY, baseUrl: "https://api.stability.ai/v1" },
      /^STABILITY_BASE_URL .* must be an address without a path/,
    ],
    [{ apiKey: KEY, baseUrl: "http://api.stability.ai" }, /^STABILITY_BASE_URL .* must begin with https/],
    [{ apiKey: KEY, baseUrl: "api.stability.ai" }, /^STABILITY_BASE_URL .* must be an address such as/],
  ])("refuses %j in one sentence that names the variable", (settings, message) => {
    expect(() => createProviders({ stability: settings }, deps)).toThrow(
      expect.objectContaining({ name: "ConfigurationInvalid", message: expect.stringMatching(message) }),
    );
  });
});
