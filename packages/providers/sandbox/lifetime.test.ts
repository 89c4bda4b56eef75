import { readdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ProviderRequest } from "@atelier/core/provider";
import { afterEach, describe, expect, it } from "vitest";
import { SDXL } from "../../../test/simulators/models.ts";
import {
  startTestReplicate,
  TEST_JOB_MS,
  TEST_TOKEN,
  TEST_WEBHOOK_SECRET,
  type TestReplicate,
} from "../../../test/simulators/replicate.ts";
import { createReplicateProvider } from "../replicate/provider.ts";
import { boughtAttempts, readCreates } from "./creates.ts";

let replicate: TestReplicate;
afterEach(() => replicate.close());

const adapter = () =>
  createReplicateProvider(
    {
      name: "sandbox",
      baseUrl: replicate.sandbox().apiUrl,
      token: TEST_TOKEN,
      webhookSecret: TEST_WEBHOOK_SECRET,
    },
    { clock: replicate.clock },
  );
const request = (seed = 42): ProviderRequest => ({
  model: SDXL,
  prompt: "a lighthouse",
  negativePrompt: "",
  parameters: { width: 64, height: 64, steps: 20, guidanceScale: 7 },
  seed,
  deadlineMs: 60_000,
});
async function accepted(attemptId = "img_a-1", seed = 42): Promise<string> {
  const submission = await adapter().submit(request(seed), {
    attemptId,
    webhookUrl: replicate.webhookUrl(attemptId),
  });
  if (submission.kind !== "accepted") throw new Error(submission.kind);
  return submission.operation;
}
/** What the adapter makes of each webhook that arrived. */
const readings = () =>
  replicate.receiver.requests.map(({ headers, body }) => {
    const plain = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
    return adapter().parseWebhook?.(plain, Buffer.from(body), replicate.clock(), SDXL);
  });
const good = (operation: string) => ({ kind: "status", operation, status: { kind: "succeeded" } });

describe("a sandbox whose host goes away", () => {
  it("has its predictions and creates again, further on by the time that passed", async () => {
    replicate = await startTestReplicate();
    const operation = await accepted();
    await replicate.restart();
    expect(await adapter().check(operation, SDXL)).toMatchObject({ kind: "pending" });
    await replicate.advance(TEST_JOB_MS);
    expect(await adapter().check(operation, SDXL)).toMatchObject({ kind: "succeeded" });
    expect(replicate.sandbox().creates()).toHaveLength(1);
  });

  it("keeps the faults of a job", async () => {
    replicate = await startTestReplicate({ faults: [{ kind: "job", as: "nsfw" }] });
    const operation = await accepted();
    await replicate.restart();
    await replicate.advance(TEST_JOB_MS);
    expect(await adapter().check(operation, SDXL)).toMatchObject({ name: "ContentRejected" });
  });

  it("delivers after a restart what nobody took before", async () => {
    let up = false;
    replicate = await startTestReplicate({}, () => (up ? 200 : 503));
    const operation = await accepted();
    for (let turn = 0; turn < 12; turn++) await replicate.advance(60_000);
    // Eight tries, then it gives up; a minute in all at Replicate's pace.
    expect(replicate.receiver.requests).toHaveLength(8);
    up = true;
    await replicate.restart();
    await replicate.advance(0);
    expect(readings().at(-1)).toMatchObject(good(operation));
    await replicate.restart();
    await replicate.advance(60_000);
    expect(replicate.receiver.requests).toHaveLength(9);
  });

  it("leaves whole JSON files only, and passes over one that was spoilt", async () => {
    replicate = await startTestReplicate();
    const [first, second] = [await accepted("img_a-1"), await accepted("img_b-1", 43)];
    const folder = join(replicate.folder, "predictions");
    const names = await readdir(folder);
    expect(names).toHaveLength(2);
    expect(names.filter((name) => !name.endsWith(".json"))).toStrictEqual([]);
    await writeFile(join(folder, `${JSON.parse(first).id}.json`), '{"id":');
    await writeFile(join(folder, "left.json.tmp"), "{");
    await replicate.restart();
    expect(replicate.errors).toHaveLength(1);
    expect(await adapter().check(second, SDXL)).toMatchObject({ kind: "pending" });
    expect(await readdir(folder)).not.toContain("left.json.tmp");
  });
});

