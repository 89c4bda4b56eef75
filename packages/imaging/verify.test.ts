import fc from "fast-check";
import sharp from "sharp";
import { beforeAll, describe, expect, test } from "vitest";
import { provenanceXmp } from "./provenance.ts";
import { providerFile } from "./testing/provider-file.ts";
import { PROVENANCE, photo } from "./testing.ts";
import { verifyPicture } from "./verify.ts";
import { readXmp } from "./verify-xmp.ts";

const SOURCES = "http://cv.iptc.org/newscodes/digitalsourcetype";
let small: Buffer;
beforeAll(async () => {
  small = await sharp(photo("chelsea.png")).resize(120).png().toBuffer();
});

describe("XMP", () => {
  test("of our own is read as it was written", () => {
    expect(readXmp(provenanceXmp(PROVENANCE))).toEqual({
      digitalSourceType: `${SOURCES}/trainedAlgorithmicMedia`,
      creatorTool: "Atelier",
      createdAt: "2026-11-23T05:00:00.000Z",
      aiSystem: "sdxl",
      aiSystemVersion: "1.0",
      identifier: "img_01_00000",
      title: "A title",
    });
  });

  test("gives back any title", () => {
    const title = fc.stringMatching(/^[!-~]([ -~]{0,60}[!-~])?$/);
    fc.assert(
      fc.property(title, (text) => {
        expect(readXmp(provenanceXmp({ ...PROVENANCE, title: text })).title).toBe(text);
      }),
    );
  });

  test.each([
    `<rdf:Description ext:DigitalSourceType="${SOURCES}/digitalCapture" xmp:CreatorTool='Camera'/>`,
    `<x:DigitalSourceType>${SOURCES}/digitalCapture</x:DigitalSourceType><a:CreatorTool>Camera</a:CreatorTool>`,
    `<x:DigitalSourceType rdf:parseType="Literal">\n ${SOURCES}/digitalCapture </x:DigitalSourceType><a:CreatorTool>Camera</a:CreatorTool>`,
  ])("of others may name its prefixes and choose between elements and attributes", (packet) => {
    expect(readXmp(packet)).toMatchObject({
      digitalSourceType: `${SOURCES}/digitalCapture`,
      creatorTool: "Camera",
      title: null,
    });
  });

  test("of hostile shape is read in no time", () => {
    for (const piece of ["<x:title><a>", "<x:title ", " x:title=", "<a:title><b><c>", "&amp;"]) {
      const startedAt = performance.now();
      readXmp(piece.repeat(200_000));
      expect(performance.now() - startedAt).toBeLessThan(1_000);
    }
  });
});

describe("a picture", () => {
  test.each(["png", "jpeg", "webp", "avif"] as const)("of any maker (%s) is understood", async (format) => {
    const picture = await sharp(small)
      .toFormat(format, { effort: format === "avif" ? 0 : 4 })
      .toBuffer();
    expect(await verifyPicture(await providerFile(picture, `image/${format}`))).toMatchObject({
      format,
      width: 120,
      status: "marked",
      synthetic: true,
      xmp: null,
      manifest: {
        state: "valid",
        trusted: false,
        generator: "Somebody 2",
        actions: [{ action: "c2pa.created", softwareAgent: null }],
        digitalSourceType: `${SOURCES}/trainedAlgorithmicMedia`,
      },
    });
  });

  test("without a word about its origin is unmarked", async () => {
    const nothing = { synthetic: null, manifest: null };
    expect(await verifyPicture(photo("rocket.jpg"))).toMatchObject({
      ...nothing,
      status: "unmarked",
      xmp: null,
    });
    const packet = '<x:xmpmeta xmlns:x="adobe:ns:meta/"><a:CreatorTool>Camera</a:CreatorTool></x:xmpmeta>';
    const other = await sharp(small).withXmp(packet).jpeg().toBuffer();
    expect(await verifyPicture(other)).toMatchObject({
      ...nothing,
      status: "unmarked",
      xmp: { creatorTool: "Camera", digitalSourceType: null },
    });
  });

  test("of a camera is not synthetic", async () => {
    const packet = `<x:xmpmeta xmlns:x="adobe:ns:meta/"><e:DigitalSourceType>${SOURCES}/digitalCapture</e:DigitalSourceType></x:xmpmeta>`;
    const camera = await sharp(small).withXmp(packet).webp().toBuffer();
    expect(await verifyPicture(camera)).toMatchObject({ status: "marked", synthetic: false });
  });

  test("whose manifest was put onto another picture is altered", async () => {
    const file = Buffer.from(await providerFile(await sharp(small).jpeg().toBuffer(), "image/jpeg"));
    const other = await sharp(photo("rocket.jpg")).jpeg().toBuffer();
    const segment = file.subarray(2, file.indexOf("\xff\xdb", 2, "latin1"));
    const forged = Buffer.concat([other.subarray(0, 2), segment, other.subarray(2)]);
    expect(await verifyPicture(forged)).toMatchObject({
      status: "altered",
      manifest: { state: "altered", problems: expect.arrayContaining(["assertion.dataHash.mismatch"]) },
    });
  });

  test("whose manifest is damaged, or was made unfindable, is altered", async () => {
    const file = Buffer.from(await providerFile(await sharp(small).webp().toBuffer(), "image/webp"));
    for (const place of ["c2pa.claim.v2", "C2PA"]) {
      const damaged = Buffer.from(file);
      damaged[damaged.indexOf(place)] = 0;
      expect(await verifyPicture(damaged), place).toMatchObject({
        status: "altered",
        manifest: { state: "unreadable", trusted: false },
      });
    }
  });

  test("that is cut, empty or none is an invalid one, and nothing else ever happens", async () => {
    const whole = await providerFile(await sharp(small).webp().toBuffer(), "image/webp");
    const rubbish = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.nat(whole.length - 1).map((end) => whole.slice(0, end)),
      fc
        .tuple(fc.nat(whole.length - 1), fc.uint8Array({ minLength: 1, maxLength: 60 }))
        .map(([at, noise]) => {
          const damaged = Uint8Array.from(whole);
          damaged.set(noise.subarray(0, whole.length - at), at);
          return damaged;
        }),
    );
    await fc.assert(
      fc.asyncProperty(rubbish, async (bytes) => {
        const found = await verifyPicture(bytes).catch((error: unknown) => error);
        if (found instanceof Error) expect(found).toMatchObject({ name: "OutputInvalid" });
        else expect(found).toMatchObject({ format: "webp" });
      }),
      { seed: 11, numRuns: 200 },
    );
  });
});
