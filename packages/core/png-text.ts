/**
 * @module Prompts that generators write into the text chunks of a PNG. They are taken out before the file is kept: no file of a
 * rated image holds its prompt. Everything else of the file stays, byte for byte.
 */

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
/** Length and name before the data, a checksum after it (PNG specification, section 5.3). */
const CHUNK_BYTES = 12;
const TEXT_CHUNKS: ReadonlySet<string> = new Set(["tEXt", "zTXt", "iTXt"]);
/** ComfyUI writes its graph under the first two, Stable Diffusion web UIs their settings under the third. */
const PROMPT_KEYWORDS: ReadonlySet<string> = new Set(["prompt", "workflow", "parameters"]);

/** The same bytes where there is nothing to take out, or where it is no whole PNG. */
export function withoutPromptText(bytes: Uint8Array): Uint8Array {
  if (!SIGNATURE.every((byte, at) => bytes[at] === byte)) return bytes;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const kept: Uint8Array[] = [bytes.subarray(0, SIGNATURE.length)];
  let isChanged = false;
  for (let at = SIGNATURE.length; at < bytes.byteLength; ) {
    if (at + CHUNK_BYTES > bytes.byteLength) return bytes;
    const end = at + CHUNK_BYTES + view.getUint32(at);
    if (end > bytes.byteLength) return bytes;
    const chunk = bytes.subarray(at, end);
    if (holdsPrompt(chunk)) isChanged = true;
    else kept.push(chunk);
    at = end;
  }
  return isChanged ? new Uint8Array(Buffer.concat(kept)) : bytes;
}

function holdsPrompt(chunk: Uint8Array): boolean {
  const name = Buffer.from(chunk.subarray(4, 8)).toString("latin1");
  if (!TEXT_CHUNKS.has(name)) return false;
  const data = chunk.subarray(8, -4);
  const keyword = Buffer.from(data.subarray(0, data.indexOf(0))).toString("latin1");
  return PROMPT_KEYWORDS.has(keyword.toLowerCase());
}
