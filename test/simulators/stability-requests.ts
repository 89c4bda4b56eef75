/** @module What Stability AI takes and refuses, strictly: v1 by its published schema, v2beta by the fields that clients send. */
import * as z from "zod";

export interface StabilityCreate {
  readonly interface: "v1" | "v2beta";
  /** The engine of v1; `core`, `ultra` or the variant of Stable Diffusion 3. */
  readonly model: string;
  readonly width: number;
  readonly height: number;
  readonly steps: number;
  /** 0 draws one at random. */
  readonly seed: number;
}

export interface StabilityRefusal {
  readonly status: number;
  readonly name: string;
  readonly message: string;
}

const SDXL_SIZES = [
  "1024x1024",
  "1152x896",
  "1216x832",
  "1344x768",
  "1536x640",
  "640x1536",
  "768x1344",
  "832x1216",
  "896x1152",
];

const textToImageSchema = z.strictObject({
  text_prompts: z
    .array(z.strictObject({ text: z.string().min(1).max(2_000), weight: z.number().optional() }))
    .min(1)
    .max(10),
  cfg_scale: z.number().min(0).max(35).default(7),
  width: z.int().default(1024),
  height: z.int().default(1024),
  samples: z.int().min(1).max(10).default(1),
  steps: z.int().min(10).max(50).default(30),
  seed: z.int().min(0).max(4_294_967_295).default(0),
  sampler: z.string().optional(),
  style_preset: z.string().optional(),
  clip_guidance_preset: z.string().optional(),
  extras: z.record(z.string(), z.unknown()).optional(),
});

/** One megapixel in each shape. */
const ASPECT_RATIOS: Readonly<Record<string, readonly [width: number, height: number]>> = {
  "16:9": [1344, 768],
  "1:1": [1024, 1024],
  "21:9": [1536, 640],
  "2:3": [832, 1216],
  "3:2": [1216, 832],
  "4:5": [896, 1088],
  "5:4": [1088, 896],
  "9:16": [768, 1344],
  "9:21": [640, 1536],
};

const number = (min: number, max: number) =>
  z
    .string()
    .regex(/^-?\d+(\.\d+)?$/, "must be a number")
    .transform(Number)
    .refine((value) => value >= min && value <= max, `must be from ${min} to ${max}`);
const common = {
  prompt: z.string().min(1).max(10_000),
  negative_prompt: z.string().max(10_000).optional(),
  aspect_ratio: z
    .string()
    .default("1:1")
    .refine((ratio) => ratio in ASPECT_RATIOS, "must be one of the documented ratios"),
  seed: number(0, 4_294_967_294).optional(),
};
const FORMS = {
  core: z.strictObject({
    ...common,
    style_preset: z.string().optional(),
    output_format: z.enum(["png", "jpeg", "webp"]).optional(),
  }),
  ultra: z.strictObject({ ...common, output_format: z.enum(["png", "jpeg", "webp"]).optional() }),
  sd3: z.strictObject({
    ...common,
    mode: z.literal("text-to-image").optional(),
    model: z.enum(["sd3.5-large", "sd3.5-large-turbo", "sd3.5-medium"]).default("sd3.5-large"),
    cfg_scale: number(1, 10).optional(),
    output_format: z.enum(["png", "jpeg"]).optional(),
  }),
};

export interface RawCreate {
  /** Without the query. */
  readonly path: string;
  readonly contentType: string;
  readonly accept: string;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** The body of a create as JSON or as the fields of a form; undefined when it is neither. */
export async function decodedBody({ contentType, body }: RawCreate): Promise<unknown> {
  try {
    if (contentType.startsWith("application/json")) return JSON.parse(Buffer.from(body).toString("utf8"));
    if (!contentType.startsWith("multipart/form-data")) return undefined;
    const form = await new Response(body, { headers: { "content-type": contentType } }).formData();
    const names = [...form.keys()];
    return new Set(names).size === names.length ? Object.fromEntries(form.entries()) : undefined;
  } catch {
    return undefined;
  }
}

export function readCreate(raw: RawCreate, decoded: unknown): StabilityCreate | StabilityRefusal {
  const engine = /^\/v1\/generation\/([\w.-]+)\/text-to-image$/.exec(raw.path)?.[1];
  if (engine !== undefined) return readTextToImage(engine, raw, decoded);
  const service = /^\/v2beta\/stable-image\/generate\/(core|ultra|sd3)$/.exec(raw.path)?.[1];
  if (service === undefined) return { status: 404, name: "not_found", message: "There is no such resource." };
  return readForm(service as keyof typeof FORMS, raw, decoded);
}

function readTextToImage(engine: string, raw: RawCreate, decoded: unknown) {
  if (!raw.contentType.startsWith("application/json"))
    return badRequest("content-type: must be application/json");
  const read = textToImageSchema.safeParse(decoded);
  if (!read.success) return badRequest(z.prettifyError(read.error));
  const { width, height, steps, seed, samples } = read.data;
  if (/xl-1024-v1/.test(engine) && !SDXL_SIZES.includes(`${width}x${height}`)) {
    const message = `for stable-diffusion-xl-1024-v1-0 the allowed dimensions are ${SDXL_SIZES.join(", ")}`;
    return { status: 400, name: "invalid_sdxl_v1_dimensions", message };
  }
  // The service makes ten where JSON is asked for; nobody here does that.
  if (samples > 1) return { status: 400, name: "invalid_samples", message: "samples: only 1 with image/png" };
  return { interface: "v1" as const, model: engine, width, height, steps, seed };
}

function readForm(service: keyof typeof FORMS, raw: RawCreate, decoded: unknown) {
  if (!raw.contentType.startsWith("multipart/form-data")) {
    return badRequest("content-type: must be multipart/form-data");
  }
  const read = FORMS[service].safeParse(decoded);
  if (!read.success) return badRequest(z.prettifyError(read.error));
  const model = service === "sd3" ? FORMS.sd3.parse(decoded).model : service;
  if (model === "sd3.5-large-turbo" && read.data.negative_prompt !== undefined) {
    return badRequest("negative_prompt: not taken by sd3.5-large-turbo");
  }
  const [width, height] = ASPECT_RATIOS[read.data.aspect_ratio] ?? [1024, 1024];
  const { seed = 0 } = read.data;
  return { interface: "v2beta" as const, model, width, height, steps: 0, seed };
}

function badRequest(message: string): StabilityRefusal {
  return { status: 400, name: "bad_request", message };
}
