/** @module Paths with a query. */

/** What is undefined is left out. */
export function pathWith(
  path: string,
  query: Readonly<Record<string, string | number | boolean | null | undefined>>,
): string {
  const entries = Object.entries(query).flatMap(([name, value]): [string, string][] =>
    value === undefined || value === null ? [] : [[name, String(value)]],
  );
  return entries.length === 0 ? path : `${path}?${new URLSearchParams(entries)}`;
}
