/** @module The prompt as Midjourney takes it: the person's words, then our parameters, each once. */
import type { Model } from "@atelier/core/catalogue";
import type { ProviderRequest } from "@atelier/core/provider";
import { modelInput } from "../model-input.ts";
import { ordinaryNegatives } from "./negatives.ts";
import { neutralText } from "./neutral-text.ts";

/** The catalogue's `model` of Midjourney's sister for drawings; its versions are given by `--niji`. */
const NIJI = "niji";

export type BotType = "MID_JOURNEY" | "NIJI_JOURNEY";

export function botTypeOf(model: Pick<Model, "model">): BotType {
  return model.model === NIJI ? "NIJI_JOURNEY" : "MID_JOURNEY";
}

/**
 * `words --v 6.1 --stylize 100 --no text, logo --ar 3:2 --seed 42`: the version, the catalogue's extras, then what the request
 * asks. A switch without a value is `true` among the extras.
 *
 * @returns null when nothing but syntax was in the prompt: parameters alone count as an illegal prompt
 */
export function renderedPrompt(request: ProviderRequest): string | null {
  const { model } = request;
  const words = neutralText(request.prompt);
  if (words === "") return null;
  const negativePrompt = ordinaryNegatives(request.negativePrompt).join(", ");
  const parameters = {
    ...(model.version === null ? {} : { [model.model === NIJI ? "--niji" : "--v"]: model.version }),
    ...modelInput({ ...request, negativePrompt }),
  };
  const switches = Object.entries(parameters)
    .filter(([name, value]) => name.startsWith("--") && value !== false)
    .map(([name, value]) => (value === true ? name : `${name} ${value}`));
  return [words, ...switches].join(" ");
}

/** The seed in a prompt that `renderedPrompt` made, or null. */
export function seedIn(prompt: string): number | null {
  const digits = /(?:^|\s)--seed (\d{1,10})(?=\s|$)/.exec(prompt)?.[1];
  return digits === undefined ? null : Number(digits);
}
