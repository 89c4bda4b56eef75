/** @module Server-sent events out of pieces of a body, as the HTML standard defines the format (section 9.2.6). */

export interface ServerSentEvent {
  /** `message` when the server names none. */
  readonly event: string;
  readonly data: string;
  /** The last id that was sent, so far; empty before the first. */
  readonly id: string;
  /** How long the server asks to wait before connecting again; null when it never said. */
  readonly retryMs: number | null;
}

/** Comments and blank events are left out; an event that is cut off is dropped, as the standard says. */
export async function* serverSentEvents(
  pieces: AsyncIterable<Uint8Array>,
): AsyncGenerator<ServerSentEvent, void, void> {
  let event = "";
  let data: string[] = [];
  let id = "";
  let retryMs: number | null = null;
  for await (const line of linesOf(pieces)) {
    if (line === "") {
      if (data.length > 0) yield { event: event || "message", data: data.join("\n"), id, retryMs };
      event = "";
      data = [];
      continue;
    }
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") event = value;
    else if (field === "data") data.push(value);
    else if (field === "id" && !value.includes("\0")) id = value;
    else if (field === "retry" && /^\d+$/.test(value)) retryMs = Number(value);
  }
}

/** Lines end with CR, LF or both; the last one only counts when it has an end. */
async function* linesOf(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, void> {
  // It drops a byte order mark at the beginning, as the standard says.
  const decoder = new TextDecoder();
  let rest = "";
  for await (const piece of pieces) {
    const text = decoder.decode(piece, { stream: true });
    // A line of many pieces is split once it ends: else each piece would go through all before it again.
    if (!/[\r\n]/.test(text) && !rest.endsWith("\r")) {
      rest += text;
      continue;
    }
    // A CR at the very end may be the first half of a CRLF.
    const lines = (rest + text).split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? "";
    yield* lines;
  }
  if (rest.endsWith("\r")) yield rest.slice(0, -1);
}
