/** @module Answers of the server, read: bodies, problem documents, how long to wait. */
import type { Deadline } from "./deadline.ts";
import { type AtelierApiError, errorOf, type Problem } from "./errors.ts";

/** Piece by piece; only waiting for the server counts as silence. Rejects when the body is cut off. */
export async function* piecesOf(
  { body }: Response,
  deadline: Deadline,
): AsyncGenerator<Uint8Array, void, void> {
  if (body === null) return;
  const reader = body.getReader();
  try {
    for (;;) {
      deadline.start();
      const { done, value } = await reader.read();
      deadline.stop();
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

export async function bytesOf(response: Response, deadline: Deadline): Promise<Uint8Array<ArrayBuffer>> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of piecesOf(response, deadline)) {
    pieces.push(piece);
    length += piece.byteLength;
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.byteLength;
  }
  return bytes;
}

/** Of an answer that refuses. */
export async function refusalOf(response: Response, nowMs: number): Promise<AtelierApiError> {
  const text = await response.text().catch(() => "");
  return errorOf(problemOf(text, response), retryAfterMsOf(response.headers, nowMs));
}

/** What stands between us and the server may answer in words of its own. */
function problemOf(text: string, { status, statusText }: Response): Problem {
  const fallback = {
    type: "about:blank",
    title: statusText,
    status,
    name: "Unexpected",
    detail: `The server answered ${status} without saying why.`,
  };
  try {
    const problem: Partial<Problem> | null = JSON.parse(text);
    const isProblem = typeof problem?.name === "string" && typeof problem.detail === "string";
    return isProblem ? { ...fallback, ...problem, status } : fallback;
  } catch {
    return fallback;
  }
}

/** A date is meant by the server's clock: ours may be wrong. */
function retryAfterMsOf(headers: Headers, nowMs: number): number | null {
  const value = headers.get("retry-after");
  if (value === null) return null;
  if (/^\d+$/.test(value)) return Number(value) * 1000;
  const serverMs = Date.parse(headers.get("date") ?? "");
  const waitMs = Date.parse(value) - (Number.isNaN(serverMs) ? nowMs : serverMs);
  return Number.isNaN(waitMs) ? null : Math.max(0, waitMs);
}
