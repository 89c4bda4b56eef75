import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Catalogue } from "@atelier/core/catalogue";
import { loadInstalledCatalogue } from "@atelier/local/installed-catalogue";
import { fetchTransport } from "@atelier/providers/fetch-transport";
import { PROVIDERS } from "@atelier/providers/registry";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { buyOne, type SmokeDeps } from "../../scripts/smoke/buy-one.ts";
import { casesIn, replay } from "../exchanges/replay.ts";
import { startTestA1111 } from "../simulators/a1111.ts";
import { startTestComfyui } from "../simulators/comfyui.ts";
import { startMidjourney } from "../simulators/midjourney.ts";
import { startTestReplicate, TEST_NOW_MS, TEST_TOKEN } from "../simulators/replicate.ts";
import { startTestStability } from "../simulators/stability.ts";

const KEY = "sk-a-key-of-the-smoke-test";
const PROMPT = "A lighthouse on a cliff at dusk, watercolour";

let catalogue: Catalogue;
let folder = "";
beforeAll(async () => {
  catalogue = await loadInstalledCatalogue();
  folder = await mkdtemp(join(tmpdir(), "smoke-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

let closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(closing.map((close) => close()));
  closing = [];
});

interface Run {
  readonly environment: Record<string, string>;
  /** Lets time pass where the service is. */
  readonly pass?: (byMs: number) => Promise<void>;
  readonly clock: () => number;
}

/** A clock that the run's own waiting moves. */
function time() {
  let nowMs = TEST_NOW_MS;
  const pass = async (byMs: number) => {
    nowMs += byMs;
  };
  return { clock: () => nowMs, pass };
}

const SERVICES: Readonly<Record<string, () => Promise<Run>>> = {
  async replicate() {
    const service = await startTestReplicate();
    closing.push(service.close);
    const environment = { REPLICATE_API_TOKEN: TEST_TOKEN, REPLICATE_BASE_URL: service.sandbox().apiUrl };
    return { environment, clock: service.clock, pass: service.advance };
  },
  async stability() {
    const { clock, pass } = time();
    const service = await startTestStability({ clock, apiKey: KEY });
    closing.push(service.close);
    return { environment: { STABILITY_API_KEY: KEY, STABILITY_BASE_URL: service.origin }, clock, pass };
  },
  async midjourney() {
    const { clock, pass } = time();
    const service = await startMidjourney({ dialect: "action", clock, apiKey: KEY });
    closing.push(service.close);
    const environment = {
      MIDJOURNEY_API_KEY: KEY,
      MIDJOURNEY_BASE_URL: service.origin,
      ATELIER_ENABLE: "midjourney",
    };
    return { environment, clock, pass };
  },
  async a1111() {
    const { clock, pass } = time();
    const service = await startTestA1111({ clock, apiAuth: `smoke:${KEY}` });
    closing.push(service.close);
    const environment = { A1111_BASE_URL: service.origin, A1111_USER: "smoke", A1111_PASSWORD: KEY };
    return { environment, clock, pass };
  },
  async comfyui() {
    const { clock, pass } = time();
    const service = await startTestComfyui({ clock, jobMs: 5_000 });
    closing.push(service.close);
    return { environment: { COMFYUI_BASE_URL: service.origin }, clock, pass };
  },
};

function depsOf(run: Partial<Run>, lines: string[]): SmokeDeps {
  return {
    environment: run.environment ?? {},
    catalogue,
    definitions: PROVIDERS,
    transport: fetchTransport,
    clock: run.clock ?? (() => TEST_NOW_MS),
    sleep: run.pass ?? (() => Promise.resolve()),
    folder: join(folder, "good"),
    failuresFolder: join(folder, "bad"),
    say: (line) => lines.push(line),
  };
}

/** The one file that a run of a provider has written. */
async function recordingOf(lines: readonly string[]): Promise<string> {
  const path = /: (\/.*\.json)$/.exec(lines.at(-1) ?? "")?.[1];
  if (path === undefined) throw new Error("Nothing was recorded.");
  return readFile(path, "utf8");
}

describe("a smoke run", () => {
  it.each(Object.keys(SERVICES))("buys one picture from %s, and keeps no secret of it", async (provider) => {
    const run = await SERVICES[provider]?.();
    if (run === undefined) throw new Error(provider);
    const lines: string[] = [];
    expect(await buyOne({ provider, model: null }, depsOf(run, lines))).toBe("bought");
    expect(lines[0]).toMatch(/list price 0\.\d{4} USD\.$/);
    expect(lines.at(-2)).toMatch(/^It made \d+x\d+ \(image\/png, \d+ bytes\)/);

    const text = await recordingOf(lines);
    const recording = JSON.parse(text);
    expect(recording).toMatchObject({ origin: "recorded", gives: { kind: expect.any(String) } });
    expect(recording.exchanges.length).toBeGreaterThan(0);
    for (const secret of [...Object.values(run.environment), PROMPT, "127.0.0.1", "signature=", KEY]) {
      if (secret.length > 12) expect(text).not.toContain(secret);
    }
    expect(text).not.toMatch(/Bearer|Basic |localhost|\b[0-9a-f]{26}\b/);
    expect(text.length).toBeLessThan(60_000);

    // What is left is enough to play it back.
    const [played] = casesIn(text);
    const model = catalogue.models.find(({ name }) => name === played?.model);
    if (played === undefined || model === undefined) throw new Error("The recording names no model.");
    const again = replay(played, model, { clock: run.clock, workflows: catalogue.workflows });
    expect(await again).toMatchObject(recording.gives);
  });

  it.each([
    ["replicate", /REPLICATE_API_TOKEN is not set/],
    ["stability", /STABILITY_API_KEY is not set/],
    ["midjourney", /ATELIER_ENABLE=midjourney/],
    ["a1111", /A1111_BASE_URL is not set/],
    ["comfyui", /COMFYUI_BASE_URL is not set/],
  ])("skips %s where nothing is set, and says why", async (provider, why) => {
    const lines: string[] = [];
    expect(await buyOne({ provider, model: null }, depsOf({}, lines))).toBe("skipped");
    expect(lines).toStrictEqual([expect.stringMatching(why)]);
    expect(lines[0]).toMatch(/^Skipped, nothing was called: /);
  });

  it("spends nothing on a model that is too dear, unknown or without a price", async () => {
    const run = await SERVICES.replicate?.();
    if (run === undefined) throw new Error("replicate");
    const dear = (price: Catalogue["models"][number]["price"]) => ({
      ...depsOf(run, []),
      transport: () => Promise.reject(new Error("Something was sent.")),
      catalogue: {
        ...catalogue,
        models: catalogue.models.map((model) => ({ ...model, price })),
      },
    });
    const buy = (deps: SmokeDeps, model: string | null) => buyOne({ provider: "replicate", model }, deps);
    await expect(buy(dear({ per: "image", usd: 0.11, sizes: [] }), null)).rejects.toThrow(/at most 0\.1000/);
    await expect(buy(dear(null), null)).rejects.toThrow(/price of .* is not known/);
    await expect(buy(dear(null), "no-such-model")).rejects.toThrow(/no no-such-model that can be bought/);
    await expect(buyOne({ provider: "nobody", model: null }, depsOf({}, []))).rejects.toThrow(
      /There is no provider nobody; take one of replicate/,
    );
  });

  it("takes a model that nobody has verified only when it is named", async () => {
    const run = await SERVICES.replicate?.();
    if (run === undefined) throw new Error("replicate");
    const lines: string[] = [];
    const deps = depsOf(run, lines);
    const isSdxl = ({ name }: { name: string }) => name === "sdxl";
    const models = catalogue.models.map((model) => ({ ...model, verified: isSdxl(model) }));
    await buyOne({ provider: "replicate", model: null }, { ...deps, catalogue: { ...catalogue, models } });
    expect(lines[0]).toContain("one picture by sdxl,");
  });

  it("gives a model that is billed by time no more of it than it may cost", async () => {
    const service = await startTestReplicate();
    closing.push(service.close);
    const environment = { REPLICATE_API_TOKEN: TEST_TOKEN, REPLICATE_BASE_URL: service.sandbox().apiUrl };
    const deps = depsOf({ environment, clock: service.clock, pass: service.advance }, []);
    await buyOne({ provider: "replicate", model: "sdxl" }, deps);
    const price = catalogue.models.find(({ name }) => name === "sdxl")?.price;
    if (price?.per !== "second") throw new Error("sdxl is billed by time");
    const seconds = Number.parseInt(String(service.requests[0]?.headers["cancel-after"]), 10);
    expect(seconds).toBeGreaterThan(60);
    expect((seconds - 1) * price.usd).toBeLessThanOrEqual(0.1);
  });

  it.each([
    [
      "a refusal",
      { kind: "status", status: 402, title: "Insufficient credit" },
      /refused.*Insufficient credit/,
    ],
    ["a lost answer", { kind: "reset", accepted: true }, /unknown.*look at the account/],
    ["a failed job", { kind: "job", as: "nsfw" }, /ContentRejected/],
    ["a job without end", { kind: "job", as: "hangs" }, /ProviderCancelled/],
  ] as const)("fails on %s, once, with the exchange recorded", async (_, fault, message) => {
    const service = await startTestReplicate();
    closing.push(service.close);
    service.sandbox().faults.add(fault);
    const environment = { REPLICATE_API_TOKEN: TEST_TOKEN, REPLICATE_BASE_URL: service.sandbox().apiUrl };
    const lines: string[] = [];
    const deps = depsOf({ environment, clock: service.clock, pass: service.advance }, lines);
    await expect(buyOne({ provider: "replicate", model: null }, deps)).rejects.toThrow(message);
    // A recording that is good stays.
    expect(lines.at(-1)).toContain(`: ${join(folder, "bad")}`);
    expect(service.sandbox().creates()).toHaveLength(1);
    expect(JSON.parse(await recordingOf(lines))).toMatchObject({ gives: null });
  });
});
