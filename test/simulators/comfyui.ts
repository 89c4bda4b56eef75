/**
 * @module A ComfyUI for tests: queue, history and files over HTTP on loopback, one job at a time, real PNG files, faults on demand.
 * Jobs run as the clock says; queue and history are gone after `restart`, as in the real one.
 */
import * as z from "zod";
import { COMFYUI_CHECKPOINTS, type Graph, promptSchema, refusalOf, valueIn } from "./comfyui-graph.ts";
import { json, type MachineServer, startMachineServer } from "./machine-server.ts";
import type { Reply } from "./scripted-server.ts";
import { tinyPng } from "./tiny-png.ts";

/** What becomes of the next job. */
export type ComfyuiJobFault =
  | "failed"
  | "out-of-memory"
  | "interrupted"
  /** It ends, and the history does not have it. */
  | "lost"
  | "no-picture"
  /** A preview alone, which is a temporary file. */
  | "preview"
  | "wrong-picture"
  | "truncated-picture"
  | "deleted-picture";

export interface ComfyuiJob {
  readonly id: string;
  readonly graph: Graph;
  readonly attemptId: unknown;
  readonly state: "pending" | "running" | "done" | "failed" | "interrupted" | "deleted";
}

export interface TestComfyui extends MachineServer {
  /** Every job that was ever queued, in order. */
  jobs(): readonly ComfyuiJob[];
  spoilJobs(...faults: ComfyuiJobFault[]): void;
  /** Queue and history are forgotten. */
  restart(): void;
}

type Job = { -readonly [Key in keyof ComfyuiJob]: ComfyuiJob[Key] } & {
  readonly item: readonly unknown[];
  readonly fault: ComfyuiJobFault | undefined;
  startedAtMs: number;
  isForgotten: boolean;
};

export async function startTestComfyui(options: {
  readonly clock: () => number;
  readonly jobMs: number;
}): Promise<TestComfyui> {
  const { clock, jobMs } = options;
  const jobs: Job[] = [];
  const faults: ComfyuiJobFault[] = [];

  /** Brings every job to where it stands now. */
  function settle(): void {
    let freeAtMs = Number.NEGATIVE_INFINITY;
    for (const job of jobs) {
      if (job.state === "pending") {
        const startsAtMs = Math.max(freeAtMs, job.startedAtMs);
        if (startsAtMs > clock()) return;
        job.state = "running";
        job.startedAtMs = startsAtMs;
      }
      if (job.state === "running") {
        freeAtMs = job.startedAtMs + jobMs;
        if (freeAtMs > clock()) return;
        job.state =
          job.fault === "failed" || job.fault === "out-of-memory"
            ? "failed"
            : job.fault === "interrupted"
              ? "interrupted"
              : "done";
      }
    }
  }

  function create(body: string): Reply {
    const read = promptSchema.safeParse(parsed(body));
    if (!read.success) return json({ error: "no prompt", node_errors: [] }, 400);
    const { prompt: graph, extra_data, client_id } = read.data;
    const refusal = refusalOf(graph);
    if (refusal !== null) return json(refusal, 400);
    const number = jobs.length;
    const id = `00000000-0000-4000-8000-${String(number).padStart(12, "0")}`;
    const atelier = z.object({ attemptId: z.unknown() }).safeParse(extra_data.atelier).data;
    const item = [number, id, graph, { ...extra_data, client_id }, ["9"]];
    jobs.push({
      id,
      graph,
      attemptId: atelier?.attemptId,
      item,
      fault: faults.shift(),
      state: "pending",
      startedAtMs: clock(),
      isForgotten: false,
    });
    return json({ prompt_id: id, number, node_errors: {} });
  }

  const historyOf = (wanted: (job: Job) => boolean) =>
    Object.fromEntries(
      jobs
        .filter(
          (job) =>
            ["done", "failed", "interrupted"].includes(job.state) && job.fault !== "lost" && !job.isForgotten,
        )
        .filter(wanted)
        .map((job) => [job.id, { prompt: job.item, ...endOf(job, jobs) }]),
    );
  const queued = (state: Job["state"]) =>
    jobs.filter((job) => job.state === state && !job.isForgotten).map(({ item }) => item);

  const server = await startMachineServer({
    clock,
    isCreate: ({ method, path }) => method === "POST" && path === "/prompt",
    answer: ({ method, path, body }) => {
      settle();
      const url = new URL(path, "http://comfyui");
      const [, first, second] = url.pathname.split("/");
      switch (`${method} /${first}`) {
        case "POST /prompt":
          return create(body);
        case "GET /history":
          return json(historyOf(({ id }) => second === undefined || id === second));
        case "GET /queue":
          return json({ queue_running: queued("running"), queue_pending: queued("pending") });
        case "POST /queue": {
          const { delete: ids } = z.strictObject({ delete: z.array(z.string()) }).parse(parsed(body));
          for (const job of jobs) if (ids.includes(job.id) && job.state === "pending") job.state = "deleted";
          return {};
        }
        case "POST /interrupt": {
          const running = jobs.find(({ state }) => state === "running");
          const { prompt_id } = z.strictObject({ prompt_id: z.string().optional() }).parse(parsed(body));
          if (running !== undefined && (prompt_id ?? running.id) === running.id)
            running.state = "interrupted";
          return {};
        }
        case "GET /object_info":
          return json(
            second === "CheckpointLoaderSimple"
              ? {
                  [second]: {
                    input: { required: { ckpt_name: [COMFYUI_CHECKPOINTS, {}] } },
                    output_node: false,
                  },
                }
              : {},
          );
        case "GET /view":
          return pictureAt(url.searchParams, jobs);
        default:
          return { status: 404, body: "404: Not Found" };
      }
    },
  });
  return {
    ...server,
    jobs: () => {
      settle();
      return jobs;
    },
    spoilJobs: (...more) => {
      faults.push(...more);
    },
    restart: () => {
      settle();
      for (const job of jobs) {
        job.isForgotten = true;
        if (job.state === "pending" || job.state === "running") job.state = "deleted";
      }
    },
  };
}

