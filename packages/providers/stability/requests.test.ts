import type { ProviderRequest } from "@atelier/core/provider";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CORE, ENGINE, SD35_MEDIUM, SD35_TURBO } from "../../../test/simulators/stability-models.ts";
import { decodedBody, readCreate } from "../../../test/simulators/stability-requests.ts";
import { createRequest, isV1 } from "./requests.ts";

const REQUEST: ProviderRequest = {
  model: ENGINE,
  prompt: "a lighthouse at dusk",
  negativePrompt: "blurry",
  parameters: { width: 1216, height: 832, steps: 30, guidanceScale: 7.5 },
  seed: 42,
  deadlineMs: 300_000,
};

/** What arrives, as a server reads it. */
async function arrived(request: ProviderRequest) {
  const { path, headers, body } = createRequest(request);
  const raw = {
    path,
    accept: headers.accept,
    contentType: headers["content-type"],
    body: new Uint8Array(Buffer.from(body)),
  };
  const decoded = await decodedBody(raw);
  return { path, accept: headers.accept, decoded, create: readCreate(raw, decoded) };
}

describe("createRequest", () => {
  it("asks v1 for one PNG, with the negative prompt weighing -1", async () => {
    expect(await arrived(REQUEST)).toStrictEqual({
      path: "/v1/generation/stable-diffusion-xl-1024-v1-0/text-to-image",
      accept: "image/png",
      decoded: {
        text_prompts: [
          { text: "a lighthouse at dusk", weight: 1 },
          { text: "blurry", weight: -1 },
        ],
        width: 1216,
        height: 832,
        steps: 30,
        cfg_scale: 7.5,
        seed: 42,
        samples: 1,
      },
      create: {
        interface: "v1",
        model: "stable-diffusion-xl-1024-v1-0",
        width: 1216,
        height: 832,
        steps: 30,
        seed: 42,
      },
    });
  });

  it("sends v2beta a form, the variant of Stable Diffusion 3 as a field", async () => {
    expect(await arrived({ ...REQUEST, model: CORE })).toMatchObject({
      path: "/v2beta/stable-image/generate/core",
      accept: "image/*",
      decoded: {
        prompt: "a lighthouse at dusk",
        negative_prompt: "blurry",
        aspect_ratio: "3:2",
        seed: "42",
        output_format: "png",
      },
    });
    const { path, decoded } = await arrived({ ...REQUEST, model: SD35_MEDIUM });
    expect(path).toBe("/v2beta/stable-image/generate/sd3");
    expect(decoded).toStrictEqual({
      model: "sd3.5-medium",
      mode: "text-to-image",
      prompt: "a lighthouse at dusk",
      negative_prompt: "blurry",
      aspect_ratio: "3:2",
      cfg_scale: "7.5",
      seed: "42",
      output_format: "png",
    });
  });

  it.each([
    ["none was asked for", { ...REQUEST, negativePrompt: "" }],
    ["the model takes none", { ...REQUEST, model: { ...ENGINE, negativePrompt: null } }],
    ["the model takes none", { ...REQUEST, model: SD35_TURBO }],
  ])("leaves the negative prompt out where %s", async (_, request) => {
    const { decoded } = await arrived(request);
    expect(decoded).not.toHaveProperty("negative_prompt");
    expect(JSON.stringify(decoded)).toContain("lighthouse");
    expect(JSON.stringify(decoded)).not.toContain("blurry");
  });

  it("gives the same bytes for the same request", () => {
    const request = { ...REQUEST, model: CORE };
    expect(createRequest(request)).toStrictEqual(createRequest({ ...request }));
    expect(createRequest({ ...request, seed: 43 }).body).not.toBe(createRequest(request).body);
  });

  it("is taken by the service whatever is asked, and arrives as it was asked", async () => {
    const size = fc.integer({ min: 8, max: 256 }).map((eighths) => eighths * 8);
    // A text that can be sent: whole characters, whatever they are; delimiters of forms among them.
    const text = fc
      .array(fc.oneof(fc.string({ unit: "grapheme" }), fc.constantFrom("\r\n--", '"', "\n", "--atelier-")), {
        minLength: 1,
        maxLength: 8,
      })
      .map((parts) => `x${parts.join("")}`);
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(ENGINE, CORE, SD35_MEDIUM, SD35_TURBO),
        fc.record({
          width: size,
          height: size,
          steps: fc.integer({ min: 1, max: 150 }),
          guidanceScale: fc.double({ min: 0.01, max: 50, noNaN: true }),
        }),
        fc.integer({ min: 1, max: 0x7ffffffe }),
        text,
        text,
        async (model, parameters, seed, prompt, negativePrompt) => {
          const request = { ...REQUEST, model, parameters, seed, prompt, negativePrompt };
          const { decoded, create } = await arrived(request);
          expect(create).toMatchObject({ model: model.model, seed });
          expect(decoded).toMatchObject(
            isV1(model)
              ? { text_prompts: [{ text: prompt }, { text: negativePrompt }] }
              : { prompt, ...(model.negativePrompt === null ? {} : { negative_prompt: negativePrompt }) },
          );
        },
      ),
      { numRuns: 150 },
    );
  });
});
