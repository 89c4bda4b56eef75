import type { ProviderRequest } from "@atelier/core/provider";
import { startTestComfyui } from "../../../test/simulators/comfyui.ts";
import type { MachineFault } from "../../../test/simulators/machine-server.ts";
import { COMFYUI_SDXL, WORKFLOWS } from "../../../test/simulators/own-models.ts";
import {
  type CreateFault,
  describeProviderContract,
  type ProviderSimulator,
  wireHeaders,
} from "../contract.ts";
import { createComfyuiProvider } from "./provider.ts";

const JOB_MS = 2_000;

const FAULTS: Readonly<Partial<Record<CreateFault, MachineFault>>> = {
  "rate-limit": { kind: "rate-limit" },
  "server-error": { kind: "status", status: 502 },
  "server-error-accepted": { kind: "status", status: 502, accepted: true },
  reset: { kind: "reset" },
  "reset-accepted": { kind: "reset", accepted: true },
  "unreadable-accepted": { kind: "malformed" },
  "key-refused": { kind: "status", status: 401 },
};
const NOT_IN_LIST = JSON.stringify({
  error: { type: "prompt_outputs_failed_validation", message: "Prompt outputs failed validation" },
  node_errors: {
    "4": {
      errors: [{ type: "value_not_in_list", extra_info: { input_name: "ckpt_name" } }],
      class_type: "CheckpointLoaderSimple",
    },
  },
});

type ComfyuiSimulator = ProviderSimulator & { readonly baseUrl: string };

async function startSimulator(): Promise<ComfyuiSimulator> {
  let nowMs = Date.parse("2026-11-22T06:00:00Z");
  const comfyui = await startTestComfyui({ clock: () => nowMs, jobMs: JOB_MS });
  return {
    baseUrl: comfyui.origin,
    isFree: true,
    unknownFaults: ["out-of-credit", "moderated"],
    request: (seed = 4711): ProviderRequest => ({
      model: COMFYUI_SDXL,
      prompt: "a lighthouse at dusk",
      negativePrompt: "blurry",
      parameters: { width: 128, height: 64, steps: 20, guidanceScale: 7.5 },
      seed,
      deadlineMs: 300_000,
    }),
    webhookUrl: (attemptId) => `https://atelier.example/w/${attemptId}`,
    expectedCreate: ({ prompt, negativePrompt, seed }, { attemptId }) => ({
      method: "POST",
      path: "/prompt",
      headers: { "content-type": "application/json", "user-agent": "atelier" },
      body: {
        prompt: {
          "3": {
            class_type: "KSampler",
            inputs: {
              seed,
              steps: 20,
              cfg: 7.5,
              sampler_name: "dpmpp_2m",
              scheduler: "karras",
              denoise: 1,
              model: ["4", 0],
              positive: ["6", 0],
              negative: ["7", 0],
              latent_image: ["5", 0],
            },
          },
          "4": { class_type: "CheckpointLoaderSimple", inputs: { ckpt_name: "sd_xl_base_1.0.safetensors" } },
          "5": { class_type: "EmptyLatentImage", inputs: { width: 128, height: 64, batch_size: 1 } },
          "6": { class_type: "CLIPTextEncode", inputs: { text: prompt, clip: ["4", 1] } },
          "7": { class_type: "CLIPTextEncode", inputs: { text: negativePrompt, clip: ["4", 1] } },
          "8": { class_type: "VAEDecode", inputs: { samples: ["3", 0], vae: ["4", 2] } },
          "9": {
            class_type: "SaveImage",
            inputs: { filename_prefix: `atelier/${attemptId}`, images: ["8", 0] },
          },
        },
        client_id: "atelier",
        extra_data: { atelier: { attemptId } },
      },
    }),
    creates: () =>
      comfyui.requests
        .filter(({ path }) => path === "/prompt")
        .map(({ method, path, headers, body }) => ({
          method,
          path,
          headers: wireHeaders(headers),
          body: JSON.parse(body),
        })),
    jobs: () => comfyui.jobs().length,
    spoilCreate: (fault) =>
      comfyui.spoilCreates(FAULTS[fault] ?? { kind: "status", status: 400, body: NOT_IN_LIST }),
    spoilJob: () => comfyui.spoilJobs("failed"),
    spoilReads: comfyui.spoilReads,
    nowMs: () => nowMs,
    finish: async () => {
      nowMs += JOB_MS * comfyui.jobs().length;
      await comfyui.tick();
    },
    webhook: () => undefined,
    close: comfyui.close,
  };
}

describeProviderContract(
  "comfyui",
  ({ baseUrl, nowMs }) => createComfyuiProvider({ baseUrl }, { clock: nowMs, workflows: WORKFLOWS }),
  startSimulator,
);
