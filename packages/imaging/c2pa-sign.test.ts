import { inspect } from "node:util";
import { AtelierError } from "@atelier/core/errors";
import { sha256Hex } from "@atelier/core/ids";
import type { DevelopedRendition, ProvenanceSigner } from "@atelier/core/pictures";
import fc from "fast-check";
import sharp from "sharp";
import { beforeAll, describe, expect, test } from "vitest";
import { createPemSigner } from "./c2pa-pem-signer.ts";
import { readManifests } from "./c2pa-read.ts";
import { createImaging } from "./open.ts";
import { DEFAULT_RECIPE } from "./renditions.ts";
import { readC2pa } from "./testing/c2pa-reader.ts";
import { embeddedIn } from "./testing/jumbf.ts";
import { testKey, testSigner } from "./testing/provider-file.ts";
import { imaging, PROVENANCE, photo } from "./testing.ts";
import { verifyPicture } from "./verify.ts";

/** What a manifest may add to a rendition. */
const MANIFEST_BYTES_MAX = 8_000;

function developWith(signer: ProvenanceSigner | null, bytes: Uint8Array, recipe = DEFAULT_RECIPE) {
  return createImaging({ concurrency: 1, signer })
    .open(bytes)
    .then((picture) => Array.fromAsync(picture.develop(recipe, PROVENANCE)));
}

function withFlipped(bytes: Uint8Array, at: number, mask: number): Uint8Array {
  const altered = Uint8Array.from(bytes);
  altered[at] = (altered[at] ?? 0) ^ mask;
  return altered;
}

describe("renditions with a signer", () => {
  let signed: DevelopedRendition[] = [];
  let unsigned: DevelopedRendition[] = [];
  const pick = (name: string) => {
    const found = signed.find((rendition) => rendition.name === name);
    if (!found) throw new Error(`the rendition ${name} is missing`);
    return found;
  };
  beforeAll(async () => {
    signed = await developWith(testSigner(), photo("coffee.png"));
    unsigned = await developWith(null, photo("coffee.png"));
  });

  test("all carry XMP and a valid manifest, about the file as it is given out", async () => {
    expect(signed.map(({ name }) => name)).toEqual(["full", "web", "preview", "thumbnail", "blurred"]);
    for (const { data, name, bytes, sha256, width, height } of signed) {
      expect([bytes, sha256], name).toEqual([data.length, sha256Hex(data)]);
      const found = await verifyPicture(data);
      expect(found, name).toMatchObject({
        width,
        height,
        status: "marked",
        synthetic: true,
        xmp: { aiSystem: "sdxl", identifier: PROVENANCE.imageId },
        manifest: {
          state: "valid",
          trusted: false,
          problems: [],
          generator: "Atelier 0.1.0",
          createdAt: "2026-11-23T05:00:00.000Z",
          ingredients: [],
        },
      });
    }
  });

  test("another reader finds JPEG and WebP valid, and the actions that were taken", () => {
    const actions = (...names: string[]) => names.map((name) => `c2pa.${name}`);
    for (const { data, name } of signed) {
      const reading = readC2pa(data);
      expect(reading, name).toMatchObject({ problems: [], manifests: 1 });
      expect(reading.certificate.subject).toContain("CN=Atelier local test certificate\\, not trusted");
    }
    expect(readC2pa(pick("full").data).actions).toEqual(actions("created", "enhanced", "transcoded"));
    expect(readC2pa(pick("thumbnail").data).actions).toEqual(
      actions("created", "enhanced", "resized", "transcoded"),
    );
    expect(readC2pa(pick("blurred").data).actions).toEqual(
      actions("created", "enhanced", "resized", "filtered", "transcoded"),
    );
  });

  test("the pixels and the metadata are those of the unsigned file", async () => {
    for (const [index, { data }] of signed.entries()) {
      const plain = unsigned[index]?.data ?? new Uint8Array();
      const [one, other] = [await sharp(data).raw().toBuffer(), await sharp(plain).raw().toBuffer()];
      expect(one.equals(other)).toBe(true);
      expect((await sharp(data).metadata()).xmpAsString).toBe((await sharp(plain).metadata()).xmpAsString);
    }
  });

  test(`the manifest weighs ${MANIFEST_BYTES_MAX} bytes at most`, () => {
    for (const [index, { data }] of signed.entries()) {
      const added = data.length - (unsigned[index]?.data.length ?? 0);
      expect(added).toBeGreaterThan(500);
      expect(added).toBeLessThanOrEqual(MANIFEST_BYTES_MAX);
    }
  });

  test("one altered byte anywhere outside of the manifest is noticed by both readers", async () => {
    for (const name of ["full", "thumbnail"]) {
      const { data, contentType } = pick(name);
      const isOutside = outsideOfManifest(data, name);
      await fc.assert(
        fc.asyncProperty(fc.nat(data.length - 1), fc.integer({ min: 1, max: 255 }), async (at, mask) => {
          fc.pre(isOutside(at));
          const altered = withFlipped(data, at, mask);
          const reading = await readManifests(altered, contentType);
          expect(reading.kind === "read" && reading.valid, `byte ${at}`).toBe(false);
          expect(isFine(altered), `byte ${at}`).toBe(false);
        }),
        { seed: 5, numRuns: 80 },
      );
    }
  });

  test("`verify` says so, wherever the byte is and whatever it breaks", async () => {
    for (const name of ["full", "thumbnail"]) {
      const { data } = pick(name);
      const outside = Array.from(data.keys()).filter(outsideOfManifest(data, name));
      for (let step = 0; step < 40; step++) {
        const at = outside[Math.floor((outside.length * step) / 40)] ?? 0;
        const found = await verifyPicture(withFlipped(data, at, 0x10)).catch((error: unknown) => error);
        // Without its first bytes it is no picture any more.
        if (found instanceof Error) expect(found).toMatchObject({ name: "OutputInvalid" });
        else expect(found, `byte ${at}`).toMatchObject({ status: "altered" });
      }
    }
  });

  test("several pictures at once do not get into each other's way", async () => {
    const small = await sharp(photo("chelsea.png")).resize(120).png().toBuffer();
    const signer = testSigner();
    const all = await Promise.all(Array.from({ length: 4 }, () => developWith(signer, small)));
    for (const { data } of all.flat()) expect(readC2pa(data).problems).toEqual([]);
  });

  test("without enhancing, the manifest does not say enhanced", async () => {
    const [full] = await developWith(testSigner(), photo("chelsea.png"), {
      ...DEFAULT_RECIPE,
      enhance: "none",
    });
    expect(readC2pa(full?.data ?? new Uint8Array()).actions).toEqual(["c2pa.created", "c2pa.transcoded"]);
  });
});

