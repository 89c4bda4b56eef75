/**
 * @module A signing key with a certificate of our own making, for machines that have no real one. Two certificates, as C2PA
 * wants them (a self-signed one may not sign): an authority whose key is thrown away at once, and the one that signs. Both
 * say in their names that nobody vouches for them.
 */
import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import type { Clock, RandomBytes } from "@atelier/core/ids";

const TEST_CERTIFICATE_NAME = "Atelier local test certificate, not trusted";
const TEST_AUTHORITY_NAME = "Atelier local test authority, not trusted";
const ORGANISATION = "Atelier local test, not trusted";

const DAY_MS = 24 * 60 * 60 * 1000;
/** RFC 5280, section 4.1.2.5: no end. Without a time stamp a file would turn invalid with the certificate that signed it. */
const NO_END = "99991231235959Z";

const OID = {
  ecdsaWithSha256: "1.2.840.10045.4.3.2",
  commonName: "2.5.4.3",
  organisation: "2.5.4.10",
  subjectKeyIdentifier: "2.5.29.14",
  keyUsage: "2.5.29.15",
  basicConstraints: "2.5.29.19",
  authorityKeyIdentifier: "2.5.29.35",
  extendedKeyUsage: "2.5.29.37",
  /** One of those that C2PA 2.1, section 14.5.1, allows a signer. */
  emailProtection: "1.3.6.1.5.5.7.3.4",
} as const;
/** Bits of RFC 5280, section 4.2.1.3, with the count of unused ones before them. */
const KEY_USAGE = { digitalSignature: [7, 0x80], certificateSign: [2, 0x04] } as const;

export interface SigningKey {
  /** PKCS #8. */
  readonly privateKeyPem: string;
  /** The signing certificate first, then its authority's. */
  readonly certificateChainPem: string;
}

interface Deps {
  readonly clock: Clock;
  readonly randomBytes: RandomBytes;
}

/** A new ECDSA P-256 key with its certificates. */
export function createTestKey(deps: Deps): SigningKey {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  return {
    privateKeyPem: privateKey.export({ format: "pem", type: "pkcs8" }).toString(),
    certificateChainPem: createTestCertificates(publicKey, deps),
  };
}

/**
 * Certificates for a key that is kept elsewhere, such as one of KMS. Valid from a day ago, for clocks that disagree, without
 * an end.
 *
 * @returns PEM, the signing certificate first, then its authority's
 */
export function createTestCertificates(publicKey: KeyObject, { clock, randomBytes }: Deps): string {
  const authority = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const issued = { validFromMs: clock() - DAY_MS, issuer: authority, randomBytes };
  const chain = [
    certificate({ ...issued, name: TEST_CERTIFICATE_NAME, publicKey, signs: "files" }),
    certificate({
      ...issued,
      name: TEST_AUTHORITY_NAME,
      publicKey: authority.publicKey,
      signs: "certificates",
    }),
  ];
  return chain.map(pem).join("");
}

/** X.509 version 3 (RFC 5280, section 4.1) in DER. */
function certificate(wanted: {
  readonly name: string;
  readonly publicKey: KeyObject;
  readonly signs: "files" | "certificates";
  readonly issuer: { readonly publicKey: KeyObject; readonly privateKey: KeyObject };
  readonly validFromMs: number;
  readonly randomBytes: RandomBytes;
}): Buffer {
  const algorithm = sequence(objectId(OID.ecdsaWithSha256));
  const isAuthority = wanted.signs === "certificates";
  const body = sequence(
    tagged(0xa0, integer([2])),
    // Positive and not zero, whatever was drawn.
    integer([0x01, ...wanted.randomBytes(15)]),
    algorithm,
    distinguishedName(TEST_AUTHORITY_NAME),
    sequence(time(stamp(wanted.validFromMs)), time(NO_END)),
    distinguishedName(wanted.name),
    wanted.publicKey.export({ format: "der", type: "spki" }),
    tagged(
      0xa3,
      sequence(
        extension(OID.basicConstraints, sequence(...(isAuthority ? [TRUE] : [])), "critical"),
        extension(
          OID.keyUsage,
          tagged(0x03, Buffer.from(KEY_USAGE[isAuthority ? "certificateSign" : "digitalSignature"])),
          "critical",
        ),
        ...(isAuthority ? [] : [extension(OID.extendedKeyUsage, sequence(objectId(OID.emailProtection)))]),
        extension(OID.subjectKeyIdentifier, tagged(0x04, keyIdentifier(wanted.publicKey))),
        extension(OID.authorityKeyIdentifier, sequence(tagged(0x80, keyIdentifier(wanted.issuer.publicKey)))),
      ),
    ),
  );
  return sequence(body, algorithm, bitString(sign("sha256", body, wanted.issuer.privateKey)));
}

function pem(der: Buffer): string {
  const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}

/** Any value that stands for the key; the usual one is the SHA-1 of its bits (RFC 5280, section 4.2.1.2). */
function keyIdentifier(key: KeyObject): Buffer {
  return createHash("sha1")
    .update(key.export({ format: "der", type: "spki" }))
    .digest();
}

function distinguishedName(commonName: string): Buffer {
  const part = (id: string, value: string) =>
    tagged(0x31, sequence(objectId(id), tagged(0x0c, Buffer.from(value))));
  return sequence(part(OID.organisation, ORGANISATION), part(OID.commonName, commonName));
}

function extension(id: string, value: Buffer, critical?: "critical"): Buffer {
  return sequence(objectId(id), ...(critical ? [TRUE] : []), tagged(0x04, value));
}

/** `yyyymmddhhmmssZ` in UTC */
function stamp(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 19).replace(/\D/g, "")}Z`;
}

/** Two digits of the year until 2049, four from then on (RFC 5280, section 4.1.2.5). */
function time(text: string): Buffer {
  const early = text < "2050";
  return tagged(early ? 0x17 : 0x18, Buffer.from(early ? text.slice(2) : text));
}

const TRUE = Buffer.from([0x01, 0x01, 0xff]);

function sequence(...parts: readonly Uint8Array[]): Buffer {
  return tagged(0x30, ...parts);
}

function integer(bigEndian: readonly number[]): Buffer {
  return tagged(0x02, Buffer.from(bigEndian));
}

function bitString(bytes: Uint8Array): Buffer {
  return tagged(0x03, Buffer.from([0]), bytes);
}

function objectId(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  return tagged(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

function base128(value: number): number[] {
  const digits = [value & 0x7f];
  for (let left = value >>> 7; left > 0; left >>>= 7) digits.unshift((left & 0x7f) | 0x80);
  return digits;
}

/** A DER value: its tag, its length, its content. */
function tagged(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const length: number[] = [];
  for (let left = content.length; left > 0; left >>>= 8) length.unshift(left & 0xff);
  const head = content.length < 0x80 ? [content.length] : [0x80 | length.length, ...length];
  return Buffer.concat([Buffer.from([tag, ...head]), content]);
}
