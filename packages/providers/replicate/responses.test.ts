import { describe, expect, it } from "vitest";
import { tinyPng } from "../../../test/simulators/tiny-png.ts";
import { operationOf, predictionIdOf, predictionSchema, statusOf } from "./responses.ts";

type PricedModel = Parameters<typeof statusOf>[1];
const UNPRICED = { name: "sdxl", price: null };
const status = (fields: Record<string, unknown>, model: PricedModel = UNPRICED) =>
  statusOf(predictionSchema.parse({ id: "p1", ...fields }), model);
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

describe("costs", () => {
  const bySecond = {
    name: "a",
    price: { per: "second", usd: 0.000975, seconds: 5, steps: null, list: null },
  } satisfies PricedModel;
  const byImage = { name: "a", price: { per: "image", usd: 0.003, sizes: [] } } satisfies PricedModel;
  const bySize = {
    name: "a",
    price: { per: "image", usd: 0.01, sizes: [{ megapixelsMax: 0.5, usd: 0.004 }] },
  } satisfies PricedModel;
  const succeeded = { status: "succeeded", output: [URL_A, URL_B] };
  const failed = { status: "failed", error: "NSFW content detected." };

  it.each([
    ["the hardware's seconds", bySecond, { ...succeeded, metrics: { predict_time: 2.5 } }, 2_438],
    ["the seconds until the filter", bySecond, { ...failed, metrics: { predict_time: 2 } }, 1_950],
    ["the seconds until a cancel", bySecond, { status: "canceled", metrics: { predict_time: 1 } }, 975],
    ["the pictures counted", byImage, { ...succeeded, metrics: { image_count: 1 } }, 3_000],
    ["the pictures delivered", byImage, { ...succeeded, metrics: { predict_time: 1 } }, 6_000],
    ["no metrics", bySecond, succeeded, null],
    ["no metrics of a picture", byImage, succeeded, null],
    ["metrics without seconds", bySecond, { ...succeeded, metrics: { total_time: 3 } }, null],
    ["metrics that cannot be read", bySecond, { ...succeeded, metrics: { predict_time: "2" } }, null],
    ["metrics of another kind", bySecond, { ...succeeded, metrics: [1] }, null],
    ["a failure that counts no picture", byImage, { ...failed, metrics: { predict_time: 2 } }, null],
    ["a price by size", bySize, { ...succeeded, metrics: { image_count: 1 } }, null],
    ["a job that never started", bySecond, { status: "aborted", metrics: { predict_time: 0 } }, null],
  ])("by %s", (_, model, prediction, costMicros) => {
    expect(status(prediction, model)).toMatchObject({ costMicros });
  });

  it("does not stumble over fields of another kind", () => {
    const odd = {
      model: 1,
      version: {},
      webhook: [],
      input: "x",
      logs: ["a"],
      data_removed: "no",
      metrics: 3,
    };
    expect(status({ ...odd, status: "succeeded", output: URL_A })).toMatchObject({ kind: "succeeded" });
    expect(status({ ...odd, status: "processing" })).toStrictEqual({ kind: "pending" });
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
