/**
 * @module Encrypts texts with the AWS Encryption SDK. What a text is and whom it is about stands in the encryption context: it is
 * authenticated with the ciphertext, and KMS writes it into CloudTrail, so it holds ids and never words.
 *
 * The parts of the SDK rather than `@aws-crypto/client-node`, which only re-exports them: 127 kB less in every function.
 */
import type { Rating } from "@atelier/core/catalogue";
import { AtelierError, isAtelierError } from "@atelier/core/errors";
import type { TextAbout, TextVault } from "@atelier/core/ports";
import { buildDecrypt } from "@aws-crypto/decrypt-node";
import { buildEncrypt } from "@aws-crypto/encrypt-node";
import {
  AlgorithmSuiteIdentifier,
  CommitmentPolicy,
  type KeyringNode,
} from "@aws-crypto/material-management-node";

/** The keys of a vault: the newest encrypts, all of them decrypt. */
export interface TextKeys {
  readonly encrypting: KeyringNode;
  readonly decrypting: KeyringNode;
  /** Whether a data key was wrapped by the newest key. */
  isNewest(wrapped: { readonly providerId: string; readonly providerInfo: string }): boolean;
  /** What a call to the keys last failed with: the SDK tells it as text alone. */
  takeFault?(): AtelierError | undefined;
}

/** A message under more keys than that is not ours. */
const DATA_KEYS_MAX = 3;
/**
 * Key commitment, and no signature: whoever may decrypt here may encrypt as well, so that a signature would prove nothing, and
 * it is most of the time that an encryption takes.
 */
const SUITE = AlgorithmSuiteIdentifier.ALG_AES256_GCM_IV12_TAG16_HKDF_SHA512_COMMIT_KEY;

const options = {
  commitmentPolicy: CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT,
  maxEncryptedDataKeys: DATA_KEYS_MAX,
};
const { encrypt } = buildEncrypt(options);
const { decrypt } = buildDecrypt(options);

export function createTextVault(keys: TextKeys): TextVault {
  async function seal(about: TextAbout, text: string, ratingClass: string): Promise<string> {
    try {
      const { result } = await encrypt(keys.encrypting, Buffer.from(text, "utf8"), {
        suiteId: SUITE,
        encryptionContext: { purpose: about.purpose, subject: about.subject, rating: ratingClass },
      });
      return result.toString("base64");
    } catch (error) {
      throw failure(about, "encrypted", error, keys);
    }
  }

  async function opened(about: TextAbout, sealed: string) {
    try {
      const { plaintext, messageHeader } = await decrypt(keys.decrypting, Buffer.from(sealed, "base64"));
      const { purpose, subject, rating = "rated" } = messageHeader.encryptionContext;
      if (purpose !== about.purpose || subject !== about.subject) {
        throw new Error("it belongs to something else");
      }
      const isNewest = messageHeader.encryptedDataKeys.every((wrapped) => keys.isNewest(wrapped));
      return { text: plaintext.toString("utf8"), ratingClass: rating, isNewest };
    } catch (error) {
      throw failure(about, "decrypted", error, keys);
    }
  }

  return {
    seal: (about, text, rating) => seal(about, text, ratingClassOf(rating)),
    open: async (about, sealed) => (await opened(about, sealed)).text,
    async reseal(about, sealed) {
      const { text, ratingClass, isNewest } = await opened(about, sealed);
      return isNewest ? null : seal(about, text, ratingClass);
    },
  };
}

/** Whether it is unknown or rated makes no difference to whoever watches the keys. */
function ratingClassOf(rating: Rating | undefined): string {
  return rating === "general" ? "general" : "rated";
}

/** Names what it is about, and never a part of it. */
function failure(about: TextAbout, what: string, cause: unknown, keys: TextKeys): AtelierError {
  const fault = keys.takeFault?.();
  if (fault) return fault;
  if (isAtelierError(cause)) return cause;
  return new AtelierError(
    "StorageUnavailable",
    `The ${about.purpose} of ${about.subject} cannot be ${what}: it was altered, or its key is missing; restore the key from a backup.`,
    { cause },
  );
}
