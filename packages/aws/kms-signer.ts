/**
 * @module Signs with a key that never leaves KMS (ECC_NIST_P256, SIGN_VERIFY). The certificate comes from outside: KMS keeps keys
 * only. Needs kms:Sign on the key, and kms:GetPublicKey where a certificate is still to be made for it.
 */
import { createHash, createPublicKey, type KeyObject, verify, X509Certificate } from "node:crypto";
import { AtelierError } from "@atelier/core/errors";
import type { ProvenanceSigner } from "@atelier/core/pictures";
import { GetPublicKeyCommand, KMSClient, SignCommand } from "@aws-sdk/client-kms";
import { type ServiceNames, serviceFailure } from "./service-failure.ts";

const NAMES: ServiceNames = {
  passing: new Set(["DependencyTimeoutException", "KMSInternalException", "ThrottlingException"]),
  misconfigured: new Set([
    "DisabledException",
    "InvalidKeyUsageException",
    "KeyUnavailableException",
    "KMSInvalidStateException",
    "NotFoundException",
    "UnsupportedOperationException",
  ]),
};

export interface KmsSignerSettings {
  /** Id, ARN or alias of the key. */
  readonly keyId: string;
  /** PEM: the certificate of that key first, then those that issued it. */
  readonly certificateChainPem: string;
}

/** Region, credentials and endpoint come from the environment of the function, as the SDK reads it. */
export function connectKms(): KMSClient {
  return new KMSClient({
    requestHandler: { connectionTimeout: 3_000, requestTimeout: 5_000, throwOnRequestTimeout: true },
  });
}

/**
 * The public half of a key, to make a certificate for.
 *
 * @throws AtelierError as `sign` of `createKmsSigner`; `ConfigurationInvalid` for a key that is not of that curve
 */
export async function readKmsPublicKey(deps: {
  readonly client: KMSClient;
  readonly keyId: string;
}): Promise<KeyObject> {
  const { client, keyId } = deps;
  const { PublicKey, KeySpec } = await client
    .send(new GetPublicKeyCommand({ KeyId: keyId }))
    .catch((error: unknown) => {
      throw serviceFailure(error, `The KMS key ${keyId}`, "reading its public half", NAMES);
    });
  if (PublicKey && KeySpec === "ECC_NIST_P256") {
    return createPublicKey({ key: Buffer.from(PublicKey), format: "der", type: "spki" });
  }
  throw new AtelierError(
    "ConfigurationInvalid",
    `The KMS key ${keyId} is of the kind ${KeySpec}; provenance needs one of ECC_NIST_P256 for SIGN_VERIFY.`,
  );
}

/**
 * @throws AtelierError `ConfigurationInvalid` for a certificate that cannot be read. `sign`: `StorageUnavailable` when KMS does
 * not answer or is throttled; `ConfigurationInvalid` for a missing, disabled or forbidden key, or one of another certificate
 */
export function createKmsSigner(deps: KmsSignerSettings & { readonly client: KMSClient }): ProvenanceSigner {
  const { client, keyId, certificateChainPem } = deps;
  const certificate = certificateOf(certificateChainPem);

  async function signatureOf(bytes: Uint8Array): Promise<Uint8Array> {
    try {
      const { Signature } = await client.send(
        new SignCommand({
          KeyId: keyId,
          // A message may have 4 kB, and nothing of the claim is KMS's business.
          MessageType: "DIGEST",
          Message: createHash("sha256").update(bytes).digest(),
          SigningAlgorithm: "ECDSA_SHA_256",
        }),
      );
      return Signature ?? new Uint8Array(0);
    } catch (error) {
      throw serviceFailure(error, `The KMS key ${keyId}`, "signing", NAMES);
    }
  }

  return {
    certificateChainPem,
    algorithm: "es256",
    async sign(bytes) {
      const signature = rawSignature(await signatureOf(bytes));
      const key = { key: certificate.publicKey, dsaEncoding: "ieee-p1363" } as const;
      // A file signed by a key of another certificate would look forged.
      if (signature && verify("sha256", bytes, key, signature)) return signature;
      throw new AtelierError(
        "ConfigurationInvalid",
        `The KMS key ${keyId} is not the key of the certificate for provenance; set the certificate that was issued for it.`,
      );
    },
  };
}

/** SEQUENCE { INTEGER r, INTEGER s } (RFC 3279, section 2.2.3) as r and s of 32 bytes each; null for anything else. */
export function rawSignature(der: Uint8Array): Uint8Array | null {
  const [tag, length] = der;
  if (tag !== 0x30 || length !== der.length - 2) return null;
  const r = integerAt(der, 2);
  const s = r && integerAt(der, r.end);
  if (!r || !s || s.end !== der.length) return null;
  return Buffer.concat([r.value, s.value]);
}

const NUMBER_BYTES = 32;

function integerAt(der: Uint8Array, at: number): { value: Uint8Array; end: number } | null {
  const end = at + 2 + (der[at + 1] ?? 0);
  if (der[at] !== 0x02 || end > der.length) return null;
  let digits = der.subarray(at + 2, end);
  // A zero goes before a number that would look negative.
  while (digits[0] === 0) digits = digits.subarray(1);
  if (digits.length === 0 || digits.length > NUMBER_BYTES) return null;
  const value = new Uint8Array(NUMBER_BYTES);
  value.set(digits, NUMBER_BYTES - digits.length);
  return { value, end };
}

function certificateOf(pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (cause) {
    throw new AtelierError(
      "ConfigurationInvalid",
      "The certificate for provenance cannot be read; give the chain in PEM, the signing certificate first.",
      { cause },
    );
  }
}
