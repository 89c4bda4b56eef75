/** @module The sandbox's picture: abstract, seeded, deterministic, marked, and saying SANDBOX on it. */
import sharp from "sharp";
import { backdrop } from "./backdrop.ts";
import { fitted, lettering, letteringWidth, wrapped } from "./letters.ts";
import { sandboxMark, withMark } from "./mark.ts";
import { type RawPicture, sharpOf } from "./raw.ts";

export interface Placeholder {
  readonly width: number;
  readonly height: number;
  /** Decides everything but the words. */
  readonly seed: number;
  /** One line, such as the model's name; cut where it is too long. */
  readonly title: string;
  /** Smaller lines below it; each is wrapped once, what does not fit is cut. Never a prompt of a rated picture. */
  readonly lines: readonly string[];
  /** Of the data folder: what the mark is made with. */
  readonly key: Uint8Array;
}

/** A PNG with the sandbox's mark; the same arguments give the same bytes on the same version of sharp. */
export async function drawPlaceholder(placeholder: Placeholder): Promise<Buffer> {
  const { width, height, seed, key } = placeholder;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">${backdrop(width, height, seed)}${caption(placeholder)}</svg>`;
  const pixels = await sharp(Buffer.from(svg)).flatten({ background: "#000000" }).raw().toBuffer();
  const raw: RawPicture = { width, height, pixels };
  const png = await sharpOf(raw).png({ compressionLevel: 4 }).toBuffer();
  return withMark(png, sandboxMark(raw, key));
}

const INK = "#ffffff";
const LINES_MAX = 4;

/** Along the bottom, on a shade that keeps it readable on any scene. */
function caption({ width, height, title, lines }: Placeholder): string {
  const unit = Math.min(width, height) / 100;
  const margin = 6 * unit;
  const room = width - 2 * margin;
  const word = { capPixels: 6.2 * unit, colour: INK, weight: 1.15, tracking: 4.4 };
  // Narrow pictures get smaller letters, never a cut word.
  const shrink = Math.min(1, room / letteringWidth("SANDBOX", word));
  const heading = { ...word, capPixels: word.capPixels * shrink };
  const name = { capPixels: 2.1 * unit, colour: INK, weight: 1.1, tracking: 1.6, opacity: 0.95 };
  const small = { capPixels: 1.55 * unit, colour: INK, weight: 1, tracking: 1.2, opacity: 0.78 };
  const details = lines.flatMap((line) => wrapped(line, room, 2, small)).slice(0, LINES_MAX);

  const parts: string[] = [];
  let bottom = height - margin;
  for (const line of details.toReversed()) {
    bottom -= small.capPixels;
    parts.push(lettering(line, margin, bottom, small));
    bottom -= 1.7 * unit;
  }
  bottom -= name.capPixels;
  parts.push(lettering(fitted(title, room, name), margin, bottom, name));
  bottom -= 2.6 * unit;
  parts.push(`<rect x="${margin}" y="${bottom}" width="${9 * unit}" height="${0.35 * unit}" fill="${INK}"/>`);
  bottom -= 2.6 * unit + heading.capPixels;
  parts.push(lettering("SANDBOX", margin, bottom, heading));

  const shadeTop = Math.max(0, bottom - 16 * unit);
  return (
    '<defs><linearGradient id="shade" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-opacity="0"/>' +
    '<stop offset="0.45" stop-opacity="0.42"/><stop offset="1" stop-opacity="0.66"/></linearGradient></defs>' +
    `<rect y="${shadeTop}" width="${width}" height="${height - shadeTop}" fill="url(#shade)"/>${parts.join("")}`
  );
}
