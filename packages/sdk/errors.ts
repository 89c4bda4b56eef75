/** @module Everything that a call can end with. `name` is the literal of the server's error table (`docs/errors.md`). */

/** A problem document (RFC 9457) as the server sends it. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  /** What was wrong, where, and what to do. */
  readonly detail: string;
  /** A name of the error table, for programs. */
  readonly name: string;
  /** This very answer; worth quoting to the operator. */
  readonly instance?: string;
  readonly remedy?: string;
  /** The rule of the policy or of the terms that refused. */
  readonly rule?: string;
  /** Each field that is not as described. */
  readonly errors?: readonly FieldError[];
}

export interface FieldError {
  /** Where the field was sent. */
  readonly in: "body" | "query" | "header";
  /** A JSON pointer (RFC 6901) into it. */
  readonly pointer: string;
  readonly detail: string;
}

/** The server answered, and refused. Its subclasses say what a program may want to tell apart. */
export class AtelierApiError extends Error {
  readonly status: number;
  readonly problem: Problem;
  /** How long the server asks to wait; null when it does not say. */
  readonly retryAfterMs: number | null;

  constructor(problem: Problem, retryAfterMs: number | null) {
    super(problem.detail);
    this.name = problem.name;
    this.status = problem.status;
    this.problem = problem;
    this.retryAfterMs = retryAfterMs;
  }
}

/** 400, 405, 410, 412, 413, 415, 421: the call itself has to be changed. */
export class InvalidCallError extends AtelierApiError {}
/** 401 */
export class UnauthenticatedError extends AtelierApiError {}
/** 403: a scope or an attestation of age is missing. */
export class ForbiddenError extends AtelierApiError {}
/** 404 */
export class NotFoundError extends AtelierApiError {}
/** 409: the idempotency key stands for another body, or the record cannot be changed now. */
export class ConflictError extends AtelierApiError {}
/** 402: nothing was bought. */
export class BudgetError extends AtelierApiError {}
/**
 * 422: the content policy, every provider's terms or the models refuse it; `problem.rule` says which rule of the policy. Nothing was
 * bought.
 */
export class PolicyError extends AtelierApiError {}
/** 429 */
export class RateLimitedError extends AtelierApiError {}
/** 5xx */
export class ServerError extends AtelierApiError {}

/** No answer came: no connection, a time-out, or not Atelier's. What was asked for may have happened all the same. */
export class NoAnswerError extends Error {
  override readonly name = "NoAnswerError";
}

const KINDS: Readonly<Record<number, typeof AtelierApiError>> = {
  401: UnauthenticatedError,
  402: BudgetError,
  403: ForbiddenError,
  404: NotFoundError,
  409: ConflictError,
  422: PolicyError,
  429: RateLimitedError,
};

export function errorOf(problem: Problem, retryAfterMs: number | null): AtelierApiError {
  const Kind = KINDS[problem.status] ?? (problem.status >= 500 ? ServerError : InvalidCallError);
  return new Kind(problem, retryAfterMs);
}

/** Trying the same again later may go well. Nothing else may be tried again. */
export function isPassing(error: unknown): boolean {
  if (error instanceof NoAnswerError) return true;
  return error instanceof AtelierApiError && PASSING.has(error.status);
}

const PASSING: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504]);
