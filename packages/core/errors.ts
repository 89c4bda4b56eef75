/** @module Named failures: what is thrown, and questions to the error table. */
import type { ErrorRoute } from "./error-entry.ts";
import { ERRORS } from "./error-table.ts";

export type ErrorName = keyof typeof ERRORS;

export const ERROR_NAMES = Object.keys(ERRORS) as ErrorName[];

export function isErrorName(name: string): name is ErrorName {
  return Object.hasOwn(ERRORS, name);
}

/**
 * A named failure. `name` is the literal that Step Functions, the API and the command line match on; `message` is one
 * sentence that says what was wrong, where, and what to do; `data` is plain JSON for machines.
 */
export class AtelierError extends Error {
  readonly data: Readonly<Record<string, unknown>>;

  constructor(
    name: ErrorName,
    message: string,
    options: { cause?: unknown; data?: Record<string, unknown> } = {},
  ) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.name = name;
    this.data = options.data ?? {};
  }
}

export function isAtelierError(
  error: unknown,
  name?: ErrorName,
): error is AtelierError & { name: ErrorName } {
  return error instanceof Error && isErrorName(error.name) && (name === undefined || error.name === name);
}

/** The table's name for anything thrown. */
export function errorNameOf(error: unknown): ErrorName {
  return error instanceof Error && isErrorName(error.name) ? error.name : "Unexpected";
}

/** The names that take a route, for the state machine's Retry and Catch lists. */
export function namesRouted(route: ErrorRoute): ErrorName[] {
  return ERROR_NAMES.filter((name) => ERRORS[name].route === route);
}
