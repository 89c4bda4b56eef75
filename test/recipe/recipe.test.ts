/** @module The recipe of CONTRIBUTING for a new provider, followed: one folder, one line of the registry, its catalogue entries. */
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Catalogue, modelSchema } from "@atelier/core/catalogue";
import { reconcileAttempts } from "@atelier/core/reconcile-attempts";
import { rankCandidates } from "@atelier/core/routing";
import { loadCatalogue } from "@atelier/local/templates";
import { describeProviderContract, type ProviderSimulator, wireHeaders } from "@atelier/providers/contract";
import { createProviders, PROVIDERS, settingsFromEnvironment } from "@atelier/providers/registry";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ended } from "../builders/flows.ts";
import { type MemoryTables, startMemoryTables } from "../builders/memory-table.ts";
import { startWorld, type World } from "../builders/world.ts";
import { TEST_NOW_MS } from "../simulators/replicate.ts";
import { lantern } from "./lantern/definition.ts";
import { startLantern } from "./lantern-service.ts";

const LINES_MAX = 200;
const KEY = "lantern-key-for-tests";
const JOB_MS = 3_000;
const FOLDER = fileURLToPath(new URL("./lantern", import.meta.url));

/** The registry with the one line more. */
const DEFINITIONS = [...PROVIDERS, lantern];

const MODEL = modelSchema.parse({
  name: "lantern-one",
  provider: "lantern",
  model: "lantern/one",
  version: null,
  buyable: true,
  verified: true,
  price: { per: "image", usd: 0.01 },
  sizes: { kind: "range", width: "width", height: "height", min: 64, max: 1024 },
  prompt: { parameter: "prompt", charactersMax: 2000 },
  negativePrompt: "avoid",
  steps: { parameter: "steps", min: 1, max: 60 },
  guidanceScale: null,
  seed: "seed",
  outputs: null,
  licence: { rating: "general", reviewed: "2026-11-22", source: "made up for a test" },
  filtered: true,
  typicalSeconds: 3,
});

type LanternSimulator = ProviderSimulator & { readonly baseUrl: string };

async function startSimulator(): Promise<LanternSimulator> {
  let nowMs = TEST_NOW_MS;
  const service = await startLantern({ clock: () => nowMs, apiKey: KEY, jobMs: JOB_MS });
  return {
    baseUrl: service.origin,
    request: (seed = 4711) => ({
      model: MODEL,
      prompt: "a lighthouse at dusk",
      negativePrompt: "blurry",
      parameters: { width: 512, height: 512, steps: 20, guidanceScale: 7 },
      seed,
      deadlineMs: 300_000,
    }),
    webhookUrl: (attemptId) => `https://atelier.example/w/${attemptId}`,
    expectedCreate: ({ prompt, negativePrompt, seed }, { attemptId }) => ({
      method: "POST",
      path: "/jobs",
      headers: { "x-api-key": KEY, "content-type": "application/json", "user-agent": "node" },
      body: {
        model: "lantern/one",
        reference: attemptId,
        prompt,
        avoid: negativePrompt,
        width: 512,
        height: 512,
        steps: 20,
        seed,
      },
    }),
    creates: () =>
      service.requests
        .filter(({ method }) => method === "POST")
        .map(({ method, path, headers, body }) => ({
          method,
          path,
          headers: wireHeaders(headers),
          body: JSON.parse(body),
        })),
    jobs: service.jobs,
    spoilCreate: service.spoilCreate,
    spoilJob: service.spoilJob,
    spoilReads: service.spoilReads,
    nowMs: () => nowMs,
    async finish() {
      nowMs += JOB_MS;
    },
    webhook: () => undefined,
    close: service.close,
  };
}

function openLantern(baseUrl: string, clock: () => number) {
  const { settings, off } = settingsFromEnvironment(
    { LANTERN_API_KEY: KEY, LANTERN_BASE_URL: baseUrl },
    [],
    DEFINITIONS,
  );
  expect(off.get("lantern")).toBeUndefined();
  const provider = createProviders(settings, { clock, workflows: {} }, DEFINITIONS).get("lantern");
  if (provider === undefined) throw new Error("The registry has no lantern.");
  return provider;
}

