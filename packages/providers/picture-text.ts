/**
 * @module Takes the pictures out of a JSON text while it arrives. A picture is a string of base64 alone; it is decoded piece
 * by piece and never stands in memory as text.
 */
import { type Base64Pieces, createBase64Pieces, isBase64 } from "./base64-pieces.ts";

/** Shorter texts are left alone: no picture has so few bytes. */
export const PICTURE_CHARACTERS_MIN = 256;

export interface PictureText {
  /** How long the text will be, where that was announced: memory is reserved accordingly. */
  expect(bytes: number): void;
  /** Takes the next bytes of the text, cut anywhere. */
  push(chunk: Uint8Array): void;
  /** The text with each picture replaced by `picture:0`, `picture:1`, …, and the pictures in that order. */
  end(): { text: string; pictures: Uint8Array[] };
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const PADDING = 0x3d;

/**
 * Where in the text we are: between strings; in a string that may become a picture; in one that is long enough to be
 * decoded; in one that is none.
 */
type Place = "between" | "candidate" | "picture" | "plain";

export function createPictureText(): PictureText {
  const kept: Uint8Array[] = [];
  const pictures: Uint8Array[] = [];
  let place: Place = "between";
  /** Of the string at hand: its beginning, until it is long enough; what it decodes to from then on; how many `=` came. */
  let beginning = "";
  let base64: Base64Pieces | undefined;
  let paddings = 0;
  /** An escape that is not complete yet, with its backslash. */
  let escaped = "";
  let bytesLeft = 0;

  const keep = (text: string) => {
    if (text !== "") kept.push(Buffer.from(text, "latin1"));
  };
  const keepBytes = (chunk: Buffer, from: number, to: number) => {
    if (to > from) kept.push(Buffer.from(chunk.subarray(from, to)));
  };
  const textAtHand = () => beginning + (base64?.text() ?? "") + "=".repeat(paddings);

  function clear(next: Place): void {
    place = next;
    beginning = "";
    base64 = undefined;
    paddings = 0;
  }

  /** The string at hand is no picture after all: what was decoded becomes text again. */
  function giveUp(): void {
    keep(textAtHand());
    clear("plain");
  }

  function endString(): void {
    if (base64 === undefined) {
      keep(`${textAtHand()}"`);
    } else {
      keep(`picture:${pictures.length}"`);
      pictures.push(base64.decoded());
    }
    clear("between");
  }

  /** One character of a string that may be a picture. */
  function take(code: number): boolean {
    if (base64 !== undefined) {
      if (code !== PADDING) return paddings === 0 && base64.take(code);
      if (paddings === 2) return false;
      paddings++;
      return true;
    }
    if (!isBase64(code)) return false;
    beginning += String.fromCharCode(code);
    if (beginning.length < PICTURE_CHARACTERS_MIN) return true;
    place = "picture";
    base64 = createBase64Pieces(Math.ceil((Math.max(0, bytesLeft) * 3) / 4));
    base64.takeRun(Buffer.from(beginning, "latin1"), 0, beginning.length);
    beginning = "";
    return true;
  }

  /** Takes base64 from `from` on, at native speed; gives the position of what follows it. */
  function takeRun(chunk: Buffer, from: number): number {
    const quote = endOr(chunk.indexOf(QUOTE, from), chunk.length);
    let to = endOr(chunk.subarray(0, quote).indexOf(BACKSLASH, from), quote);
    while (to > from && chunk[to - 1] === PADDING) to--;
    if (base64?.takeRun(chunk, from, to)) return to;
    // Something odd among them: one by one to where it is.
    let at = from;
    while (at < to && take(chunk[at] ?? 0)) at++;
    return at;
  }

  /** One byte inside an escape; an escaped base64 character is as good as a plain one. */
  function takeEscape(code: number): void {
    escaped += String.fromCharCode(code);
    if (escaped[1] === "u" && escaped.length < 6) return;
    const meant = escaped === "\\/" ? 0x2f : escaped[1] === "u" ? Number.parseInt(escaped.slice(2), 16) : -1;
    const whole = escaped;
    escaped = "";
    if (place !== "plain" && take(meant)) return;
    giveUp();
    keep(whole);
  }

  return {
    expect(bytes) {
      bytesLeft = bytes;
    },
    push(bytes) {
      const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      let at = 0;
      while (at < chunk.length) {
        if (escaped !== "") {
          takeEscape(chunk[at++] ?? 0);
          continue;
        }
        const from = at;
        switch (place) {
          case "between":
            at = endOr(chunk.indexOf(QUOTE, at), chunk.length - 1) + 1;
            keepBytes(chunk, from, at);
            if (chunk[at - 1] === QUOTE) place = "candidate";
            continue;
          case "plain":
            while (at < chunk.length && chunk[at] !== QUOTE && chunk[at] !== BACKSLASH) at++;
            keepBytes(chunk, from, at);
            break;
          case "candidate":
            while (at < chunk.length && place === "candidate" && take(chunk[at] ?? 0)) at++;
            if (place !== "candidate") continue;
            break;
          case "picture":
            if (paddings === 0) at = takeRun(chunk, at);
            while (at < chunk.length && chunk[at] === PADDING && take(PADDING)) at++;
            break;
        }
        if (at === chunk.length) break;
        if (chunk[at] === QUOTE) {
          at++;
          endString();
        } else if (chunk[at] === BACKSLASH) {
          at++;
          escaped = "\\";
        } else {
          giveUp();
        }
      }
      bytesLeft -= chunk.length;
    },
    end() {
      if (place !== "between") giveUp();
      keep(escaped);
      return { text: Buffer.concat(kept).toString("utf8"), pictures };
    },
  };
}

function endOr(at: number, end: number): number {
  return at < 0 ? end : at;
}
