/** @module The name that somebody probably meant, for messages about a name that does not exist. */
import { AtelierError } from "./errors.ts";

/**
 * The name nearest to what was written, by the number of letters to change, add, drop or swap.
 *
 * @returns null when nothing is near: at most a third of the letters (and at least one) may differ
 */
export function closestName(written: string, names: readonly string[]): string | null {
  const wanted = written.toLowerCase();
  let closest: string | null = null;
  let fewest = Math.max(1, Math.floor(wanted.length / 3)) + 1;
  for (const name of names) {
    const distance = editDistance(wanted, name.toLowerCase());
    if (distance < fewest) {
      fewest = distance;
      closest = name;
    }
  }
  return closest;
}

/** `UnknownName` with a did-you-mean and the whole list. `kind` is a noun such as "template". */
export function unknownName(kind: string, written: string, names: readonly string[]): AtelierError {
  const closest = closestName(written, names);
  const hint = closest === null ? "" : ` Did you mean "${closest}"?`;
  const shown = written.length > 60 ? `${written.slice(0, 60)}…` : written;
  return new AtelierError(
    "UnknownName",
    `There is no ${kind} "${shown}".${hint} Known: ${names.length === 0 ? "none" : names.join(", ")}.`,
    { data: { kind, names: [...names], closest } },
  );
}

/** Damerau-Levenshtein distance in its restricted form: a swap of neighbours counts once. */
function editDistance(one: string, other: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: other.length + 1 }, (_, column) => column);
  for (let row = 1; row <= one.length; row++) {
    const current = [row];
    for (let column = 1; column <= other.length; column++) {
      const same = one[row - 1] === other[column - 1];
      let distance = Math.min(
        (last[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (same ? 0 : 1),
      );
      if (row > 1 && column > 1 && one[row - 1] === other[column - 2] && one[row - 2] === other[column - 1]) {
        distance = Math.min(distance, (beforeLast[column - 2] ?? 0) + 1);
      }
      current.push(distance);
    }
    beforeLast = last;
    last = current;
  }
  return last[other.length] ?? 0;
}
