/**
 * @module Keys for texts on AWS: one symmetric key in KMS, which KMS itself turns into a new one each year and keeps the old
 * ones of. Needs kms:GenerateDataKey for sealing and kms:Decrypt for opening.
 */
import type { AtelierError } from "@atelier/core/errors";
import type { TextVault } from "@atelier/core/ports";
import { KmsKeyringNode } from "@aws-crypto/kms-keyring-node";
import { KMS } from "@aws-sdk/client-kms";
import { createTextVault, type TextKeys } from "./prompt-encryption.ts";
import { type ServiceNames, serviceFailure } from "./service-failure.ts";

const NAMES: ServiceNames = {
  passing: new Set(["DependencyTimeoutException", "KMSInternalException", "ThrottlingException"]),
  misconfigured: new Set([
    "DisabledException",
    "IncorrectKeyException",
    "InvalidKeyUsageException",
    "KeyUnavailableException",
    "KMSInvalidStateException",
    "NotFoundException",
  ]),
};

/** Region, credentials and endpoint come from the environment of the function, as the SDK reads it. */
export function connectTextVault(keyArn: string): TextVault {
  const client = new KMS({
    requestHandler: { connectionTimeout: 3_000, requestTimeout: 5_000, throwOnRequestTimeout: true },
  });
  return createTextVault(kmsTextKeys({ client, keyArn }));
}

/** @param deps.keyArn an ARN and no alias: messages name the key by its ARN, and are opened by no other */
export function kmsTextKeys(deps: {
  readonly client: Pick<KMS, "generateDataKey" | "encrypt" | "decrypt" | "config">;
  readonly keyArn: string;
}): TextKeys {
  const { client, keyArn } = deps;
  let fault: AtelierError | undefined;
  const told =
    <Input, Output>(doing: string, call: (input: Input) => Promise<Output>) =>
    async (input: Input): Promise<Output> => {
      try {
        return await call(input);
      } catch (error) {
        fault = serviceFailure(error, `The KMS key ${keyArn}`, doing, NAMES);
        throw fault;
      }
    };
  const clientProvider = () => ({
    config: client.config,
    generateDataKey: told("making a data key", (input: Parameters<KMS["generateDataKey"]>[0]) =>
      client.generateDataKey(input),
    ),
    encrypt: told("encrypting a data key", (input: Parameters<KMS["encrypt"]>[0]) => client.encrypt(input)),
    decrypt: told("decrypting a data key", (input: Parameters<KMS["decrypt"]>[0]) => client.decrypt(input)),
  });
  return {
    encrypting: new KmsKeyringNode({ generatorKeyId: keyArn, clientProvider }),
    decrypting: new KmsKeyringNode({ keyIds: [keyArn], clientProvider }),
    // What KMS rotates inside a key is not seen here; a message under another key of ours is not opened at all.
    isNewest: ({ providerInfo }) => providerInfo === keyArn,
    takeFault() {
      const taken = fault;
      fault = undefined;
      return taken;
    },
  };
}
