/** @module Paths with a query, and lists page by page. */
import type { Transport } from "./transport.ts";

export type Query = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** What is undefined or null is left out. */
export function pathWith(path: string, query: Query): string {
  const entries = Object.entries(query).flatMap(([name, value]): [string, string][] =>
    value === undefined || value === null ? [] : [[name, String(value)]],
  );
  return entries.length === 0 ? path : `${path}?${new URLSearchParams(entries)}`;
}

/** Each page is asked for once the one before has been gone through. */
export async function* itemsOf<T>(
  path: string,
  query: Query,
  transport: Transport,
  signal: AbortSignal | undefined,
): AsyncGenerator<T, void, void> {
  let cursor: string | null | undefined;
  do {
    const page: { items: T[]; next_cursor: string | null } = await transport.json({
      method: "GET",
      path: pathWith(path, { ...query, cursor }),
      signal,
    });
    // A page may be short, or empty, before the end.
    yield* page.items;
    cursor = page.next_cursor;
  } while (cursor !== null);
}

/** Of a list that comes whole. */
export async function allOf<T>(
  path: string,
  transport: Transport,
  signal: AbortSignal | undefined,
): Promise<T[]> {
  const { items } = await transport.json<{ items: T[] }>({ method: "GET", path, signal });
  return items;
}

export function imagePath(imageId: string): string {
  return `/v1/images/${encodeURIComponent(imageId)}`;
}
