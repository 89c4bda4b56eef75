import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { tinyPng } from "../../../test/simulators/tiny-png.ts";
import type { HttpPicturesAnswer } from "../http.ts";
import { isSameCheckpoint, submissionFrom } from "./responses.ts";

const PICTURE = tinyPng(64, 64, 7);
const GRID = tinyPng(64, 64, 8);
const BASE64 = Buffer.from(PICTURE).toString("base64");
const CHECKPOINT = "sd_xl_base_1.0.safetensors [31e35c80fc]";

const answered = (body: unknown, pictures: readonly Uint8Array[] = [], status = 200): HttpPicturesAnswer => ({
  kind: "answered",
  status,
  headers: new Headers(),
  text: typeof body === "string" ? body : JSON.stringify(body),
  pictures,
});
const read = (answer: HttpPicturesAnswer) => submissionFrom(answer, CHECKPOINT, ["a lighthouse at dusk"], 0);
const done = (...bytes: Uint8Array[]) => ({
  kind: "done",
  outputs: bytes.map((one) => ({ kind: "bytes", bytes: one, contentType: "image/png" })),
  costMicros: 0,
});

/** As web UI 1.10 answers, shortened. */
const INFO = {
  prompt: "a lighthouse at dusk",
  all_prompts: ["a lighthouse at dusk"],
  negative_prompt: "",
  seed: 42,
  all_seeds: [42],
  subseed: 1,
  width: 64,
  height: 64,
  sampler_name: "DPM++ 2M",
  cfg_scale: 7.5,
  steps: 30,
  batch_size: 1,
  sd_model_name: "sd_xl_base_1.0",
  sd_model_hash: "31e35c80fc",
  index_of_first_image: 0,
  infotexts: ["a lighthouse at dusk\nSteps: 30, Sampler: DPM++ 2M, Seed: 42"],
  version: "v1.10.1",
};
const ANSWER = {
  images: ["picture:0"],
  parameters: { prompt: "a lighthouse at dusk", steps: 30 },
  info: JSON.stringify(INFO),
};

describe("the web UI's answers", () => {
  it.each([
    ["as it is", ANSWER],
    ["without parameters", { images: ANSWER.images, info: ANSWER.info }],
    ["without info", { images: ANSWER.images }],
    ["with empty info", { ...ANSWER, info: "" }],
    ["with info that is no JSON", { ...ANSWER, info: "a lighthouse" }],
    ["with info as an object", { ...ANSWER, info: INFO }],
    [
      "with info of other types",
      { ...ANSWER, info: JSON.stringify({ index_of_first_image: "0", all_seeds: 42 }) },
    ],
    ["as a data URI", { images: [`data:image/png;base64,${BASE64}`] }],
    ["as plain base64", { images: [BASE64] }],
  ])("give the picture %s", (_, body) => {
    expect(read(answered(body, [PICTURE]))).toStrictEqual(done(PICTURE));
  });

  it("leave out the grid in front and what extensions add behind", () => {
    const info = JSON.stringify({ ...INFO, index_of_first_image: 1, all_seeds: [42, 43] });
    const images = ["picture:0", "picture:1", "picture:2", "picture:3"];
    expect(read(answered({ images, info }, [GRID, PICTURE, PICTURE, GRID]))).toStrictEqual(
      done(PICTURE, PICTURE),
    );
  });

  it.each([
    ["a body that broke off", null],
    ["no JSON", "<html>"],
    ["other JSON", "{}"],
  ])("that are %s mean that it is over, without a picture", (_, text) => {
    const answer = { ...answered(""), text } as HttpPicturesAnswer;
    expect(read(answer)).toMatchObject({
      kind: "failed",
      name: "ProviderFailed",
      charged: false,
      costMicros: 0,
    });
  });

  it.each([
    [500, "Internal Server Error", "unknown"],
    [500, { detail: "from a proxy" }, "unknown"],
    [504, "<html>", "unknown"],
    [307, "", "unknown"],
    [408, "", "unknown"],
    [500, { error: "OutOfMemoryError", detail: "", body: "", errors: "CUDA out of memory." }, "failed"],
    [500, { error: "RuntimeError", errors: null }, "failed"],
    [403, "", "refused"],
    [
      422,
      { detail: [{ loc: ["body", "steps"], msg: "value is not a valid integer", type: "type_error" }] },
      "refused",
    ],
  ])("of status %i with %o are %s", (status, body, kind) => {
    expect(read(answered(body, [], status))).toMatchObject({ kind });
  });

  it("say which field pydantic did not like", () => {
    const detail = [{ loc: ["body", "steps"], msg: "value is not a valid integer" }];
    expect(read(answered({ detail }, [], 422))).toMatchObject({
      message: "The web UI refused the create with status 422: steps value is not a valid integer",
    });
  });

  it("are read whatever is added, and whatever optional is missing", () => {
    const extra = fc.dictionary(
      fc.string().map((name) => `x_${name}`),
      fc.jsonValue(),
    );
    const kept = fc.subarray(Object.keys(INFO));
    fc.assert(
      fc.property(extra, extra, kept, fc.boolean(), (more, moreInfo, names, hasInfo) => {
        const some = Object.fromEntries(Object.entries(INFO).filter(([name]) => names.includes(name)));
        const info = hasInfo ? { info: JSON.stringify({ ...moreInfo, ...some }) } : {};
        const body = { ...more, images: ["picture:0"], ...info };
        expect(read(answered(body, [PICTURE]))).toStrictEqual(done(PICTURE));
      }),
    );
  });
});

describe("isSameCheckpoint", () => {
  it.each([
    ["a.safetensors [0123abcdef]", "a", true],
    ["models/a.ckpt", "A.safetensors", true],
    ["models\\a.ckpt", "a", true],
    ["a.safetensors", "a-inpainting.safetensors", false],
    ["a", "", false],
  ])("%s and %s: %s", (one, other, same) => {
    expect(isSameCheckpoint(one, other)).toBe(same);
  });
});
