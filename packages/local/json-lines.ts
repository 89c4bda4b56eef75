/** @module Files of JSON lines, written and read piece by piece, with their checksum. */
import { createHash } from "node:crypto";
import { open } from "node:fs/promises";

/** Written in pieces of about that size. */
const PIECE_BYTES = 1024 * 1024;
const NEWLINE = 0x0a;

export interface WrittenLines {
  readonly count: number;
  readonly sha256: string;
}

/** Writes and syncs a new file, one JSON document a line. @throws the system's error */
export async function writeJsonLines(path: string, documents: AsyncIterable<unknown>): Promise<WrittenLines> {
  const hash = createHash("sha256");
  const file = await open(path, "wx", 0o600);
  try {
    let count = 0;
    let piece = "";
    const flush = async () => {
      const bytes = Buffer.from(piece);
      piece = "";
      hash.update(bytes);
      await file.writeFile(bytes);
    };
    for await (const document of documents) {
      count++;
      piece += `${JSON.stringify(document)}\n`;
      if (piece.length >= PIECE_BYTES) await flush();
    }
    await flush();
    await file.sync();
    return { count, sha256: hash.digest("hex") };
  } finally {
    await file.close();
  }
}

/**
 * The lines of a stream, without their ends; a last one without an end as well. Node's `readline` would also cut at U+2028, which
 * JSON allows in texts.
 *
 * @param seen told of every piece, as for a checksum
 */
export async function* linesOf(
  pieces: AsyncIterable<Uint8Array>,
  seen?: (piece: Uint8Array) => void,
): AsyncGenerator<string> {
  let begun: Uint8Array[] = [];
  for await (const piece of pieces) {
    seen?.(piece);
    let from = 0;
    for (let end = piece.indexOf(NEWLINE); end >= 0; end = piece.indexOf(NEWLINE, from)) {
      yield Buffer.concat([...begun, piece.subarray(from, end)]).toString("utf8");
      begun = [];
      from = end + 1;
    }
    if (from < piece.length) begun.push(piece.subarray(from));
  }
  if (begun.length > 0) yield Buffer.concat(begun).toString("utf8");
}
