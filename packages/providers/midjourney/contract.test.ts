import type { ProviderRequest } from "@atelier/core/provider";
import { startMidjourney, type WireFault } from "../../../test/simulators/midjourney.ts";
import { MIDJOURNEY } from "../../../test/simulators/midjourney-models.ts";
import type { Dialect, JobFault } from "../../../test/simulators/midjourney-tasks.ts";
import { type ScriptedServer, startScriptedServer } from "../../../test/simulators/scripted-server.ts";
import {
  type CreateFault,
  describeProviderContract,
  type ProviderSimulator,
  wireHeaders,
} from "../contract.ts";
import { createMidjourneyProvider } from "./provider.ts";

const KEY = "a key of the wrapper for tests";
const GRID_MS = 60_000;

/** Of a relay in front of the wrapper where the wrapper itself knows no such answer. */
const FAULTS: Record<Exclude<CreateFault, "model-gone">, WireFault> = {
  "rate-limit": { kind: "code", code: 23 },
  "server-error": { kind: "status", status: 502 },
  "server-error-accepted": { kind: "status", status: 502, accepted: true },
  reset: { kind: "reset" },
  "reset-accepted": { kind: "reset", accepted: true },
  "unreadable-accepted": { kind: "malformed" },
  "key-refused": { kind: "status", status: 401 },
  "out-of-credit": { kind: "code", code: 4, description: "quota_not_enough", status: 403 },
};

type WrapperSimulator = ProviderSimulator & { readonly origin: string };

async function startSimulator(dialect: Dialect): Promise<WrapperSimulator> {
  let nowMs = Date.parse("2026-11-22T06:00:00Z");
  const receiver: ScriptedServer = await startScriptedServer(() => ({}));
  const wrapper = await startMidjourney({ dialect, clock: () => nowMs, apiKey: KEY, gridMs: GRID_MS });
  const request = (seed = 4711): ProviderRequest => ({
    model: MIDJOURNEY,
    prompt: "a lighthouse at dusk",
    negativePrompt: "blurry, text",
    parameters: { width: 1344, height: 896, steps: 30, guidanceScale: 7.5 },
    seed,
    deadlineMs: 300_000,
  });
  return {
    origin: wrapper.origin,
    unsignedWebhooks: true,
    cannotCancel: dialect === "change",
    // A version that Midjourney has withdrawn is a job that fails.
    unknownFaults: ["model-gone"],
    request,
    webhookUrl: (attemptId) => `${receiver.origin}/webhooks/${attemptId}`,
    expectedCreate: ({ seed }, { attemptId, webhookUrl }) => ({
      method: "POST",
      path: "/mj/submit/imagine",
      headers: {
        authorization: `Bearer ${KEY}`,
        "mj-api-secret": KEY,
        "content-type": "application/json",
        "user-agent": "atelier",
      },
      body: {
        prompt: `a lighthouse at dusk --v 6.1 --stylize 100 --no blurry, text --ar 3:2 --seed ${seed}`,
        botType: "MID_JOURNEY",
        state: attemptId,
        notifyHook: webhookUrl,
      },
    }),
    creates: () =>
      wrapper.requests
        .filter(({ path }) => path === "/mj/submit/imagine")
        .map(({ method, path, headers, body }) => ({
          method,
          path,
          headers: wireHeaders(headers),
          body: JSON.parse(body),
        })),
    jobs: () => wrapper.bought().grids,
    spoilCreate(fault) {
      if (fault !== "model-gone") wrapper.spoil("imagine", FAULTS[fault]);
    },
    spoilJob: (as: Extract<JobFault["as"], "moderated" | "failed">) => wrapper.spoilJob({ as }),
    spoilReads(times) {
      wrapper.spoil("fetch", { kind: "status", status: 502 }, times);
      wrapper.spoil("list", { kind: "status", status: 502 }, times);
    },
    nowMs: () => nowMs,
    async finish() {
      nowMs += GRID_MS;
      await wrapper.tick();
    },
    webhook() {
      const last = receiver.requests.at(-1);
      return last && { headers: {}, rawBody: Buffer.from(last.body) };
    },
    async close() {
      await wrapper.close();
      await receiver.close();
    },
  };
}

for (const dialect of ["change", "action"] as const) {
  for (const outputs of ["crop", "upscale"] as const) {
    describeProviderContract(
      `midjourney (${dialect}, ${outputs})`,
      ({ origin, nowMs }) =>
        createMidjourneyProvider({ baseUrl: origin, apiKey: KEY, outputs }, { clock: nowMs }),
      () => startSimulator(dialect),
    );
  }
}
