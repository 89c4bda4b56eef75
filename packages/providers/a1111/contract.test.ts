import type { ProviderRequest } from "@atelier/core/provider";
import { startTestA1111 } from "../../../test/simulators/a1111.ts";
import type { MachineFault } from "../../../test/simulators/machine-server.ts";
import { A1111_SDXL } from "../../../test/simulators/own-models.ts";
import {
  type CreateFault,
  describeProviderContract,
  type ProviderSimulator,
  wireHeaders,
} from "../contract.ts";
import { createA1111Provider } from "./provider.ts";

const NOW_MS = Date.parse("2026-11-22T06:00:00Z");

const FAULTS: Readonly<Partial<Record<CreateFault, MachineFault>>> = {
  "rate-limit": { kind: "rate-limit", seconds: 5 },
  "server-error": { kind: "status", status: 502 },
  "server-error-accepted": { kind: "status", status: 502, accepted: true },
  reset: { kind: "reset" },
  "reset-accepted": { kind: "reset", accepted: true },
  "unreadable-accepted": { kind: "malformed" },
  "key-refused": { kind: "status", status: 401, body: '{"detail":"Incorrect username or password"}' },
};

type A1111Simulator = ProviderSimulator & { readonly baseUrl: string };

async function startSimulator(): Promise<A1111Simulator> {
  const webUi = await startTestA1111({ clock: () => NOW_MS, apiAuth: "ada:secret" });
  return {
    baseUrl: webUi.origin,
    synchronous: true,
    isFree: true,
    unknownFaults: ["out-of-credit", "moderated"],
    request: (seed = 4711): ProviderRequest => ({
      model: A1111_SDXL,
      prompt: "a lighthouse at dusk",
      negativePrompt: "blurry",
      parameters: { width: 128, height: 64, steps: 30, guidanceScale: 7.5 },
      seed,
      deadlineMs: 300_000,
    }),
    webhookUrl: (attemptId) => `https://atelier.example/w/${attemptId}`,
    expectedCreate: ({ prompt, negativePrompt, seed }, { attemptId }) => ({
      method: "POST",
      path: "/sdapi/v1/txt2img",
      headers: {
        authorization: `Basic ${Buffer.from("ada:secret").toString("base64")}`,
        "content-type": "application/json",
        "user-agent": "atelier",
      },
      body: {
        prompt,
        negative_prompt: negativePrompt,
        width: 128,
        height: 64,
        steps: 30,
        cfg_scale: 7.5,
        seed,
        sampler_name: "DPM++ 2M",
        scheduler: "Karras",
        batch_size: 1,
        n_iter: 1,
        send_images: true,
        save_images: false,
        override_settings: { sd_model_checkpoint: "sd_xl_base_1.0.safetensors", enable_pnginfo: false },
        force_task_id: attemptId,
      },
    }),
    creates: () =>
      webUi.requests
        .filter(({ path }) => path === "/sdapi/v1/txt2img")
        .map(({ method, path, headers, body }) => ({
          method,
          path,
          headers: wireHeaders(headers),
          body: JSON.parse(body),
        })),
    jobs: () => webUi.tasks.length,
    spoilCreate: (fault) => {
      const machineFault = FAULTS[fault];
      if (machineFault !== undefined) webUi.spoilCreates(machineFault);
      else webUi.spoilJobs("checkpoint-refused");
    },
    spoilJob: () => webUi.spoilJobs("failed"),
    spoilReads: webUi.spoilReads,
    nowMs: () => NOW_MS,
    finish: webUi.tick,
    webhook: () => undefined,
    close: webUi.close,
  };
}

describeProviderContract(
  "a1111",
  ({ baseUrl, nowMs }) => createA1111Provider({ baseUrl, user: "ada", password: "secret" }, { clock: nowMs }),
  startSimulator,
);
