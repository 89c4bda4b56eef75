/** @module The prompt vault: the one place where prompt texts stand. */
import type { PromptVault } from "@atelier/core/ports";
import * as z from "zod";
import type { Dynamo } from "./client.ts";
import { promptKey } from "./keys.ts";
import { parseRecord } from "./records.ts";

const promptSchema = z.object({ prompt: z.string(), negativePrompt: z.string() });

export function createPromptVault(dynamo: Dynamo): PromptVault {
  return {
    async put(imageId, { prompt, negativePrompt }) {
      await dynamo.put({ ...promptKey(imageId), prompt, negativePrompt });
    },
    async get(imageId) {
      const item = await dynamo.get(promptKey(imageId));
      return item && parseRecord({ name: "prompt", schema: promptSchema }, item);
    },
  };
}
