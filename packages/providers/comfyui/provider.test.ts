import type { LostCreate, OperationStatus, ProviderRequest, SubmitContext } from "@atelier/core/provider";
import { afterEach, describe, expect, it } from "vitest";
import {
  type ComfyuiJobFault,
  startTestComfyui,
  type TestComfyui,
} from "../../../test/simulators/comfyui.ts";
import type { MachineFault } from "../../../test/simulators/machine-server.ts";
import { COMFYUI_SDXL, WORKFLOWS } from "../../../test/simulators/own-models.ts";
import { startScriptedServer } from "../../../test/simulators/scripted-server.ts";
import { tinyPng } from "../../../test/simulators/tiny-png.ts";
import { createPool } from "../pool.ts";
import { createOutputFetcher } from "../safe-url.ts";
import { createComfyuiProvider } from "./provider.ts";

const JOB_MS = 2_000;
const REQUEST: ProviderRequest = {
  model: COMFYUI_SDXL,
  prompt: "a lighthouse at dusk",
  negativePrompt: "",
  parameters: { width: 128, height: 64, steps: 20, guidanceScale: 7.5 },
  seed: 42,
  deadlineMs: 300_000,
};
const contextOf = (attemptId: string): SubmitContext => ({ attemptId, webhookUrl: null });
const lost = (attemptId: string): LostCreate => ({
  attemptId,
  model: COMFYUI_SDXL,
  seed: 42,
  webhookUrl: null,
  submittingAtMs: 0,
});

let nowMs = 0;
let comfyui: TestComfyui | undefined;
afterEach(() => comfyui?.close());

function providerAt(baseUrl: string, workflows: Readonly<Record<string, unknown>> = WORKFLOWS) {
  const timeouts = { createTimeoutMs: 2_000, readTimeoutMs: 2_000 };
  return createComfyuiProvider(
    { baseUrl },
    { clock: () => nowMs, workflows, transport: createPool(), ...timeouts },
  );
}

async function started(workflows?: Readonly<Record<string, unknown>>) {
  comfyui = await startTestComfyui({ clock: () => nowMs, jobMs: JOB_MS });
  const server = comfyui;
  const provider = providerAt(server.origin, workflows);
  const accepted = async (attemptId = "img_a-1", request = REQUEST) => {
    const submission = await provider.submit(request, contextOf(attemptId));
    if (submission.kind !== "accepted") throw new Error(`not accepted: ${submission.kind}`);
    return submission.operation;
  };
  /** How a job with a fault ends. */
  const ended = async (...faults: ComfyuiJobFault[]): Promise<OperationStatus> => {
    server.spoilJobs(...faults);
    const operation = await accepted();
    nowMs += JOB_MS;
    return provider.check(operation, COMFYUI_SDXL);
  };
  return { server, provider, accepted, ended };
}

