/** @module What is let in: one whole PNG, JPEG, WebP or AVIF picture within these limits. Looks, never decodes. */
import { AtelierError } from "@atelier/core/errors";
import { fileTypeBrands, sniffMediaType } from "@atelier/core/media-type";
import type { OpenPicture } from "@atelier/core/pictures";
import { pngChunks } from "./png.ts";

/** 64 megapixel: 192 MB decoded, and sixteen times the largest picture that a model of the catalogue makes. */
export const PIXELS_MAX = 64_000_000;
/** The longest edge that WebP can hold. */
export const EDGE_PIXELS_MAX = 16_383;
export const FILE_BYTES_MAX = 32 * 1024 * 1024;

export type PictureFormat = OpenPicture["format"];

const WANTED = "but must be one PNG, JPEG, WebP or AVIF picture";

/** @throws AtelierError `OutputInvalid` */
export function checkFile(bytes: Uint8Array): PictureFormat {
  if (bytes.length === 0) throw invalid(`The output is empty, ${WANTED}.`);
  if (bytes.length > FILE_BYTES_MAX) {
    throw invalid(`The output has ${bytes.length} bytes, but at most ${FILE_BYTES_MAX} are taken.`);
  }
  switch (sniffMediaType(bytes)) {
    case "image/png":
      checkPng(bytes);
      return "png";
    case "image/webp":
      checkWebp(bytes);
      return "webp";
    case "image/avif":
      if (fileTypeBrands(bytes)[0] === "avis") throw invalid(`The output is an AVIF sequence, ${WANTED}.`);
      return "avif";
    case "image/jpeg":
      checkJpeg(bytes);
      return "jpeg";
    case null:
      throw invalid(`The output is ${describe(bytes)}, ${WANTED}.`);
  }
}

/** @throws AtelierError `OutputInvalid` */
export function checkHeader(header: { width: number; height: number; pages?: number | undefined }): void {
  const { width, height, pages = 1 } = header;
  if (pages > 1) throw invalid(`The output has ${pages} pages or frames, ${WANTED}.`);
  if (width * height > PIXELS_MAX) {
    throw invalid(`The output is ${width} x ${height} pixels, but at most ${PIXELS_MAX} in all are decoded.`);
  }
  if (Math.max(width, height) > EDGE_PIXELS_MAX) {
    throw invalid(`The output is ${width} x ${height} pixels, but an edge has at most ${EDGE_PIXELS_MAX}.`);
  }
}

/** What the decoder says, as one sentence. */
export function undecodable(format: PictureFormat, cause: unknown): AtelierError {
  const detail = (cause instanceof Error ? cause.message : String(cause)).split("\n")[0]?.trim() ?? "";
  return invalid(`The output is a damaged or truncated ${format.toUpperCase()} picture (${detail}).`, cause);
}

/** libspng does not miss an end that is missing, and knows nothing of animation. */
function checkPng(bytes: Uint8Array): void {
  let ended = false;
  for (const { type } of pngChunks(bytes)) {
    if (type === "acTL") throw invalid(`The output is an animated PNG, ${WANTED}.`);
    ended = type === "IEND";
  }
  if (!ended) throw invalid("The output is a damaged or truncated PNG picture (it has no end).");
}

/** The container says its own length; padding after it is harmless. */
function checkWebp(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const wantedBytes = view.getUint32(4, true) + 8;
  if (wantedBytes > bytes.length) {
    throw invalid(
      `The output is a truncated WEBP picture (${bytes.length} of ${wantedBytes} bytes are there).`,
    );
  }
}

/** libjpeg makes up what is missing at the very end without a warning. */
function checkJpeg(bytes: Uint8Array): void {
  if (
    Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).lastIndexOf("\xff\xd9", undefined, "latin1") < 0
  ) {
    throw invalid("The output is a damaged or truncated JPEG picture (it has no end).");
  }
}

/** How other files begin, the first that fits. */
const OTHER_KINDS: readonly (readonly [RegExp, string])[] = [
  [/^\s*(<!doctype html|<html|<head|<body)/i, "an HTML page"],
  [/^\s*(<\?xml[^>]*>\s*)?(<!--[^>]*>\s*)?<svg/i, "an SVG drawing"],
  [/^\s*<\?xml/i, "an XML document"],
  [/^\s*[[{]/, "a JSON document"],
  [/^GIF8[79]a/, "a GIF"],
  [/^(II\*|MM.\*)/s, "a TIFF"],
  [/^%PDF-/, "a PDF document"],
  [/^....ftyp(heic|heix|mif1|msf1)/s, "a HEIC picture"],
  [/^....ftyp/s, "a video"],
];

function describe(bytes: Uint8Array): string {
  const start = Buffer.from(bytes.subarray(0, 512)).toString("latin1");
  const known = OTHER_KINDS.find(([pattern]) => pattern.test(start));
  if (known) return known[1];
  return /^[\t\n\r\x20-\x7e\x80-\xff]+$/.test(start) ? "text" : "a file of an unknown kind";
}

function invalid(message: string, cause?: unknown): AtelierError {
  return new AtelierError("OutputInvalid", message, cause === undefined ? {} : { cause });
}
