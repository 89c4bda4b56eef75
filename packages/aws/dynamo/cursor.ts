/** @module Opaque cursors: where a page ended, and of which query. */
import { AtelierError } from "@atelier/core/errors";
import * as z from "zod";

const cursorSchema = z.strictObject({ query: z.string(), after: z.string().min(1).max(1_000) });

export interface PageRequest {
  /** A positive whole number. */
  readonly limit: number;
  readonly cursor?: string | undefined;
}

/** @param query names the list and all its filters: a cursor serves no other */
export function writeCursor(query: string, after: string): string {
  return Buffer.from(JSON.stringify({ query, after })).toString("base64url");
}

/**
 * The position after which the page starts, or undefined at the beginning.
 *
 * @throws AtelierError `UsageError` for a cursor of another query, anything that is not a cursor, or a bad limit
 */
export function readCursor(query: string, page: PageRequest): string | undefined {
  if (!Number.isInteger(page.limit) || page.limit < 1) {
    throw new AtelierError("UsageError", `The limit is ${page.limit}, but must be a whole number from 1.`);
  }
  if (page.cursor === undefined) return undefined;
  const cursor = cursorSchema.safeParse(parsed(page.cursor));
  if (!cursor.success) {
    throw new AtelierError(
      "UsageError",
      "The cursor is not one that a list gave out; start without a cursor.",
    );
  }
  if (cursor.data.query !== query) {
    throw new AtelierError(
      "UsageError",
      "The cursor belongs to a list with other filters; start without a cursor.",
    );
  }
  return cursor.data.after;
}

function parsed(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, "base64url").toString());
  } catch {
    return undefined;
  }
}
