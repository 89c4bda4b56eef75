/** @module The prompt vault, apart from the other stores: what encrypts weighs a third of a bundle, and few functions see a prompt. */
import { readSettings } from "@atelier/aws/config";
import type { Dynamo } from "@atelier/aws/dynamo/client";
import { createPromptVault } from "@atelier/aws/dynamo/prompts";
import { connectTextVault } from "@atelier/aws/prompt-encryption-kms";
import type { PromptVault, TextVault } from "@atelier/core/ports";

export function vault(dynamo: Dynamo): PromptVault {
  return createPromptVault(dynamo, texts());
}

/** For what else people write. */
export function texts(): TextVault {
  const { ATELIER_PROMPT_KEY_ARN } = readSettings(["ATELIER_PROMPT_KEY_ARN"]);
  return connectTextVault(ATELIER_PROMPT_KEY_ARN);
}
