import type { ProviderRequest, SubmitContext } from "@atelier/core/provider";
import { afterEach, describe, expect, it } from "vitest";
import { type A1111JobFault, startTestA1111, type TestA1111 } from "../../../test/simulators/a1111.ts";
import type { MachineFault } from "../../../test/simulators/machine-server.ts";
import { A1111_SDXL } from "../../../test/simulators/own-models.ts";
import { tinyPng } from "../../../test/simulators/tiny-png.ts";
import { createPool } from "../pool.ts";
import { createA1111Provider, operationOf } from "./provider.ts";

const REQUEST: ProviderRequest = {
  model: A1111_SDXL,
  prompt: "a lighthouse at dusk",
  negativePrompt: "",
  parameters: { width: 128, height: 64, steps: 30, guidanceScale: 7.5 },
  seed: 42,
  deadlineMs: 300_000,
};
const FIRST: SubmitContext = { attemptId: "img_a-1", webhookUrl: null };
const SECOND: SubmitContext = { attemptId: "img_b-1", webhookUrl: null };
const PICTURE = tinyPng(128, 64, 42);

let nowMs = 0;
let webUi: TestA1111 | undefined;
afterEach(() => webUi?.close());

async function started(options: { jobMs?: number; apiAuth?: string; user?: string; password?: string } = {}) {
  const { jobMs, apiAuth, user = null, password = null } = options;
  webUi = await startTestA1111({ clock: () => nowMs, ...(jobMs && { jobMs }), ...(apiAuth && { apiAuth }) });
  const deps = { clock: () => nowMs, transport: createPool(), readTimeoutMs: 2_000 };
  return { webUi, provider: createA1111Provider({ baseUrl: webUi.origin, user, password }, deps) };
}

/** Resolves once the server has taken up a number of tasks. */
async function takenUp(server: TestA1111, count: number): Promise<void> {
  while (server.tasks.length < count) await new Promise((resolve) => setImmediate(resolve));
}

describe("submit", () => {
  const done = {
    kind: "done",
    outputs: [{ kind: "bytes", bytes: PICTURE, contentType: "image/png" }],
    costMicros: 0,
  };

  it.each<A1111JobFault>(["grid", "no-info"])(
    "takes the picture of its own from an answer with %s",
    async (fault) => {
      const { provider, webUi } = await started();
      webUi.spoilJobs(fault);
      expect(await provider.submit(REQUEST, FIRST)).toStrictEqual(done);
    },
  );

  it.each<MachineFault>([
    { kind: "drip", pieceBytes: 7 },
    { kind: "drip", pieceBytes: 256 },
  ])("reads an answer that comes in pieces: %o", async (fault) => {
    const { provider, webUi } = await started();
    webUi.spoilCreates(fault);
    expect(await provider.submit(REQUEST, FIRST)).toStrictEqual(done);
  });

  it("waits for a late answer", async () => {
    const { provider, webUi } = await started();
    webUi.spoilCreates({ kind: "delay", ms: 200_000 });
    const submission = provider.submit(REQUEST, FIRST);
    await takenUp(webUi, 1);
    nowMs += 200_000;
    await webUi.tick();
    expect(await submission).toStrictEqual(done);
  });

  it.each<[A1111JobFault, string, RegExp]>([
    ["out-of-memory", "ProviderFailed", /out of memory.*smaller picture/],
    ["failed", "ProviderFailed", /NansException/],
    ["no-picture", "ProviderFailed", /without a picture/],
    ["wrong-picture", "ProviderFailed", /no picture/],
  ])("knows that a job ended with %s, at no cost", async (fault, name, message) => {
    const { provider, webUi } = await started();
    webUi.spoilJobs(fault);
    expect(await provider.submit(REQUEST, FIRST)).toStrictEqual({
      kind: "failed",
      name,
      message: expect.stringMatching(message),
      charged: false,
      costMicros: 0,
    });
    expect(webUi.tasks).toHaveLength(1);
  });

  it("hands on a truncated picture: whoever decodes it says so", async () => {
    const { provider, webUi } = await started();
    webUi.spoilJobs("truncated-picture");
    const submission = await provider.submit(REQUEST, FIRST);
    expect(submission).toMatchObject({
      kind: "done",
      outputs: [{ bytes: PICTURE.subarray(0, PICTURE.length / 2) }],
    });
  });

  it("takes no picture of another checkpoint than was asked for", async () => {
    const { provider } = await started();
    const model = { ...A1111_SDXL, model: "elsewhere.safetensors" };
    expect(await provider.submit({ ...REQUEST, model }, FIRST)).toMatchObject({
      kind: "failed",
      name: "ModelUnavailable",
      charged: false,
    });
  });

  it.each([
    "sd_xl_base_1.0",
    "sd_xl_base_1.0.safetensors [31e35c80fc]",
    "realistic/realisticVisionV51_v51VAE.safetensors",
    "realisticVisionV51_v51VAE.safetensors [15012c538f]",
  ])("knows a checkpoint by %s", async (title) => {
    const { provider } = await started();
    const model = { ...A1111_SDXL, model: title };
    expect(await provider.submit({ ...REQUEST, model }, FIRST)).toMatchObject({ kind: "done" });
    expect(await provider.probe?.(model)).toBe("available");
  });

  it("says which field was refused", async () => {
    const { provider } = await started();
    const model = { ...A1111_SDXL, extras: { sampler_name: "none such", scheduler: "Karras" } };
    expect(await provider.submit({ ...REQUEST, model }, FIRST)).toMatchObject({
      kind: "refused",
      name: "ProviderRefused",
      message: expect.stringContaining("sampler_name"),
    });
  });

  it("tells a sampler that is not there from a checkpoint that is not there", async () => {
    const { provider, webUi } = await started();
    const answer = { error: "HTTPException", detail: "Sampler not found", body: "", errors: "" };
    webUi.spoilCreates({ kind: "status", status: 404, body: JSON.stringify(answer) });
    expect(await provider.submit(REQUEST, FIRST)).toMatchObject({ name: "ProviderRefused" });
    webUi.spoilCreates({ kind: "status", status: 404, body: '{"detail":"Not Found"}' });
    expect(await provider.submit(REQUEST, FIRST)).toMatchObject({
      name: "ModelUnavailable",
      message: expect.stringContaining("--api"),
    });
  });

  it("repeats neither prompt nor password", async () => {
    const { provider, webUi } = await started({
      apiAuth: "ada:open-sesame",
      user: "ada",
      password: "open-sesame",
    });
    const body = JSON.stringify({ error: "ValueError", errors: `${REQUEST.prompt} open-sesame` });
    webUi.spoilCreates({ kind: "status", status: 500, body });
    expect(await provider.submit(REQUEST, FIRST)).toMatchObject({
      kind: "failed",
      message: "The web UI failed: ValueError: [redacted] [redacted].",
    });
  });

  it("is certain that nothing was sent when nobody listens", async () => {
    const { provider, webUi } = await started();
    await webUi.close();
    expect(await provider.submit(REQUEST, FIRST)).toMatchObject({ kind: "refused", name: "ProviderAborted" });
  });

  it("is refused without the password", async () => {
    const { provider, webUi } = await started({ apiAuth: "ada:secret" });
    expect(await provider.submit(REQUEST, FIRST)).toMatchObject({ kind: "refused", name: "KeyRefused" });
    expect(webUi.tasks).toHaveLength(0);
  });

  it("stops the task whose answer it waits for no longer, and only that one", async () => {
    const { provider, webUi } = await started({ jobMs: 60_000 });
    const submission = await provider.submit({ ...REQUEST, deadlineMs: 60 }, FIRST);
    expect(submission).toMatchObject({ kind: "unknown" });
    expect(webUi.interrupted()).toStrictEqual(["img_a-1"]);

    const running = provider.submit(REQUEST, SECOND);
    await takenUp(webUi, 2);
    expect(await provider.submit({ ...REQUEST, deadlineMs: 60 }, FIRST)).toMatchObject({ kind: "unknown" });
    expect(webUi.interrupted()).toStrictEqual(["img_a-1"]);
    nowMs += 60_000;
    await webUi.tick();
    expect(await running).toMatchObject({ kind: "done" });
  });

  it("has one picture made after the other", async () => {
    const { provider, webUi } = await started({ jobMs: 1_000 });
    const both = [provider.submit(REQUEST, FIRST), provider.submit({ ...REQUEST, seed: 43 }, SECOND)];
    await takenUp(webUi, 2);
    nowMs += 1_000;
    await webUi.tick();
    expect(webUi.made()).toBe(1);
    nowMs += 1_000;
    await webUi.tick();
    expect((await Promise.all(both)).map(({ kind }) => kind)).toStrictEqual(["done", "done"]);
    expect(webUi.made()).toBe(2);
  });
});

