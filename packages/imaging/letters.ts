/**
 * @module Our own letters: single strokes as SVG paths, so that lettering looks alike on every machine, whatever fonts it
 * has. Capitals only; a box of 10 units from the top (0) to the baseline (10), each glyph as wide as it says.
 */

const GLYPHS: Readonly<Record<string, readonly [width: number, path: string]>> = {
  A: [7, "M0 10L3.5 0L7 10M1.2 6.6H5.8"],
  B: [6, "M0 0H3A2.4 2.4 0 0 1 3 4.8H0M3 4.8H3.4A2.6 2.6 0 0 1 3.4 10H0V0"],
  C: [7, "M6.8 1.66A3.9 5 0 1 0 6.8 8.34"],
  D: [7, "M0 0V10H2.4A4.6 5 0 0 0 2.4 0H0"],
  E: [5.4, "M5.4 0H0V10H5.4M0 4.8H4.6"],
  F: [5.2, "M5.2 0H0V10M0 4.8H4.4"],
  G: [7.4, "M6.8 1.66A3.9 5 0 1 0 7.4 7.2V5.4H4.4"],
  H: [6.6, "M0 0V10M6.6 0V10M0 4.8H6.6"],
  I: [0.6, "M.3 0V10"],
  J: [4.4, "M4.4 0V7.4A2.2 2.6 0 0 1 0 7.4"],
  K: [6.2, "M0 0V10M6 0L0 6M2.2 3.8L6.2 10"],
  L: [5, "M0 0V10H5"],
  M: [8, "M0 10V0L4 6.6L8 0V10"],
  N: [6.8, "M0 10V0L6.8 10V0"],
  O: [7.8, "M3.9 0A3.9 5 0 1 0 3.9 10A3.9 5 0 1 0 3.9 0"],
  P: [5.9, "M0 10V0H3.2A2.7 2.7 0 0 1 3.2 5.4H0"],
  Q: [7.8, "M3.9 0A3.9 5 0 1 0 3.9 10A3.9 5 0 1 0 3.9 0M4.8 7.4L7.8 10.4"],
  R: [6, "M0 10V0H3.2A2.7 2.7 0 0 1 3.2 5.4H0M2.9 5.4L6 10"],
  S: [
    6,
    "M5.7 1.8C5.2 .7 4.2 0 2.9 0C1.3 0 .2 1 .2 2.5C.2 5.7 6 4.3 6 7.4C6 9 4.7 10 3 10C1.5 10 .5 9.3 0 8",
  ],
  T: [6.4, "M0 0H6.4M3.2 0V10"],
  U: [6.6, "M0 0V6.7A3.3 3.3 0 0 0 6.6 6.7V0"],
  V: [6.8, "M0 0L3.4 10L6.8 0"],
  W: [9.6, "M0 0L2.4 10L4.8 1.6L7.2 10L9.6 0"],
  X: [6.2, "M0 0L6.2 10M6.2 0L0 10"],
  Y: [6.4, "M0 0L3.2 5L6.4 0M3.2 5V10"],
  Z: [6, "M0 0H6L0 10H6"],
  "0": [6, "M3 0A3 5 0 1 0 3 10A3 5 0 1 0 3 0"],
  "1": [2.6, "M0 2L2.6 0V10"],
  "2": [5.8, "M.2 2.6A2.7 2.6 0 0 1 5.5 2.7C5.5 4.6 3.4 6.2 0 10H5.8"],
  "3": [
    5.7,
    "M.2 1.4C.8 .5 1.7 0 2.8 0C4.4 0 5.3 1 5.3 2.4C5.3 3.9 4.3 4.7 2.4 4.7C4.5 4.7 5.7 5.7 5.7 7.3C5.7 9 4.5 10 2.8 10C1.5 10 .5 9.4 0 8.3",
  ],
  "4": [6, "M4.4 10V0L0 7H6"],
  "5": [
    5.7,
    "M5.2 0H.9L.4 4.6C1.1 4 1.9 3.7 2.8 3.7C4.6 3.7 5.7 5 5.7 6.8C5.7 8.7 4.5 10 2.7 10C1.4 10 .5 9.4 0 8.4",
  ],
  "6": [5.8, "M0 6.8A2.9 3.2 0 1 0 5.8 6.8A2.9 3.2 0 1 0 0 6.8C0 3 1.8 .2 4.9 0"],
  "7": [5.6, "M0 0H5.6L1.8 10"],
  "8": [5.6, "M2.8 4.6A2.3 2.3 0 1 1 2.8 0A2.3 2.3 0 1 1 2.8 4.6A2.8 2.7 0 1 0 2.8 10A2.8 2.7 0 1 0 2.8 4.6"],
  "9": [5.8, "M5.8 3.2A2.9 3.2 0 1 0 0 3.2A2.9 3.2 0 1 0 5.8 3.2C5.8 7 4 9.8 .9 10"],
  ".": [0.6, "M.3 9.8V10"],
  ",": [0.8, "M.6 9.6L.2 11.6"],
  ":": [0.6, "M.3 4V4.2M.3 9.8V10"],
  ";": [0.8, "M.6 4V4.2M.6 9.6L.2 11.6"],
  "!": [0.6, "M.3 0V6.6M.3 9.8V10"],
  "?": [5, "M0 1.8C.5 .6 1.4 0 2.6 0C4.1 0 5 1 5 2.4C5 4.4 2.5 4.6 2.5 7M2.5 9.8V10"],
  "'": [0.6, "M.3 0V2.2"],
  '"': [2, "M.3 0V2.2M1.7 0V2.2"],
  "-": [3.2, "M0 5.6H3.2"],
  "–": [5, "M0 5.6H5"],
  _: [5, "M0 11H5"],
  "/": [4, "M0 11L4 -.6"],
  "(": [1.8, "M1.8 -.8C-.6 2.8 -.6 7.4 1.8 11"],
  ")": [1.8, "M0 -.8C2.4 2.8 2.4 7.4 0 11"],
  "[": [2, "M2 -.8H0V11H2"],
  "]": [2, "M0 -.8H2V11H0"],
  "+": [5, "M0 5.6H5M2.5 3.1V8.1"],
  "=": [5, "M0 4.2H5M0 7H5"],
  "*": [4, "M2 1V5M.3 2L3.7 4M3.7 2L.3 4"],
  "#": [6, "M2 .6L1 9.4M5 .6L4 9.4M.2 3.4H6M0 6.6H5.8"],
  "%": [
    8,
    "M6.8 0L1.2 10M1.7 .2A1.7 2.1 0 1 0 1.7 4.4A1.7 2.1 0 1 0 1.7 .2M6.3 5.6A1.7 2.1 0 1 0 6.3 9.8A1.7 2.1 0 1 0 6.3 5.6",
  ],
  "&": [
    7,
    "M7 10L1.6 3.3C.4 1.6 1.4 0 3 0C4.6 0 5.4 1.8 4.2 3.2C3 4.6 0 5.2 0 7.5C0 9 1.2 10 2.8 10C4.9 10 6.3 8.2 6.7 5.6",
  ],
  $: [
    6,
    "M5.7 2.2C5.2 1.2 4.2 .7 2.9 .7C1.3 .7 .2 1.5 .2 2.9C.2 5.7 6 4.5 6 7.1C6 8.5 4.7 9.3 3 9.3C1.5 9.3 .5 8.7 0 7.6M3 -.8V10.8",
  ],
  "@": [9, "M6.4 6.9A2.2 2.4 0 1 1 6.4 3.6V6C6.4 8 9 7.8 9 5A4.5 5 0 1 0 6.8 9.4"],
  "×": [4.4, "M0 3.4L4.4 7.8M4.4 3.4L0 7.8"],
  "·": [0.6, "M.3 5.4V5.6"],
  "…": [4.6, "M.3 9.8V10M2.3 9.8V10M4.3 9.8V10"],
  " ": [3.2, ""],
};
/** A hollow box stands for what has no glyph. */
const UNKNOWN = [4, "M0 1H4V10H0Z"] as const;
const CAP_UNITS = 10;
/** Space between glyphs, in units, before tracking. */
const GAP_UNITS = 2;

