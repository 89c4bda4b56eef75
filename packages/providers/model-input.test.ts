import type { ProviderRequest } from "@atelier/core/provider";
import { describe, expect, it } from "vitest";
import { FLUX, REALISTIC, SDXL, STABLE_DIFFUSION } from "../../test/simulators/models.ts";
import { modelInput } from "./model-input.ts";

const REQUEST: ProviderRequest = {
  model: SDXL,
  prompt: "a lighthouse at dusk",
  negativePrompt: "blurry",
  parameters: { width: 1024, height: 768, steps: 50, guidanceScale: 7.5 },
  seed: 42,
  deadlineMs: 300_000,
};
const inputFor = (model: ProviderRequest["model"]) => modelInput({ ...REQUEST, model });

describe("modelInput", () => {
  it("uses each model's own names, sizes and ranges", () => {
    expect(inputFor(SDXL)).toStrictEqual({
      apply_watermark: false,
      prompt: "a lighthouse at dusk",
      negative_prompt: "blurry",
      width: 1024,
      height: 768,
      num_inference_steps: 50,
      guidance_scale: 7.5,
      seed: 42,
      num_outputs: 1,
    });
    expect(inputFor(STABLE_DIFFUSION)).toStrictEqual({
      prompt: "a lighthouse at dusk",
      negative_prompt: "blurry",
      image_dimensions: "768x768",
      num_inference_steps: 50,
      guidance_scale: 7.5,
      seed: 42,
      num_outputs: 1,
    });
    expect(inputFor(FLUX)).toStrictEqual({
      output_format: "png",
      prompt: "a lighthouse at dusk",
      aspect_ratio: "3:2",
      num_inference_steps: 4,
      seed: 42,
      num_outputs: 1,
    });
    expect(inputFor(REALISTIC)).toStrictEqual({
      prompt: "a lighthouse at dusk",
      negative_prompt: "blurry",
      width: 1024,
      height: 768,
      steps: 50,
      guidance: 7.5,
      seed: 42,
    });
  });

  it("leaves an empty negative prompt out, so that the model's own stays", () => {
    expect(modelInput({ ...REQUEST, negativePrompt: "" })).not.toHaveProperty("negative_prompt");
  });
});
