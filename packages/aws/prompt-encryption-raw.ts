/** @module Keys for texts that lie on one machine: raw AES keys, each with a name that goes into every message. */
import { AtelierError } from "@atelier/core/errors";
import { MultiKeyringNode } from "@aws-crypto/material-management-node";
import { RawAesKeyringNode, RawAesWrappingSuiteIdentifier } from "@aws-crypto/raw-aes-keyring-node";
import type { TextKeys } from "./prompt-encryption.ts";

export interface RawTextKey {
  /** Unique, ends in no digit that another name goes on with: the SDK appends bytes to it. */
  readonly name: string;
  /** 32 bytes. */
  readonly key: Uint8Array;
}

const NAMESPACE = "atelier";

/**
 * @param rawKeys the newest first
 * @throws AtelierError `Unexpected` without a key
 */
export function rawTextKeys(rawKeys: readonly RawTextKey[]): TextKeys {
  const keyrings = rawKeys.map(
    ({ name, key }) =>
      new RawAesKeyringNode({
        keyNamespace: NAMESPACE,
        keyName: name,
        // A copy of its own: the SDK keeps the memory that it is given.
        unencryptedMasterKey: new Uint8Array(key),
        wrappingSuite: RawAesWrappingSuiteIdentifier.AES256_GCM_IV12_TAG16_NO_PADDING,
      }),
  );
  const [encrypting] = keyrings;
  const newest = rawKeys[0]?.name;
  if (!encrypting || newest === undefined) {
    throw new AtelierError("Unexpected", "A vault for texts needs a key.");
  }
  return {
    encrypting,
    decrypting: new MultiKeyringNode({ children: keyrings }),
    isNewest: ({ providerId, providerInfo }) => providerId === NAMESPACE && nameIn(providerInfo) === newest,
  };
}

/** A raw AES keyring writes name, length of the tag (4 bytes, from a zero on) and nonce after each other. */
function nameIn(providerInfo: string): string {
  const end = providerInfo.indexOf("\0");
  return end < 0 ? providerInfo : providerInfo.slice(0, end);
}
