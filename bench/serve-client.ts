/**
 * @module Clients of a server, in a process of their own: each calls, waits for the answer and calls again. Told by its arguments
 * (one JSON), it prints what it saw (one JSON).
 */
import { setTimeout as wait } from "node:timers/promises";
import * as z from "zod";
import { SMALL_WISH } from "./serve-process.ts";

export const clientInputSchema = z.object({
  url: z.string(),
  token: z.string(),
  clients: z.int().positive(),
  /** Of each client between an answer and its next call, in milliseconds. */
  pauseMs: z.int().nonnegative(),
  /** Ends with whichever comes first. */
  seconds: z.number().positive(),
  callsMax: z.int().positive(),
  /** Between two requests that are accepted, of all clients together. */
  acceptEveryMs: z.int().positive(),
  /** Completed images that are shown. */
  imageIds: z.array(z.string()).min(1),
});
export type ClientInput = z.infer<typeof clientInputSchema>;

export const clientOutputSchema = z.object({
  requests: z.int(),
  seconds: z.number(),
  /** Calls that were not answered as they should be, the first twenty. */
  errors: z.array(z.string()),
  errorCount: z.int(),
  accepted: z.array(z.string()),
  /** Milliseconds of each call, by what was called. */
  latencies: z.record(z.string(), z.array(z.number())),
});
export type ClientOutput = z.infer<typeof clientOutputSchema>;

interface Call {
  readonly name: string;
  readonly path: string;
  readonly body?: object;
  readonly key?: string;
  readonly status: number;
}

/** Places out of 100, up to which each is called. */
const MIX = [
  { below: 35, name: "list" },
  { below: 65, name: "show" },
  { below: 80, name: "health" },
  { below: 95, name: "link" },
  { below: 100, name: "dryRun" },
] as const;

async function main(input: ClientInput): Promise<ClientOutput> {
  const latencies: Record<string, number[]> = {};
  const errors: string[] = [];
  const accepted: string[] = [];
  let errorCount = 0;
  let calls = 0;
  let acceptAtMs = performance.now();
  const beganAtMs = performance.now();
  const run = Math.floor(Date.now() / 1000);

  function nextCall(): Call {
    const number = calls++;
    const nowMs = performance.now();
    if (nowMs >= acceptAtMs) {
      acceptAtMs = nowMs + input.acceptEveryMs;
      return {
        name: "accept",
        path: "/v1/requests",
        body: SMALL_WISH,
        key: `bench-${run}-${number}`,
        status: 202,
      };
    }
    const image = `/v1/images/${input.imageIds[number % input.imageIds.length]}`;
    // 37 and 100 share no factor: the mix comes in every stretch of a hundred calls.
    const place = (number * 37) % 100;
    const name = MIX.find(({ below }) => place < below)?.name ?? "list";
    switch (name) {
      case "show":
        return { name, path: image, status: 200 };
      case "health":
        return { name, path: "/v1/health", status: 200 };
      case "link":
        return { name, path: `${image}/renditions/preview`, status: 200 };
      case "dryRun":
        return { name, path: "/v1/requests?dry_run=true", body: SMALL_WISH, status: 200 };
      default:
        return { name, path: "/v1/images?status=completed&limit=20", status: 200 };
    }
  }

  async function make(call: Call): Promise<void> {
    const startedAtMs = performance.now();
    const response = await fetch(input.url + call.path, {
      method: call.body ? "POST" : "GET",
      headers: {
        authorization: `Bearer ${input.token}`,
        ...(call.body && { "content-type": "application/json" }),
        ...(call.key && { "idempotency-key": call.key }),
      },
      ...(call.body && { body: JSON.stringify(call.body) }),
    });
    const text = await response.text();
    latencies[call.name] ??= [];
    latencies[call.name]?.push(performance.now() - startedAtMs);
    if (response.status !== call.status) throw new Error(`${response.status} ${text.slice(0, 200)}`);
    if (call.name === "accept")
      accepted.push(z.object({ request_id: z.string() }).parse(JSON.parse(text)).request_id);
  }

  async function client(): Promise<void> {
    while (calls < input.callsMax && performance.now() - beganAtMs < input.seconds * 1000) {
      const call = nextCall();
      try {
        await make(call);
      } catch (error) {
        errorCount++;
        if (errors.length < 20)
          errors.push(`${call.name}: ${error instanceof Error ? error.message : error}`);
      }
      if (input.pauseMs > 0) await wait(input.pauseMs);
    }
  }

  await Promise.all(Array.from({ length: input.clients }, client));
  const seconds = (performance.now() - beganAtMs) / 1000;
  return { requests: calls, seconds, errors, errorCount, accepted, latencies };
}

if (import.meta.main) {
  const input = clientInputSchema.parse(JSON.parse(process.argv[2] ?? "{}"));
  process.stdout.write(JSON.stringify(await main(input)));
}
