/** @module The functions as AWS runs them: real entries, cold, with real event payloads, against table, bucket and provider. */

import { derivedKey } from "@atelier/aws/secrets";
import { imageIdOf } from "@atelier/core/ids";
import { webhookPath } from "@atelier/core/webhook";
import { verifyPicture } from "@atelier/imaging/verify";
import { predictionIdOf } from "@atelier/providers/replicate/responses";
import { signWebhook } from "@atelier/providers/replicate/webhook";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { TEST_TOKEN, TEST_WEBHOOK_SECRET } from "../simulators/replicate.ts";
import { type Cloud, httpEvent, openCloud } from "./cloud.ts";

// Whole executions, some seconds each on a machine that does nothing else.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let cloud: Cloud;
const written: string[] = [];
beforeAll(async () => {
  for (const method of ["info", "log", "warn", "error", "debug"] as const) {
    vi.spyOn(console, method).mockImplementation((line: unknown) => void written.push(String(line)));
  }
  // To the console, and with its metrics.
  Object.assign(process.env, { POWERTOOLS_DEV: "true", POWERTOOLS_METRICS_DISABLED: "false" });
  cloud = await openCloud();
});
afterAll(() => cloud.close());
afterEach(() => {
  vi.useRealTimers();
  written.length = 0;
});

const lines = () =>
  written.flatMap((text) => {
    try {
      return [JSON.parse(text) as Record<string, unknown>];
    } catch {
      return [];
    }
  });
const requestIdFor = (letter: string) => `req_${letter.repeat(26)}`;

const SMALL = { parameters: { width: 256, height: 256 } };

/** Starts a request and waits for its executions. */
async function produced(event: { request_id: string; count?: number } & Record<string, unknown>) {
  const answer = await cloud.invoke("start", event);
  expect(answer).toMatchObject({ request_id: event.request_id, status: "accepted" });
  await cloud.machine.ended(`${event.request_id}.0-1`);
  return cloud.images.ofRequest(event.request_id);
}