describe("submit", () => {
  it("fills in the shipped workflow, and leaves it as it is", async () => {
    const before = JSON.stringify(WORKFLOWS);
    const { server, accepted } = await started();
    await accepted("img_a-1", { ...REQUEST, negativePrompt: "blurred", seed: 7 });
    await accepted("img_b-1");
    expect(
      server
        .jobs()
        .map(({ graph, attemptId }) => [attemptId, graph["3"]?.inputs.seed, graph["7"]?.inputs.text]),
    ).toStrictEqual([
      ["img_a-1", 7, "blurred"],
      ["img_b-1", 42, ""],
    ]);
    expect(JSON.stringify(WORKFLOWS)).toBe(before);
  });

  it("puts one value into several places", async () => {
    const shipped = WORKFLOWS.sdxl_text_to_image as { inputs: object };
    const both = {
      ...shipped,
      inputs: {
        ...shipped.inputs,
        prompt: [
          ["6", "text"],
          ["7", "text"],
        ],
      },
    };
    const { server, accepted } = await started({ sdxl_text_to_image: both });
    await accepted();
    expect(server.jobs()[0]?.graph["7"]?.inputs.text).toBe(REQUEST.prompt);
  });

  it.each<MachineFault>([{ kind: "drip", pieceBytes: 3 }])(
    "reads an answer that comes in pieces: %o",
    async (fault) => {
      const { server, accepted } = await started();
      server.spoilCreates(fault);
      await accepted();
      expect(server.jobs()).toHaveLength(1);
    },
  );

  it.each<MachineFault>([{ kind: "cut" }, { kind: "malformed" }, { kind: "reset", accepted: true }])(
    "finds the job whose answer was lost: %o",
    async (fault) => {
      const { server, provider } = await started();
      server.spoilCreates(fault);
      expect(await provider.submit(REQUEST, contextOf("img_a-1"))).toMatchObject({ kind: "unknown" });
      const operation = JSON.stringify({ id: server.jobs()[0]?.id });
      expect(await provider.find?.(lost("img_a-1"))).toStrictEqual({ kind: "found", operation });
      nowMs += JOB_MS;
      expect(await provider.find?.(lost("img_a-1"))).toStrictEqual({ kind: "found", operation });
      expect(server.jobs()).toHaveLength(1);
    },
  );

  it("is refused for a checkpoint that the server does not have", async () => {
    const { server, provider } = await started();
    const model = { ...COMFYUI_SDXL, extras: { checkpoint: "elsewhere.safetensors" } };
    expect(await provider.submit({ ...REQUEST, model }, contextOf("a"))).toMatchObject({
      kind: "refused",
      name: "ModelUnavailable",
      message: expect.stringContaining("elsewhere.safetensors"),
    });
    expect(server.jobs()).toHaveLength(0);
  });

  it("is refused for a sampler that the server does not have, as a wrong parameter", async () => {
    const { provider } = await started();
    const model = { ...COMFYUI_SDXL, extras: { ...COMFYUI_SDXL.extras, sampler: "none such" } };
    expect(await provider.submit({ ...REQUEST, model }, contextOf("a"))).toMatchObject({
      kind: "refused",
      name: "ProviderRefused",
      message: expect.stringContaining("sampler_name"),
    });
  });

  it("is refused for a kind of node that the server does not have", async () => {
    const shipped = WORKFLOWS.sdxl_text_to_image as { graph: object };
    const graph = { ...shipped.graph, "20": { class_type: "NodeOfAnExtension", inputs: {} } };
    const { provider } = await started({ sdxl_text_to_image: { ...shipped, graph } });
    expect(await provider.submit(REQUEST, contextOf("a"))).toMatchObject({
      kind: "refused",
      name: "ModelUnavailable",
    });
  });

  it("sends nothing for a workflow that is missing, or lacks a named input", async () => {
    const { server, provider } = await started();
    const missing = { ...COMFYUI_SDXL, model: "none_such" };
    const lacking = { ...COMFYUI_SDXL, extras: { lora: "a" } };
    for (const [model, name] of [
      [missing, "ModelUnavailable"],
      [lacking, "ProviderRefused"],
    ] as const) {
      expect(await provider.submit({ ...REQUEST, model }, contextOf("a"))).toMatchObject({
        kind: "refused",
        name,
      });
    }
    expect(server.requests).toHaveLength(0);
  });

  it("is certain that nothing was sent when nobody listens", async () => {
    const { server, provider } = await started();
    await server.close();
    expect(await provider.submit(REQUEST, contextOf("a"))).toMatchObject({
      kind: "refused",
      name: "ProviderAborted",
    });
  });
});

describe("check", () => {
  it("follows a job from the queue to its picture, which the output fetcher takes from the configured origin", async () => {
    const { server, provider, accepted } = await started();
    const first = await accepted("img_a-1");
    const second = await accepted("img_b-1", { ...REQUEST, seed: 43 });
    nowMs += JOB_MS;
    expect(await provider.check(second, COMFYUI_SDXL)).toStrictEqual({ kind: "pending" });
    const status = await provider.check(first, COMFYUI_SDXL);
    const url = `${server.origin}/view?filename=img_a-1_00001_.png&subfolder=atelier&type=output`;
    expect(status).toStrictEqual({ kind: "succeeded", outputs: [{ kind: "url", url }], costMicros: 0 });
    expect(provider.trustedOrigin).toBe(server.origin);
    const output = await createOutputFetcher().fetch(url, provider.trustedOrigin);
    expect(output.bytes).toStrictEqual(tinyPng(128, 64, 42));
  });

  it.each<[ComfyuiJobFault, string, RegExp]>([
    ["failed", "ProviderFailed", /KSampler: RuntimeError: mat1 and mat2/],
    ["out-of-memory", "ProviderFailed", /OutOfMemoryError.*smaller picture/],
    ["interrupted", "ProviderCancelled", /interrupted/],
    ["lost", "ProviderAborted", /does not know the job/],
    ["no-picture", "ProviderFailed", /kept no picture/],
    ["preview", "ProviderFailed", /kept no picture/],
  ])("knows that a job ended with %s, at no cost", async (fault, name, message) => {
    const { ended } = await started();
    expect(await ended(fault)).toStrictEqual({
      kind: "failed",
      name,
      message: expect.stringMatching(message),
      charged: false,
      costMicros: 0,
    });
  });

  it.each<[ComfyuiJobFault, string]>([
    ["deleted-picture", "OutputExpired"],
    ["wrong-picture", "OutputInvalid"],
  ])("leaves a file that is spoilt to whoever fetches it: %s", async (fault, name) => {
    const { provider, ended } = await started();
    const status = await ended(fault);
    if (status.kind !== "succeeded" || status.outputs[0]?.kind !== "url")
      throw new Error("expected an address");
    const fetched = createOutputFetcher().fetch(status.outputs[0].url, provider.trustedOrigin);
    await expect(fetched).rejects.toMatchObject({ name });
  });

  it("is not answered from the cache: no two attempts have the same graph", async () => {
    const { provider, accepted } = await started();
    const operations = [await accepted("img_a-1"), await accepted("img_a-2")];
    nowMs += 2 * JOB_MS;
    for (const operation of operations) {
      expect(await provider.check(operation, COMFYUI_SDXL)).toMatchObject({ kind: "succeeded" });
    }
  });

  it("sees a job that ends between the two lists", async () => {
    const job = { outputs: { "9": { images: [{ filename: "a.png" }] } }, status: { status_str: "success" } };
    const answers = [{}, { queue_running: [], queue_pending: [] }, { p1: job }];
    const server = await startScriptedServer((_, at) => ({ body: JSON.stringify(answers[at]) }));
    try {
      expect(await providerAt(server.origin).check('{"id":"p1"}', COMFYUI_SDXL)).toMatchObject({
        outputs: [{ url: `${server.origin}/view?filename=a.png&subfolder=&type=output` }],
      });
      expect(server.requests.map(({ path }) => path)).toStrictEqual(["/history/p1", "/queue", "/history/p1"]);
    } finally {
      await server.close();
    }
  });

  it("knows that a restarted server has forgotten the job", async () => {
    const { server, provider, accepted } = await started();
    const operation = await accepted();
    server.restart();
    expect(await provider.check(operation, COMFYUI_SDXL)).toMatchObject({
      kind: "failed",
      name: "ProviderAborted",
    });
    expect(await provider.find?.(lost("img_a-1"))).toStrictEqual({ kind: "none" });
  });

  it.each(['{"task":"img_a-1"}', '{"id":"../queue"}', "p1"])(
    "takes no operation such as %s",
    async (operation) => {
      const { server, provider } = await started();
      await expect(provider.check(operation, COMFYUI_SDXL)).rejects.toMatchObject({ name: "Unexpected" });
      expect(server.requests).toHaveLength(0);
    },
  );
});

