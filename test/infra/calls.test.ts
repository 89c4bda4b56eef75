/** @module Runs every step and entrance through all that can happen to it, on clients that note what is called. */

import { createAttempts } from "@atelier/aws/dynamo/attempts";
import { createCallers } from "@atelier/aws/dynamo/callers";
import { auditHeadKey, promptKey } from "@atelier/aws/dynamo/keys";
import { createPacingStore } from "@atelier/aws/dynamo/pacing";
import { createPromptVault } from "@atelier/aws/dynamo/prompts";
import { createVersions } from "@atelier/aws/dynamo/versions";
import { createEvents } from "@atelier/aws/events";
import { announceBudgets } from "@atelier/core/announce";
import type { Attempt } from "@atelier/core/attempt";
import { signId } from "@atelier/core/ids";
import type { Image } from "@atelier/core/image";
import { installedHealth } from "@atelier/core/installed-health";
import { versionFolder } from "@atelier/core/manifest";
import { knownNames } from "@atelier/core/metrics";
import { createPacing } from "@atelier/core/pacing-rounds";
import type { Found, OperationStatus, OutputData, Provider, Submission } from "@atelier/core/provider";
import { versionIdOf } from "@atelier/core/version";
import { requestVersion } from "@atelier/core/version-request";
import { receiveWebhook } from "@atelier/core/webhook";
import { abandon } from "@atelier/core/workflow/steps/abandon";
import { collect } from "@atelier/core/workflow/steps/collect";
import { generate } from "@atelier/core/workflow/steps/generate";
import { plan } from "@atelier/core/workflow/steps/plan";
import { process } from "@atelier/core/workflow/steps/process";
import { record } from "@atelier/core/workflow/steps/record";
import { validate } from "@atelier/core/workflow/steps/validate";
import { makeVersions } from "@atelier/functions/make-versions";
import { reconcileAndReport } from "@atelier/functions/reconcile-report";
import { startEventSchema, startRequested } from "@atelier/functions/start-request";
import { createImaging } from "@atelier/imaging/open";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ACCESS, ENTRY_NAMES, type EntryName } from "../../stacks/access.ts";
import { startWorld, type World } from "../builders/world.ts";
import { tinyPng } from "../simulators/tiny-png.ts";
import { driveApi } from "./api-calls.ts";
import { CALLS } from "./calls.ts";
import { type Recorder, startRecorder } from "./recorder.ts";

const MACHINE = "req_contract.0-1";
const WEBHOOK_KEY = Buffer.from("a key for these tests");

/** What functions do where this journey does not lead. */
const RARELY: Partial<Record<EntryName, readonly string[]>> = {
  // A prompt that shows more than its category says: the image is found by its new rating.
  validate: ["dynamodb:BatchWriteItem records"],
  // A picture that is unsealed: its originals are kept from then on.
  reprocess: ["s3:PutObject originals/*"],
};

const nothing = () => {};
const QUIET = {
  begin: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  add: nothing,
  measure: nothing,
  end: nothing,
};

const picture = (seed: number): OutputData => ({
  kind: "bytes",
  bytes: tinyPng(256, 256, seed),
  contentType: "image/png",
});
const succeeded = (output: OutputData): OperationStatus => ({
  kind: "succeeded",
  outputs: [output],
  costMicros: null,
});
const failed: OperationStatus = {
  kind: "failed",
  name: "ProviderFailed",
  message: "It failed.",
  charged: true,
  costMicros: null,
};

let recorder: Recorder;
let world: World;
let offsetMs = 0;
let requests = 0;
/** Whether the provider can be asked for its jobs. */
let lists = true;
/** What the provider answers next. */
const told: { submission: Submission; status: OperationStatus; found: Found } = {
  submission: { kind: "unknown", message: "" },
  status: { kind: "pending" },
  found: { kind: "unknown" },
};

