/** @module One overview of many pictures, for people. */
import sharp, { type OverlayOptions } from "sharp";
import { fitted, lettering } from "./letters.ts";
import { PIXELS_MAX } from "./limits.ts";
import { syntheticXmp } from "./provenance.ts";

export interface ContactPicture {
  /** The file's bytes, or the path of a file. */
  readonly picture: Uint8Array | string;
  /** Lines below it, the first one stronger; each is cut to the picture's width. */
  readonly caption: readonly string[];
}
export interface ContactSheetOptions {
  /** Above everything; default none. */
  readonly title?: string;
  /** Smaller, beside the title; default none. */
  readonly subtitle?: string;
  /** Pictures in a row, default up to 5. */
  readonly columns?: number;
  /** Edge of the square that each picture is fitted into, in pixels; default 300. */
  readonly cellPixels?: number;
}

const PAPER = "#16161a";
const INK = "#f4f1ea";
const GAP_PIXELS = 22;
const MARGIN_PIXELS = 40;
const TITLE_PIXELS = 108;
const CAPTION_LINE_PIXELS = 20;
const TITLE = { capPixels: 22, colour: INK, weight: 1.1, tracking: 2 };
const SUBTITLE = { capPixels: 11, colour: INK, weight: 1, tracking: 1.4, opacity: 0.65 };
const STRONG = { capPixels: 10, colour: INK, weight: 1.15, tracking: 1 };
const PLAIN = { capPixels: 9, colour: INK, weight: 1, tracking: 1, opacity: 0.65 };

/**
 * A JPEG. Pictures keep their proportions and are loaded one after the other.
 *
 * @throws Error when there is no picture, or when one of them cannot be read
 */
export async function contactSheet(
  pictures: readonly ContactPicture[],
  options: ContactSheetOptions = {},
): Promise<Uint8Array> {
  const { title = "", subtitle = "", cellPixels = 300 } = options;
  const columns = Math.min(options.columns ?? 5, pictures.length);
  if (columns < 1) throw new RangeError("A contact sheet needs at least one picture.");
  const captionLines = Math.max(...pictures.map(({ caption }) => caption.length));
  const rowPixels =
    cellPixels + (captionLines === 0 ? 0 : 14 + captionLines * CAPTION_LINE_PIXELS) + GAP_PIXELS;
  const head = title === "" && subtitle === "" ? MARGIN_PIXELS : TITLE_PIXELS;
  const width = 2 * MARGIN_PIXELS + columns * (cellPixels + GAP_PIXELS) - GAP_PIXELS;
  const height = head + Math.ceil(pictures.length / columns) * rowPixels - GAP_PIXELS + MARGIN_PIXELS;

  const layers: OverlayOptions[] = [];
  const words = [
    lettering(fitted(title, width - 2 * MARGIN_PIXELS, TITLE), MARGIN_PIXELS, 32, TITLE),
    lettering(fitted(subtitle, width - 2 * MARGIN_PIXELS, SUBTITLE), MARGIN_PIXELS, 70, SUBTITLE),
  ];
  for (const [index, { picture, caption }] of pictures.entries()) {
    const left = MARGIN_PIXELS + (index % columns) * (cellPixels + GAP_PIXELS);
    const top = head + Math.floor(index / columns) * rowPixels;
    layers.push(await thumbnail(picture, { left, top, cellPixels }));
    for (const [line, text] of caption.entries()) {
      const style = line === 0 ? STRONG : PLAIN;
      const y = top + cellPixels + 14 + line * CAPTION_LINE_PIXELS;
      words.push(lettering(fitted(text, cellPixels, style), left, y, style));
    }
  }
  const lettered = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${words.join("")}</svg>`;
  return sharp({ create: { width, height, channels: 3, background: PAPER }, limitInputPixels: false })
    .composite([...layers, { input: Buffer.from(lettered), left: 0, top: 0 }])
    .withXmp(syntheticXmp(title === "" ? "Contact sheet" : title))
    .jpeg({ quality: 88, mozjpeg: true, chromaSubsampling: "4:4:4" })
    .toBuffer();
}

/** Fitted into its cell: centred across, standing on the caption. */
async function thumbnail(
  picture: Uint8Array | string,
  cell: { left: number; top: number; cellPixels: number },
): Promise<OverlayOptions> {
  const { data, info } = await sharp(picture, { limitInputPixels: PIXELS_MAX, autoOrient: true })
    .resize(cell.cellPixels, cell.cellPixels, { fit: "inside" })
    .flatten({ background: PAPER })
    .toColourspace("srgb")
    .raw()
    .toBuffer({ resolveWithObject: true });
  return {
    input: data,
    raw: { width: info.width, height: info.height, channels: 3 },
    left: cell.left + Math.floor((cell.cellPixels - info.width) / 2),
    top: cell.top + cell.cellPixels - info.height,
  };
}
