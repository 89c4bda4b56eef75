/** @module The simulator is strict, keeps accounts, and takes every model of Stability AI that the product ships. */
import { fileURLToPath } from "node:url";
import type { Model } from "@atelier/core/catalogue";
import { priceOf } from "@atelier/core/price";
import { loadCatalogue } from "@atelier/local/templates";
import { createStabilityProvider } from "@atelier/providers/stability/provider";
import { createRequest } from "@atelier/providers/stability/requests";
import { afterEach, describe, expect, it } from "vitest";
import { type StabilityOptions, startTestStability, type TestStability } from "./stability.ts";
import { CORE, ENGINE, SD35_TURBO } from "./stability-models.ts";
import { tinyPng } from "./tiny-png.ts";

const KEY = "sk-test-of-the-simulator";
const PARAMETERS = { width: 1024, height: 1024, steps: 50, guidanceScale: 7.5 };
const CONTEXT = { attemptId: "img_a-1", webhookUrl: null };

let nowMs = 0;
let stability: TestStability;
afterEach(() => stability.close());

async function start(options: Partial<StabilityOptions> = {}) {
  stability = await startTestStability({
    clock: () => nowMs,
    apiKey: KEY,
    draw: (_width, _height, seed) => tinyPng(8, 8, seed),
    ...options,
  });
  return createStabilityProvider({ baseUrl: stability.origin, apiKey: KEY }, { clock: () => nowMs });
}
const requestOf = (model: Model, seed = 7, parameters = PARAMETERS) => ({
  model,
  prompt: "a lighthouse at dusk",
  negativePrompt: "blurry",
  parameters,
  seed,
  deadlineMs: 60_000,
});

describe("the shipped catalogue", () => {
  it("asks what the service takes, and holds what it charges", async () => {
    const folder = fileURLToPath(new URL("../../templates", import.meta.url));
    const { models, providers } = await loadCatalogue(folder);
    expect(providers.find(({ name }) => name === "stability")).toMatchObject({
      buyable: true,
      limits: { createsPerMinute: 900 },
    });
    const ours = models.filter((model) => model.provider === "stability");
    expect(ours.map(({ name }) => name).sort()).toStrictEqual([
      "sd3.5-large",
      "sd3.5-large-turbo",
      "sd3.5-medium",
      "stable-diffusion-xl",
      "stable-image-core",
      "stable-image-ultra",
    ]);
    const provider = await start();
    for (const model of ours) {
      expect(model.buyable).toBe(true);
      for (const steps of [1, 10, 20, 50, 150]) {
        const parameters = { ...PARAMETERS, steps };
        expect(await provider.submit(requestOf(model, 7, parameters), CONTEXT)).toMatchObject({
          kind: "done",
        });
        const price = priceOf(model, parameters);
        expect(stability.made.at(-1)?.chargedMicros).toBe(price?.mostMicros);
      }
    }
  });
});

describe("the simulator", () => {
  async function post(model: Model, change: (body: string) => string, headers: Record<string, string> = {}) {
    const request = createRequest(requestOf(model));
    const answer = await fetch(`${stability.origin}${request.path}`, {
      method: "POST",
      headers: { ...request.headers, authorization: `Bearer ${KEY}`, ...headers },
      body: change(request.body),
    });
    const { name } = answer.headers.get("content-type")?.includes("json")
      ? ((await answer.json()) as { name?: string })
      : {};
    return [answer.status, name];
  }

  it.each([
    [
      "a size of its own",
      ENGINE,
      (body: string) => body.replace('"width":1024', '"width":1000'),
      "invalid_sdxl_v1_dimensions",
    ],
    ["two samples", ENGINE, (body: string) => body.replace('"samples":1', '"samples":2'), "invalid_samples"],
    [
      "a field that v1 has not",
      ENGINE,
      (body: string) => body.replace("{", '{"scheduler":"ddim",'),
      "bad_request",
    ],
    ["too many steps", ENGINE, (body: string) => body.replace('"steps":50', '"steps":51'), "bad_request"],
    ["no prompt", CORE, (body: string) => body.replace('"prompt"', '"prompts"'), "bad_request"],
    ["a ratio of its own", CORE, (body: string) => body.replace("1:1", "1:3"), "bad_request"],
    ["a field twice", CORE, (body: string) => body.replace("negative_prompt", "prompt"), "bad_request"],
    ["a broken form", CORE, (body: string) => body.slice(0, -8), "bad_request"],
    [
      "a webp of Stable Diffusion 3",
      SD35_TURBO,
      (body: string) => body.replace("png", "webp"),
      "bad_request",
    ],
    [
      "a negative prompt for turbo",
      SD35_TURBO,
      (body: string) =>
        body.replace('name="mode"\r\n\r\ntext-to-image', 'name="negative_prompt"\r\n\r\nblurry'),
      "bad_request",
    ],
  ])("refuses %s", async (_, model, change, name) => {
    await start();
    expect(await post(model, change)).toStrictEqual([400, name]);
    expect(await post(model, (body) => body)).toStrictEqual([200, undefined]);
    expect(stability.made).toHaveLength(1);
  });

  it("refuses a form sent as JSON, and no key", async () => {
    await start();
    expect(await post(CORE, (body) => body, { "content-type": "application/json" })).toStrictEqual([
      400,
      "bad_request",
    ]);
    expect(await post(CORE, (body) => body, { authorization: "Bearer wrong" })).toStrictEqual([
      401,
      "unauthorized",
    ]);
    expect(stability.made).toHaveLength(0);
  });

  it("sells as long as there is money", async () => {
    const provider = await start({ balanceMicros: 65_000 });
    const kinds: string[] = [];
    for (const seed of [1, 2, 3]) kinds.push((await provider.submit(requestOf(CORE, seed), CONTEXT)).kind);
    expect(kinds).toStrictEqual(["done", "done", "refused"]);
    expect(stability.made.map(({ seed }) => seed)).toStrictEqual([1, 2]);
    expect(stability.balanceMicros()).toBe(5_000);
  });

  it("locks out for a minute whoever is too fast", async () => {
    nowMs = 1_000;
    const provider = await start({ limit: { creates: 2, windowMs: 10_000, penaltyMs: 60_000 } });
    const ask = async (atMs: number) => {
      nowMs = atMs;
      return (await provider.submit(requestOf(CORE, atMs), CONTEXT)).kind;
    };
    expect(await ask(1_000)).toBe("done");
    expect(await ask(2_000)).toBe("done");
    expect(await ask(3_000)).toBe("rate-limited");
    expect(await ask(40_000)).toBe("rate-limited");
    expect(await ask(63_000)).toBe("done");
  });
});
