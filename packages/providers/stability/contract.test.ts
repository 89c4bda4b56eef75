import type { Model } from "@atelier/core/catalogue";
import type { ProviderRequest } from "@atelier/core/provider";
import {
  STABILITY_ENGINE,
  type StabilityFault,
  startTestStability,
} from "../../../test/simulators/stability.ts";
import { CORE, ENGINE } from "../../../test/simulators/stability-models.ts";
import {
  type CreateFault,
  describeProviderContract,
  type ProviderSimulator,
  type WireRequest,
  wireHeaders,
} from "../contract.ts";
import { createStabilityProvider } from "./provider.ts";

const KEY = "sk-test-of-the-simulator";
const NOW_MS = Date.parse("2026-11-22T06:00:00Z");

const FAULTS: Record<CreateFault, StabilityFault> = {
  "rate-limit": { kind: "rate-limit", seconds: 5 },
  "server-error": { kind: "status", status: 500 },
  "server-error-accepted": { kind: "status", status: 502, accepted: true },
  reset: { kind: "reset" },
  "reset-accepted": { kind: "reset", accepted: true },
  "unreadable-accepted": { kind: "answer", as: "malformed" },
  "key-refused": { kind: "status", status: 401, name: "unauthorized" },
  "out-of-credit": { kind: "insufficient-balance", status: 429 },
  "model-gone": { kind: "engine-gone" },
};

type StabilitySimulator = ProviderSimulator & { readonly origin: string };

const EXPECTED: Readonly<Record<string, (request: ProviderRequest) => Partial<WireRequest>>> = {
  [STABILITY_ENGINE]: ({ prompt, negativePrompt, seed }) => ({
    path: `/v1/generation/${STABILITY_ENGINE}/text-to-image`,
    body: {
      text_prompts: [
        { text: prompt, weight: 1 },
        { text: negativePrompt, weight: -1 },
      ],
      width: 1216,
      height: 832,
      steps: 30,
      cfg_scale: 7.5,
      seed,
      samples: 1,
    },
  }),
  core: ({ prompt, negativePrompt, seed }) => ({
    path: "/v2beta/stable-image/generate/core",
    body: {
      output_format: "png",
      prompt,
      negative_prompt: negativePrompt,
      aspect_ratio: "3:2",
      seed: String(seed),
    },
  }),
};

function startSimulator(model: Model) {
  return async (): Promise<StabilitySimulator> => {
    const stability = await startTestStability({ clock: () => NOW_MS, apiKey: KEY });
    return {
      synchronous: true,
      origin: stability.origin,
      request: (seed = 4711) => ({
        model,
        prompt: "a lighthouse at dusk",
        negativePrompt: "blurry",
        parameters: { width: 1216, height: 832, steps: 30, guidanceScale: 7.5 },
        seed,
        deadlineMs: 300_000,
      }),
      webhookUrl: (attemptId) => `https://atelier.example/w/${attemptId}`,
      expectedCreate: (request) => ({
        method: "POST",
        path: "",
        headers: {
          authorization: `Bearer ${KEY}`,
          "user-agent": "atelier",
          "content-type": model === ENGINE ? "application/json" : "multipart/form-data",
        },
        body: undefined,
        ...EXPECTED[model.model]?.(request),
      }),
      creates: () =>
        stability.creates.map(({ method, path, headers, body }) => ({
          method,
          path,
          headers: {
            ...wireHeaders(headers),
            // The boundary is the form's own affair.
            "content-type": headers["content-type"]?.replace(/; boundary=.*/, ""),
          },
          body,
        })),
      jobs: () => stability.made.length,
      spoilCreate: (fault) => stability.spoilCreates(FAULTS[fault]),
      spoilJob: (fault) =>
        stability.spoilCreates({ kind: "answer", as: fault === "moderated" ? "filtered" : "failed" }),
      spoilReads: stability.spoilReads,
      nowMs: () => NOW_MS,
      finish: async () => {},
      webhook: () => undefined,
      close: stability.close,
    };
  };
}

for (const model of [ENGINE, CORE]) {
  describeProviderContract(
    `stability (${model.name})`,
    ({ origin, nowMs }) => createStabilityProvider({ baseUrl: origin, apiKey: KEY }, { clock: nowMs }),
    startSimulator(model),
  );
}
