/**
 * @module Must hold: whenever a run is killed, `resume` brings every planned image to its end, nothing is bought twice, no
 * money leaks and no half-written file is visible.
 */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Catalogue } from "@atelier/core/catalogue";
import { sha256Hex } from "@atelier/core/ids";
import type { Image } from "@atelier/core/image";
import { all } from "@atelier/core/pages";
import { type Installation, openInstallation } from "@atelier/local/installation";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { smallCatalogue } from "../builders/small-catalogue.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const COMMAND = join(ROOT, "packages/cli/atelier.mjs");
const KILL_AT = fileURLToPath(new URL("kill-at.ts", import.meta.url));
/** As the launcher gives it to commands: what is killed shall have begun its work soon. */
const ENVIRONMENT = { ...process.env, NODE_COMPILE_CACHE: join(ROOT, "node_modules/.cache/compiled") };
/** `npm test` takes two moments and half of the boundaries; the full thirty, and all of them, are `npm run bench -- faults`. */
const MOMENTS = Number(process.env.ATELIER_TEST_KILLS ?? "2");
/** With two, the second one's boundary has work under way on both sides of it. */
const IMAGES_A_DAY = MOMENTS > 2 ? 5 : 2;

let folder = "";
let catalogueFile = "";
let catalogue: Catalogue;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "atelier-kill-"));
  catalogueFile = join(folder, "catalogue.json");
  catalogue = await smallCatalogue(IMAGES_A_DAY);
  await writeFile(catalogueFile, JSON.stringify(catalogue));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs Node in a process group of its own, and kills the group after a while if asked to. */
function run(args: readonly string[], killAfterMs?: number): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [...args], {
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
      env: ENVIRONMENT,
    });
    const output = { stdout: "", stderr: "" };
    child.stdout.on("data", (chunk) => (output.stdout += chunk));
    child.stderr.on("data", (chunk) => (output.stderr += chunk));
    const timer =
      killAfterMs === undefined
        ? undefined
        : setTimeout(() => {
            if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, "SIGKILL");
          }, killAfterMs);
    child.on("close", (code) => {
      clearTimeout(timer);
      resolve({ code, ...output });
    });
  });
}

const command = (data: string, ...args: string[]) => [COMMAND, ...args, "--data", data, "--json"];
/** The plan of a day in small pictures, by a process that nothing kills from within. */
const plan = (data: string, day: string) => [KILL_AT, data, catalogueFile, day, "never", "entered", "0"];

/** Days of the weekly plan from a Monday on, without Sundays. */
function workday(index: number): string {
  const days = index + Math.floor(index / 6);
  return new Date(Date.UTC(2026, 10, 23 + days)).toISOString().slice(0, 10);
}

/** Everything that must be true once `resume` has ended. */
async function expectSound(data: string): Promise<readonly Image[]> {
  const installation = await openInstallation({
    dataFolder: data,
    catalogue,
    provider: null,
    environment: {},
  });
  try {
    const images = await Array.fromAsync(all((page) => installation.steps.images.list({}, page)));
    for (const image of images) {
      expect(`${image.imageId} ${image.status} ${image.failure?.message ?? ""}`).toBe(
        `${image.imageId} completed `,
      );
      for (const rendition of image.renditions) {
        expect(sha256Hex(await readFile(join(data, rendition.path)))).toBe(rendition.sha256);
      }
    }
    await expectOneCreateEach(data, images);
    await expectMoneyConserved(installation, images);
    await expectNoHalfFiles(data);
    return images;
  } finally {
    await installation.close();
  }
}

/** What the sandbox has on its disk is what was bought; its count of creates must not exceed one for an attempt either. */
async function expectOneCreateEach(data: string, images: readonly Image[]): Promise<void> {
  const predictions = join(data, "sandbox/predictions");
  const bought = await Promise.all(
    (await readdir(predictions))
      .filter((name) => name.endsWith(".json"))
      .map(
        async (name) => JSON.parse(await readFile(join(predictions, name), "utf8")) as { webhook: string },
      ),
  );
  const attemptIds = bought.map(({ webhook }) => webhook.split("/").at(-2) ?? "");
  expect(new Set(attemptIds).size).toBe(attemptIds.length);
  // One paid picture an image: no second attempt of an image was accepted.
  const paid = attemptIds.map((attemptId) => attemptId.slice(0, attemptId.lastIndexOf("-")));
  expect([...paid].sort()).toStrictEqual(images.map((image) => image.imageId).sort());
}

