/** @module The signature of a C2PA claim: a COSE_Sign1 structure (RFC 9052, section 4.2) in just enough CBOR (RFC 8949). */
import { X509Certificate } from "node:crypto";
import { AtelierError } from "@atelier/core/errors";
import type { ProvenanceSigner } from "@atelier/core/pictures";

export interface ClaimSigner {
  /** How many bytes `sign` returns, known before anything is signed. */
  readonly bytes: number;
  /** @throws AtelierError whatever the signer throws; `ConfigurationInvalid` for a signature of the wrong length */
  sign(claim: Uint8Array): Promise<Uint8Array<ArrayBuffer>>;
}

/** r and s of 32 bytes each. */
const SIGNATURE_BYTES = 64;

/**
 * Nothing is padded and no header is left unsigned, so that there is no byte that could be changed unnoticed.
 *
 * @throws AtelierError `ConfigurationInvalid` for a chain without a certificate that may sign
 */
export function claimSigner(signer: ProvenanceSigner): ClaimSigner {
  // Labels of RFC 9052, section 3.1, and RFC 9360: 1 is the algorithm, -7 is ES256, 33 is the chain.
  const headers = byteString(
    map([integer(1), integer(-7)], [integer(33), chainOf(signer.certificateChainPem)]),
  );
  return {
    bytes: cose(headers, new Uint8Array(SIGNATURE_BYTES)).length,
    async sign(claim) {
      const toBeSigned = array(
        textString("Signature1"),
        headers,
        byteString(new Uint8Array(0)),
        byteString(claim),
      );
      const signature = await signer.sign(toBeSigned);
      if (signature.length === SIGNATURE_BYTES) return cose(headers, signature);
      throw new AtelierError(
        "ConfigurationInvalid",
        `The signing key made a signature of ${signature.length} bytes instead of ${SIGNATURE_BYTES}; use an ECDSA key on P-256.`,
      );
    },
  };
}

function cose(headers: Uint8Array, signature: Uint8Array): Uint8Array<ArrayBuffer> {
  const TAGGED_COSE_SIGN1 = 0xd2;
  return Uint8Array.from([TAGGED_COSE_SIGN1, ...array(headers, map(), NULL, byteString(signature))]);
}

/** The root stays out: whoever trusts it has it, and C2PA asks for the rest only. */
function chainOf(certificateChainPem: string): Uint8Array {
  const blocks =
    certificateChainPem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  const certificates = blocks.map(parsed).filter(({ subject, issuer }) => subject !== issuer);
  const [first, ...others] = certificates.map(({ raw }) => byteString(raw));
  if (!first) {
    throw new AtelierError(
      "ConfigurationInvalid",
      "The certificate chain for provenance holds no certificate that another one issued; give the signing certificate first, in PEM.",
    );
  }
  return others.length === 0 ? first : array(first, ...others);
}

function parsed(pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (cause) {
    throw new AtelierError(
      "ConfigurationInvalid",
      "The certificate chain for provenance holds a damaged certificate; give the chain in PEM as its authority sent it.",
      { cause },
    );
  }
}

const NULL = Buffer.from([0xf6]);

function integer(value: number): Buffer {
  return value < 0 ? head(1, -1 - value) : head(0, value);
}

function byteString(bytes: Uint8Array): Buffer {
  return Buffer.concat([head(2, bytes.length), bytes]);
}

function textString(text: string): Buffer {
  return Buffer.concat([head(3, Buffer.byteLength(text)), Buffer.from(text)]);
}

function array(...items: readonly Uint8Array[]): Buffer {
  return Buffer.concat([head(4, items.length), ...items]);
}

function map(...entries: readonly (readonly [Uint8Array, Uint8Array])[]): Buffer {
  return Buffer.concat([head(5, entries.length), ...entries.flat()]);
}

/** Major type and argument, as short as it goes. */
function head(major: number, argument: number): Buffer {
  const type = major << 5;
  if (argument < 24) return Buffer.from([type | argument]);
  if (argument < 0x100) return Buffer.from([type | 24, argument]);
  if (argument < 0x10000) return Buffer.from([type | 25, argument >> 8, argument & 0xff]);
  const long = Buffer.alloc(5, type | 26);
  long.writeUInt32BE(argument, 1);
  return long;
}
