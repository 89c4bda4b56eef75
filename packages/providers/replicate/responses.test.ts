import { describe, expect, it } from "vitest";
import { tinyPng } from "../../../test/simulators/tiny-png.ts";
import { operationOf, predictionIdOf, predictionSchema, statusOf } from "./responses.ts";

const status = (fields: Record<string, unknown>) => statusOf(predictionSchema.parse({ id: "p1", ...fields }));
const URL_A = "https://replicate.delivery/a.png";
const URL_B = "https://replicate.delivery/b.png";

describe("statusOf", () => {
  it.each(["starting", "processing", "queued-for-something-new"])("waits on %s", (name) => {
    expect(status({ status: name })).toStrictEqual({ kind: "pending" });
  });

  it("does not take the output of a running prediction for the whole", () => {
    expect(status({ status: "processing", output: [URL_A] })).toStrictEqual({ kind: "pending" });
  });

  it("reads the progress from the last line of the logs", () => {
    const logs =
      " 10%|#         | 5/50 [00:01<00:09, 5.00it/s]\n 76%|#######   | 38/50 [00:07<00:02, 5.00it/s]";
    expect(status({ status: "processing", logs })).toStrictEqual({ kind: "pending", progress: 0.76 });
  });

  it.each([
    ["a bare address", URL_A, [URL_A]],
    ["a list", [URL_A, URL_B], [URL_A, URL_B]],
    [
      "an object with addresses and other things",
      { image: URL_A, nsfw: false, more: [URL_B] },
      [URL_A, URL_B],
    ],
  ])("takes %s", (_, output, urls) => {
    expect(status({ status: "succeeded", output })).toStrictEqual({
      kind: "succeeded",
      outputs: urls.map((url) => ({ kind: "url", url })),
      costMicros: null,
    });
  });

  it("turns an inlined picture into bytes", () => {
    const bytes = tinyPng(8, 8, 1);
    const output = `data:image/png;base64,${Buffer.from(bytes).toString("base64")}`;
    expect(status({ status: "succeeded", output })).toStrictEqual({
      kind: "succeeded",
      outputs: [{ kind: "bytes", bytes, contentType: "image/png" }],
      costMicros: null,
    });
    expect(status({ status: "succeeded", output: "data:image/png;base64,AAAA" })).toMatchObject({
      kind: "failed",
      name: "ProviderFailed",
      charged: true,
    });
  });

  it.each([
    [{ status: "succeeded", output: null, data_removed: true }, "OutputExpired", true],
    [{ status: "succeeded", output: null }, "ProviderFailed", true],
    [{ status: "succeeded", output: [] }, "ProviderFailed", true],
    [{ status: "failed", error: "NSFW content detected. Try running it again." }, "ContentRejected", true],
    [{ status: "failed", error: "All generated images contained NSFW content." }, "ContentRejected", true],
    [
      { status: "failed", error: "The input or output was flagged as sensitive. (E005) (x)" },
      "ContentRejected",
      true,
    ],
    [{ status: "failed", error: "CUDA out of memory" }, "ProviderFailed", true],
    [{ status: "failed" }, "ProviderFailed", true],
    [{ status: "failed", error: { code: 1 } }, "ProviderFailed", true],
    [{ status: "canceled" }, "ProviderCancelled", true],
    [{ status: "aborted" }, "ProviderAborted", false],
  ])("reads %j as %s", (fields, name, charged) => {
    expect(status(fields)).toMatchObject({ kind: "failed", name, charged, costMicros: null });
  });

  it("does not repeat the prompt that a model repeats", () => {
    const failed = status({
      status: "failed",
      input: { prompt: "a lighthouse at dusk", seed: 1 },
      error: "cannot draw a lighthouse at dusk today",
    });
    expect(failed).toMatchObject({ message: "The model failed: cannot draw [redacted] today" });
  });
});

describe("operations", () => {
  it("are the same text for the same prediction", () => {
    expect(operationOf({ id: "p1" })).toBe(
      operationOf(predictionSchema.parse({ id: "p1", status: "x", logs: "y" })),
    );
    expect(predictionIdOf(operationOf({ id: "p1" }))).toBe("p1");
  });

  it("refuse what could lead to another path", () => {
    for (const id of ["../models", "a/b", "a?b", "", "a b"]) {
      expect(predictionSchema.safeParse({ id, status: "starting" }).success).toBe(false);
      expect(() => predictionIdOf(JSON.stringify({ id }))).toThrow(
        expect.objectContaining({ name: "Unexpected" }),
      );
    }
    expect(() => predictionIdOf("p1")).toThrow(expect.objectContaining({ name: "Unexpected" }));
  });
});