describe("check and cancel, by the attempt's id", () => {
  it("follows a task while it runs, and stops it", async () => {
    const { provider, webUi } = await started({ jobMs: 60_000 });
    const submission = provider.submit(REQUEST, FIRST);
    await takenUp(webUi, 1);
    expect(await provider.check(operationOf("img_a-1"), A1111_SDXL)).toStrictEqual({
      kind: "pending",
      progress: 0.5,
    });
    await provider.cancel?.(operationOf("img_b-1"));
    expect(webUi.interrupted()).toStrictEqual([]);
    await provider.cancel?.(operationOf("img_a-1"));
    await provider.cancel?.(operationOf("img_a-1"));
    expect(webUi.interrupted()).toStrictEqual(["img_a-1"]);
    await submission;
    expect(await provider.check(operationOf("img_a-1"), A1111_SDXL)).toMatchObject({
      kind: "failed",
      name: "ProviderFailed",
      charged: false,
    });
  });

  it("throws ProviderUnavailable when the server does not answer", async () => {
    const { provider, webUi } = await started();
    webUi.spoilReads(2);
    await expect(provider.check(operationOf("img_a-1"), A1111_SDXL)).rejects.toMatchObject({
      name: "ProviderUnavailable",
    });
    await expect(provider.cancel?.(operationOf("img_a-1"))).rejects.toMatchObject({
      name: "ProviderUnavailable",
    });
  });

  it("takes no operation of another provider", async () => {
    const { provider } = await started();
    await expect(provider.check('{"id":"p1"}', A1111_SDXL)).rejects.toMatchObject({ name: "Unexpected" });
  });
});

describe("probe", () => {
  it("finds a checkpoint that is gone", async () => {
    const { provider } = await started();
    expect(await provider.probe?.({ ...A1111_SDXL, model: "elsewhere.safetensors" })).toBe("gone");
  });

  it("tells a refused key from silence", async () => {
    const { provider, webUi } = await started({ apiAuth: "ada:secret" });
    await expect(provider.probe?.(A1111_SDXL)).rejects.toMatchObject({ name: "KeyRefused" });
    webUi.spoilReads(1);
    await expect(provider.probe?.(A1111_SDXL)).rejects.toMatchObject({ name: "ProviderUnavailable" });
  });
});
