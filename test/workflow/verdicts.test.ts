/** @module No picture of a real provider is released by a classifier that is gone, fails, hangs or returns nonsense. */
import { createRekognitionClassifier } from "@atelier/aws/rekognition";
import type { Classifier } from "@atelier/core/classifier";
import { DEFAULT_THRESHOLDS } from "@atelier/core/verdict";
import { collect } from "@atelier/core/workflow/steps/collect";
import { type ProcessDeps, process } from "@atelier/core/workflow/steps/process";
import { record } from "@atelier/core/workflow/steps/record";
import { createEmbeddedClassifier, openInspection } from "@atelier/inspection/classifier";
import { RekognitionClient } from "@aws-sdk/client-rekognition";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { MEASURED, MISBEHAVING, NONSENSE, threadAnswering } from "../../packages/inspection/testing.ts";
import { classifierSaying } from "../builders/classifier.ts";
import { held } from "../builders/flows.ts";
import { type MemoryTables, startMemoryTables } from "../builders/memory-table.ts";
import { startWorld, type World } from "../builders/world.ts";
import { TEST_JOB_MS } from "../simulators/replicate.ts";

let tables: MemoryTables;
let world: World;
beforeAll(async () => {
  tables = await startMemoryTables();
  // No sandbox runs here: what this Replicate delivers counts as a real provider's.
  world = await startWorld(await tables.table(), {
    firstLimits: { dayMicros: 20_000_000, monthMicros: 20_000_000 },
  });
});
afterAll(async () => {
  await world.close();
  await tables.close();
});

let pictures = 0;
/** Buys one picture and takes it to its end; its image, and what of it stands where callers are served from. */
async function made(classifier: Classifier | null | undefined, change: Partial<ProcessDeps> = {}) {
  const input = await held(world, `req_${++pictures}`);
  const run = world.generating(input);
  await run.sent;
  await world.advance(TEST_JOB_MS);
  expect(await run.answered).toBe("ok");
  await collect(input, world.steps);
  const processed = await process(input, { ...world.steps, classifier, ...change });
  await record({ ...input, ...processed }, world.steps);
  const image = await world.image(input.imageId);
  const served: string[] = [];
  for await (const { key } of world.steps.blobs.list("content/")) {
    if (key.includes(input.imageId)) served.push(key);
  }
  return { image, served };
}

async function expectHeld(
  classifier: Classifier | null | undefined,
  basis = "classifier",
  change: Partial<ProcessDeps> = {},
): Promise<void> {
  const { image, served } = await made(classifier, change);
  expect(image).toMatchObject({ status: "quarantined", verdict: { decision: "quarantined", basis } });
  expect(served).toStrictEqual([]);
}

const onThread = async (threadFile: URL, withinMs = 10_000): Promise<void> => {
  const classifier = createEmbeddedClassifier(DEFAULT_THRESHOLDS, {
    threadFile,
    loadTimeoutMs: withinMs,
    pictureTimeoutMs: withinMs,
  });
  try {
    await expectHeld(classifier);
  } finally {
    await classifier.close();
  }
};

test("a classifier that works releases what it finds nothing against", async () => {
  const classifier = createEmbeddedClassifier(DEFAULT_THRESHOLDS, {
    threadFile: threadAnswering(`say(${MEASURED});`),
  });
  const { image, served } = await made(classifier);
  await classifier.close();
  expect(image).toMatchObject({
    status: "completed",
    verdict: { decision: "released", basis: "classifier" },
  });
  expect(served.length).toBeGreaterThan(1);
});

describe("nothing is released by a classifier", () => {
  test("that was never installed", () => expectHeld(undefined, "no-classifier"));
  test("whose packages are gone", () =>
    expectHeld(
      openInspection({
        resolve: () => {
          throw new Error("Cannot find module");
        },
      }),
      "no-classifier",
    ));
  test("that throws", () =>
    expectHeld({ ...classifierSaying(), classify: () => Promise.reject(new Error("x")) }));
  test("that throws at once", () =>
    expectHeld({
      ...classifierSaying(),
      classify: () => {
        throw new TypeError("x");
      },
    }));
  test("whose thresholds let more through than they may", () =>
    expectHeld({ ...classifierSaying(), thresholds: { ...DEFAULT_THRESHOLDS, holdScore: 1 } }));
  test("in a cloud that cannot be reached", () =>
    expectHeld(
      createRekognitionClassifier({
        client: new RekognitionClient({
          endpoint: "http://127.0.0.1:9",
          region: "eu-west-3",
          credentials: { accessKeyId: "test", secretAccessKey: "test" },
          maxAttempts: 1,
        }),
      }),
    ));
  test.each(Object.entries(MISBEHAVING))("%s", (_, { threadFile, withinMs }) =>
    onThread(threadFile, withinMs),
  );
  // The rest of them is in the package's own tests.
  test.each(["null", "no faces", "scores that are no numbers", "an age that is no number"])(
    "that answers %s",
    (nonsense) => onThread(threadAnswering(`say(${NONSENSE[nonsense]});`)),
  );
});

test("a classifier that works releases nothing of a model that its provider does not filter", async () => {
  const unfiltered = (name: string) => {
    const model = world.steps.modelOf(name);
    return model && { ...model, filtered: false };
  };
  for (const change of [{ modelOf: unfiltered }, { modelOf: () => undefined }]) {
    await expectHeld(classifierSaying(), "classifier", change);
  }
});

test("what looks like a minor in a picture that came out rated is sealed, and nothing is developed from it", async () => {
  const scores = { suggestive: 0.5, nudity: 0, explicit: 0, other: 0 };
  const { image, served } = await made(classifierSaying({ scores, faces: [{ score: 0.97, ageYears: 12 }] }));
  expect(image).toMatchObject({
    status: "rejected",
    renditions: [],
    verdict: { decision: "rejected", sealed: true, thresholds: DEFAULT_THRESHOLDS, scores },
  });
  expect(served).toStrictEqual([]);
});
