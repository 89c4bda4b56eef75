/** @module Signs with a private key that this process holds. */
import { createPrivateKey, type KeyObject, sign, X509Certificate } from "node:crypto";
import { AtelierError } from "@atelier/core/errors";
import type { ProvenanceSigner } from "@atelier/core/pictures";
import type { SigningKey } from "./c2pa-test-certificate.ts";

/**
 * The key stays inside: whoever prints the signer prints the certificates alone.
 *
 * @throws AtelierError `ConfigurationInvalid` for a key that is none on P-256, or not the certificate's; it never quotes the key
 */
export function createPemSigner({ privateKeyPem, certificateChainPem }: SigningKey): ProvenanceSigner {
  const key = keyOf(privateKeyPem);
  if (!certificateOf(certificateChainPem).checkPrivateKey(key)) {
    throw invalid("belongs to another certificate than the first of the chain");
  }
  return {
    certificateChainPem,
    algorithm: "es256",
    async sign(bytes) {
      return sign("sha256", bytes, { key, dsaEncoding: "ieee-p1363" });
    },
  };
}

function keyOf(pem: string): KeyObject {
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch {
    // Without its cause: a parser may quote what it cannot read.
    throw invalid("is no private key in PEM");
  }
  if (key.asymmetricKeyDetails?.namedCurve !== "prime256v1") throw invalid("is not an ECDSA key on P-256");
  return key;
}

function certificateOf(pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch {
    throw invalid("has no certificate in PEM beside it");
  }
}

function invalid(what: string): AtelierError {
  return new AtelierError(
    "ConfigurationInvalid",
    `The signing key for provenance ${what}; give key and certificate chain as they were issued.`,
  );
}
