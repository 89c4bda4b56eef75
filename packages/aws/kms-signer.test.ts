import {
  createHash,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  verify,
  X509Certificate,
} from "node:crypto";
import { createTestCertificates, createTestKey } from "@atelier/imaging/c2pa-test-certificate";
import { KMSClient } from "@aws-sdk/client-kms";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { startTestKms, TEST_SIGNING_KEY } from "../../test/simulators/kms.ts";
import {
  type Reply,
  type ScriptedServer,
  startScriptedServer,
} from "../../test/simulators/scripted-server.ts";
import { createKmsSigner, rawSignature, readKmsPublicKey } from "./kms-signer.ts";

const KEY_ID = "arn:aws:kms:eu-west-3:123456789012:key/9c2b";
const { privateKeyPem, certificateChainPem } = createTestKey({
  clock: () => Date.UTC(2026, 10, 22),
  randomBytes: (size) => new Uint8Array(randomBytes(size)),
});
const MESSAGE = Buffer.from("what is to be signed");

let server: ScriptedServer | undefined;
afterEach(() => server?.close());

async function signerOn(answer: Parameters<typeof startScriptedServer>[0], maxAttempts = 1) {
  server = await startScriptedServer(answer);
  const client = new KMSClient({
    endpoint: server.origin,
    region: "eu-west-3",
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
    maxAttempts,
  });
  return createKmsSigner({ client, keyId: KEY_ID, certificateChainPem });
}
const json = (body: object, status = 200): Reply => ({
  status,
  headers: { "content-type": "application/x-amz-json-1.1" },
  body: JSON.stringify(body),
});
const fault = (name: string, status = 400) => json({ __type: name, message: "no" }, status);
const answer = (signature: Uint8Array) =>
  json({
    KeyId: KEY_ID,
    Signature: Buffer.from(signature).toString("base64"),
    SigningAlgorithm: "ECDSA_SHA_256",
  });
/** As KMS answers: DER. */
const signed = (key: KeyObject | string, message: Uint8Array = MESSAGE) => sign("sha256", message, key);

describe("the public half of a key", () => {
  const clientOf = (origin: string) =>
    new KMSClient({
      endpoint: origin,
      region: "eu-west-3",
      credentials: { accessKeyId: "test", secretAccessKey: "test" },
      maxAttempts: 1,
    });

  it("is what a certificate is made for, and what the key signs is checked against", async () => {
    const kms = await startTestKms();
    try {
      const client = clientOf(kms.origin);
      const publicKey = await readKmsPublicKey({ client, keyId: TEST_SIGNING_KEY });
      expect(publicKey.equals(kms.publicKey)).toBe(true);
      const certificateChainPem = createTestCertificates(publicKey, {
        clock: () => Date.UTC(2026, 10, 22),
        randomBytes: (size) => new Uint8Array(randomBytes(size)),
      });
      const signer = createKmsSigner({ client, keyId: TEST_SIGNING_KEY, certificateChainPem });
      for (let time = 0; time < 20; time++) expect(await signer.sign(randomBytes(50))).toHaveLength(64);
    } finally {
      await kms.close();
    }
  });

  it.each([
    [
      json({ KeyId: KEY_ID, PublicKey: "AAAA", KeySpec: "RSA_2048" }),
      "ConfigurationInvalid",
      /kind RSA_2048/,
    ],
    [fault("NotFoundException"), "ConfigurationInvalid", /reading its public half/],
    [fault("KMSInternalException", 500), "StorageUnavailable", /reading its public half/],
  ])("%j is named", async (reply, name, message) => {
    server = await startScriptedServer(() => reply);
    const asked = readKmsPublicKey({ client: clientOf(server.origin), keyId: KEY_ID });
    await expect(asked).rejects.toMatchObject({ name, message: expect.stringMatching(message) });
  });
});

