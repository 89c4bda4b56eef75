/**
 * @module Works of which none may keep another from its turn: the backstop of money, what tells an operator, what a law asks for.
 * Each runs, one after the other, whatever became of those before; what failed is told under the name of its work.
 */
import { AtelierError, errorNameOf } from "./errors.ts";

type Works = Readonly<Record<string, () => Promise<unknown>>>;
type Results<Given extends Works> = { readonly [Name in keyof Given]: Awaited<ReturnType<Given[Name]>> };

/** A failing store fails every turn: the message names so many, the cause holds them all. */
const NAMED_MAX = 3;

export interface Turns {
  /** @returns what the work gives; undefined when it failed */
  give<T>(work: string, run: () => Promise<T>): Promise<T | undefined>;
  /** What failed until now. */
  readonly failures: readonly AtelierError[];
  /** To be called when all have had their turn. @throws AtelierError what failed, as `together` */
  end(): void;
}

export function startTurns(): Turns {
  const failures: AtelierError[] = [];
  return {
    failures,
    async give(work, run) {
      try {
        return await run();
      } catch (error) {
        failures.push(failureOf(work, error));
        return undefined;
      }
    },
    end: () => throwFailures(failures),
  };
}

/** @returns the result of each, under its name @throws AtelierError what failed, as `together`, when all have had their turn */
export async function allInTurn<Given extends Works>(works: Given): Promise<Results<Given>> {
  const turns = startTurns();
  const results: Record<string, unknown> = {};
  for (const [work, run] of Object.entries(works)) results[work] = await turns.give(work, run);
  turns.end();
  return results as Results<Given>;
}

/** The same failure, with the work in front of its sentence; what was thrown is the cause. */
export function failureOf(work: string, error: unknown): AtelierError {
  const name = errorNameOf(error);
  const said = error instanceof Error ? error.message : String(error);
  const isNamed = name !== "Unexpected" || !(error instanceof Error) || error.name === "Unexpected";
  return new AtelierError(name, `${work}: ${isNamed ? said : `${error.name}: ${said}`}`, { cause: error });
}

/** @throws AtelierError what failed, as `together`; nothing when nothing did */
export function throwFailures(failures: readonly AtelierError[]): void {
  if (failures.length > 0) throw together(failures);
}

/** One failure is itself; several are one under their common name, else `Unexpected`, with an `AggregateError` as the cause. */
export function together(failures: readonly AtelierError[]): AtelierError {
  const [first, ...others] = failures;
  if (first && others.length === 0) return first;
  const names = new Set(failures.map(errorNameOf));
  const some = failures.slice(0, NAMED_MAX).map(({ message }) => message);
  const more = failures.length - some.length;
  const message = `${failures.length} failed [${some.join(" | ")}${more > 0 ? ` | and ${more} more` : ""}]`;
  const name = names.size === 1 && first ? errorNameOf(first) : "Unexpected";
  return new AtelierError(name, message, { cause: new AggregateError(failures, message) });
}
