/**
 * @module Takes the pictures out of a JSON text while it arrives. A picture is a string of base64 alone; it is decoded piece
 * by piece and never stands in memory as text.
 */

/** Shorter texts are left alone: no picture has so few bytes. */
export const PICTURE_CHARACTERS_MIN = 256;

export interface PictureText {
  /** Takes the next bytes of the text, cut anywhere. */
  push(chunk: Uint8Array): void;
  /** The text with each picture replaced by `picture:0`, `picture:1`, …, and the pictures in that order. */
  end(): { text: string; pictures: Uint8Array[] };
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const PADDING = 0x3d;
const IS_BASE64 = new Uint8Array(256);
for (const character of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/") {
  IS_BASE64[character.charCodeAt(0)] = 1;
}
/** What Node's decoder would take for base64 as well, and JSON for the beginning of an escape. */
const FOREIGN = [BACKSLASH, 0x2d, 0x5f];

/**
 * Where in the text we are: between strings; in a string that may become a picture; in one that is long enough to be
 * decoded; in one that is none.
 */
type Place = "between" | "candidate" | "picture" | "plain";

export function createPictureText(): PictureText {
  const kept: Uint8Array[] = [];
  const pictures: Uint8Array[] = [];
  let place: Place = "between";
  /** Of the string at hand: base64 that is not decoded yet, what is decoded, how many `=` came. */
  let pending = "";
  let decoded: Uint8Array[] = [];
  let paddings = 0;
  /** An escape that is not complete yet, with its backslash. */
  let escaped = "";

  const keep = (text: string) => {
    if (text !== "") kept.push(Buffer.from(text, "latin1"));
  };
  const keepBytes = (chunk: Buffer, from: number, to: number) => {
    if (to > from) kept.push(Buffer.from(chunk.subarray(from, to)));
  };

  /** Decodes whole groups of four and keeps the rest; false, and nothing done, when there is something else among them. */
  function decode(characters: string): boolean {
    const length = characters.length - (characters.length % 4);
    const bytes = Buffer.from(
      length === characters.length ? characters : characters.slice(0, length),
      "base64",
    );
    const rest = characters.slice(length);
    // Node's decoder skips what it does not know.
    const sound = bytes.byteLength === (length / 4) * 3 && /^[A-Za-z0-9+/]*$/.test(rest);
    if (!sound) return false;
    if (bytes.byteLength > 0) decoded.push(bytes);
    pending = rest;
    return true;
  }

  /** The string at hand is no picture after all: what was decoded becomes text again. */
  function giveUp(): void {
    keep(Buffer.concat(decoded).toString("base64") + pending + "=".repeat(paddings));
    clear("plain");
  }

  function clear(next: Place): void {
    place = next;
    pending = "";
    decoded = [];
    paddings = 0;
  }

  function endString(): void {
    if (place === "picture") {
      const last = Buffer.from(pending, "base64");
      if (last.byteLength > 0) decoded.push(last);
      const [only] = decoded;
      keep(`picture:${pictures.length}"`);
      pictures.push(decoded.length === 1 && only !== undefined ? only : Buffer.concat(decoded));
    } else {
      keep(`${pending}${"=".repeat(paddings)}"`);
    }
    clear("between");
  }

  /** One character of a string that may be a picture. */
  function take(code: number): boolean {
    if (code === PADDING && paddings < 2 && place === "picture") {
      paddings++;
      return true;
    }
    if (paddings > 0 || IS_BASE64[code] !== 1) return false;
    pending += String.fromCharCode(code);
    if (place === "candidate" && pending.length >= PICTURE_CHARACTERS_MIN) place = "picture";
    return true;
  }

  /** Takes base64 from `from` on, at native speed; gives the position of what follows it. */
  function takeRun(chunk: Buffer, from: number): number {
    let to = endOr(chunk.indexOf(QUOTE, from), chunk.length);
    while (to > from && chunk[to - 1] === PADDING) to--;
    const run = chunk.subarray(from, to);
    const foreign = FOREIGN.map((code) => run.indexOf(code)).filter((at) => at >= 0);
    const length = Math.min(run.length, ...foreign);
    if (decode(pending + run.toString("latin1", 0, length))) return from + length;
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
