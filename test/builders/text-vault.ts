/** @module A vault for texts with a key that tests share. */
import { createTextVault } from "@atelier/aws/prompt-encryption";
import { rawTextKeys } from "@atelier/aws/prompt-encryption-raw";

export const TEXT_VAULT = createTextVault(
  rawTextKeys([{ name: "tests-1", key: new Uint8Array(32).fill(7) }]),
);
