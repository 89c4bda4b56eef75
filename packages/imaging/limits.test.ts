import { crc32 } from "node:zlib";
import { isAtelierError } from "@atelier/core/errors";
import sharp from "sharp";
import { expect, test } from "vitest";
import { EDGE_PIXELS_MAX, FILE_BYTES_MAX } from "./limits.ts";
import { imaging, photo } from "./testing.ts";

async function refusal(bytes: Uint8Array): Promise<string> {
  try {
    await imaging.open(bytes);
  } catch (error) {
    if (isAtelierError(error, "OutputInvalid")) return error.message;
    throw error;
  }
  return "opened";
}

const text = (content: string) => Buffer.from(content, "latin1");
const small = () => sharp({ create: { width: 80, height: 60, channels: 3, background: "#a04020" } });
const noisy = () => sharp(photo("coffee.png")).resize(160, 120);

test.each([
  ["", "is empty"],
  ["<!DOCTYPE html><html><body>502 Bad Gateway</body></html>", "an HTML page"],
  ["\n  <html>", "an HTML page"],
  ['{"detail":"Not found"}', "a JSON document"],
  ["Not found", "text"],
  ['<?xml version="1.0"?><Error/>', "an XML document"],
  ['<svg xmlns="http://www.w3.org/2000/svg"/>', "an SVG drawing"],
  ["GIF89a\x01\0\x01\0", "a GIF"],
  ["%PDF-1.7", "a PDF document"],
  ["\0\0\0\x18ftypisom\0\0\0\0", "a video"],
  ["\0\0\0\0\0\0\0\0", "a file of an unknown kind"],
  ["\x89PNG\r\n\x1a\n", "it has no end"],
  ["\xff\xd8\xff", "it has no end"],
  ["RIFF\x40\0\0\0WEBP", "12 of 72 bytes"],
])("%j is refused in one sentence", async (content, found) => {
  const message = await refusal(text(content));
  expect(message).toContain(found);
  expect(message).toMatch(/^The output .+\.\)?\.?$/);
});

test("a file over the limit is refused", async () => {
  expect(await refusal(new Uint8Array(FILE_BYTES_MAX + 1))).toContain(`${FILE_BYTES_MAX + 1} bytes`);
});

/** A PNG whose header promises a size and whose data do not matter. */
function pngOfSize(width: number, height: number): Buffer {
  const chunk = (type: string, data: Buffer) => {
    const content = Buffer.concat([Buffer.from(type), data]);
    const frame = Buffer.alloc(8);
    frame.writeUInt32BE(data.length, 0);
    frame.writeUInt32BE(crc32(content), 4);
    return Buffer.concat([frame.subarray(0, 4), content, frame.subarray(4)]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const data = Buffer.from("789c030000000001", "hex");
  return Buffer.concat([
    text("\x89PNG\r\n\x1a\n"),
    chunk("IHDR", header),
    chunk("IDAT", data),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

test("a PNG of 20,000 x 20,000 is refused from its header, without memory for its pixels", async () => {
  const before = process.memoryUsage.rss();
  expect(await refusal(pngOfSize(20_000, 20_000))).toContain("20000 x 20000 pixels");
  // Decoded it would take 1,200 MB.
  expect(process.memoryUsage.rss() - before).toBeLessThan(100 * 1024 * 1024);
});

test("an edge that no rendition could have is refused", async () => {
  expect(await refusal(pngOfSize(EDGE_PIXELS_MAX + 1, 8))).toContain("16384 x 8 pixels");
});

const ENCODED = {
  png: () => noisy().png().toBuffer(),
  jpeg: () => noisy().jpeg().toBuffer(),
  "progressive jpeg": () => noisy().jpeg({ progressive: true }).toBuffer(),
  webp: () => noisy().webp().toBuffer(),
  avif: () => noisy().avif({ effort: 0 }).toBuffer(),
};

test.each(Object.entries(ENCODED))("a %s cut anywhere is refused", async (_, encoded) => {
  const whole = await encoded();
  expect(await refusal(whole)).toBe("opened");
  for (const share of [0.02, 0.2, 0.5, 0.8, 0.97]) {
    expect(await refusal(whole.subarray(0, Math.floor(whole.length * share)))).toMatch(/^The output /);
  }
  expect(await refusal(whole.subarray(0, whole.length - 2))).toMatch(/^The output /);
});

test("a PNG with a flipped bit is refused by its checksum", async () => {
  const damaged = await ENCODED.png();
  const middle = damaged.length >> 1;
  damaged[middle] = (damaged[middle] ?? 0) ^ 0x10;
  expect(await refusal(damaged)).toContain("damaged or truncated PNG");
});

test("pictures of several frames are refused", async () => {
  const frames = await Promise.all(
    ["#ff0000", "#0000ff"].map((background) => small().tint(background).png().toBuffer()),
  );
  const animated = await sharp(frames, { join: { animated: true } })
    .webp({ delay: [100, 100] })
    .toBuffer();
  expect(await refusal(animated)).toContain("2 pages or frames");

  const png = await small().png().toBuffer();
  const control = Buffer.from("000000086163544c0000000200000000", "hex");
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE(crc32(control.subarray(4)));
  expect(await refusal(Buffer.concat([png.subarray(0, 33), control, checksum, png.subarray(33)]))).toContain(
    "an animated PNG",
  );

  const sequence = await ENCODED.avif();
  sequence.write("avis", 8, "latin1");
  expect(await refusal(sequence)).toContain("an AVIF sequence");
});
