/**
 * @module The input schemas that the sandbox holds a create against: names, types, ranges and choices per model version,
 * as Replicate publishes them. Parameters for pictures as input, LoRA weights and the like are left out: Atelier never
 * sends them, so sending one is a mistake here.
 */

export type InputField =
  | { readonly type: "string"; readonly enum?: readonly string[]; readonly default?: string }
  | {
      readonly type: "integer" | "number";
      readonly minimum?: number;
      readonly maximum?: number;
      readonly enum?: readonly number[];
      readonly default?: number;
    }
  | { readonly type: "boolean"; readonly default?: boolean };

export interface InputSchema {
  /** `owner/name` */
  readonly model: string;
  /** 64 hexadecimal digits; null for official models, which are called by their name. */
  readonly version: string | null;
  /** True: put together from examples and neighbours, because no schema was published for the version. */
  readonly reconstructed: boolean;
  readonly required: readonly string[];
  readonly fields: Readonly<Record<string, InputField>>;
  /** Whether `output` is a list, even of one, or the bare address. */
  readonly output: "list" | "single";
  /** Sizes of `aspect_ratio` choices, where the model has that parameter. */
  readonly aspects?: Readonly<Record<string, string>>;
}

const text = (initial?: string): InputField => ({
  type: "string",
  ...(initial === undefined ? {} : { default: initial }),
});
const choice = (first: string, ...others: string[]): InputField => ({
  type: "string",
  enum: [first, ...others],
  default: first,
});
const integer = (minimum?: number, maximum?: number, initial?: number): InputField => ({
  type: "integer",
  ...(minimum === undefined ? {} : { minimum }),
  ...(maximum === undefined ? {} : { maximum }),
  ...(initial === undefined ? {} : { default: initial }),
});
const decimal = (minimum: number, maximum: number, initial: number): InputField => ({
  type: "number",
  minimum,
  maximum,
  default: initial,
});
const flag = (initial: boolean): InputField => ({ type: "boolean", default: initial });

/** 64 to 1024 in steps of 64. */
const STEPS_OF_64: InputField = {
  type: "integer",
  enum: Array.from({ length: 16 }, (_, index) => (index + 1) * 64),
  default: 768,
};

/** One megapixel in each shape, as cog-flux rounds it. */
const FLUX_ASPECTS = {
  "1:1": "1024x1024",
  "16:9": "1344x768",
  "21:9": "1536x640",
  "3:2": "1216x832",
  "2:3": "832x1216",
  "4:5": "896x1088",
  "5:4": "1088x896",
  "3:4": "896x1152",
  "4:3": "1152x896",
  "9:16": "768x1344",
  "9:21": "640x1536",
};

const STABLE_DIFFUSION = {
  prompt: text("a vision of paradise. unreal engine"),
  negative_prompt: text(),
  num_outputs: integer(1, 4, 1),
  num_inference_steps: integer(1, 500, 50),
  guidance_scale: decimal(1, 20, 7.5),
  scheduler: choice("DPMSolverMultistep", "DDIM", "K_EULER", "K_EULER_ANCESTRAL", "PNDM", "KLMS"),
  seed: integer(),
};

const SDXL_SCHEDULERS = choice(
  "K_EULER",
  "DDIM",
  "DPMSolverMultistep",
  "HeunDiscrete",
  "KarrasDPM",
  "K_EULER_ANCESTRAL",
  "PNDM",
);

const flux = (steps: InputField, more: Record<string, InputField>): Record<string, InputField> => ({
  prompt: text(),
  aspect_ratio: { type: "string", enum: Object.keys(FLUX_ASPECTS), default: "1:1" },
  megapixels: choice("1", "0.25"),
  num_outputs: integer(1, 4, 1),
  num_inference_steps: steps,
  seed: integer(),
  output_format: choice("webp", "jpg", "png"),
  output_quality: integer(0, 100, 80),
  go_fast: flag(true),
  disable_safety_checker: flag(false),
  ...more,
});

/** The realistic-vision family: sizes up to 1920, each with names of its own for the rest. */
const realistic = (more: Record<string, InputField>): Record<string, InputField> => ({
  prompt: text(),
  negative_prompt: text(),
  width: integer(0, 1920, 512),
  height: integer(0, 1920, 728),
  seed: integer(),
  ...more,
});

