import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readJson } from "../http.ts";
import { attemptIdIn, historySchema, promptIdIn, queueSchema, refusalOf, statusOf } from "./responses.ts";

const BASE_URL = "http://gpu.lan:8188";
/** As ComfyUI 0.3 keeps it, shortened. */
const JOB = {
  prompt: [
    3,
    "p1",
    { "6": { inputs: { text: "a lighthouse at dusk", clip: ["4", 1] }, class_type: "CLIPTextEncode" } },
    { atelier: { attemptId: "img_a-1" }, client_id: "atelier" },
    ["9"],
  ],
  outputs: { "9": { images: [{ filename: "img_a-1_00001_.png", subfolder: "atelier", type: "output" }] } },
  status: {
    status_str: "success",
    completed: true,
    messages: [
      ["execution_start", { prompt_id: "p1", timestamp: 1 }],
      ["execution_cached", { nodes: ["4"], prompt_id: "p1", timestamp: 2 }],
      ["execution_success", { prompt_id: "p1", timestamp: 3 }],
    ],
  },
  meta: { "9": { node_id: "9", display_node: "9", parent_node: null, real_node_id: "9" } },
};
const status = (job: unknown) => {
  const read = readJson(historySchema, JSON.stringify({ p1: job }))?.p1;
  if (read === undefined) throw new Error("The job could not be read.");
  return statusOf(read, "9", BASE_URL);
};
const succeeded = {
  kind: "succeeded",
  outputs: [
    { kind: "url", url: `${BASE_URL}/view?filename=img_a-1_00001_.png&subfolder=atelier&type=output` },
  ],
  costMicros: 0,
};

describe("a job of the history", () => {
  it.each([
    ["as it is", JOB],
    ["of an older server, without a status", { prompt: JOB.prompt, outputs: JOB.outputs }],
    ["with a status of another form", { ...JOB, status: "done" }],
    ["with messages of another form", { ...JOB, status: { status_str: "success", messages: {} } }],
    [
      "with a preview beside it",
      {
        ...JOB,
        outputs: { ...JOB.outputs, "12": { images: [{ filename: "p.png", subfolder: "", type: "temp" }] } },
      },
    ],
    [
      "with pictures of a node that was not named",
      {
        ...JOB,
        outputs: { "2": { images: [{ filename: "b.png", subfolder: "", type: "output" }] }, ...JOB.outputs },
      },
    ],
    [
      "with other kinds of output",
      { ...JOB, outputs: { ...JOB.outputs, "11": { text: ["x"] }, "13": null } },
    ],
  ])("%s gives the picture of the named node", (_, job) => {
    expect(status(job)).toStrictEqual(succeeded);
  });

  it("keeps what is in a name out of the address", () => {
    const outputs = {
      "9": { images: [{ filename: "a&type=input#é.png", subfolder: "../x", type: "output" }] },
    };
    expect(status({ ...JOB, outputs })).toMatchObject({
      outputs: [
        { url: `${BASE_URL}/view?filename=a%26type%3Dinput%23%C3%A9.png&subfolder=..%2Fx&type=output` },
      ],
    });
  });

  it.each([
    ["execution_interrupted", { node_id: "3" }, "ProviderCancelled"],
    ["execution_error", { exception_message: "boom" }, "ProviderFailed"],
    ["something_new", {}, "ProviderFailed"],
  ])("that ended with %s has failed", (name, data, failure) => {
    const ended = {
      status_str: "error",
      completed: false,
      messages: [
        ["execution_start", {}],
        [name, data],
      ],
    };
    expect(status({ ...JOB, outputs: {}, status: ended })).toMatchObject({
      kind: "failed",
      name: failure,
      charged: false,
    });
  });

  it("repeats no prompt that an exception quotes", () => {
    const data = { node_type: "CLIPTextEncode", exception_message: "cannot encode 'a lighthouse at dusk'" };
    const ended = { status_str: "error", messages: [["execution_error", data]] };
    expect(status({ ...JOB, status: ended })).toMatchObject({
      message: "ComfyUI failed: CLIPTextEncode: cannot encode '[redacted]'.",
    });
  });

  it("is read whatever is added, and whatever optional is missing", () => {
    const extra = fc.dictionary(
      fc.string().map((name) => `x_${name}`),
      fc.jsonValue(),
    );
    const optional = fc.subarray(["prompt", "status", "meta"] as const);
    fc.assert(
      fc.property(extra, extra, extra, optional, (more, moreOutputs, moreOfPicture, left) => {
        const [picture] = JOB.outputs["9"].images;
        const kept = Object.fromEntries(
          Object.entries(JOB).filter(([name]) => left.some((one) => one === name)),
        );
        const outputs = { ...moreOutputs, "9": { ...more, images: [{ ...moreOfPicture, ...picture }] } };
        expect(status({ ...more, ...kept, outputs })).toStrictEqual(succeeded);
      }),
    );
  });
});

describe("an item of queue or history", () => {
  it("shows its id and its attempt", () => {
    expect([promptIdIn(JOB.prompt), attemptIdIn(JOB.prompt)]).toStrictEqual(["p1", "img_a-1"]);
    expect(attemptIdIn([1, "p2", {}, {}, []])).toBeNull();
    expect(attemptIdIn([1, "p2", {}, { atelier: "x" }, []])).toBeNull();
    expect([attemptIdIn([1, "p2"]), attemptIdIn(undefined), promptIdIn({})]).toStrictEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  it("is read with whatever newer servers add behind", () => {
    const queue = { queue_running: [[...JOB.prompt, { sensitive: 1 }]], queue_pending: [], more: true };
    const read = readJson(queueSchema, JSON.stringify(queue));
    expect(read?.queue_running.map(attemptIdIn)).toStrictEqual(["img_a-1"]);
  });
});

describe("a refusal", () => {
  const notInList = (input_name: string) => ({
    error: {
      type: "prompt_outputs_failed_validation",
      message: "Prompt outputs failed validation",
      details: "",
      extra_info: {},
    },
    node_errors: {
      "4": {
        errors: [
          {
            type: "value_not_in_list",
            message: "Value not in list",
            details: `${input_name}: 'x' not in []`,
            extra_info: { input_name },
          },
        ],
        dependent_outputs: ["9"],
        class_type: "CheckpointLoaderSimple",
      },
    },
  });

  it.each([
    [
      "an unknown checkpoint",
      notInList("ckpt_name"),
      "ModelUnavailable",
      "CheckpointLoaderSimple 4: Value not in list",
    ],
    ["an unknown LoRA", notInList("lora_name"), "ModelUnavailable", "lora_name"],
    ["an unknown sampler", notInList("sampler_name"), "ProviderRefused", "sampler_name"],
    [
      "a missing kind of node",
      { error: { type: "missing_node_type", message: "Node 'X' not found." }, node_errors: {} },
      "ModelUnavailable",
      "Node 'X' not found.",
    ],
    [
      "an older server's missing node",
      { error: { type: "invalid_prompt", message: "Cannot execute because node X does not exist." } },
      "ModelUnavailable",
      "node X",
    ],
    ["no graph", { error: "no prompt", node_errors: [] }, "ProviderRefused", "no prompt"],
    ["something else", "<html>", "ProviderRefused", "no reason given"],
  ])("for %s", (_, body, name, message) => {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    expect(refusalOf(text, 400, [])).toStrictEqual({
      kind: "refused",
      name,
      message: expect.stringContaining(message),
    });
  });
});
