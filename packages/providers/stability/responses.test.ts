import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { tinyPng } from "../../../test/simulators/tiny-png.ts";
import { finishedFrom } from "./responses.ts";

const PNG = tinyPng(16, 16, 1);
const OTHER = tinyPng(16, 16, 2);
const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");

const finished = (bytes: Uint8Array | null, headers: Record<string, string> = {}) =>
  finishedFrom({ headers: new Headers(headers), bytes });
const finishedJson = (value: unknown, contentType = "application/json") =>
  finished(Buffer.from(typeof value === "string" ? value : JSON.stringify(value)), {
    "content-type": contentType,
  });
const done = (...pictures: Uint8Array[]) => ({
  kind: "done",
  costMicros: null,
  outputs: pictures.map((bytes) => ({ kind: "bytes", contentType: "image/png", bytes: Buffer.from(bytes) })),
});
const paid = (name: string) => ({ kind: "failed", name, charged: true, costMicros: null });
/** Buffers and plain arrays of the same bytes are the same picture. */
const shown = (submission: ReturnType<typeof finishedFrom>) =>
  submission.kind === "done"
    ? {
        ...submission,
        outputs: submission.outputs.map((output) =>
          output.kind === "bytes" ? { ...output, bytes: Buffer.from(output.bytes) } : output,
        ),
      }
    : submission;

describe("finishedFrom", () => {
  it.each([
    ["v1", { "content-type": "image/png", "finish-reason": "SUCCESS", seed: "42" }],
    ["v2beta", { "content-type": "image/png", "finish-reason": "SUCCESS", seed: "42", "x-request-id": "r" }],
    ["no headers at all", {}],
    ["a type that lies", { "content-type": "image/jpeg" }],
    ["a finish reason of the future", { "content-type": "image/png", "finish-reason": "UPSCALED" }],
  ])("takes the bytes: %s", (_, headers) => {
    expect(shown(finished(PNG, headers))).toStrictEqual(done(PNG));
  });

  it.each([
    ["v1's list of artifacts", { artifacts: [{ base64: base64(PNG), seed: 42, finishReason: "SUCCESS" }] }],
    ["v1's bare list", [{ base64: base64(PNG), seed: 42, finishReason: "SUCCESS" }]],
    ["v2beta's one picture", { image: base64(PNG), finish_reason: "SUCCESS", seed: 42 }],
    ["nothing but the picture", { image: base64(PNG) }],
  ])("takes JSON though bytes were asked for: %s", (_, value) => {
    expect(shown(finishedJson(value))).toStrictEqual(done(PNG));
    expect(shown(finishedJson(value, "application/json; type=image/png"))).toStrictEqual(done(PNG));
  });

  it("throws a blurred picture away, and counts it as paid", () => {
    const headers = { "content-type": "image/png", "finish-reason": "CONTENT_FILTERED" };
    expect(finished(PNG, headers)).toMatchObject(paid("ContentRejected"));
    const blurred = { base64: base64(PNG), finishReason: "CONTENT_FILTERED" };
    expect(finishedJson({ artifacts: [blurred] })).toMatchObject(paid("ContentRejected"));
    expect(finishedJson({ image: base64(PNG), finish_reason: "CONTENT_FILTERED" })).toMatchObject(
      paid("ContentRejected"),
    );
    const sound = { base64: base64(OTHER), finishReason: "SUCCESS" };
    expect(shown(finishedJson([blurred, sound]))).toStrictEqual(done(OTHER));
  });

  it.each([
    ["ERROR", finished(PNG, { "finish-reason": "ERROR" })],
    ["an answer that broke off", finished(null, { "content-type": "image/png" })],
    ["nothing", finished(new Uint8Array(), { "content-type": "image/png" })],
    ["text", finished(Buffer.from("upstream says hello"), { "content-type": "image/png" })],
    ["half a JSON", finishedJson('{"artifacts":[{"base64":"iVBORw0')],
    ["no artifacts", finishedJson({ artifacts: [] })],
    ["an artifact without a picture", finishedJson({ artifacts: [{ seed: 1 }] })],
    ["base64 of something else", finishedJson({ image: base64(Buffer.from("hello, world")) })],
    ["other JSON", finishedJson({ id: "job" })],
    ["a JSON text", finishedJson('"hello"')],
  ])("counts as paid without a picture: %s", (_, submission) => {
    expect(submission).toMatchObject(paid("ProviderFailed"));
  });

  it("is not put off by fields that it does not know, nor by optional ones that are missing or null", () => {
    const extra = fc.dictionary(
      fc
        .string()
        .filter((name) => !["artifacts", "base64", "image", "finishReason", "finish_reason"].includes(name)),
      fc.jsonValue(),
    );
    const finish = fc.constantFrom("SUCCESS", null, undefined);
    fc.assert(
      fc.property(
        extra,
        extra,
        finish,
        fc.constantFrom("list", "bare", "v2beta"),
        (around, within, end, form) => {
          const artifact = { ...within, base64: base64(PNG), finishReason: end };
          const value =
            form === "list"
              ? { ...around, artifacts: [artifact] }
              : form === "bare"
                ? [artifact]
                : { ...around, image: base64(PNG), finish_reason: end };
          expect(shown(finishedJson(value))).toStrictEqual(done(PNG));
        },
      ),
    );
  });
});