beforeAll(async () => {
  recorder = await startRecorder();
  const clock = () => Date.parse("2026-11-22T06:00:00Z") + offsetMs;
  const provider: Provider = {
    name: "replicate",
    trustedOrigin: null,
    submit: async () => told.submission,
    check: async () => told.status,
    find: async () => told.found,
    parseWebhook: (headers) => ({
      kind: "status",
      operation: String(headers.operation),
      status: told.status,
    }),
  };
  const { find: _, ...withoutFind } = provider;
  const randomBytes = (size: number) => new Uint8Array(size).fill(1);
  const signer = await recorder.as("process", () => recorder.signer({ clock, randomBytes }));
  world = await startWorld(recorder.dynamo, {
    clock,
    blobs: recorder.blobs,
    events: createEvents({
      dynamo: recorder.dynamo,
      telemetry: QUIET,
      bus: recorder.bus,
      known: knownNames({ providers: [], models: [] }),
    }),
    pacing: createPacing({
      store: createPacingStore(recorder.dynamo),
      clock,
      limitsOf: () => undefined,
      timezone: "UTC",
      isRunning: async () => false,
    }),
    workflow: recorder.workflow(clock),
    providerOf: () => (lists ? provider : withoutFind),
    health: installedHealth(["replicate"], {
      catalogue: { providers: [] },
      attempts: createAttempts(recorder.dynamo),
      pacingStore: createPacingStore(recorder.dynamo),
      clock,
      timezone: "UTC",
    }),
    vault: createPromptVault(recorder.dynamo, recorder.texts),
    classifier: recorder.classifier,
    imaging: createImaging({ concurrency: 1, signer }),
    fetcher: { fetch: async () => picture(3) as Extract<OutputData, { kind: "bytes" }> },
    firstLimits: { dayMicros: 100_000_000, monthMicros: 100_000_000 },
  });
}, 180_000);
afterAll(async () => {
  await world.close();
  await recorder.close();
});

const deps = () => ({
  ...world.steps,
  audit: world.audit,
  vault: createPromptVault(recorder.dynamo, recorder.texts),
  workflow: recorder.workflow(world.steps.clock),
  webhookKey: WEBHOOK_KEY,
});

test("a call that Lambda repeats is the same request, another call is another", async () => {
  const call = { category: "weekend_special" };
  const first = await asked(call, "8f5a1d3e-0000-4000-8000-000000000001");
  offsetMs += 120_000;
  expect(await asked(call, "8f5a1d3e-0000-4000-8000-000000000001")).toEqual(first);
  const other = await asked(call, "8f5a1d3e-0000-4000-8000-000000000002");
  expect([first.status, other.status]).toEqual(["accepted", "accepted"]);
  expect(other.request_id).not.toBe(first.request_id);
  for (const { request_id } of [first, other]) expect(request_id).toMatch(/^req_[0-9a-z]{26}$/);
});

/** A new request, started (twice: the second time it stands already) and planned: its image. */
async function planned(): Promise<Image> {
  const requestId = `req_${String(++requests).padStart(26, "0")}`;
  await asked({ request_id: requestId, category: "weekend_special" });
  await asked({ request_id: requestId, category: "weekend_special" });
  await planAgain(requestId, 1);
  const [image] = await world.steps.images.ofRequest(requestId);
  if (!image) throw new Error("Nothing was planned.");
  return image;
}

async function asked(body: Readonly<Record<string, unknown>>, invocationId = "") {
  const { promptKey } = world.steps;
  const today = () => "2026-11-22";
  const own = {
    provider: "replicate" as const,
    today,
    telemetry: QUIET,
    promptKey,
    callers: createCallers(recorder.dynamo),
  };
  return recorder.as("start", () =>
    startRequested(startEventSchema.parse(body), { ...deps(), ...own }, { requestId: invocationId }),
  );
}

async function planAgain(requestId: string, generation: number): Promise<void> {
  const executionName = `${requestId}.0-${generation}`;
  const input = { input: { requestId, part: 0, generation }, executionId: executionName, executionName };
  await recorder.as("plan", () => plan(input, deps()));
}

/** Validated and sent; what the provider says is in `told`. Of the first release: its prompt not built, its audit no chain. */
async function sent(image: Image, isOfFirstRelease = false): Promise<Attempt> {
  const owned = { imageId: image.imageId, generation: image.generation };
  if (isOfFirstRelease) {
    await world.steps.images.patch(image.imageId, { set: { slots: { fruit: "pears" } }, when: [] });
    await recorder.dynamo.remove(promptKey(image.imageId));
  }
  const { attemptId } = await recorder.as("validate", () => validate(owned, deps()));
  if (isOfFirstRelease) await recorder.dynamo.remove(auditHeadKey(image.imageId));
  await recorder.as("generate", () =>
    generate({ ...owned, attemptId, taskToken: `token of ${attemptId}` }, deps()),
  );
  return world.attempt(attemptId);
}

