/** @module The dominant colours of a picture by common names, usable as tags. */
import { type Oklab, oklabOf } from "./oklab.ts";
import { type RawPicture, resized, sizeWithin } from "./raw.ts";

/** The names and what they stand for; a colour takes the nearest by OKLab. Names are tags: renaming one splits it. */
export const PALETTE: Readonly<Record<string, readonly [red: number, green: number, blue: number]>> = {
  black: [14, 14, 15],
  charcoal: [52, 52, 54],
  dark_grey: [84, 84, 86],
  grey: [128, 128, 128],
  light_grey: [186, 186, 187],
  white: [248, 248, 248],
  warm_grey: [142, 132, 120],
  dark_taupe: [82, 72, 64],
  cool_grey: [118, 130, 142],
  slate: [66, 80, 96],
  ivory: [246, 238, 220],
  beige: [216, 196, 166],
  tan: [186, 146, 104],
  brown: [122, 78, 46],
  dark_brown: [62, 40, 28],
  terracotta: [184, 92, 62],
  deep_red: [128, 16, 28],
  red: [206, 32, 40],
  coral: [244, 124, 98],
  peach: [250, 198, 164],
  pale_pink: [244, 208, 212],
  pink: [236, 128, 162],
  magenta: [196, 38, 130],
  burgundy: [84, 18, 38],
  rose: [190, 106, 112],
  orange: [240, 128, 28],
  amber: [232, 172, 48],
  yellow: [250, 226, 66],
  pale_yellow: [250, 240, 176],
  olive: [112, 110, 46],
  lime: [168, 212, 66],
  green: [52, 148, 70],
  deep_green: [22, 70, 44],
  sage: [150, 168, 138],
  teal: [18, 122, 124],
  deep_teal: [14, 62, 70],
  turquoise: [66, 200, 198],
  pale_blue: [190, 218, 240],
  sky_blue: [112, 178, 234],
  blue: [38, 92, 204],
  deep_blue: [24, 44, 118],
  navy: [16, 24, 56],
  slate_blue: [100, 112, 164],
  lavender: [192, 180, 226],
  violet: [124, 76, 190],
  deep_purple: [62, 24, 92],
};

const NAMED = Object.entries(PALETTE).map(([name, rgb]) => ({ name, colour: oklabOf(...rgb) }));

/** The histogram needs no more than this. */
const EDGE_PIXELS = 64;
/** A colour on less of the picture is an accent, not dominant. */
const SHARE_MIN = 0.08;
const NAMES_MAX = 4;

/** Up to four names, the most frequent first; always at least one. */
export async function dominantColours(raw: RawPicture): Promise<string[]> {
  const { width, height } = sizeWithin(raw, EDGE_PIXELS);
  const small = await resized(raw, width, height);
  const counts = new Map<string, number>();
  for (const { colour, count } of binned(small.pixels)) {
    const name = nearestName(colour);
    counts.set(name, (counts.get(name) ?? 0) + count);
  }
  const ranked = [...counts].sort(([nameA, a], [nameB, b]) => b - a || nameA.localeCompare(nameB));
  return ranked
    .filter(([, count], rank) => rank === 0 || count / (width * height) >= SHARE_MIN)
    .slice(0, NAMES_MAX)
    .map(([name]) => name);
}

/** An 8 x 8 x 8 histogram; each bin stands for the mean of what fell into it. */
function binned(pixels: Uint8Array): { colour: Oklab; count: number }[] {
  const bins = new Map<number, { red: number; green: number; blue: number; count: number }>();
  for (let at = 0; at < pixels.length; at += 3) {
    const [red = 0, green = 0, blue = 0] = pixels.subarray(at, at + 3);
    const key = ((red >> 5) << 6) | ((green >> 5) << 3) | (blue >> 5);
    const bin = bins.get(key) ?? { red: 0, green: 0, blue: 0, count: 0 };
    bins.set(key, bin);
    bin.red += red;
    bin.green += green;
    bin.blue += blue;
    bin.count++;
  }
  return [...bins.values()].map(({ red, green, blue, count }) => ({
    colour: oklabOf(red / count, green / count, blue / count),
    count,
  }));
}

function nearestName(colour: Oklab): string {
  let nearest = { name: "grey", distance: Number.POSITIVE_INFINITY };
  for (const { name, colour: named } of NAMED) {
    const distance = Math.hypot(
      colour.lightness - named.lightness,
      // Hue tells colours apart more than lightness does: a shadow on red cloth is still red.
      1.8 * (colour.a - named.a),
      1.8 * (colour.b - named.b),
    );
    if (distance < nearest.distance) nearest = { name, distance };
  }
  return nearest.name;
}
