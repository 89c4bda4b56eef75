/** @module What we ask of `POST /sdapi/v1/txt2img`. */
import type { ProviderRequest } from "@atelier/core/provider";
import { modelInput } from "../model-input.ts";

/**
 * The whole body. The model's `model` is the checkpoint's title; its parameter names are the API's own.
 *
 * `enable_pnginfo` off: otherwise the prompt stands in the file. The task's id is ours, so that it can be recognised as
 * the one that runs.
 */
export function textToImageBody(request: ProviderRequest, taskId: string): object {
  return {
    ...modelInput(request),
    batch_size: 1,
    n_iter: 1,
    send_images: true,
    save_images: false,
    override_settings: { sd_model_checkpoint: request.model.model, enable_pnginfo: false },
    force_task_id: taskId,
  };
}

/** HTTP Basic (RFC 7617), where the server was started with `--api-auth`. */
export function authorization(user: string | null, password: string | null): Record<string, string> {
  if (user === null || password === null) return {};
  return { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}` };
}
