import { createPrivateKey, randomBytes, X509Certificate } from "node:crypto";
import { expect, test } from "vitest";
import { createTestKey } from "./c2pa-test-certificate.ts";

const DEPS = {
  clock: () => Date.UTC(2026, 10, 22, 10, 0, 0),
  randomBytes: (size: number) => new Uint8Array(randomBytes(size)),
};

function chainOf(pem: string): [X509Certificate, X509Certificate] {
  const [signing = "", authority = ""] = pem.split(/(?<=-----END CERTIFICATE-----\n)/);
  return [new X509Certificate(signing), new X509Certificate(authority)];
}

test("says in its names that nobody vouches for it", () => {
  const [signing, authority] = chainOf(createTestKey(DEPS).certificateChainPem);
  expect(signing.subject).toBe(
    "O=Atelier local test\\, not trusted\nCN=Atelier local test certificate\\, not trusted",
  );
  expect(signing.issuer).toBe(authority.subject);
  expect(authority.subject).toContain("CN=Atelier local test authority\\, not trusted");
});

test("is a proper chain for signing files, and for nothing else", () => {
  const { privateKeyPem, certificateChainPem } = createTestKey(DEPS);
  const [signing, authority] = chainOf(certificateChainPem);
  expect(signing.verify(authority.publicKey)).toBe(true);
  expect(authority.verify(authority.publicKey)).toBe(true);
  expect(signing.checkIssued(authority)).toBe(true);
  expect([signing.ca, authority.ca]).toEqual([false, true]);
  expect(signing.keyUsage).toEqual(["1.3.6.1.5.5.7.3.4"]);
  expect(signing.publicKey.asymmetricKeyDetails).toEqual({ namedCurve: "prime256v1" });
  expect(signing.checkPrivateKey(createPrivateKey(privateKeyPem))).toBe(true);
});

test("holds from the day before, without an end", () => {
  for (const certificate of chainOf(createTestKey(DEPS).certificateChainPem)) {
    expect(certificate.validFromDate.toISOString()).toBe("2026-11-21T10:00:00.000Z");
    expect(certificate.validTo).toBe("Dec 31 23:59:59 9999 GMT");
  }
  const late = createTestKey({ ...DEPS, clock: () => Date.UTC(2061, 0, 2) });
  expect(chainOf(late.certificateChainPem)[0].validFromDate.toISOString()).toBe("2061-01-01T00:00:00.000Z");
});

test("is another one each time", () => {
  const [one, other] = [createTestKey(DEPS), createTestKey(DEPS)];
  expect(one.privateKeyPem).not.toBe(other.privateKeyPem);
  const [first] = chainOf(one.certificateChainPem);
  const [second] = chainOf(other.certificateChainPem);
  expect(first.serialNumber).not.toBe(second.serialNumber);
  expect(first.serialNumber).toMatch(/^01[0-9A-F]{30}$/);
});