describe("a request", () => {
  test("goes the whole way, once, with its ids in the log and never a prompt", async () => {
    const requestId = requestIdFor("a");
    const asked = { request_id: requestId, category: "weekend_special", count: 2, ...SMALL };
    const createsBefore = cloud.sandbox.creates().length;
    const images = await produced(asked);

    expect(images.map(({ status, failure }) => ({ status, failure }))).toStrictEqual([
      { status: "completed", failure: null },
      { status: "completed", failure: null },
    ]);
    expect(cloud.sandbox.creates().length - createsBefore).toBe(2);
    for (const image of images) {
      for (const { path, sha256 } of image.renditions)
        expect((await cloud.blobs.get(path))?.head.sha256).toBe(sha256);
      for (const { key, sha256 } of image.originals)
        expect((await cloud.blobs.head(key))?.sha256).toBe(sha256);
      const [attempt] = await cloud.attempts.ofImage(image.imageId);
      expect(attempt).toMatchObject({ state: "succeeded", ledgerApplied: true });
      expect(attempt?.submitter).toMatch(/^lambda\/[0-9a-f-]{36}\/\d{13}$/);
      expect(attempt?.webhookUrl?.startsWith(`${cloud.webhookUrl}/webhooks/replicate/`)).toBe(true);
    }
    const log = lines();
    const recorded = log.filter(({ service, message }) => service === "record" && message === "done");
    expect(recorded).toHaveLength(2);
    expect(recorded[0]).toMatchObject({
      level: "INFO",
      requestId,
      imageId: expect.stringMatching(/^img_a{26}_0000[01]$/),
      attemptId: expect.stringMatching(/^img_a{26}_0000[01]-1$/),
      tookMs: expect.any(Number),
    });
    for (const service of ["validate", "generate", "collect", "process", "record", "webhook"]) {
      const own = log.filter((line) => line.service === service && line.message === "done");
      expect(own).not.toEqual([]);
      for (const { requestId: ofRequest, imageId, attemptId } of own) {
        expect({ service, ofRequest }).toEqual({ service, ofRequest: requestId });
        expect(attemptId).toBe(`${imageId}-1`);
      }
    }
    // Two calls at once share a line here; in the cloud a function takes one call at a time.
    const counted = log.filter((line) => "_aws" in line).flatMap((line) => line.ImagesCompleted ?? []);
    expect(counted).toStrictEqual([1, 1]);
    const told = cloud.bus.events.filter(({ type }) => type === "image-completed");
    expect(new Set(told.map(({ id }) => id)).size).toBe(2);
    const prompts = cloud.catalogue.categories.flatMap(({ templates }) =>
      templates.map(({ prompt }) => prompt),
    );
    const openings = prompts
      .map((prompt) => prompt.slice(0, 20).split("{")[0] ?? "")
      .filter((text) => text.length > 6);
    expect(openings.length).toBeGreaterThan(3);
    for (const opening of openings) expect(written.join("\n")).not.toContain(opening);

    // Started again, everything stands.
    expect(await cloud.invoke("start", asked)).toMatchObject({ status: "accepted" });
    expect(cloud.sandbox.creates().length - createsBefore).toBe(2);
  });

  test("of a prompt of one's own is made, too", async () => {
    const requestId = requestIdFor("b");
    const [image] = await produced({ request_id: requestId, prompt: "A bowl of pears on a table", ...SMALL });
    expect(image).toMatchObject({ status: "completed", category: "custom", template: null });
  });

  test("that a provider fails is made by another attempt", async () => {
    cloud.sandbox.faults.add({ kind: "job", as: "failed" });
    const requestId = requestIdFor("c");
    const [image] = await produced({ request_id: requestId, category: "weekend_special", ...SMALL });
    expect(image).toMatchObject({ status: "completed", attempts: 2 });
  });

  test("that the policy refuses is answered and audited, without its text", async () => {
    const requestId = requestIdFor("d");
    const prompt = "A photo of a nude teenager";
    const answer = await cloud.invoke("start", { request_id: requestId, prompt });
    expect(answer).toMatchObject({ request_id: requestId, status: "refused", error: "PolicyRefused" });
    const entries = await cloud.audit.ofSubject(requestId);
    expect(entries).toMatchObject([{ kind: "refused", by: "aws:start", facts: { reason: "PolicyRefused" } }]);
    expect(JSON.stringify(answer) + JSON.stringify(entries) + written.join("\n")).not.toMatch(/teenager/);
    expect(await cloud.requests.get(requestId)).toBeUndefined();
  });

  test("that the budget does not cover is refused as a whole", async () => {
    const before = cloud.sandbox.creates().length;
    const answer = await cloud.invoke("start", { category: "weekend_special", count: 1_000 });
    expect(answer).toMatchObject({ status: "refused", error: "BudgetExceeded" });
    expect(cloud.sandbox.creates().length).toBe(before);
  });

  test("under another's id is refused; of an unknown template, too", async () => {
    const taken = { request_id: requestIdFor("a"), category: "weekend_special", count: 1 };
    expect(await cloud.invoke("start", taken)).toMatchObject({ status: "refused", error: "RequestConflict" });
    const unknown = { category: "weekend_special", template: "nothing_such" };
    expect(await cloud.invoke("start", unknown)).toMatchObject({ status: "refused", error: "UnknownName" });
  });
});

