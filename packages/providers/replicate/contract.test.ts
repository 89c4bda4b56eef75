import type { ProviderRequest } from "@atelier/core/provider";
import { SDXL } from "../../../test/simulators/models.ts";
import {
  startTestReplicate,
  TEST_JOB_MS,
  TEST_TOKEN,
  TEST_WEBHOOK_SECRET,
} from "../../../test/simulators/replicate.ts";
import {
  type CreateFault,
  describeProviderContract,
  type ProviderSimulator,
  wireHeaders,
} from "../contract.ts";
import { fetchTransport } from "../fetch-transport.ts";
import { createPool } from "../pool.ts";
import type { FaultInput } from "../sandbox/faults.ts";
import { createReplicateProvider } from "./provider.ts";

const FAULTS: Record<CreateFault, FaultInput> = {
  "rate-limit": { kind: "rate-limit", seconds: 5 },
  "server-error": { kind: "status", status: 502 },
  "server-error-accepted": { kind: "status", status: 502, accepted: true },
  reset: { kind: "reset" },
  "reset-accepted": { kind: "reset", accepted: true },
  "unreadable-accepted": { kind: "malformed" },
  "key-refused": { kind: "status", status: 401, title: "Unauthenticated" },
  "out-of-credit": { kind: "status", status: 402, title: "Insufficient credit" },
  "model-gone": { kind: "status", status: 422, title: "Invalid version or not permitted" },
};

type ReplicateSimulator = ProviderSimulator & { readonly baseUrl: string };

async function startSimulator(): Promise<ReplicateSimulator> {
  const replicate = await startTestReplicate();
  const { sandbox, requests, receiver } = replicate;
  const request = (seed = 4711): ProviderRequest => ({
    model: SDXL,
    prompt: "a lighthouse at dusk",
    negativePrompt: "blurry",
    parameters: { width: 1024, height: 768, steps: 30, guidanceScale: 7.5 },
    seed,
    deadlineMs: 300_000,
  });
  return {
    baseUrl: sandbox().apiUrl,
    request,
    webhookUrl: replicate.webhookUrl,
    expectedCreate: ({ prompt, negativePrompt, seed }, { webhookUrl }) => ({
      method: "POST",
      path: "/v1/predictions",
      headers: {
        authorization: `Bearer ${TEST_TOKEN}`,
        "cancel-after": "300s",
        "content-type": "application/json",
        "user-agent": "atelier",
      },
      body: {
        version: SDXL.version,
        input: {
          apply_watermark: false,
          prompt,
          negative_prompt: negativePrompt,
          width: 1024,
          height: 768,
          num_inference_steps: 30,
          guidance_scale: 7.5,
          seed,
          num_outputs: 1,
        },
        webhook: webhookUrl,
        webhook_events_filter: ["completed"],
      },
    }),
    creates: () =>
      requests
        .filter(({ method, path }) => method === "POST" && path === "/v1/predictions")
        .map(({ method, path, headers, body }) => ({
          method,
          path,
          headers: wireHeaders(headers),
          body: JSON.parse(body),
        })),
    jobs: () =>
      sandbox()
        .creates()
        .filter(({ predictionId }) => predictionId !== null).length,
    spoilCreate: (fault) => sandbox().faults.add(FAULTS[fault]),
    spoilJob: (fault) => sandbox().faults.add({ kind: "job", as: fault === "moderated" ? "nsfw" : "failed" }),
    spoilReads: (times) =>
      sandbox().faults.add(
        { kind: "status", status: 502, on: "get", times },
        { kind: "status", status: 502, on: "list", times },
      ),
    nowMs: replicate.clock,
    finish: () => replicate.advance(TEST_JOB_MS),
    webhook: () => {
      const last = receiver.requests.at(-1);
      if (last === undefined) return undefined;
      const headers = Object.fromEntries(
        Object.entries(last.headers).map(([name, value]) => [name, String(value)]),
      );
      return { headers, rawBody: Buffer.from(last.body) };
    },
    close: replicate.close,
  };
}

for (const [name, open] of [
  ["replicate", () => fetchTransport],
  ["replicate over kept connections", () => createPool()],
] as const) {
  describeProviderContract(
    name,
    ({ baseUrl, nowMs }) =>
      createReplicateProvider(
        { name: "replicate", baseUrl, token: TEST_TOKEN, webhookSecret: TEST_WEBHOOK_SECRET },
        { clock: nowMs, transport: open() },
      ),
    startSimulator,
  );
}
