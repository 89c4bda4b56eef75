/** @module Models of one's own machine for tests, with the shipped workflow that one of them names. */
import { readFileSync } from "node:fs";
import { type Model, modelSchema } from "@atelier/core/catalogue";
import { SDXL } from "./models.ts";

const own = {
  ...SDXL,
  version: null,
  price: { per: "nothing" },
  sizes: { kind: "range", width: "width", height: "height", min: 64, max: 1536 },
  steps: { parameter: "steps", min: 1, max: 150 },
  outputs: null,
};

export const A1111_SDXL: Model = modelSchema.parse({
  ...own,
  name: "sdxl-a1111",
  provider: "a1111",
  model: "sd_xl_base_1.0.safetensors",
  guidanceScale: { parameter: "cfg_scale", min: 1, max: 30 },
  extras: { sampler_name: "DPM++ 2M", scheduler: "Karras" },
});

export const COMFYUI_SDXL: Model = modelSchema.parse({
  ...own,
  name: "sdxl-comfyui",
  provider: "comfyui",
  model: "sdxl_text_to_image",
  guidanceScale: { parameter: "guidance_scale", min: 1, max: 30 },
  extras: { checkpoint: "sd_xl_base_1.0.safetensors" },
});

const shipped = new URL("../../templates/comfyui/sdxl_text_to_image.json", import.meta.url);
export const WORKFLOWS: Readonly<Record<string, unknown>> = {
  sdxl_text_to_image: JSON.parse(readFileSync(shipped, "utf8")),
};
