/** @module Which graphs the simulated ComfyUI takes: the standard nodes, with what they accept, as `execution.py` reports it. */
import * as z from "zod";

const link = z.tuple([z.string(), z.int()]);
const number = (min: number, max: number) => z.number().min(min).max(max);

export const COMFYUI_CHECKPOINTS = [
  "sd_xl_base_1.0.safetensors",
  "realisticVisionV51_v51VAE.safetensors",
] as const;

const NODES: Readonly<Record<string, z.ZodType>> = {
  KSampler: z.strictObject({
    seed: z.int().min(0),
    steps: number(1, 10_000),
    cfg: number(0, 100),
    sampler_name: z.enum(["euler", "euler_ancestral", "dpmpp_2m"]),
    scheduler: z.enum(["normal", "karras"]),
    denoise: number(0, 1),
    model: link,
    positive: link,
    negative: link,
    latent_image: link,
  }),
  CheckpointLoaderSimple: z.strictObject({ ckpt_name: z.enum(COMFYUI_CHECKPOINTS) }),
  EmptyLatentImage: z.strictObject({
    width: number(16, 16_384),
    height: number(16, 16_384),
    batch_size: number(1, 4096),
  }),
  CLIPTextEncode: z.strictObject({ text: z.string(), clip: link }),
  VAEDecode: z.strictObject({ samples: link, vae: link }),
  SaveImage: z.strictObject({ filename_prefix: z.string(), images: link }),
};

const graphSchema = z.record(
  z.string(),
  z.strictObject({
    class_type: z.string(),
    inputs: z.record(z.string(), z.unknown()),
    _meta: z.unknown().optional(),
  }),
);
export type Graph = z.infer<typeof graphSchema>;

export const promptSchema = z.strictObject({
  prompt: graphSchema,
  client_id: z.string(),
  extra_data: z.record(z.string(), z.unknown()),
});

/** The first value that a kind of node has under a name. */
export function valueIn(graph: Graph, nodeClass: string, input: string): unknown {
  return Object.values(graph).find(({ class_type }) => class_type === nodeClass)?.inputs[input];
}

/** The body of a 400; null for a graph that can run. */
export function refusalOf(graph: Graph): { error: object; node_errors: object } | null {
  const unknown = Object.values(graph).find(({ class_type }) => !Object.hasOwn(NODES, class_type));
  if (unknown !== undefined) {
    const message = `Cannot execute because node ${unknown.class_type} does not exist.`;
    return refused("invalid_prompt", message, {});
  }
  if (valueIn(graph, "SaveImage", "filename_prefix") === undefined) {
    return refused("prompt_no_outputs", "Prompt has no outputs", {});
  }
  const errors = Object.entries(graph).flatMap(([id, { class_type, inputs }]) => {
    const issues = NODES[class_type]?.safeParse(inputs).error?.issues ?? [];
    return issues.length === 0
      ? []
      : [
          [
            id,
            { errors: issues.map((issue) => nodeError(issue, inputs)), dependent_outputs: ["9"], class_type },
          ] as const,
        ];
  });
  return errors.length === 0
    ? null
    : refused(
        "prompt_outputs_failed_validation",
        "Prompt outputs failed validation",
        Object.fromEntries(errors),
      );
}

function nodeError(issue: z.core.$ZodIssue, inputs: Record<string, unknown>) {
  const name = String(issue.path[0] ?? "");
  const isChoice = issue.code === "invalid_value";
  return {
    type: isChoice ? "value_not_in_list" : "invalid_input_type",
    message: isChoice ? "Value not in list" : "Failed to convert an input value",
    details: isChoice
      ? `${name}: '${String(inputs[name])}' not in [${issue.values.join(", ")}]`
      : `${name}, ${issue.message}`,
    extra_info: { input_name: name, input_config: null, received_value: inputs[name] },
  };
}

function refused(type: string, message: string, node_errors: object) {
  return { error: { type, message, details: "", extra_info: {} }, node_errors };
}
