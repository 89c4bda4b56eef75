/** @module Base64 that arrives in pieces, decoded at native speed into one stretch of memory. */

export interface Base64Pieces {
  /** Takes one character; false, and nothing taken, when it is none of base64's. `=` is not one either. */
  take(code: number): boolean;
  /** Takes `bytes` from `from` to `to`; false, and nothing taken, when something else is among them. */
  takeRun(bytes: Buffer, from: number, to: number): boolean;
  /** Everything taken, as the text that it came as. */
  text(): string;
  /** What it decodes to, as `Buffer.from` has it. */
  decoded(): Uint8Array;
}

const CAPACITY_MIN = 16 * 1024;
/** Short-lived texts of this size are cleared away young. */
const RUN_CHARACTERS = 16 * 1024;
const IS_BASE64 = new Uint8Array(256);
for (const character of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/") {
  IS_BASE64[character.charCodeAt(0)] = 1;
}

export function isBase64(code: number): boolean {
  return IS_BASE64[code] === 1;
}

/** What Node's decoder would take for base64 as well: the alphabet for addresses. */
const FOREIGN = [0x2d, 0x5f];

/** @param expectedBytes a guess of the whole, which saves copying; believed once it is more than a little */
export function createBase64Pieces(expectedBytes: number): Base64Pieces {
  let target = Buffer.alloc(0);
  let length = 0;
  /** Up to three characters of the next group of four. */
  let pending = "";

  function reserve(more: number): void {
    if (length + more <= target.length) return;
    const guess = target.length === 0 ? CAPACITY_MIN : Math.max(2 * target.length, expectedBytes);
    const capacity = Math.max(guess, length + more);
    const larger = Buffer.allocUnsafeSlow(capacity);
    target.copy(larger, 0, 0, length);
    target = larger;
  }

  /** Whole groups alone; false when the decoder skipped something. */
  function write(groups: string): boolean {
    const bytes = (groups.length / 4) * 3;
    reserve(bytes);
    if (target.write(groups, length, "base64") !== bytes) return false;
    length += bytes;
    return true;
  }

  function take(code: number): boolean {
    if (!isBase64(code)) return false;
    pending += String.fromCharCode(code);
    if (pending.length === 4) {
      write(pending);
      pending = "";
    }
    return true;
  }

  return {
    take,
    takeRun(bytes, from, to) {
      const run = bytes.subarray(from, to);
      if (FOREIGN.some((code) => run.includes(code))) return false;
      const before = { length, pending };
      let at = from;
      while (pending !== "" && at < to && take(bytes[at] ?? 0)) at++;
      const groupsEnd = pending === "" ? to - ((to - at) % 4) : at;
      while (at < groupsEnd) {
        const end = Math.min(groupsEnd, at + RUN_CHARACTERS);
        if (!write(bytes.toString("latin1", at, end))) break;
        at = end;
      }
      while (at >= groupsEnd && at < to && take(bytes[at] ?? 0)) at++;
      if (at === to) return true;
      ({ length, pending } = before);
      return false;
    },
    text: () => target.toString("base64", 0, length) + pending,
    decoded() {
      const last = Buffer.from(pending, "base64");
      reserve(last.length);
      const whole = target.subarray(0, length + last.copy(target, length));
      // A guess that was far too large is not kept.
      return whole.length < target.length * 0.75 ? Buffer.from(whole) : whole;
    },
  };
}