describeProviderContract("lantern", ({ baseUrl, nowMs }) => openLantern(baseUrl, nowMs), startSimulator);

describe("the recipe for a provider", () => {
  let tables: MemoryTables;
  let templates: string;
  let catalogue: Catalogue;
  beforeAll(async () => {
    tables = await startMemoryTables();
    templates = await mkdtemp(join(tmpdir(), "recipe-"));
    await cp(fileURLToPath(new URL("../../templates", import.meta.url)), templates, { recursive: true });
    const entries = await readFile(join(FOLDER, "models.yaml"), "utf8");
    const [providers = "", models = ""] = entries.replace("providers:\n", "").split("models:\n");
    const file = join(templates, "models.yaml");
    const shipped = (await readFile(file, "utf8")).replace("\nmodels:\n", `\n${providers}\nmodels:\n`);
    await writeFile(file, `${shipped.trimEnd()}\n${models}`);
    catalogue = await loadCatalogue(templates);
  });
  afterAll(async () => {
    await tables.close();
    await rm(templates, { recursive: true, force: true });
  });

  it(`takes one folder, one line and some entries: under ${LINES_MAX} lines`, async () => {
    const names = await readdir(FOLDER);
    expect(names.sort()).toStrictEqual(["definition.ts", "models.yaml", "provider.ts"]);
    const texts = await Promise.all(names.map((name) => readFile(join(FOLDER, name), "utf8")));
    const lines = texts.reduce((sum, text) => sum + text.trimEnd().split("\n").length, 1);
    expect(lines).toBeLessThan(LINES_MAX);
  });

  it("needs no change anywhere else: nothing in the packages knows its name", async () => {
    const packages = fileURLToPath(new URL("../../packages", import.meta.url));
    const sources = (await readdir(packages, { recursive: true })).filter(
      (path) => path.endsWith(".ts") && !path.includes("node_modules"),
    );
    const texts = await Promise.all(sources.map((path) => readFile(join(packages, path), "utf8")));
    expect(
      texts.filter((text) => /lantern/i.test(text) && /createLantern|"lantern"/.test(text)),
    ).toStrictEqual([]);
  });

  it("is in the catalogue as its entries say", () => {
    expect(catalogue.models.find(({ name }) => name === "lantern-one")).toStrictEqual(MODEL);
    expect(catalogue.providers.find(({ name }) => name === "lantern")).toMatchObject({
      buyable: true,
      limits: { createsPerMinute: 300 },
    });
  });

  it("buys a picture through every step, and books what it charged", async () => {
    let world: World | undefined;
    const clock = () => world?.clock() ?? TEST_NOW_MS;
    const service = await startLantern({ clock, apiKey: KEY, jobMs: JOB_MS });
    try {
      const provider = openLantern(service.origin, clock);
      world = await startWorld(await tables.table(), {
        providerOf: (name) => (name === "lantern" ? provider : undefined),
        modelOf: (name) => catalogue.models.find((model) => model.name === name),
        route: (query) =>
          rankCandidates({
            models: catalogue.models,
            providers: catalogue.providers,
            wanted: { model: "lantern-one", provider: "lantern" },
            templateModels: [],
            rating: query.rating,
            parameters: query.parameters,
            promptCharacters: 40,
            negativePrompt: true,
            attestations: [],
            on: ["lantern"],
            off: new Map(),
            tried: query.tried,
            rejectedBy: query.rejectedBy,
            failedProviders: [],
            capMicros: query.capMicros,
            health: null,
            today: "2026-11-22",
            termsExpireAfterDays: catalogue.termsExpireAfterDays,
          }),
      });
      const running = world;
      await ended(running, await running.start(), () => reconcileAttempts(running.reconciling));
      const [image] = await running.steps.images.ofRequest("req_contract");
      expect(image).toMatchObject({ status: "completed", model: "lantern-one", costMicros: 8_000 });
      expect(service.jobs()).toBe(1);
      const [attempt] = await running.steps.attempts.ofImage(image?.imageId ?? "");
      expect(attempt).toMatchObject({ provider: "lantern", settledMicros: 8_000, ledgerApplied: true });
    } finally {
      await world?.close();
      await service.close();
    }
  });
});