describe("the sandbox's webhooks", () => {
  it("come once, signed, when the job ends, without anybody asking", async () => {
    replicate = await startTestReplicate({ delayMs: 0 });
    const operation = await accepted();
    await expect.poll(() => replicate.receiver.requests.length).toBe(1);
    expect(readings()).toMatchObject([good(operation)]);
    expect(replicate.receiver.requests[0]).toMatchObject({ method: "POST", path: "/webhooks/img_a-1" });
    await replicate.advance(600_000);
    expect(replicate.receiver.requests).toHaveLength(1);
  });

  it("are sent again, with the same id, to a receiver that failed", async () => {
    replicate = await startTestReplicate({}, (_, index) => (index < 2 ? 500 : 200));
    const operation = await accepted();
    await replicate.advance(TEST_JOB_MS);
    await replicate.advance(500);
    await replicate.advance(1_000);
    expect(readings()).toMatchObject([good(operation), good(operation), good(operation)]);
    const ids = replicate.receiver.requests.map(({ headers }) => headers["webhook-id"]);
    expect(new Set(ids).size).toBe(1);
  });

  it.each([
    ["lost", []],
    ["duplicated", [{ kind: "status" }, { kind: "status" }]],
    ["wrong-signature", [{ kind: "refused", reason: "signature" }]],
    ["old-stamp", [{ kind: "refused", reason: "age" }]],
  ] as const)("go wrong on demand: %s", async (as, expected) => {
    replicate = await startTestReplicate();
    replicate.sandbox().faults.add({ kind: "webhook", as });
    await accepted();
    await replicate.advance(TEST_JOB_MS);
    expect(readings()).toMatchObject(expected);
    expect(readings()).toHaveLength(expected.length);
  });

  it("are late on demand", async () => {
    replicate = await startTestReplicate();
    replicate.sandbox().faults.add({ kind: "webhook", as: "late", delayMs: 10_000 });
    await accepted();
    await replicate.advance(TEST_JOB_MS + 9_999);
    expect(readings()).toHaveLength(0);
    await replicate.advance(1);
    expect(readings()).toMatchObject([{ kind: "status" }]);
  });

  it("tell of a cancellation at once", async () => {
    replicate = await startTestReplicate();
    const operation = await accepted();
    await adapter().cancel?.(operation);
    await replicate.advance(0);
    expect(readings()).toMatchObject([{ operation, status: { kind: "failed", name: "ProviderAborted" } }]);
  });
});