describe("a picture", () => {
  afterEach(() => cloud.rekognition.sees([]));

  test("that nothing speaks against is released, each file with a manifest that the key in KMS signed", async () => {
    const signedBefore = cloud.kms.calls.filter((call) => call === "Sign").length;
    const [image] = await produced({ request_id: requestIdFor("f"), category: "weekend_special", ...SMALL });
    expect(image).toMatchObject({
      status: "completed",
      verdict: {
        decision: "released",
        basis: "classifier",
        classifier: expect.stringMatching(/^Rekognition/),
      },
    });
    const renditions = image?.renditions ?? [];
    expect(renditions.length).toBeGreaterThan(2);
    expect(cloud.kms.calls.filter((call) => call === "Sign").length - signedBefore).toBe(renditions.length);
    for (const { path } of renditions) {
      const { bytes } = (await cloud.blobs.get(path)) ?? { bytes: new Uint8Array() };
      expect(await verifyPicture(bytes)).toMatchObject({
        status: "marked",
        synthetic: true,
        manifest: { state: "valid", signedBy: { name: "Atelier local test certificate, not trusted" } },
      });
      const altered = Uint8Array.from(bytes);
      const middle = bytes.length >> 1;
      altered[middle] = (altered[middle] ?? 0) ^ 1;
      expect(await verifyPicture(altered).catch(() => ({ status: "altered" }))).toMatchObject({
        status: "altered",
      });
    }
    // Two calls a picture, whatever the number of its renditions.
    expect(cloud.rekognition.calls.slice(-2).sort()).toEqual(["DetectFaces", "DetectModerationLabels"]);
  });

  test("that shows more than was asked for waits for a person", async () => {
    cloud.rekognition.sees([{ Name: "Explicit Nudity", ParentName: "Explicit", Confidence: 70 }]);
    const [image] = await produced({ request_id: requestIdFor("g"), category: "weekend_special", ...SMALL });
    expect(image).toMatchObject({ status: "quarantined", verdict: { basis: "classifier" } });
    for (const { path } of image?.renditions ?? []) expect(path).toMatch(/^quarantine\//);
  });

  test("that cannot be judged waits for a person, and somebody is told", async () => {
    cloud.rekognition.sees(null);
    const [image] = await produced({ request_id: requestIdFor("h"), category: "weekend_special", ...SMALL });
    expect(image).toMatchObject({ status: "quarantined", verdict: { decision: "quarantined" } });
    expect(lines()).toContainEqual(expect.objectContaining({ service: "process", ClassifierFailed: 1 }));
    expect(lines()).toContainEqual(
      expect.objectContaining({ level: "WARN", service: "process", message: "the classifier failed" }),
    );
  });
});

describe("an event of the start function that is wrong", () => {
  test.each([
    [{ category: "weekend_special", count: 0 }, /at "count"/],
    [{ category: "weekend" }, /at "category"/],
    [{ prompt: "A bowl of pears", count: 2 }, /Unrecognized key: "count"/],
    [{ category: "feet", parameters: { width: 100 } }, /at "parameters.width"/],
    [{ category: "feet", request_id: "mine" }, /at "request_id": must be req_ and 26 characters/],
    ["feet", /The event is wrong/],
  ])("%j is named", async (event, message) => {
    await expect(cloud.invoke("start", event)).rejects.toMatchObject({
      name: "UsageError",
      message: expect.stringMatching(message),
    });
  });
});

describe("the schedule", () => {
  test("fires an occurrence once, however often it is delivered", async () => {
    const event = { entry: "weekly_sunday", scheduledTime: "2026-11-29T05:00:00Z" };
    // The scheduler gives each delivery a name of its own.
    await cloud.machine.start("0c0ffee0-one", event);
    await cloud.machine.ended("0c0ffee0-one");
    const creates = cloud.sandbox.creates().length;
    await cloud.machine.start("0c0ffee0-two", event);
    await cloud.machine.ended("0c0ffee0-two");
    expect(cloud.sandbox.creates().length).toBe(creates);
    const occurrence = await cloud.requests.occurrences.get("weekly_sunday@2026-11-29");
    const images = await cloud.images.ofRequest(occurrence?.requestId ?? "");
    expect(images.map(({ status }) => status)).toStrictEqual(["completed"]);
  });
});

describe("the webhook route", () => {
  const key = () => derivedKey("webhooks");
  const body = Buffer.from(JSON.stringify({ id: "p1", status: "succeeded" }));
  const signed = (bytes: Buffer, atMs = Date.now()) => {
    const seconds = String(Math.floor(atMs / 1000));
    return {
      "webhook-id": "msg_1",
      "webhook-timestamp": seconds,
      "webhook-signature": signWebhook(TEST_WEBHOOK_SECRET, "msg_1", seconds, bytes),
    };
  };
  const post = (path: string, headers: Record<string, string>, bytes: Buffer, method = "POST") =>
    cloud.invoke("webhook", httpEvent(method, path, headers, bytes));

  test("refuses what is not for us, before it looks anything up", async () => {
    const known = `${imageIdOf(requestIdFor("a"), 0)}-1`;
    const path = webhookPath("replicate", known, key());
    expect(await post("/", {}, body)).toMatchObject({ statusCode: 404 });
    expect(await post(path, {}, body, "GET")).toMatchObject({ statusCode: 404 });
    expect(await post(`${path.slice(0, -1)}~`, signed(body), body)).toMatchObject({ statusCode: 404 });
    expect(await post(`${path.slice(0, -3)}AAA`, signed(body), body)).toMatchObject({ statusCode: 401 });
    expect(await post(path, { ...signed(body), "webhook-signature": "v1,AAAA" }, body)).toMatchObject({
      statusCode: 401,
    });
    expect(await post(path, signed(body, Date.now() - 3_600_000), body)).toMatchObject({ statusCode: 401 });
    const large = Buffer.alloc(1024 * 1024 + 1, 32);
    expect(await post(path, signed(large), large)).toMatchObject({ statusCode: 413 });
    const noSuch = webhookPath("replicate", "img_none_00000-1", key());
    expect(await post(noSuch, signed(body), body)).toMatchObject({ statusCode: 404 });
  });

  test("takes the same word twice", async () => {
    const attemptId = `${imageIdOf(requestIdFor("a"), 0)}-1`;
    const attempt = await cloud.attempts.get(attemptId);
    const job = predictionIdOf(attempt?.operation ?? "");
    const answer = await fetch(`${cloud.sandbox.apiUrl}/predictions/${job}`, {
      headers: { authorization: `Bearer ${TEST_TOKEN}` },
    });
    const word = Buffer.from(await answer.text());
    const path = webhookPath("replicate", attemptId, key());
    expect(await post(path, signed(word), word)).toMatchObject({ statusCode: 200, body: "Known already." });
  });

  test("asks for another delivery when the table does not answer", async () => {
    const path = webhookPath("replicate", "img_none_00000-1", key());
    const mend = cloud.cutTable();
    // API Gateway answers 500 for a function that throws.
    await expect(post(path, signed(body), body)).rejects.toMatchObject({ name: "StorageUnavailable" });
    mend();
  });
});

describe("the reconciler", () => {
  test("learns what a lost webhook would have told", async () => {
    cloud.sandbox.faults.add({ kind: "webhook", as: "lost" });
    const requestId = requestIdFor("e");
    await cloud.invoke("start", { request_id: requestId, category: "weekend_special", ...SMALL });
    const attemptId = `${imageIdOf(requestId, 0)}-1`;
    await vi.waitFor(async () => {
      expect((await cloud.attempts.get(attemptId))?.state).toBe("submitted");
    }, 10_000);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 60_000 });
    const report = await cloud.invoke("reconcile", {});
    expect(report).toMatchObject({ attempts: { learned: 1, unreachable: [] } });
    await cloud.machine.ended(`${requestId}.0-1`);
    expect(await cloud.images.get(imageIdOf(requestId, 0))).toMatchObject({ status: "completed" });
    expect(lines()).toContainEqual(expect.objectContaining({ service: "reconcile", AttemptsLearned: 1 }));
  });

  test("closes what is finished and leaves nothing in the books", async () => {
    await cloud.invoke("reconcile", {});
    const report = await cloud.invoke("reconcile", {});
    expect(report).toMatchObject({
      attempts: { learned: 0, givenUp: 0, open: 0 },
      parts: { started: [], closed: [], owned: 0, waiting: 0 },
    });
    expect((await cloud.requests.parts.open({ limit: 10 })).items).toStrictEqual([]);
  });
});

describe("each step", () => {
  test.each(["plan", "validate", "generate", "collect", "process", "record", "abandon"] as const)(
    "%s refuses an event that is not its own, by the literal name",
    async (name) => {
      await expect(cloud.invoke(name, { imageId: 7 })).rejects.toMatchObject({ name: "UsageError" });
      expect(lines()).toContainEqual(
        expect.objectContaining({ service: name, level: "ERROR", errorName: "UsageError" }),
      );
    },
  );

  test.each(["validate", "collect", "process", "record"] as const)(
    "%s names what is missing",
    async (name) => {
      const event = {
        imageId: "img_none_00000",
        attemptId: "img_none_00000-1",
        generation: 1,
        manifestKey: "m",
      };
      await expect(cloud.invoke(name, event)).rejects.toMatchObject({
        name: "UnknownName",
      });
    },
  );
});
