/** @module Secrets as SST links them, each given only to the functions that need it, and the keys made from our own one. */
import { createHmac } from "node:crypto";
import { AtelierError } from "@atelier/core/errors";
import * as z from "zod";
import { linkedResource } from "./config.ts";

const secretSchema = z.object({ value: z.string().trim().min(1) });

/** 128 bits in hexadecimal. */
const KEY_CHARACTERS_MIN = 32;

/** @throws AtelierError `ConfigurationInvalid` when it is not linked or empty */
export function readSecret(name: string, linked: (name: string) => unknown = linkedResource): string {
  const parsed = secretSchema.safeParse(linked(name));
  if (parsed.success) return parsed.data.value;
  throw new AtelierError(
    "ConfigurationInvalid",
    `The secret ${name} is missing; set it with \`sst secret set ${name} VALUE\` and link it to this function.`,
  );
}

/**
 * A key for one purpose: `webhooks` signs the addresses that providers call, `prompts` hashes what may not be written out,
 * `pictures` recognises those that a reviewer removed, `links` signs links to renditions.
 *
 * @throws AtelierError `ConfigurationInvalid` when the secret is missing or short
 */
export function derivedKey(
  purpose: "webhooks" | "prompts" | "pictures" | "links",
  linked: (name: string) => unknown = linkedResource,
): Uint8Array {
  const key = readSecret("AtelierKey", linked);
  if (key.length < KEY_CHARACTERS_MIN) {
    throw new AtelierError(
      "ConfigurationInvalid",
      `The secret AtelierKey has ${key.length} characters, but must have ${KEY_CHARACTERS_MIN} at least; take \`openssl rand -hex 32\`.`,
    );
  }
  return createHmac("sha256", key).update(`atelier ${purpose}`).digest();
}
