import { describe, expect, it } from "vitest";
import { jobOf, operationOf, statusOf, taskSchema } from "./tasks.ts";

const URL = "https://cdn.example/a.png";
const read = (task: object) => statusOf(taskSchema.parse({ id: "7", ...task }));
const grid = {
  kind: "succeeded",
  outputs: [{ kind: "url", url: URL, layout: "grid-2x2" }],
  costMicros: null,
};
const failed = (name: string) => ({ kind: "failed", name, charged: true, costMicros: null });

describe("statusOf", () => {
  it.each([
    ["nothing but an id", {}, { kind: "pending" }],
    ["an empty status", { status: "" }, { kind: "pending" }],
    ["NOT_START", { status: "NOT_START" }, { kind: "pending" }],
    ["MODAL", { status: "MODAL" }, { kind: "pending" }],
    ["a status that nobody knows", { status: "REVIEW" }, { kind: "pending" }],
    [
      "a preview",
      { status: "IN_PROGRESS", progress: "45%", imageUrl: URL },
      { kind: "pending", progress: 0.45 },
    ],
    ["too much progress", { status: "IN_PROGRESS", progress: "101%" }, { kind: "pending", progress: 1 }],
    ["progress as a number", { status: "IN_PROGRESS", progress: 45 }, { kind: "pending" }],
    ["a grid", { status: "SUCCESS", action: "IMAGINE", imageUrl: URL }, grid],
    ["a grid of a build without actions", { status: "success", imageUrl: URL, imageUrls: null }, grid],
    ["a list of one", { status: "SUCCESS", imageUrls: [URL] }, grid],
    [
      "single pictures",
      { status: "SUCCESS", imageUrl: URL, imageUrls: [`${URL}?1`, { url: `${URL}?2`, thumbnail: "x" }] },
      {
        kind: "succeeded",
        outputs: [
          { kind: "url", url: `${URL}?1` },
          { kind: "url", url: `${URL}?2` },
        ],
        costMicros: null,
      },
    ],
    [
      "an upscale",
      { status: "SUCCESS", action: "UPSCALE", imageUrl: URL },
      { kind: "succeeded", outputs: [{ kind: "url", url: URL }], costMicros: null },
    ],
    ["a success without a picture", { status: "SUCCESS" }, failed("ProviderFailed")],
    [
      "a success with a strange address",
      { status: "SUCCESS", imageUrl: "file:///a" },
      failed("ProviderFailed"),
    ],
    ["a time-out", { status: "FAILURE", failReason: "任务超时" }, { kind: "pending" }],
    ["a time-out in English", { status: "FAILURE", failReason: "Task timed out" }, { kind: "pending" }],
    [
      "a banned prompt",
      { status: "FAILURE", failReason: "[Banned prompt detected] Sorry" },
      failed("ContentRejected"),
    ],
    [
      "an invalid parameter",
      { status: "FAILURE", failReason: "[Invalid parameter] Invalid value" },
      failed("ProviderRefused"),
    ],
    ["an error", { status: "FAILURE", failReason: "执行错误，系统异常" }, failed("ProviderFailed")],
    ["a failure without a reason", { status: "FAILURE" }, failed("ProviderFailed")],
    ["a cancel", { status: "CANCEL" }, failed("ProviderCancelled")],
    ["a cancel of trueai", { status: "FAILURE", failReason: "取消任务" }, failed("ProviderCancelled")],
  ])("reads %s", (_, task, expected) => {
    expect(read(task)).toMatchObject(expected);
  });

  it("does not repeat the prompt", () => {
    const status = read({
      status: "FAILURE",
      failReason: "no picture of a quiet harbour",
      prompt: "a quiet harbour",
    });
    expect(status).toMatchObject({ message: "The job failed: no picture of [redacted]" });
  });

  it("reads a task whose optional fields are of any kind", () => {
    const fields = [
      "action",
      "state",
      "prompt",
      "submitTime",
      "progress",
      "imageUrl",
      "imageUrls",
      "buttons",
    ];
    for (const field of fields) {
      for (const value of [null, 1, "x", [], {}, [1], [{}], true]) {
        const task = { status: "IN_PROGRESS", [field]: value, extra: { deep: [1] } };
        expect(read(task), `${field} ${JSON.stringify(value)}`).toMatchObject({ kind: "pending" });
      }
    }
  });
});

describe("operations", () => {
  it("are read as they were written", () => {
    expect(operationOf({ id: "7" })).toBe('{"id":"7"}');
    const composite = { id: "7", upscales: ["8", "9"], askedAtMs: 5 };
    expect(jobOf(operationOf(composite))).toStrictEqual(composite);
  });

  it.each(["", "{}", '{"id":"a/b"}', '{"id":"7","upscales":[]}'])("%j is not one", (operation) => {
    expect(() => jobOf(operation)).toThrow("not one of Midjourney");
  });
});
