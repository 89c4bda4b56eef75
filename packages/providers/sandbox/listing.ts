/** @module GET /v1/predictions: newest first, a hundred a page. */
import type { PredictionRecord } from "./predictions.ts";

const PAGE_RECORDS = 100;

/**
 * One page of a listing, with the query string of the next one.
 *
 * @returns null for a time or cursor that cannot be read
 */
export function listingPage(
  records: Iterable<PredictionRecord>,
  query: URLSearchParams,
): { records: PredictionRecord[]; next: string | null } | null {
  const after = timeOf(query.get("created_after"), -Infinity);
  const before = timeOf(query.get("created_before"), Infinity);
  const cursor = query.get("cursor");
  const start = cursor === null ? undefined : /^(\d+)_(\w+)$/.exec(cursor);
  if (Number.isNaN(after) || Number.isNaN(before) || start === null) return null;

  const matching = [...records]
    .filter(({ createdAtMs }) => createdAtMs >= after && createdAtMs < before)
    .sort(newestFirst);
  const last = start && { createdAtMs: Number(start[1]), id: start[2] ?? "" };
  const rest = last === undefined ? matching : matching.filter((record) => newestFirst(last, record) < 0);
  const page = rest.slice(0, PAGE_RECORDS);
  const end = page.at(-1);
  if (end === undefined || rest.length <= PAGE_RECORDS) return { records: page, next: null };
  const next = new URLSearchParams(query);
  next.set("cursor", `${end.createdAtMs}_${end.id}`);
  return { records: page, next: next.toString() };
}

type Position = Pick<PredictionRecord, "createdAtMs" | "id">;

function newestFirst(one: Position, other: Position): number {
  return other.createdAtMs - one.createdAtMs || (one.id < other.id ? -1 : one.id > other.id ? 1 : 0);
}

function timeOf(text: string | null, otherwise: number): number {
  return text === null ? otherwise : Date.parse(text);
}
