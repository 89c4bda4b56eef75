import { randomBytes, verify, X509Certificate } from "node:crypto";
import * as files from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import type { ProvenanceSigner } from "@atelier/core/pictures";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type DataFolder, prepareDataFolder } from "./data-folder.ts";
import { openProvenanceSigner, rotateProvenanceKey } from "./provenance-key.ts";

const around = {
  clock: () => Date.UTC(2026, 10, 22),
  randomBytes: (size: number) => new Uint8Array(randomBytes(size)),
};

let place: string;
let folder: DataFolder;
beforeEach(async () => {
  place = await files.mkdtemp(join(tmpdir(), "atelier-keys-"));
  folder = await prepareDataFolder({ path: join(place, "data"), ...around });
});
afterEach(() => files.rm(place, { recursive: true }));

const open = () => openProvenanceSigner({ folder, ...around });
const rotate = () => rotateProvenanceKey({ folder, ...around });
const keyFile = (number: number) => join(folder.keys, `provenance-${number}.pem`);

async function signsFor(signer: ProvenanceSigner): Promise<boolean> {
  const bytes = randomBytes(100);
  const { publicKey } = new X509Certificate(signer.certificateChainPem);
  return verify("sha256", bytes, { key: publicKey, dsaEncoding: "ieee-p1363" }, await signer.sign(bytes));
}

describe("the first opening", () => {
  it("makes a key that only its owner may read, beside the secret", async () => {
    const signer = await open();
    expect(await signsFor(signer)).toBe(true);
    expect((await files.readdir(folder.keys)).sort()).toStrictEqual(["provenance-1.pem", "secret"]);
    expect((await files.stat(keyFile(1))).mode & 0o777).toBe(0o600);
    expect(new X509Certificate(signer.certificateChainPem).subject).toContain(
      "CN=Atelier local test certificate\\, not trusted",
    );
  });

  it("by many at once makes one key", async () => {
    const signers = await Promise.all(Array.from({ length: 6 }, open));
    expect(new Set(signers.map(({ certificateChainPem }) => certificateChainPem)).size).toBe(1);
    expect((await files.readdir(folder.keys)).sort()).toStrictEqual(["provenance-1.pem", "secret"]);
  });

  it("gives out nothing of the key", async () => {
    const signer = await open();
    const secret = /-----BEGIN PRIVATE KEY-----\n(.+)\n/.exec(await files.readFile(keyFile(1), "utf8"))?.[1];
    expect(secret).toHaveLength(64);
    expect(inspect(signer, { depth: 9, showHidden: true }) + JSON.stringify(signer)).not.toContain(secret);
  });
});

describe("a later opening", () => {
  it("takes the same key", async () => {
    const { certificateChainPem } = await open();
    expect((await open()).certificateChainPem).toBe(certificateChainPem);
  });

  it("takes the newest after rotation; older ones stay", async () => {
    const first = await open();
    for (let count = 0; count < 10; count++) await rotate();
    const last = await rotate();
    expect(last.certificateChainPem).not.toBe(first.certificateChainPem);
    expect((await open()).certificateChainPem).toBe(last.certificateChainPem);
    expect(await signsFor(last)).toBe(true);
    expect((await files.readdir(folder.keys)).length).toBe(13);
    expect((await files.stat(keyFile(12))).mode & 0o777).toBe(0o600);
  });

  it("is not led astray by other files", async () => {
    const { certificateChainPem } = await open();
    for (const name of ["provenance-9.pem.bak", "provenance-x.pem", ".tmp-provenance-9.pem"]) {
      await files.writeFile(join(folder.keys, name), "other");
    }
    expect((await open()).certificateChainPem).toBe(certificateChainPem);
  });

  it.each([
    ["", "nothing"],
    ["-----BEGIN PRIVATE KEY-----\nMIGH\n", "half a key"],
  ])("says what to do about a damaged key (%j), and does not quote it", async (text) => {
    await open();
    await files.writeFile(keyFile(1), text);
    await expect(open()).rejects.toMatchObject({
      name: "FolderUnusable",
      message: `The key ${keyFile(1)} is damaged; restore it from a backup of the folder, or move it away to have another one made.`,
    });
  });

  it("finds a key whose certificates are another's damaged", async () => {
    await open();
    await rotate();
    const [one, other] = await Promise.all(
      [keyFile(1), keyFile(2)].map((path) => files.readFile(path, "utf8")),
    );
    const certificates = other?.slice(other.indexOf("-----BEGIN CERTIFICATE"));
    await files.writeFile(keyFile(2), one?.replace(/-----BEGIN CERTIFICATE.*/s, "") + (certificates ?? ""));
    await expect(open()).rejects.toMatchObject({ name: "FolderUnusable" });
  });

  it("says so when the folder of keys is gone", async () => {
    await files.rm(folder.keys, { recursive: true });
    await expect(open()).rejects.toMatchObject({ name: "StorageUnavailable" });
  });
});

describe("rotation", () => {
  it("by several at once gives each a key of its own", async () => {
    const signers = await Promise.all(Array.from({ length: 4 }, rotate));
    expect(new Set(signers.map(({ certificateChainPem }) => certificateChainPem)).size).toBe(4);
    expect((await files.readdir(folder.keys)).sort()).toStrictEqual([
      "provenance-1.pem",
      "provenance-2.pem",
      "provenance-3.pem",
      "provenance-4.pem",
      "secret",
    ]);
  });
});