test("without a signer the files say it by XMP alone", async () => {
  const picture = await imaging.open(photo("chelsea.png"));
  for await (const { data, contentType } of picture.develop(DEFAULT_RECIPE, PROVENANCE)) {
    expect(await readManifests(data, contentType)).toEqual({ kind: "none" });
    expect(await verifyPicture(data)).toMatchObject({ status: "marked", synthetic: true, manifest: null });
  }
});

describe("a signer that fails", () => {
  const developed = (sign: ProvenanceSigner["sign"]) =>
    developWith({ ...testSigner(), sign }, photo("chelsea.png"));

  test("gives no rendition, and its own error", async () => {
    const refused = new AtelierError("StorageUnavailable", "The KMS key does not answer.");
    await expect(developed(() => Promise.reject(refused))).rejects.toBe(refused);
  });

  test("with any other error, is an error that is tried again", async () => {
    await expect(developed(() => Promise.reject(new Error("no token.")))).rejects.toMatchObject({
      name: "StorageUnavailable",
      message: "The signing key for provenance failed: no token. It can be tried again.",
    });
  });

  test.each([0, 63, 70])("with a signature of %i bytes, is wrongly configured", async (size) => {
    await expect(developed(async () => new Uint8Array(size))).rejects.toMatchObject({
      name: "ConfigurationInvalid",
      message: `The signing key made a signature of ${size} bytes instead of 64; use an ECDSA key on P-256.`,
    });
  });

  test("works again afterwards", async () => {
    const [full] = await developWith(testSigner(), photo("chelsea.png"));
    expect(readC2pa(full?.data ?? new Uint8Array()).problems).toEqual([]);
  });
});

describe("a key", () => {
  test("is never shown with its signer", () => {
    const { privateKeyPem, certificateChainPem } = testKey();
    const signer = createPemSigner({ privateKeyPem, certificateChainPem });
    const shown = inspect(signer, { depth: 9, showHidden: true }) + JSON.stringify(signer);
    expect(shown).toContain("BEGIN CERTIFICATE");
    expect(shown).not.toContain("PRIVATE");
    expect(shown).not.toContain(privateKeyPem.split("\n")[1]);
  });

  test("of another certificate is refused, without being quoted", () => {
    const [one, other] = [testKey(), testKey()];
    const make = (privateKeyPem: string) => () => createPemSigner({ ...other, privateKeyPem });
    const problem = (what: string) =>
      `The signing key for provenance ${what}; give key and certificate chain as they were issued.`;
    expect(make(one.privateKeyPem)).toThrow(
      problem("belongs to another certificate than the first of the chain"),
    );
    expect(make("secret")).toThrow(problem("is no private key in PEM"));
    expect(() => createPemSigner({ ...one, certificateChainPem: "" })).toThrow(
      problem("has no certificate in PEM beside it"),
    );
  });

  test("needs a certificate that another one issued", async () => {
    const certificates = testKey().certificateChainPem.split(/(?<=-----END CERTIFICATE-----\n)/);
    const onlyRoot = { ...testSigner(), certificateChainPem: certificates[1] ?? "" };
    await expect(developWith(onlyRoot, photo("chelsea.png"))).rejects.toMatchObject({
      name: "ConfigurationInvalid",
      message: expect.stringContaining("holds no certificate that another one issued"),
    });
  });
});

function isFine(bytes: Uint8Array): boolean {
  try {
    return readC2pa(bytes).problems.length === 0;
  } catch {
    return false;
  }
}

/** Within the manifest some bytes say nothing (reserved bits, padding); the picture's do not stand there. */
function outsideOfManifest(data: Uint8Array, name: string): (at: number) => boolean {
  const { start, end } = embeddedIn(data);
  if (end - start < 500) throw new Error(`the manifest of ${name} was not found`);
  return (at) => at < start || at >= end;
}
