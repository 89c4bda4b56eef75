/**
 * @module JSON as a server should read it: what two readers could understand differently is refused. `JSON.parse` takes the last of two
 * equal keys, half a surrogate pair and any depth; RFC 8259 leaves all three open.
 */
import { malformed } from "./problem.ts";

/** Deeper than any body of ours. */
const DEPTH_MAX = 32;

/** A string with its quotes, or a mark of structure; what is between them cannot hold either. */
const TOKENS = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\]:,]/g;

/**
 * @param bytes UTF-8
 * @throws AtelierError `Malformed`; the message never repeats what was sent
 */
export function strictJson(bytes: Uint8Array): unknown {
  const text = utf8Text(bytes);
  const value = parsed(text);
  checkStructure(text);
  return value;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw malformed("The body is not JSON; send one JSON object.");
  }
}

function utf8Text(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw malformed("The body is not UTF-8.");
  }
}

/** @param text is JSON: only what JSON leaves open is looked at */
function checkStructure(text: string): void {
  /** The keys so far of each open object; null for a list. */
  const open: (Set<string> | null)[] = [];
  let last: string | null = null;
  for (const [token] of text.matchAll(TOKENS)) {
    if (token === "{" || token === "[") {
      open.push(token === "{" ? new Set() : null);
      if (open.length > DEPTH_MAX) throw malformed(`The body is nested more than ${DEPTH_MAX} levels deep.`);
    } else if (token === "}" || token === "]") {
      open.pop();
    } else if (token === ":") {
      const keys = open.at(-1);
      if (keys && last !== null) {
        if (keys.has(last)) throw malformed("The body names a field twice; name each once.");
        // Readers disagree whether it is a field.
        if (last === "__proto__") throw malformed("The body has a field that no body has.");
        keys.add(last);
      }
    } else if (token !== ",") {
      last = JSON.parse(token) as string;
      if (!last.isWellFormed()) throw malformed("The body holds half of a surrogate pair.");
    }
  }
}