export interface LetteringStyle {
  /** Height of a capital in pixels. */
  readonly capPixels: number;
  readonly colour: string;
  /** Thickness of the strokes in units of a tenth of the height; default 1. */
  readonly weight?: number;
  /** More space between glyphs, in units of a tenth of the height; default 0. */
  readonly tracking?: number;
  /** Default 1. */
  readonly opacity?: number;
}

/** Width in pixels of the text in one line. */
export function letteringWidth(text: string, style: Pick<LetteringStyle, "capPixels" | "tracking">): number {
  const gap = GAP_UNITS + (style.tracking ?? 0);
  const units = glyphsOf(text).reduce((sum, [width]) => sum + width + gap, -gap);
  return (Math.max(0, units) * style.capPixels) / CAP_UNITS;
}

/** An SVG fragment: one line of text whose capitals begin at (x, top). */
export function lettering(text: string, x: number, top: number, style: LetteringStyle): string {
  const gap = GAP_UNITS + (style.tracking ?? 0);
  let advance = 0;
  const strokes = glyphsOf(text).map(([width, path]) => {
    const stroke = path === "" ? "" : `<path d="${path}" transform="translate(${advance.toFixed(2)} 0)"/>`;
    advance += width + gap;
    return stroke;
  });
  const scale = style.capPixels / CAP_UNITS;
  return (
    `<g transform="translate(${x.toFixed(2)} ${top.toFixed(2)}) scale(${scale.toFixed(4)})" fill="none" ` +
    `stroke="${style.colour}" stroke-width="${style.weight ?? 1}" stroke-opacity="${style.opacity ?? 1}" ` +
    `stroke-linecap="round" stroke-linejoin="round">${strokes.join("")}</g>`
  );
}