describe("the sandbox's script", () => {
  it("can be written by another process, and a bad one is reported and not used", async () => {
    replicate = await startTestReplicate();
    const write = async (text: string) => {
      const path = join(replicate.folder, "settings.json");
      await writeFile(`${path}.new`, text);
      await rename(`${path}.new`, path);
    };
    await write(JSON.stringify({ delayMs: 50, faults: [{ kind: "rate-limit", seconds: 2 }] }));
    const context = { attemptId: "a", webhookUrl: null };
    expect(await adapter().submit(request(), context)).toMatchObject({
      kind: "rate-limited",
      retryAfterMs: 2_000,
    });
    const operation = await accepted();
    await replicate.advance(50);
    expect(await adapter().check(operation, SDXL)).toMatchObject({ kind: "succeeded" });
    await write('{"faults":[{"kind":"earthquake"}]}');
    expect(await adapter().submit(request(), context)).toMatchObject({ kind: "accepted" });
    await write("{");
    expect(await adapter().submit(request(), context)).toMatchObject({ kind: "accepted" });
    const file = join(replicate.folder, "settings.json");
    expect(replicate.errors.map((error) => (error as Error).message)).toStrictEqual([
      expect.stringMatching(
        /settings\.json cannot be used \(faults\.0\.kind: .+\); what held before it stays/,
      ),
      `${file} cannot be used (it is not JSON); what held before it stays; correct or delete the file.`,
    ]);
  });

  it.each(["body", "header", "text"] as const)("tells the time to wait in the %s", async (tell) => {
    replicate = await startTestReplicate({ faults: [{ kind: "rate-limit", seconds: 3, tell }] });
    const context = { attemptId: "a", webhookUrl: null };
    expect(await adapter().submit(request(), context)).toMatchObject({
      kind: "rate-limited",
      retryAfterMs: 3_000,
    });
  });

  it("befalls only the seed that it names, as often as it says", async () => {
    replicate = await startTestReplicate();
    replicate.sandbox().faults.add({ kind: "status", status: 500, seed: 7, times: 2 });
    const kinds: string[] = [];
    for (const seed of [6, 7, 7, 7]) {
      kinds.push((await adapter().submit(request(seed), { attemptId: "a", webhookUrl: null })).kind);
    }
    expect(kinds).toStrictEqual(["accepted", "unknown", "unknown", "accepted"]);
  });

  it("delays an answer until the caller has given up, and the job exists all the same", async () => {
    replicate = await startTestReplicate({ faults: [{ kind: "delay", delayMs: 50 }] });
    const impatient = createReplicateProvider(
      { name: "sandbox", baseUrl: replicate.sandbox().apiUrl, token: TEST_TOKEN, webhookSecret: null },
      { clock: replicate.clock, createTimeoutMs: 20 },
    );
    const context = { attemptId: "a", webhookUrl: replicate.webhookUrl("a") };
    expect(await impatient.submit(request(), context)).toMatchObject({ kind: "unknown" });
    await expect.poll(() => replicate.sandbox().creates().length).toBe(1);
    const lost = { ...context, model: SDXL, seed: 42, submittingAtMs: replicate.clock() };
    await expect.poll(async () => (await adapter().find?.(lost))?.kind).toBe("found");
  });

  it("notes a purchase only once its prediction is on the disk", async () => {
    replicate = await startTestReplicate();
    // No prediction can be written any more.
    await rm(join(replicate.folder, "predictions"), { recursive: true });
    await adapter().submit(request(), { attemptId: "img_a-1", webhookUrl: null });
    expect(replicate.errors).toHaveLength(1);
    expect(replicate.sandbox().creates()).toStrictEqual([]);
    expect(boughtAttempts(replicate.folder)).toStrictEqual([]);
  });

  it("counts every create on disk: what was answered, what will be paid, and for whom", async () => {
    replicate = await startTestReplicate({
      faults: [{ kind: "reset" }, { kind: "reset", accepted: true, seed: 2 }],
    });
    await adapter().submit(request(1), { attemptId: "img_a-1", webhookUrl: replicate.webhookUrl("img_a-1") });
    await adapter().submit(request(2), { attemptId: "img_b-1", webhookUrl: replicate.webhookUrl("img_b-1") });
    await accepted("img_c-1", 3);
    const creates = readCreates(join(replicate.folder, "creates.jsonl"));
    expect(creates.map(({ seed, status, webhook }) => [seed, status, webhook])).toStrictEqual([
      [1, null, replicate.webhookUrl("img_a-1")],
      [2, null, replicate.webhookUrl("img_b-1")],
      [3, 201, replicate.webhookUrl("img_c-1")],
    ]);
    expect(creates.map(({ predictionId }) => predictionId !== null)).toStrictEqual([false, true, true]);
    expect(JSON.stringify(creates)).not.toContain("lighthouse");
    const bought = boughtAttempts(replicate.folder);
    expect(bought.map(({ seed, webhook }) => [seed, webhook]).sort()).toStrictEqual([
      [2, replicate.webhookUrl("img_b-1")],
      [3, replicate.webhookUrl("img_c-1")],
    ]);
    expect(bought.map(({ predictionId }) => predictionId).sort()).toStrictEqual(
      creates.flatMap(({ predictionId }) => predictionId ?? []).sort(),
    );
  });
});
