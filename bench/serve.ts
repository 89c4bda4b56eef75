/**
 * @module How `atelier serve` holds under many clients: fifty of them for a minute on loopback, from a process of their own, with a
 * mix of lists, images, health, links, dry runs and, at a modest rate, requests that the sandbox produces meanwhile.
 *
 * Every client waits for its answer before it calls again, so the times are those of a server that is always busy: fifty calls
 * are under way at any moment. Memory is that of the server's whole process (database, sandbox and pictures included), sampled each
 * second after a warm-up: code is compiled, caches are filled, and each thread's heap has once grown as far as its collector lets
 * it, which takes about so long. `--clients N --pause-ms M --seconds S` for a longer run at a lower rate.
 */
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import * as z from "zod";
import { type ClientInput, type ClientOutput, clientOutputSchema } from "./serve-client.ts";
import { type ServerProcess, SMALL_WISH, startServer } from "./serve-process.ts";

const CLIENT = fileURLToPath(new URL("serve-client.ts", import.meta.url));
const WARM_UP_SECONDS = 60;
/** A run of fewer calls is a test's, and does without. */
const WARM_UP_CALLS_MIN = 500;
const SAMPLE_MS = 1_000;
const QUARTERS = 4;
/** Heaps breathe by as much. */
const FLAT_MB = 50;

export interface ServeBench {
  readonly requests: number;
  readonly requestsPerSecond: number;
  readonly errors: number;
  /** The first of them. */
  readonly errorsSeen: readonly string[];
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** p99 by p50. */
  readonly ratio: number;
  readonly byCall: Readonly<
    Record<string, { readonly calls: number; readonly p50Ms: number; readonly p99Ms: number }>
  >;
  /** Processor time of the server by call, pictures included: what the machine's other work does not change. */
  readonly cpuMsPerCall: number;
  /** Requests that were accepted while it ran, all of which were completed in the end. */
  readonly accepted: number;
  /** Megabytes that the process held before the first call, after the warm-up, and in the mean of each quarter after it. */
  readonly coldMb: number;
  readonly warmMb: number;
  readonly quartersMb: readonly number[];
  /** The mean of the last quarter less that of the first. */
  readonly growthMb: number;
  readonly isFlat: boolean;
  /** Of the machine, over the last minute: other work on it shows in the times. */
  readonly load: number;
}

export interface ServeBenchOptions {
  readonly clients?: number;
  readonly seconds?: number;
  /** Of each client between an answer and its next call. */
  readonly pauseMs?: number;
  /** For tests: ends after so many calls. */
  readonly callsMax?: number;
  /** Made before it begins. */
  readonly images?: number;
}

/** @param given as on the command line */
export function serveBenchOptions(given: readonly string[]): ServeBenchOptions {
  const number = { type: "string" } as const;
  const options = { clients: number, seconds: number, "pause-ms": number };
  const { values } = parseArgs({ args: [...given], options });
  return {
    ...(values.clients && { clients: Number(values.clients) }),
    ...(values.seconds && { seconds: Number(values.seconds) }),
    ...(values["pause-ms"] && { pauseMs: Number(values["pause-ms"]) }),
  };
}

export async function benchServe(options: ServeBenchOptions = {}): Promise<ServeBench> {
  const { clients = 50, seconds = 60, pauseMs = 0, callsMax = 10_000_000, images = 20 } = options;
  const folder = await mkdtemp(join(tmpdir(), "atelier-serve-bench-"));
  const server = await startServer(folder);
  try {
    const imageIds = await library(images, server);
    const input = { url: server.url, token: server.token, clients, pauseMs, acceptEveryMs: 2_000, imageIds };
    const coldMb = server.residentMb();
    if (callsMax >= WARM_UP_CALLS_MIN) await calls({ ...input, seconds: WARM_UP_SECONDS, callsMax });
    const warmMb = server.residentMb();
    const cpuBeforeMs = server.cpuMs();
    const samplesMb: number[] = [warmMb];
    const sampling = setInterval(() => samplesMb.push(server.residentMb()), SAMPLE_MS);
    const seen = await calls({ ...input, seconds, callsMax });
    clearInterval(sampling);
    const cpuMsPerCall = Math.round((10 * (server.cpuMs() - cpuBeforeMs)) / seen.requests) / 10;
    const load = Math.round((loadavg()[0] ?? 0) * 10) / 10;
    for (const requestId of seen.accepted) await completed(requestId, server);
    if (server.stderr() !== "") throw new Error(`The server complained: ${server.stderr()}`);
    return {
      ...timesOf(seen),
      cpuMsPerCall,
      accepted: seen.accepted.length,
      coldMb,
      warmMb,
      ...memoryOf(samplesMb),
      load,
    };
  } finally {
    await server.stop();
    await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

async function calls(input: ClientInput): Promise<ClientOutput> {
  const child = spawn(process.execPath, [...process.execArgv, CLIENT, JSON.stringify(input)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  return clientOutputSchema.parse(JSON.parse(await text(child.stdout)));
}

const requestSchema = z.object({ request_id: z.string(), status: z.string(), images: z.array(z.string()) });

/** @returns ids of completed images */
async function library(count: number, server: ServerProcess): Promise<string[]> {
  const body = JSON.stringify({ ...SMALL_WISH, count });
  const asked = await fetch(`${server.url}/v1/requests`, {
    method: "POST",
    headers: { authorization: `Bearer ${server.token}`, "content-type": "application/json" },
    body,
  });
  if (asked.status !== 202) throw new Error(`The library was not accepted: ${await asked.text()}`);
  return (await completed(requestSchema.parse(await asked.json()).request_id, server)).images;
}

async function completed(requestId: string, server: ServerProcess): Promise<z.infer<typeof requestSchema>> {
  for (;;) {
    const response = await fetch(`${server.url}/v1/requests/${requestId}`, {
      headers: { authorization: `Bearer ${server.token}` },
    });
    if (!response.ok) throw new Error(`${requestId} is not known: ${await response.text()}`);
    const request = requestSchema.parse(await response.json());
    if (request.status === "completed") return request;
    if (!["accepted", "running"].includes(request.status))
      throw new Error(`${requestId} ended as ${request.status}.`);
    await wait(200);
  }
}

function timesOf(seen: ClientOutput) {
  const all = Object.values(seen.latencies).flat();
  const [p50Ms, p99Ms] = [percentile(all, 0.5), percentile(all, 0.99)];
  return {
    requests: seen.requests,
    requestsPerSecond: Math.round(seen.requests / seen.seconds),
    errors: seen.errorCount,
    errorsSeen: seen.errors,
    p50Ms,
    p99Ms,
    ratio: Math.round((p99Ms / p50Ms) * 100) / 100,
    byCall: Object.fromEntries(
      Object.entries(seen.latencies).map(([name, each]) => [
        name,
        { calls: each.length, p50Ms: percentile(each, 0.5), p99Ms: percentile(each, 0.99) },
      ]),
    ),
  };
}

function memoryOf(samplesMb: readonly number[]) {
  const length = Math.ceil(samplesMb.length / QUARTERS);
  const quartersMb = Array.from({ length: Math.ceil(samplesMb.length / length) }, (_, quarter) =>
    Math.round(mean(samplesMb.slice(quarter * length, (quarter + 1) * length))),
  );
  const growthMb = (quartersMb.at(-1) ?? 0) - (quartersMb[0] ?? 0);
  return { quartersMb, growthMb, isFlat: growthMb <= FLAT_MB };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** In milliseconds, one decimal. */
function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  return Math.round((sorted[Math.floor(share * (sorted.length - 1))] ?? 0) * 10) / 10;
}
