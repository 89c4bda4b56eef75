/** @module Finds and reads JUMBF (ISO 19566-5) in JPEG and WebP files, for the tests' own C2PA reader. */

export interface Embedded {
  readonly jumbf: Uint8Array;
  /** Where it stands in the file, with the segments or the chunk around it. */
  readonly start: number;
  readonly end: number;
}

export interface Box {
  /** Four letters. */
  readonly type: string;
  /** Of a superbox; empty for others. */
  readonly label: string;
  /** Of a superbox, without its description. */
  readonly children: readonly Box[];
  /** Everything after length and type. */
  readonly content: Uint8Array;
}

/** @throws Error when there is none */
export function embeddedIn(file: Uint8Array): Embedded {
  const bytes = Buffer.from(file);
  return bytes.readUInt16BE(0) === 0xffd8 ? inJpeg(bytes) : inWebp(bytes);
}

/** APP11 segments: "JP", instance (2 bytes), number (4), and the box, whose head each but the first repeats. */
function inJpeg(file: Buffer): Embedded {
  const pieces: Buffer[] = [];
  let [start, end] = [0, 0];
  for (let at = 2; file[at] === 0xff && file[at + 1] !== 0xda; ) {
    const next = at + 2 + file.readUInt16BE(at + 2);
    if (file[at + 1] === 0xeb && file.toString("latin1", at + 4, at + 6) === "JP") {
      start ||= at;
      end = next;
      pieces.push(file.subarray(at + (pieces.length === 0 ? 12 : 20), next));
    }
    at = next;
  }
  if (pieces.length === 0) throw new Error("the JPEG has no JUMBF");
  return { jumbf: Buffer.concat(pieces), start, end };
}

function inWebp(file: Buffer): Embedded {
  for (let at = 12; at + 8 <= file.length; ) {
    const bytes = file.readUInt32LE(at + 4);
    if (file.toString("latin1", at, at + 4) === "C2PA") {
      return { jumbf: file.subarray(at + 8, at + 8 + bytes), start: at, end: at + 8 + bytes };
    }
    at += 8 + bytes + (bytes % 2);
  }
  throw new Error("the WebP has no C2PA chunk");
}

export function boxesOf(bytes: Uint8Array): Box[] {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const boxes: Box[] = [];
  for (let at = 0; at + 8 <= view.length; ) {
    const size = view.readUInt32BE(at);
    if (size < 8 || at + size > view.length) throw new Error(`a JUMBF box has ${size} bytes`);
    const type = view.toString("latin1", at + 4, at + 8);
    const content = view.subarray(at + 8, at + size);
    const [description, ...children] = type === "jumb" ? boxesOf(content) : [];
    boxes.push({ type, label: description ? labelOf(description.content) : "", children, content });
    at += size;
  }
  return boxes;
}

/** After the type (16 bytes) and the toggles (1). */
function labelOf(description: Uint8Array): string {
  const text = Buffer.from(description.subarray(17)).toString("latin1");
  return text.slice(0, text.indexOf("\0"));
}