describe("sign", () => {
  it("sends the digest alone, and gives back r and s", async () => {
    const signer = await signerOn(() => answer(signed(privateKeyPem)));
    const signature = await signer.sign(MESSAGE);
    expect(signature).toHaveLength(64);
    const { publicKey } = new X509Certificate(certificateChainPem);
    expect(verify("sha256", MESSAGE, { key: publicKey, dsaEncoding: "ieee-p1363" }, signature)).toBe(true);
    expect(server?.requests.map(({ headers, body }) => [headers["x-amz-target"], JSON.parse(body)])).toEqual([
      [
        "TrentService.Sign",
        {
          KeyId: KEY_ID,
          MessageType: "DIGEST",
          Message: createHash("sha256").update(MESSAGE).digest("base64"),
          SigningAlgorithm: "ECDSA_SHA_256",
        },
      ],
    ]);
  });

  it("refuses the signature of any other key, and what is no signature", async () => {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
    for (const wrong of [signed(privateKey), Buffer.alloc(64, 1), Buffer.alloc(0)]) {
      const signer = await signerOn(() => answer(wrong));
      await expect(signer.sign(MESSAGE)).rejects.toMatchObject({
        name: "ConfigurationInvalid",
        message: `The KMS key ${KEY_ID} is not the key of the certificate for provenance; set the certificate that was issued for it.`,
      });
      await server?.close();
    }
  });

  it.each([
    ["KMSInternalException", 500, "StorageUnavailable"],
    ["DependencyTimeoutException", 503, "StorageUnavailable"],
    ["ThrottlingException", 400, "StorageUnavailable"],
    ["AccessDeniedException", 400, "ConfigurationInvalid"],
    ["NotFoundException", 400, "ConfigurationInvalid"],
    ["DisabledException", 400, "ConfigurationInvalid"],
    ["KMSInvalidStateException", 400, "ConfigurationInvalid"],
    ["InvalidKeyUsageException", 400, "ConfigurationInvalid"],
    ["ValidationException", 400, "Unexpected"],
  ])("%s is %s: %s", async (fromKms, status, name) => {
    const signer = await signerOn(() => fault(fromKms, status));
    await expect(signer.sign(MESSAGE)).rejects.toMatchObject({
      name,
      message: expect.stringContaining(`The KMS key ${KEY_ID} failed at signing: ${fromKms}`),
    });
  });

  it("without an answer can be tried again", async () => {
    const signer = await signerOn(() => "reset");
    await expect(signer.sign(MESSAGE)).rejects.toMatchObject({ name: "StorageUnavailable" });
  });

  it("is tried again by the client itself when KMS is busy", async () => {
    const signer = await signerOn(
      (_, index) => (index === 0 ? fault("KMSInternalException", 500) : answer(signed(privateKeyPem))),
      2,
    );
    expect(await signer.sign(MESSAGE)).toHaveLength(64);
  });
});

describe("a signer", () => {
  it("needs a certificate that can be read", () => {
    const client = new KMSClient({ region: "eu-west-3" });
    expect(() => createKmsSigner({ client, keyId: KEY_ID, certificateChainPem: "none" })).toThrow(
      expect.objectContaining({ name: "ConfigurationInvalid" }),
    );
  });
});

describe("r and s", () => {
  it("come out of any signature that OpenSSL makes", () => {
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
    const key = { key: publicKey, dsaEncoding: "ieee-p1363" } as const;
    // Short numbers and those with a zero before them come about once in a few hundred.
    for (let count = 0; count < 600; count++) {
      const message = Buffer.from(String(count));
      const raw = rawSignature(signed(privateKey, message));
      expect(raw && verify("sha256", message, key, raw)).toBe(true);
    }
  });

  it("are padded to 32 bytes each", () => {
    const numbers = fc.bigInt({ min: 1n, max: 2n ** 256n - 1n });
    fc.assert(
      fc.property(numbers, numbers, (r, s) => {
        const hex = (value: bigint) => value.toString(16).padStart(64, "0");
        expect(Buffer.from(rawSignature(der(r, s)) ?? []).toString("hex")).toBe(hex(r) + hex(s));
      }),
    );
  });

  it("are not made of anything else", () => {
    const valid = der(2n ** 255n, 5n);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        const made = rawSignature(bytes);
        expect(made === null || made.length === 64).toBe(true);
      }),
    );
    for (let end = 0; end < valid.length; end++) expect(rawSignature(valid.subarray(0, end))).toBeNull();
    expect(rawSignature(Buffer.concat([valid, Buffer.from([0])]))).toBeNull();
    expect(rawSignature(der(2n ** 256n, 5n))).toBeNull();
    expect(rawSignature(der(0n, 5n))).toBeNull();
  });
});

function der(r: bigint, s: bigint): Buffer {
  const number = (value: bigint) => {
    const hex = value.toString(16);
    const digits = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, "hex");
    const positive = (digits[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.from([0]), digits]) : digits;
    return Buffer.concat([Buffer.from([0x02, positive.length]), positive]);
  };
  const content = Buffer.concat([number(r), number(s)]);
  return Buffer.concat([Buffer.from([0x30, content.length]), content]);
}
