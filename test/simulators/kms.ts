/** @module A KMS for tests over HTTP on loopback: one key that signs digests, one that wraps data keys. */
import { createECDH, createHash, createPublicKey, type KeyObject, randomBytes } from "node:crypto";
import { type Reply, startScriptedServer } from "./scripted-server.ts";

const ACCOUNT = "arn:aws:kms:eu-west-3:123456789012:key";
/** An asymmetric key, ECC_NIST_P256 for SIGN_VERIFY. */
export const TEST_SIGNING_KEY = `${ACCOUNT}/9c2b0000-0000-4000-8000-000000000001`;
/** A symmetric key. */
export const TEST_DATA_KEY = `${ACCOUNT}/9c2b0000-0000-4000-8000-000000000002`;

interface Asked {
  readonly KeyId?: string;
  readonly Message?: string;
  readonly MessageType?: string;
  readonly CiphertextBlob?: string;
  readonly Plaintext?: string;
  readonly NumberOfBytes?: number;
  readonly EncryptionContext?: Readonly<Record<string, string>>;
}

export interface TestKms {
  readonly origin: string;
  readonly publicKey: KeyObject;
  /** Actions, in order. */
  readonly calls: readonly string[];
  close(): Promise<void>;
}

export async function startTestKms(): Promise<TestKms> {
  const pair = createECDH("prime256v1");
  pair.generateKeys();
  const publicKey = publicKeyOf(pair.getPublicKey());
  const calls: string[] = [];
  const server = await startScriptedServer(({ headers, body }) => {
    const action = String(headers["x-amz-target"]).replace("TrentService.", "");
    calls.push(action);
    return answer(action, JSON.parse(body) as Asked);
  });

  function answer(action: string, asked: Asked): Reply {
    const KeyId = asked.KeyId ?? TEST_DATA_KEY;
    const isSigning = action === "Sign" || action === "GetPublicKey";
    if (KeyId !== (isSigning ? TEST_SIGNING_KEY : TEST_DATA_KEY)) return fault("NotFoundException");
    switch (action) {
      case "GetPublicKey": {
        const PublicKey = publicKey.export({ format: "der", type: "spki" }).toString("base64");
        return json({ KeyId, PublicKey, KeySpec: "ECC_NIST_P256", KeyUsage: "SIGN_VERIFY" });
      }
      case "Sign": {
        if (asked.MessageType !== "DIGEST") return fault("ValidationException");
        const signature = signDigest(base64(asked.Message), pair.getPrivateKey());
        return json({ KeyId, Signature: signature.toString("base64"), SigningAlgorithm: "ECDSA_SHA_256" });
      }
      case "GenerateDataKey": {
        const Plaintext = randomBytes(asked.NumberOfBytes ?? 32).toString("base64");
        return json({ KeyId, Plaintext, CiphertextBlob: wrapped(Plaintext, asked) });
      }
      case "Decrypt": {
        const { Plaintext, context } = JSON.parse(base64(asked.CiphertextBlob).toString());
        if (context !== contextOf(asked)) return fault("InvalidCiphertextException");
        return json({ KeyId, Plaintext, EncryptionAlgorithm: "SYMMETRIC_DEFAULT" });
      }
      default:
        return fault("UnsupportedOperationException");
    }
  }

  return { origin: server.origin, publicKey, calls, close: server.close };
}

/** Opaque to whoever asks; the context is authenticated. */
function wrapped(Plaintext: string, asked: Asked): string {
  return Buffer.from(JSON.stringify({ Plaintext, context: contextOf(asked) })).toString("base64");
}

function contextOf({ EncryptionContext = {} }: Asked): string {
  return JSON.stringify(Object.entries(EncryptionContext).sort());
}

function base64(text = ""): Buffer {
  return Buffer.from(text, "base64");
}

function json(body: object, status = 200): Reply {
  return { status, headers: { "content-type": "application/x-amz-json-1.1" }, body: JSON.stringify(body) };
}

function fault(__type: string): Reply {
  return json({ __type, message: "no" }, 400);
}

function publicKeyOf(point: Buffer): KeyObject {
  const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((number) => number.toString("base64url"));
  return createPublicKey({ format: "jwk", key: { kty: "EC", crv: "P-256", x, y } });
}

/** The order of the curve's base point (FIPS 186-4, D.1.2.3). */
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

/** ECDSA (FIPS 186-4, 6.4) of a digest, which Node would hash once more. In DER, as KMS answers. */
function signDigest(digest: Uint8Array, privateKey: Buffer): Buffer {
  const once = createECDH("prime256v1");
  const k = numberOf(createHash("sha256").update(privateKey).update(digest).digest()) % ORDER;
  once.setPrivateKey(Buffer.from(k.toString(16).padStart(64, "0"), "hex"));
  const r = numberOf(once.getPublicKey().subarray(1, 33)) % ORDER;
  const s = (inverseOf(k) * (numberOf(digest) + r * numberOf(privateKey))) % ORDER;
  const content = Buffer.concat([r, s].map(derInteger));
  return Buffer.concat([Buffer.from([0x30, content.length]), content]);
}

function numberOf(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).toString("hex")}`);
}

/** By Fermat: the order is prime. */
function inverseOf(value: bigint): bigint {
  let result = 1n;
  let square = value;
  for (let left = ORDER - 2n; left > 0n; left >>= 1n) {
    if (left & 1n) result = (result * square) % ORDER;
    square = (square * square) % ORDER;
  }
  return result;
}

function derInteger(value: bigint): Buffer {
  const hex = value.toString(16);
  const digits = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, "hex");
  const sign = Buffer.alloc((digits[0] ?? 0) >= 0x80 ? 1 : 0);
  return Buffer.concat([Buffer.from([0x02, sign.length + digits.length]), sign, digits]);
}
