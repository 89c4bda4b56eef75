/**
 * @module What an adapter adds to the wire: Replicate's create against bare undici, and pictures in base64 against fetch,
 * JSON and Buffer. The sides take turns against one service on loopback; every figure is the median of its rounds.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { ProviderRequest } from "@atelier/core/provider";
import { createPool } from "@atelier/providers/pool";
import { createReplicateProvider } from "@atelier/providers/replicate/provider";
import { createBody } from "@atelier/providers/replicate/requests";
import { Agent, request } from "undici";
import { SDXL } from "../test/simulators/models.ts";
import type { PicturesFigures } from "./adapter-pictures.ts";

export interface AdapterBench {
  /** Median time of a create by our adapter, as a multiple of undici's `request` with `JSON.parse`. */
  smallP50Ratio: number;
  smallP50Us: number;
  bareP50Us: number;
  /** Processor time for pictures of 2 MiB in base64 at 16 in flight, as a part of what fetch, JSON and Buffer take. */
  largeCpuRatio: number;
  largeCpuMs: number;
  fetchCpuMs: number;
  /** Resident memory beyond the start, as a part of the same. */
  largeMemoryRatio: number;
  largeExtraMb: number;
  fetchExtraMb: number;
}

const SMALL_ROUNDS = 9;
const SMALL_CALLS = 600;
const LARGE_ROUNDS = 7;

export async function benchAdapter(): Promise<AdapterBench> {
  const server = start("./adapter-server.ts", []);
  try {
    const [port] = (await once(server, "message")) as [number];
    const origin = `http://127.0.0.1:${port}`;
    return { ...(await small(origin)), ...(await large(origin)) };
  } finally {
    server.kill();
  }
}

async function small(origin: string) {
  const create: ProviderRequest = {
    model: SDXL,
    prompt: "a lighthouse at dusk",
    negativePrompt: "blurry",
    parameters: { width: 1024, height: 1024, steps: 30, guidanceScale: 7.5 },
    seed: 4711,
    deadlineMs: 300_000,
  };
  const context = { attemptId: "img_bench-1", webhookUrl: "https://atelier.example/w/img_bench-1" };
  const adapter = createReplicateProvider(
    { name: "replicate", baseUrl: `${origin}/v1`, token: "r8_bench", webhookSecret: null },
    { clock: Date.now, transport: createPool() },
  );
  const dispatcher = new Agent();
  // The same request to the last byte.
  const headers = {
    "Content-Type": "application/json",
    "User-Agent": "atelier",
    Authorization: "Bearer r8_bench",
    "Cancel-After": "300s",
  };
  const body = createBody(create, context);
  const sides = {
    async ours() {
      const submission = await adapter.submit(create, context);
      if (submission.kind !== "accepted") throw new Error(`The adapter gave ${submission.kind}.`);
    },
    async bare() {
      const answer = await request(`${origin}/v1/predictions`, {
        method: "POST",
        headers,
        body: JSON.stringify(body),
        dispatcher,
      });
      const { id } = JSON.parse(await answer.body.text()) as { id?: string };
      if (!id) throw new Error("There is no id.");
    },
  };
  const timeUs = async (side: () => Promise<void>) => {
    const startMs = performance.now();
    await side();
    return (performance.now() - startMs) * 1000;
  };
  const rounds: { ours: number; bare: number }[] = [];
  // The first round warms up both.
  for (let round = 0; round <= SMALL_ROUNDS; round++) {
    const ours: number[] = [];
    const bare: number[] = [];
    for (let call = 0; call < SMALL_CALLS; call++) {
      // Each goes first as often as the other.
      if (call % 2 === 0) ours.push(await timeUs(sides.ours));
      bare.push(await timeUs(sides.bare));
      if (call % 2 === 1) ours.push(await timeUs(sides.ours));
    }
    if (round > 0) rounds.push({ ours: median(ours), bare: median(bare) });
  }
  await dispatcher.destroy();
  return {
    smallP50Ratio: rounded(median(rounds.map(({ ours, bare }) => ours / bare)), 1000),
    smallP50Us: rounded(median(rounds.map(({ ours }) => ours)), 1),
    bareP50Us: rounded(median(rounds.map(({ bare }) => bare)), 1),
  };
}

async function large(origin: string) {
  const ours: PicturesFigures[] = [];
  const theirs: PicturesFigures[] = [];
  for (let round = 0; round < LARGE_ROUNDS; round++) {
    ours.push(await pictures("adapter", origin));
    theirs.push(await pictures("fetch", origin));
  }
  const of = (figures: PicturesFigures[], name: keyof PicturesFigures) =>
    median(figures.map((figure) => figure[name]));
  const ratio = (name: keyof PicturesFigures) =>
    median(ours.map((figure, round) => figure[name] / (theirs[round]?.[name] ?? Number.NaN)));
  return {
    largeCpuRatio: rounded(ratio("cpuMs"), 1000),
    largeCpuMs: rounded(of(ours, "cpuMs"), 10),
    fetchCpuMs: rounded(of(theirs, "cpuMs"), 10),
    largeMemoryRatio: rounded(ratio("extraMb"), 1000),
    largeExtraMb: rounded(of(ours, "extraMb"), 1),
    fetchExtraMb: rounded(of(theirs, "extraMb"), 1),
  };
}

async function pictures(side: "adapter" | "fetch", origin: string): Promise<PicturesFigures> {
  const child = start("./adapter-pictures.ts", [side, origin]);
  const exited = once(child, "exit");
  const [figures] = (await Promise.race([
    once(child, "message"),
    exited.then(([code]) => Promise.reject(new Error(`The side ${side} ended with ${code}.`))),
  ])) as [PicturesFigures];
  await exited;
  return figures;
}

function start(file: string, words: readonly string[]): ChildProcess {
  return fork(fileURLToPath(new URL(file, import.meta.url)), [...words], {
    execArgv: ["--expose-gc"],
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}

function rounded(value: number, parts: number): number {
  return Math.round(value * parts) / parts;
}