async function expectMoneyConserved(installation: Installation, images: readonly Image[]): Promise<void> {
  const { attempts, ledger } = installation.steps;
  let settledMicros = 0;
  for (const image of images) {
    for (const attempt of await attempts.ofImage(image.imageId)) {
      expect(attempt).toMatchObject({ ledgerApplied: true, settledMicros: expect.any(Number) });
      settledMicros += attempt.settledMicros ?? 0;
    }
  }
  const row = await ledger.read("sandbox", installation.today().slice(0, 7));
  expect(row).toBeDefined();
  expect(Object.values(row?.holds ?? {}).filter((amountMicros) => amountMicros > 0)).toStrictEqual([]);
  expect(row?.openHolds).toBe(0);
  expect((row?.limits.m ?? 0) - (row?.remaining.m ?? Number.NaN)).toBe(settledMicros);
  expect(images.reduce((sum, image) => sum + image.costMicros, 0)).toBe(settledMicros);
}

/** Under the folders that people look at, every file is whole: what it is named by its own hash it has. */
async function expectNoHalfFiles(data: string): Promise<void> {
  for (const entry of await readdir(join(data, "content"), { recursive: true, withFileTypes: true })) {
    const named = /-([0-9a-f]{8})\.(jpg|webp)$/.exec(entry.name);
    if (!entry.isFile() || !named) continue;
    const bytes = await readFile(join(entry.parentPath, entry.name));
    expect(createHash("sha256").update(bytes).digest("hex").slice(0, 8)).toBe(named[1]);
  }
}

describe("kill -9 of the process group", () => {
  // What leaves a step enters the next one: the boundary is the same.
  const boundaries = [
    ...["plan", "validate", "generate", "collect", "process", "record"].map((step) => ({
      step,
      phase: "entered",
    })),
    { step: "plan", phase: "left" },
    { step: "record", phase: "left" },
    // The simulation dies at every one of them as well, a hundred times faster.
  ].filter((_, index) => MOMENTS > 2 || index % 2 === 1);

  test("at every step boundary, then one resume", { timeout: 240_000 }, async () => {
    const data = join(folder, "boundaries");
    for (const [index, { step, phase }] of boundaries.entries()) {
      // The second image's boundary where there are several: then work is under way on both sides of it.
      const passes = step === "plan" ? "0" : "1";
      const killed = await run([KILL_AT, data, catalogueFile, workday(index), step, phase, passes]);
      expect(`${step} ${phase} ${killed.code} ${killed.stderr}`).toBe(`${step} ${phase} null `);
    }
    const resumed = await run(command(data, "resume"));
    expect(resumed).toMatchObject({ code: 0, stderr: "" });
    const images = await expectSound(data);
    // Even the run that was killed before it had planned anything: its occurrence is fired again.
    expect(new Set(images.map((image) => image.requestId)).size).toBe(boundaries.length);
  });

  test("at seeded random moments, with a resume killed as well", { timeout: 1_800_000 }, async () => {
    const data = join(folder, "random");
    // Moments are shares of an undisturbed run on this machine, which may be busy: from start-up to the last file.
    const startedAtMs = performance.now();
    expect(await run(plan(data, workday(0)))).toMatchObject({
      code: 0,
      stderr: "",
    });
    const wholeMs = performance.now() - startedAtMs;
    for (let index = 1; index <= MOMENTS; index++) {
      const share =
        0.15 + 0.8 * (createHash("sha256").update(`moment ${index}`).digest().readUInt16BE(0) / 0xffff);
      await run(plan(data, workday(index)), share * wholeMs);
      if (index % Math.min(4, MOMENTS) === 0) await run(command(data, "resume"), share * wholeMs);
    }
    const resumed = await run(command(data, "resume"));
    expect(resumed).toMatchObject({ code: 0, stderr: "" });
    await expectSound(data);
  });
});

test("two processes on one occurrence make each image once, while a third lists", {
  timeout: 120_000,
}, async () => {
  const data = join(folder, "twice");
  const words = plan(data, workday(0));
  const listing = async () => {
    // A folder that does not exist yet cannot be listed.
    while (!existsSync(join(data, "engine", "host.json"))) await wait(50);
    return run(command(data, "images"));
  };
  const [one, other, listed] = await Promise.all([run(words), run(words), listing()]);
  expect(one).toMatchObject({ code: 0, stderr: "" });
  expect(other).toMatchObject({ code: 0, stderr: "" });
  expect(listed).toMatchObject({ code: 0, stderr: "" });
  const ids = one.stdout.trimEnd().split("\n");
  expect(ids).toHaveLength(IMAGES_A_DAY);
  expect(other.stdout).toBe(one.stdout);
  expect((await expectSound(data)).map(({ imageId }) => imageId).sort()).toStrictEqual(ids.sort());
});