describe("find", () => {
  it.each([
    [
      "somebody else's jobs only",
      { queue_running: [[1, "p1", {}, { client_id: "x" }, ["9"]]], queue_pending: [] },
      {},
      "none",
    ],
    ["a job that shows no extra data", { queue_running: [[1, "p1"]], queue_pending: [] }, {}, "unknown"],
    [
      "a past job that shows nothing",
      { queue_running: [], queue_pending: [] },
      { p1: { outputs: {} } },
      "unknown",
    ],
    ["no queue", {}, {}, "unknown"],
    ["no history", { queue_running: [], queue_pending: [] }, [], "unknown"],
  ])("with %s", async (_, queue, history, kind) => {
    const server = await startScriptedServer(({ path }) => ({
      body: JSON.stringify(path === "/queue" ? queue : history),
    }));
    try {
      expect(await providerAt(server.origin).find?.(lost("img_a-1"))).toStrictEqual({ kind });
    } finally {
      await server.close();
    }
  });
});

describe("cancel", () => {
  it("takes a job that waits out of the queue, and interrupts only its own", async () => {
    const { server, provider, accepted } = await started();
    const [first, second] = [await accepted("img_a-1"), await accepted("img_b-1")];
    await provider.cancel?.(second);
    expect(server.jobs().map(({ state }) => state)).toStrictEqual(["running", "deleted"]);
    await provider.cancel?.(first);
    expect(server.jobs().map(({ state }) => state)).toStrictEqual(["interrupted", "deleted"]);
    const third = await accepted("img_c-1");
    await provider.cancel?.(first);
    expect(await provider.check(third, COMFYUI_SDXL)).toStrictEqual({ kind: "pending" });
    expect(
      server.requests.filter(({ method, path }) => method === "POST" && path !== "/prompt"),
    ).toMatchObject([
      { path: "/queue", body: `{"delete":["${server.jobs()[1]?.id}"]}` },
      { path: "/interrupt", body: `{"prompt_id":"${server.jobs()[0]?.id}"}` },
    ]);
  });
});

describe("probe", () => {
  it("looks for the checkpoint among those that the server has", async () => {
    const { server, provider } = await started();
    expect(await provider.probe?.(COMFYUI_SDXL)).toBe("available");
    const gone = { ...COMFYUI_SDXL, extras: { checkpoint: "elsewhere.safetensors" } };
    expect(await provider.probe?.(gone)).toBe("gone");
    expect(await provider.probe?.({ ...COMFYUI_SDXL, model: "none_such" })).toBe("gone");
    server.spoilReads(1);
    await expect(provider.probe?.(COMFYUI_SDXL)).rejects.toMatchObject({ name: "ProviderUnavailable" });
  });

  it.each([
    [
      {
        CheckpointLoaderSimple: {
          input: { required: { ckpt_name: ["COMBO", { options: ["sd_xl_base_1.0.safetensors"] }] } },
        },
      },
      "available",
    ],
    [{ CheckpointLoaderSimple: { input: { required: { ckpt_name: ["COMBO", { options: [] }] } } } }, "gone"],
    [{ CheckpointLoaderSimple: { input: { required: {}, optional: null } } }, "unknown"],
    [{}, "gone"],
  ])("reads %j as %s", async (info, expected) => {
    const server = await startScriptedServer(() => ({ body: JSON.stringify(info) }));
    try {
      expect(await providerAt(server.origin).probe?.(COMFYUI_SDXL)).toBe(expected);
    } finally {
      await server.close();
    }
  });
});
