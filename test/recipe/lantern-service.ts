/** @module The made-up service that the recipe's provider calls: real HTTP on loopback, with faults on demand. */
import type { CreateFault, JobFault } from "@atelier/providers/contract";
import * as z from "zod";
import { type Reply, type SeenRequest, startScriptedServer } from "../simulators/scripted-server.ts";
import { tinyPng } from "../simulators/tiny-png.ts";

const createSchema = z.strictObject({
  model: z.literal("lantern/one"),
  reference: z.string(),
  prompt: z.string().min(1),
  avoid: z.string().optional(),
  width: z.int().min(64).max(1024),
  height: z.int().min(64).max(1024),
  steps: z.int(),
  seed: z.int(),
});

interface Job {
  readonly id: string;
  readonly reference: string;
  readonly doneAtMs: number;
  readonly fault: JobFault | undefined;
}

const json = (status: number, value: unknown): Reply => ({ status, body: JSON.stringify(value) });
const WITHOUT_A_JOB: Partial<Record<CreateFault, Reply | "reset">> = {
  "rate-limit": { status: 429, headers: { "retry-after": "3" } },
  "server-error": { status: 502 },
  reset: "reset",
  "key-refused": json(401, { error: "no such key" }),
  "out-of-credit": json(402, { error: "no credit" }),
  "model-gone": json(404, { error: "no such model" }),
};
const WITH_A_JOB: Partial<Record<CreateFault, Reply | "reset">> = {
  "server-error-accepted": { status: 502 },
  "reset-accepted": "reset",
  "unreadable-accepted": { status: 202, body: '{"id": "cut' },
};

export async function startLantern(options: {
  readonly clock: () => number;
  readonly apiKey: string;
  readonly jobMs: number;
}) {
  const jobs: Job[] = [];
  const createFaults: CreateFault[] = [];
  const jobFaults: JobFault[] = [];
  let readFaults = 0;

  const shown = ({ id, reference, doneAtMs, fault }: Job) => {
    if (options.clock() < doneAtMs) return { id, reference, state: "running", progress: 0.5 };
    return fault === undefined
      ? { id, reference, state: "done", image: `${server.origin}/pictures/${id}.png`, charged_usd: 0.008 }
      : { id, reference, state: "failed", reason: fault === "moderated" ? "content" : "out of memory" };
  };

  function create(request: SeenRequest): Reply | "reset" {
    const fault = createFaults.shift();
    const spoilt = fault && WITHOUT_A_JOB[fault];
    if (spoilt !== undefined) return spoilt;
    const read = createSchema.safeParse(JSON.parse(request.body));
    if (!read.success) return json(422, { error: read.error.message });
    const { reference } = read.data;
    const doneAtMs = options.clock() + options.jobMs;
    const job: Job = { id: `job-${jobs.length + 1}`, reference, doneAtMs, fault: jobFaults.shift() };
    jobs.push(job);
    return (fault && WITH_A_JOB[fault]) ?? json(202, shown(job));
  }

  const server = await startScriptedServer((request) => {
    const url = new URL(request.path, "http://lantern");
    const [area, id] = url.pathname.slice(1).split("/");
    if (area === "pictures") {
      return { headers: { "content-type": "image/png" }, body: tinyPng(256, 256, Number(id?.length)) };
    }
    if (request.headers["x-api-key"] !== options.apiKey) return json(401, { error: "no such key" });
    if (request.method === "POST") return create(request);
    if (readFaults-- > 0) return { status: 502 };
    const reference = url.searchParams.get("reference");
    if (reference !== null) {
      return json(200, { jobs: jobs.filter((job) => job.reference === reference).map(shown) });
    }
    const job = jobs.find((one) => one.id === id);
    return job === undefined ? json(404, { error: "no such job" }) : json(200, shown(job));
  });

  return {
    origin: server.origin,
    requests: server.requests,
    jobs: () => jobs.length,
    spoilCreate: (fault: CreateFault) => createFaults.push(fault),
    spoilJob: (fault: JobFault) => jobFaults.push(fault),
    spoilReads(times: number) {
      readFaults = times;
    },
    close: server.close,
  };
}