async function notified({ attemptId, operation }: Attempt) {
  const call = {
    provider: "replicate",
    attemptId,
    signature: signId(attemptId, WEBHOOK_KEY),
    headers: { operation: operation ?? "op" },
    rawBody: new Uint8Array(),
  };
  return recorder.as("webhook", () => receiveWebhook(call, deps()));
}

/** The way from the outcome to the shelf, each step twice: the second time finds its work done. */
async function finished({ imageId, attemptId, generation }: Attempt): Promise<void> {
  const input = { imageId, attemptId, generation };
  for (const _ of ["once", "again"]) {
    await recorder.as("collect", () => collect(input, deps()));
    const { manifestKey } = await recorder.as("process", () => process(input, deps()));
    await recorder.as("record", () => record({ ...input, manifestKey }, deps()));
  }
}

/** The same of a picture that nothing can judge. */
async function quarantined(
  { imageId, attemptId, generation }: Attempt,
  withoutClassifier: Parameters<typeof process>[1],
): Promise<void> {
  const input = { imageId, attemptId, generation };
  await recorder.as("collect", () => collect(input, deps()));
  const { manifestKey } = await recorder.as("process", () => process(input, withoutClassifier));
  expect(manifestKey).toMatch(/^quarantine\//);
  await recorder.as("record", () => record({ ...input, manifestKey }, deps()));
}

/** A pass of the reconciler, long after the last one. */
async function reconciled(): Promise<void> {
  offsetMs += 8 * 60_000;
  const own = {
    telemetry: QUIET,
    providers: ["replicate"],
    offers: { providers: [], models: [] },
    pacing: createPacingStore(recorder.dynamo),
  };
  await recorder.as("reconcile", () => reconcileAndReport({}, { ...deps(), ...own }));
}

/** A version that is made, one whose process died, one of a picture that is gone, and nothing to do. */
async function reprocessed({ imageId }: Image): Promise<void> {
  const versions = createVersions(recorder.dynamo);
  const own = { ...deps(), versions, telemetry: QUIET };
  const call = { requestId: "a call", deadlineMs: world.steps.clock() + 300_000 };
  const image = await world.image(imageId);
  await requestVersion(imageId, { upscale: 2 }, "ada", own);
  await recorder.blobs.put(
    `${versionFolder("content", image, 2)}left.jpg`,
    new Uint8Array([1]),
    "image/jpeg",
  );
  await recorder.as("reprocess", () => makeVersions({}, own, call));
  const gone = await requestVersion(imageId, { upscale: 4 }, "ada", own);
  await versions.patch(versionIdOf(gone), { set: { state: "removed" }, when: [] });
  await recorder.as("reprocess", () => makeVersions({}, own, call));
}

async function abandoned({ imageId, generation }: Image, name: string): Promise<void> {
  const input = { imageId, generation, error: { Error: name, Cause: "{}" } };
  await recorder.as("abandon", () => abandon(input, deps()));
}

test("each function calls what its table says, and nothing else", async () => {
  // A synchronous provider; released, then looked at by a reviewer.
  told.submission = { kind: "done", outputs: [picture(1)], costMicros: null };
  const shown = await planned();
  await finished(await sent(shown));
  await reprocessed(shown);
  const unclassified = await sent(await planned());
  const { classifier: _, ...withoutClassifier } = world.steps;
  await quarantined(unclassified, withoutClassifier);

  // A grid, which is cut into its quarters.
  told.submission = { kind: "done", outputs: [{ ...picture(5), layout: "grid-2x2" }], costMicros: null };
  await finished(await sent(await planned()));

  // A provider that takes its time, and tells by webhook, with addresses; what was kept is lost again.
  told.submission = { kind: "accepted", operation: "op-1" };
  told.status = succeeded({ kind: "url", url: "https://example.com/picture.png" });
  const waiting = await sent(await planned());
  expect((await notified(waiting)).status).toBe(200);
  await finished(waiting);
  for (const { key } of (await world.attempt(waiting.attemptId)).stored) await recorder.remove(key);
  const { imageId, attemptId, generation } = waiting;
  await recorder.as("collect", () => collect({ imageId, attemptId, generation }, deps()));

  // By webhook with the bytes; by webhook that it failed, whereupon another attempt is made, and given up.
  told.submission = { kind: "accepted", operation: "op-2" };
  told.status = succeeded(picture(2));
  await notified(await sent(await planned(), true));
  told.submission = { kind: "accepted", operation: "op-3" };
  told.status = failed;
  const unlucky = await planned();
  await notified(await sent(unlucky));
  told.submission = { kind: "rate-limited", retryAfterMs: 1_000, message: "later" };
  await sent(unlucky);
  await abandoned(unlucky, "DeadlineExceeded");

  // Told by whoever takes money of a budget that is nearly used.
  const crossed = [{ scope: "day", period: "2026-11-22", limitMicros: 10, usedMicros: 8 }];
  await recorder.as("validate", () => announceBudgets("real", crossed, world.steps));

  // By webhook for a create whose answer was lost: its job is claimed there.
  told.submission = { kind: "unknown", message: "reset" };
  const unanswered = await planned();
  await notified(await sent(unanswered));
  await abandoned(unanswered, "ProviderFailed");

  // Without a webhook: the reconciler asks, finds what was lost, and starts parts again.
  offsetMs += 60_000;
  told.submission = { kind: "accepted", operation: "op-4" };
  await sent(await planned());
  told.status = succeeded(picture(4));
  await reconciled();
  told.submission = { kind: "unknown", message: "reset" };
  const lost = await planned();
  await sent(lost);
  told.found = { kind: "found", operation: "op-5" };
  told.status = failed;
  for (let pass = 0; pass < 3; pass++) await reconciled();
  const restarted = await world.steps.requests.parts.get(`${lost.requestId}.0`);
  expect(restarted?.generation).toBeGreaterThan(1);
  await planAgain(lost.requestId, restarted?.generation ?? 0);

  // Whoever answers with the picture itself lists nothing: the reconciler looks whether it was kept.
  lists = false;
  await sent(await planned());
  for (let pass = 0; pass < 2; pass++) await reconciled();
  lists = true;

  // Free prompts: one that is taken, one that is refused.
  const free = await asked({ prompt: "A bowl of apples on a table" });
  expect(free.status).toBe("accepted");
  await planAgain(free.request_id, 1);
  const refused = await asked({ prompt: "A bowl of pears on a table", max_cost: 0 }, "another call");
  expect(refused.status).toBe("refused");
  // By one who probes, and is counted.
  const probe = { prompt: "forbiddenword", caller: "somebody" };
  expect((await asked(probe, "a probe")).status).toBe("refused");

  // More than one execution's worth: the first part begins the second.
  const large = await asked({ category: "weekend_special", count: 51 }, "a large request");
  await planAgain(large.request_id, 1);

  // The calendar.
  await recorder.as("plan", () =>
    plan(
      {
        input: { entry: "sunday", scheduledTime: "2026-11-22T05:00:00Z" },
        executionId: "arn",
        executionName: MACHINE,
      },
      deps(),
    ),
  );

  // The API, over what stands now; the other classified by nobody is removed.
  const waits: string[] = [];
  for (const seed of [6, 8]) {
    told.submission = { kind: "done", outputs: [picture(seed)], costMicros: null };
    const image = await planned();
    await quarantined(await sent(image), withoutClassifier);
    waits.push(image.imageId);
  }
  const [toRemove = "", toErase = ""] = waits;
  told.submission = { kind: "accepted", operation: "op-6" };
  told.status = succeeded({ kind: "url", url: "https://example.com/picture.png" });
  const underWay = await sent(await planned());
  await notified(underWay);
  await driveApi(recorder, deps(), {
    released: shown.imageId,
    quarantined: [unclassified.imageId, toRemove, toErase],
    underWay: (await world.image(underWay.imageId)).requestId,
  });

  const of = (calls: (name: EntryName) => readonly string[]) =>
    Object.fromEntries(ENTRY_NAMES.map((name) => [name, [...calls(name)].sort()]));
  expect(of((name) => [...new Set([...recorder.calls(name), ...(RARELY[name] ?? [])])])).toEqual(
    of((name) => CALLS[name]),
  );
}, 180_000);

test("a function that is said to look for what may be missing may read there", () => {
  for (const name of ENTRY_NAMES) {
    const { reads, writes, misses } = ACCESS[name];
    expect(reads).toEqual(expect.arrayContaining([...misses, ...writes]));
  }
});
