/**
 * @module AUTOMATIC1111's web UI for tests: `sdapi/v1` over HTTP on loopback, one picture at a time, real PNG files, faults on
 * demand. Strict where the real one is lenient: a field that it does not know is refused.
 */
import * as z from "zod";
import { json, type MachineServer, startMachineServer } from "./machine-server.ts";
import type { Reply, SeenRequest } from "./scripted-server.ts";
import { tinyPng } from "./tiny-png.ts";

export const A1111_CHECKPOINTS = [
  { title: "sd_xl_base_1.0.safetensors [31e35c80fc]", model_name: "sd_xl_base_1.0", hash: "31e35c80fc" },
  {
    title: "realistic/realisticVisionV51_v51VAE.safetensors [15012c538f]",
    model_name: "realistic_realisticVisionV51_v51VAE",
    hash: "15012c538f",
  },
] as const;

/** What becomes of the next job. */
export type A1111JobFault =
  | "out-of-memory"
  | "failed"
  | "checkpoint-refused"
  | "no-picture"
  | "wrong-picture"
  | "truncated-picture"
  /** A grid in front, and what an extension adds behind. */
  | "grid"
  | "no-info";

export interface TestA1111 extends MachineServer {
  /** Tasks that were taken up, in order. */
  readonly tasks: readonly { readonly id: string; readonly seed: number }[];
  /** Pictures that were made to their end. */
  made(): number;
  /** Tasks that were stopped before that. */
  interrupted(): readonly string[];
  spoilJobs(...faults: A1111JobFault[]): void;
}

const createSchema = z.strictObject({
  prompt: z.string(),
  negative_prompt: z.string().default(""),
  width: z.int().multipleOf(8).max(2048),
  height: z.int().multipleOf(8).max(2048),
  steps: z.int().min(1).max(150),
  cfg_scale: z.number().min(1).max(30),
  seed: z
    .int()
    .min(-1)
    .max(2 ** 32),
  sampler_name: z.enum(["Euler a", "DPM++ 2M"]),
  scheduler: z.enum(["Automatic", "Karras"]),
  batch_size: z.int().min(1),
  n_iter: z.int().min(1),
  send_images: z.boolean(),
  save_images: z.boolean(),
  override_settings: z.strictObject({ sd_model_checkpoint: z.string(), enable_pnginfo: z.boolean() }),
  force_task_id: z.string().min(1),
});
type Create = z.infer<typeof createSchema>;

