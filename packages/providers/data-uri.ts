/** @module Pictures that an answer carries in itself, as `data:` URIs. */
import { AtelierError } from "@atelier/core/errors";
import { sniffMediaType } from "@atelier/core/media-type";
import type { OutputData } from "@atelier/core/provider";

/** One picture of a provider, however it is delivered. The largest real one seen is a 4-megapixel PNG of 9 MiB. */
export const OUTPUT_BYTES_MAX = 32 * 1024 * 1024;

export function isDataUri(address: string): boolean {
  return /^data:/i.test(address);
}

/**
 * Decodes a base64 `data:` URI. What it says about its type is not believed.
 *
 * @throws AtelierError `OutputInvalid` when it is not base64, too large or no picture
 */
export function decodeDataUri(
  uri: string,
  bytesMax: number = OUTPUT_BYTES_MAX,
): Extract<OutputData, { kind: "bytes" }> {
  const comma = uri.indexOf(",");
  const head = uri.slice(0, comma);
  if (comma < 0 || !/^data:[^,]*;base64$/i.test(head)) {
    throw new AtelierError("OutputInvalid", "The provider delivered a data URI that is not base64.");
  }
  if ((uri.length - comma - 1) * 0.75 > bytesMax + 2) throw tooLarge(bytesMax);
  const bytes = new Uint8Array(Buffer.from(uri.slice(comma + 1), "base64"));
  return pictureOf(bytes, bytesMax);
}

/** @throws AtelierError `OutputInvalid` when the bytes are too many or do not begin as a picture that we read */
export function pictureOf(bytes: Uint8Array, bytesMax: number): Extract<OutputData, { kind: "bytes" }> {
  if (bytes.byteLength > bytesMax) throw tooLarge(bytesMax);
  const contentType = sniffMediaType(bytes);
  if (contentType === null) {
    throw new AtelierError(
      "OutputInvalid",
      `The provider delivered ${bytes.byteLength} bytes that are not a PNG, JPEG, WebP or AVIF picture${looksLikeHtml(bytes) ? " but a web page" : ""}.`,
    );
  }
  return { kind: "bytes", bytes, contentType };
}

export function tooLarge(bytesMax: number): AtelierError {
  return new AtelierError(
    "OutputInvalid",
    `The provider delivered more than ${bytesMax} bytes for one picture.`,
  );
}

function looksLikeHtml(bytes: Uint8Array): boolean {
  return /^\s*<(!doctype|html|head|body)/i.test(Buffer.from(bytes.subarray(0, 256)).toString("latin1"));
}