/** The text cut with an ellipsis so that it is at most so wide. */
export function fitted(
  text: string,
  widthPixels: number,
  style: Pick<LetteringStyle, "capPixels" | "tracking">,
): string {
  if (letteringWidth(text, style) <= widthPixels) return text;
  const characters = [...text];
  while (characters.length > 0 && letteringWidth(`${characters.join("")}…`, style) > widthPixels) {
    characters.pop();
  }
  return `${characters.join("").trimEnd()}…`;
}

/** The text broken at spaces into at most so many lines; what is left over ends in an ellipsis. */
export function wrapped(
  text: string,
  widthPixels: number,
  linesMax: number,
  style: Pick<LetteringStyle, "capPixels" | "tracking">,
): string[] {
  const lines: string[] = [];
  for (const word of text.split(/\s+/).filter((part) => part !== "")) {
    const last = lines.at(-1);
    if (last !== undefined && letteringWidth(`${last} ${word}`, style) <= widthPixels) {
      lines[lines.length - 1] = `${last} ${word}`;
    } else if (last !== undefined && lines.length === linesMax) {
      lines[lines.length - 1] = fitted(`${last} ${word} …`, widthPixels, style);
      break;
    } else {
      lines.push(word);
    }
  }
  return lines.map((line) => fitted(line, widthPixels, style));
}

/** Accents are dropped: a plain letter is more readable than a box. */
function glyphsOf(text: string): (readonly [width: number, path: string])[] {
  const plain = text.normalize("NFKD").replace(/\p{M}/gu, "").replace(/\s/g, " ").replaceAll("...", "…");
  return [...plain.toUpperCase()].map((character) => GLYPHS[character] ?? UNKNOWN);
}
