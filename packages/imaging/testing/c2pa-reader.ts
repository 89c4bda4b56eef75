/**
 * @module A C2PA reader of the tests' own, by the specification (C2PA 2.2) and `node:crypto`: it shares no line with the
 * library that signs. It reads one manifest of JPEG and WebP files signed by ES256, and says what does not fit.
 */
import { createHash, verify, X509Certificate } from "node:crypto";
import { type Cbor, field, isMap, readCbor } from "./cbor.ts";
import { type Box, boxesOf, embeddedIn } from "./jumbf.ts";

export interface C2paReading {
  /** Nothing: claim, signature, assertions and picture belong together. */
  readonly problems: readonly string[];
  readonly certificate: X509Certificate;
  /** Names of the actions, in order. */
  readonly actions: readonly Cbor[];
  /** Labels of the assertions that the claim names. */
  readonly assertions: readonly string[];
  /** How many manifests are in the file. */
  readonly manifests: number;
}

/** @throws Error when there is no manifest, or when it cannot be read */
export function readC2pa(file: Uint8Array): C2paReading {
  const embedded = embeddedIn(file);
  const store = boxesOf(embedded.jumbf)[0];
  // The active manifest is the last one (section 11.1.4).
  const manifest = store?.children.at(-1);
  if (store?.label !== "c2pa" || !manifest) throw new Error("there is no manifest store");
  const claimBytes = contentOf(boxNamed(manifest, "c2pa.claim.v2"));
  const claim = readCbor(claimBytes);
  const { certificate, signed } = signatureOf(contentOf(boxNamed(manifest, "c2pa.signature")), claimBytes);
  const assertionStore = boxNamed(manifest, "c2pa.assertions");
  const references = listOf(field(claim, "created_assertions")).concat(
    listOf(field(claim, "gathered_assertions")),
  );
  const named = references.map((reference) => ({ label: labelIn(reference), reference }));
  const labels = named.map(({ label }) => label);
  const problems = [
    ...(signed ? [] : ["the signature is not of this claim"]),
    ...named.flatMap(({ label, reference }) =>
      isSame(field(reference, "hash"), hashOf([boxNamed(assertionStore, label).content]))
        ? []
        : [`the assertion ${label} was changed`],
    ),
    ...assertionStore.children.flatMap(({ label }) =>
      labels.includes(label) ? [] : [`the assertion ${label} is not in the claim`],
    ),
    ...pictureProblems(file, embedded, readCbor(contentOf(boxNamed(assertionStore, "c2pa.hash.data")))),
  ];
  const actions = readCbor(contentOf(boxNamed(assertionStore, "c2pa.actions.v2")));
  return {
    problems,
    certificate,
    actions: listOf(field(actions, "actions")).map((action) => field(action, "action") ?? null),
    assertions: labels,
    manifests: store.children.length,
  };
}

/** COSE_Sign1 (RFC 9052, section 4.2) over the claim, the certificate in the protected header 33. */
function signatureOf(
  bytes: Uint8Array,
  claim: Uint8Array,
): { certificate: X509Certificate; signed: boolean } {
  const cose = readCbor(bytes);
  const parts =
    typeof cose === "object" && cose !== null && "tag" in cose && cose.tag === 18 ? cose.value : null;
  const [headers, unprotectedHeaders, payload, signature] = listOf(parts);
  if (!(headers instanceof Uint8Array) || !(signature instanceof Uint8Array) || payload !== null) {
    throw new Error("the signature is no COSE_Sign1");
  }
  if (!isMap(unprotectedHeaders) || unprotectedHeaders.map.size > 0)
    throw new Error("a header is not signed");
  const read = readCbor(headers);
  if (field(read, 1) !== -7) throw new Error("the signature is not ES256");
  const chain = field(read, 33);
  const first = Array.isArray(chain) ? chain[0] : chain;
  if (!(first instanceof Uint8Array)) throw new Error("there is no certificate");
  const certificate = new X509Certificate(first);
  const signedBytes = Buffer.concat([
    Buffer.from([0x84, 0x6a]),
    Buffer.from("Signature1"),
    cborBytes(headers),
    cborBytes(new Uint8Array(0)),
    cborBytes(claim),
  ]);
  const key = { key: certificate.publicKey, dsaEncoding: "ieee-p1363" } as const;
  return { certificate, signed: verify("sha256", signedBytes, key, signature) };
}

/** The data hash (section 18.5) over all but the manifest itself. */
function pictureProblems(file: Uint8Array, embedded: { start: number; end: number }, data: Cbor): string[] {
  const [exclusion, ...others] = listOf(field(data, "exclusions"));
  const start = Number(field(exclusion, "start"));
  const end = start + Number(field(exclusion, "length"));
  const hash = hashOf([file.subarray(0, start), file.subarray(end)]);
  return [
    ...(others.length === 0 && start === embedded.start && end === embedded.end
      ? []
      : [`bytes ${start} to ${end} are left out, the manifest is ${embedded.start} to ${embedded.end}`]),
    ...(isSame(field(data, "hash"), hash) ? [] : ["the picture was changed"]),
  ];
}

function cborBytes(bytes: Uint8Array): Buffer {
  if (bytes.length < 24) return Buffer.concat([Buffer.from([0x40 | bytes.length]), bytes]);
  const head = bytes.length < 256 ? [0x58, bytes.length] : [0x59, bytes.length >> 8, bytes.length & 0xff];
  return Buffer.concat([Buffer.from(head), bytes]);
}

function boxNamed({ children }: Box, label: string): Box {
  const found = children.find((child) => child.label === label);
  if (!found) throw new Error(`there is no ${label}`);
  return found;
}

/** The first box within a superbox. */
function contentOf({ children }: Box): Uint8Array {
  const [first] = children;
  if (first?.type !== "cbor") throw new Error("there is no CBOR");
  return first.content;
}

function labelIn(reference: Cbor): string {
  return String(field(reference, "url")).split("/").at(-1) ?? "";
}

function listOf(value: Cbor | undefined): Cbor[] {
  return Array.isArray(value) ? value : [];
}

function hashOf(pieces: readonly Uint8Array[]): Buffer {
  const hash = createHash("sha256");
  for (const piece of pieces) hash.update(piece);
  return hash.digest();
}

function isSame(value: Cbor | undefined, hash: Buffer): boolean {
  return value instanceof Uint8Array && hash.equals(value);
}
