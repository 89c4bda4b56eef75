/** @module A Replicate for tests: the sandbox on a folder that goes away, a clock that the test moves, a webhook receiver. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Sandbox, type SandboxOptions, startSandbox } from "@atelier/providers/sandbox/start";
import { TEST_MODELS } from "./models.ts";
import { type ScriptedServer, type SeenRequest, startScriptedServer } from "./scripted-server.ts";
import { tinyPng } from "./tiny-png.ts";

export const TEST_TOKEN = "r8_test_token_of_the_sandbox";
export const TEST_WEBHOOK_SECRET = `whsec_${Buffer.from("a webhook secret for tests").toString("base64")}`;
/** A Sunday; the clock starts here. */
export const TEST_NOW_MS = Date.parse("2026-11-22T06:00:00Z");
export const TEST_JOB_MS = 2_000;

export interface TestReplicate {
  /** The host running now; another one after `restart`. */
  sandbox(): Sandbox;
  readonly folder: string;
  readonly receiver: ScriptedServer;
  /** Where webhooks of an attempt go. */
  webhookUrl(attemptId: string): string;
  /** Every request to the API, in order, across restarts. */
  readonly requests: SeenRequest[];
  /** What the sandbox reported as unexpected. */
  readonly errors: unknown[];
  clock(): number;
  /** No picture can be drawn from now on. */
  breakDrawing(): void;
  /** Moves the clock and lets the webhooks that became due arrive. */
  advance(byMs: number): Promise<void>;
  /** A new host on the same folder and port. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

export async function startTestReplicate(
  settings: Partial<SandboxOptions["settings"]> = {},
  receive: (request: SeenRequest, index: number) => number = () => 200,
): Promise<TestReplicate> {
  const folder = await mkdtemp(join(tmpdir(), "sandbox-"));
  const receiver = await startScriptedServer((request, index) => ({ status: receive(request, index) }));
  const requests: SeenRequest[] = [];
  const errors: unknown[] = [];
  let nowMs = TEST_NOW_MS;
  let drawable = true;
  const start = (port: number) =>
    startSandbox({
      folder,
      port,
      clock: () => nowMs,
      models: TEST_MODELS,
      draw: async ({ width, height, seed }) => {
        if (!drawable) throw new Error("no ink");
        return tinyPng(width, height, seed);
      },
      settings: {
        delayMs: TEST_JOB_MS,
        token: TEST_TOKEN,
        webhookSecret: TEST_WEBHOOK_SECRET,
        outputKey: "an output key for tests",
        ...settings,
      },
      onError: (error) => errors.push(error),
      onRequest: ({ method, url, headers, body }) =>
        requests.push({
          method,
          path: url.pathname + url.search,
          headers,
          body: body?.toString("utf8") ?? "",
        }),
    });
  let sandbox = await start(0);
  return {
    sandbox: () => sandbox,
    folder,
    receiver,
    webhookUrl: (attemptId) => `${receiver.origin}/webhooks/${attemptId}`,
    requests,
    errors,
    clock: () => nowMs,
    breakDrawing: () => {
      drawable = false;
    },
    async advance(byMs) {
      nowMs += byMs;
      await sandbox.tick();
    },
    async restart() {
      await sandbox.close();
      sandbox = await start(sandbox.port);
    },
    async close() {
      await sandbox.close();
      await receiver.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