/** Outputs and status, as the history has them. */
function endOf(job: Job, jobs: readonly Job[]): object {
  const start = ["execution_start", { prompt_id: job.id, timestamp: 1 }];
  const failed = (name: string, data: object) => ({
    outputs: {},
    status: {
      status_str: "error",
      completed: false,
      messages: [start, [name, { prompt_id: job.id, ...data }]],
    },
  });
  if (job.state === "interrupted") {
    return failed("execution_interrupted", { node_id: "3", node_type: "KSampler", executed: ["4"] });
  }
  if (job.state === "failed") {
    const isMemory = job.fault === "out-of-memory";
    return failed("execution_error", {
      node_id: "3",
      node_type: "KSampler",
      exception_type: isMemory ? "torch.OutOfMemoryError" : "RuntimeError",
      exception_message: isMemory ? "Allocation on device" : "mat1 and mat2 shapes cannot be multiplied",
      traceback: [],
    });
  }
  const [subfolder, prefix] = placeOf(job);
  const picture = {
    filename: `${prefix}_00001_.png`,
    subfolder,
    type: job.fault === "preview" ? "temp" : "output",
  };
  // The same graph again is answered from the cache, without running the node that saves.
  const isCached = jobs
    .slice(0, jobs.indexOf(job))
    .some(({ graph }) => JSON.stringify(graph) === JSON.stringify(job.graph));
  return {
    outputs: isCached || job.fault === "no-picture" ? {} : { "9": { images: [picture] } },
    status: {
      status_str: "success",
      completed: true,
      messages: [start, ["execution_success", { prompt_id: job.id }]],
    },
    meta: {},
  };
}

/** Folder and beginning of the file's name. */
function placeOf({ graph }: Job): readonly [subfolder: string, prefix: string] {
  const path = String(valueIn(graph, "SaveImage", "filename_prefix"));
  const slash = path.lastIndexOf("/");
  return [path.slice(0, Math.max(0, slash)), path.slice(slash + 1)];
}

function pictureAt(query: URLSearchParams, jobs: readonly Job[]): Reply {
  const job = jobs.find((one) => {
    const [subfolder, prefix] = placeOf(one);
    return (
      one.state === "done" &&
      query.get("subfolder") === subfolder &&
      query.get("filename") === `${prefix}_00001_.png`
    );
  });
  if (job === undefined || query.get("type") !== "output" || job.fault === "deleted-picture")
    return { status: 404 };
  if (job.fault === "wrong-picture")
    return { body: "<!doctype html><p>Sign in", headers: { "content-type": "text/html" } };
  const side = (name: string) => Number(valueIn(job.graph, "EmptyLatentImage", name));
  const png = tinyPng(side("width"), side("height"), Number(valueIn(job.graph, "KSampler", "seed")));
  const body = job.fault === "truncated-picture" ? png.subarray(0, png.byteLength / 2) : png;
  return { body, headers: { "content-type": "image/png" } };
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