export const INPUT_SCHEMAS: readonly InputSchema[] = [
  {
    model: "stability-ai/stable-diffusion",
    version: "db21e45d3f7023abc2a46ee38a23973f6dce16bb082a930b0c49861f96d1e5bf",
    // The public example of this version shows `image_dimensions`; the rest is taken from its successor.
    reconstructed: true,
    required: [],
    fields: { ...STABLE_DIFFUSION, image_dimensions: choice("768x768", "512x512") },
    output: "list",
  },
  {
    model: "stability-ai/stable-diffusion",
    version: "ac732df83cea7fff18b8472768c88ad041fa750ff7682a21affe81863cbe77e4",
    reconstructed: false,
    required: [],
    fields: { ...STABLE_DIFFUSION, width: STEPS_OF_64, height: STEPS_OF_64 },
    output: "list",
  },
  {
    model: "stability-ai/sdxl",
    version: "7762fd07cf82c948538e41f63f77d685e02b063e37e496e96eefd46c929f9bdc",
    reconstructed: false,
    required: [],
    fields: {
      prompt: text("An astronaut riding a rainbow unicorn"),
      negative_prompt: text(""),
      width: integer(undefined, undefined, 1024),
      height: integer(undefined, undefined, 1024),
      num_outputs: integer(1, 4, 1),
      num_inference_steps: integer(1, 500, 50),
      guidance_scale: decimal(1, 50, 7.5),
      scheduler: SDXL_SCHEDULERS,
      seed: integer(),
      refine: choice("no_refiner", "expert_ensemble_refiner", "base_image_refiner"),
      refine_steps: integer(),
      high_noise_frac: decimal(0, 1, 0.8),
      apply_watermark: flag(true),
      disable_safety_checker: flag(false),
    },
    output: "list",
  },
  {
    model: "black-forest-labs/flux-schnell",
    version: null,
    reconstructed: false,
    required: ["prompt"],
    fields: flux(integer(1, 4, 4), {}),
    output: "list",
    aspects: FLUX_ASPECTS,
  },
  {
    model: "black-forest-labs/flux-dev",
    version: null,
    reconstructed: false,
    required: ["prompt"],
    fields: flux(integer(1, 50, 28), { guidance: decimal(0, 10, 3), prompt_strength: decimal(0, 1, 0.8) }),
    output: "list",
    aspects: FLUX_ASPECTS,
  },
  {
    model: "lucataco/realistic-vision-v5.1",
    version: "2c8e954decbf70b7607a4414e5785ef9e4de4b8c51d50fb8b8b349160e0ef6bb",
    reconstructed: false,
    required: [],
    fields: realistic({
      steps: integer(0, 100, 20),
      guidance: { type: "number", default: 5 },
      scheduler: choice("EulerA", "MultistepDPM-Solver"),
    }),
    output: "single",
  },
  {
    model: "adirik/realistic-vision-v6.0",
    version: "fa61c3351b7fe2fe2497082fb459168e88ff1b66c845f12bfdaaa4f2139f6a9a",
    reconstructed: false,
    required: [],
    fields: realistic({
      num_outputs: integer(1, 4, 1),
      num_steps: integer(1, 100, 20),
      guidance_scale: decimal(1, 50, 2),
    }),
    output: "list",
  },
  {
    model: "asiryan/realistic-vision-v6.0-b1",
    version: "79840b7a2de6e3c5b4a5623cda51186fc532a8e64055cd7683b125eaeda3df53",
    reconstructed: false,
    required: [],
    fields: realistic({ num_inference_steps: integer(1, 100, 20), guidance_scale: decimal(0, 10, 7.5) }),
    output: "single",
  },
  {
    model: "bytedance/sdxl-lightning-4step",
    version: "6f7a773af6fc3e8de9d5a3c00be77c17308914bf67772726aff83496ba1e3bbe",
    // The model's fields are published; that they are those of this very version was not seen.
    reconstructed: true,
    required: [],
    fields: {
      prompt: text("self-portrait of a woman, lightning in the background"),
      negative_prompt: text("worst quality, low quality"),
      width: integer(256, 1280, 1024),
      height: integer(256, 1280, 1024),
      num_outputs: integer(1, 4, 1),
      num_inference_steps: integer(1, 10, 4),
      guidance_scale: decimal(0, 50, 0),
      scheduler: SDXL_SCHEDULERS,
      seed: integer(),
      disable_safety_checker: flag(false),
    },
    output: "list",
  },
];