export async function startTestA1111(options: {
  readonly clock: () => number;
  /** What a picture takes. Default: nothing, the answer comes at once. */
  readonly jobMs?: number;
  /** As `--api-auth user:password`. */
  readonly apiAuth?: string;
}): Promise<TestA1111> {
  const { clock, jobMs = 0, apiAuth } = options;
  const faults: A1111JobFault[] = [];
  const tasks: { id: string; seed: number }[] = [];
  const pending = new Set<string>();
  const stopped: string[] = [];
  let running: { readonly id: string; readonly interrupt: () => void } | null = null;
  let made = 0;
  let turn: Promise<unknown> = Promise.resolve();

  /** True when it was stopped. */
  async function work(id: string): Promise<boolean> {
    pending.delete(id);
    const stop = Promise.withResolvers<true>();
    running = { id, interrupt: () => stop.resolve(true) };
    const wasStopped = await Promise.race([stop.promise, server.until(clock() + jobMs).then(() => false)]);
    running = null;
    if (wasStopped) stopped.push(id);
    else made++;
    return wasStopped;
  }

  async function create(body: string): Promise<Reply> {
    const read = createSchema.safeParse(parsed(body));
    if (!read.success) {
      const detail = read.error.issues.map(({ path, message, code }) => ({
        loc: ["body", ...path],
        msg: message,
        type: code,
      }));
      return json({ detail }, 422);
    }
    const fault = faults.shift();
    if (fault === "checkpoint-refused") return json(exception("HTTPException", "", "Model not found"), 404);
    const id = read.data.force_task_id;
    tasks.push({ id, seed: read.data.seed });
    pending.add(id);
    const done = turn.then(() => work(id));
    turn = done;
    await done;
    return finished(read.data, fault);
  }

  const server = await startMachineServer({
    clock,
    isCreate: ({ method, path }) => method === "POST" && path === "/sdapi/v1/txt2img",
    answer: (request) => {
      if (apiAuth !== undefined && request.path.startsWith("/sdapi/") && !isAuthorized(request, apiAuth)) {
        return json({ detail: "Incorrect username or password" }, 401);
      }
      switch (`${request.method} ${request.path}`) {
        case "POST /sdapi/v1/txt2img":
          return create(request.body);
        case "GET /sdapi/v1/sd-models":
          return json(A1111_CHECKPOINTS);
        case "POST /sdapi/v1/interrupt":
          running?.interrupt();
          return json({});
        case "POST /internal/progress": {
          const { id_task } = z.object({ id_task: z.string() }).parse(parsed(request.body));
          const active = running?.id === id_task;
          const queued = pending.has(id_task);
          const completed = !active && !queued && tasks.some(({ id }) => id === id_task);
          return json({
            active,
            queued,
            completed,
            progress: active ? 0.5 : null,
            eta: null,
            textinfo: null,
          });
        }
        default:
          return json({ detail: "Not Found" }, 404);
      }
    },
  });
  return {
    ...server,
    tasks,
    made: () => made,
    interrupted: () => stopped,
    spoilJobs: (...more) => {
      faults.push(...more);
    },
  };
}

function finished(create: Create, fault: A1111JobFault | undefined): Reply {
  if (fault === "out-of-memory") {
    const text = "CUDA out of memory. Tried to allocate 2.00 GiB (GPU 0; 7.79 GiB total capacity)";
    return json(exception("OutOfMemoryError", text), 500);
  }
  if (fault === "failed")
    return json(exception("NansException", "A tensor with NaNs was produced in Unet."), 500);
  const { width, height, seed, batch_size, n_iter } = create;
  const count = batch_size * n_iter;
  const base64 = (picture: Uint8Array) => Buffer.from(picture).toString("base64");
  const pictures = Array.from({ length: count }, (_, at) => tinyPng(width, height, seed + at)).map((png) =>
    base64(fault === "truncated-picture" ? png.subarray(0, png.byteLength / 2) : png),
  );
  const hasGrid = fault === "grid" || count > 1;
  const images =
    fault === "no-picture"
      ? []
      : fault === "wrong-picture"
        ? [base64(Buffer.from(`<!doctype html>${"<p>Sign in".repeat(40)}`))]
        : [
            ...(hasGrid ? [base64(tinyPng(width, height, 0))] : []),
            ...pictures,
            ...(fault === "grid" ? [base64(tinyPng(64, 64, 99))] : []),
          ];
  const asked = create.override_settings.sd_model_checkpoint;
  // A checkpoint that it does not know is passed over in silence.
  const used =
    A1111_CHECKPOINTS.find(({ title, model_name }) => title.includes(asked) || model_name === asked) ??
    A1111_CHECKPOINTS[0];
  const info = {
    prompt: create.prompt,
    all_seeds: pictures.map((_, at) => seed + at),
    index_of_first_image: hasGrid ? 1 : 0,
    infotexts: pictures.map(() => `${create.prompt}\nSteps: ${create.steps}`),
    sd_model_name: used.model_name.replace(/^realistic_/, ""),
    sd_model_hash: used.hash,
  };
  return json({ images, parameters: create, ...(fault === "no-info" ? {} : { info: JSON.stringify(info) }) });
}

/** The web UI's own shape around any exception. */
function exception(error: string, errors: string, detail = "") {
  return { error, detail, body: "", errors };
}

function isAuthorized({ headers }: SeenRequest, apiAuth: string): boolean {
  return headers.authorization === `Basic ${Buffer.from(apiAuth).toString("base64")}`;
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
