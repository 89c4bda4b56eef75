/** @module What an entry of the error table says. */

/** What the state machine does with the error when it ends a task. */
export type ErrorRoute =
  /** A passing fault of a read or of a store: the engine runs the same task again (it buys nothing). */
  | "retry"
  /** Wait as long as the cause says, then generate again with the same attempt. */
  | "pace"
  /** The provider failed, not the request: validate again, next candidate, new attempt. */
  | "fail-over"
  /** The image ends here. */
  | "abandon"
  /** Nothing was decided: the image stays open and `resume` (or the reconciler) goes on with it. */
  | "hold";

export interface ErrorEntry {
  readonly route: ErrorRoute;
  /** Whether a provider has charged when this error ends an attempt; `unknown` is booked as charged. */
  readonly charged: "no" | "yes" | "unknown";
  readonly httpStatus: number;
  /** 1 an image failed · 2 bad usage or configuration · 3 policy or terms · 4 budget */
  readonly exitCode: 1 | 2 | 3 | 4;
  /** What happened, in a sentence without the particulars. */
  readonly meaning: string;
  /** What the user can do about it. */
  readonly remedy: string;
  /** What a caller of the API can do about it over HTTP, by its routes, headers and fields. Left out: the same. */
  readonly remedyOverHttp?: string;
}

/** The part of an entry that programs go by. */
export const rule = (
  route: ErrorRoute,
  charged: ErrorEntry["charged"],
  httpStatus: number,
  exitCode: ErrorEntry["exitCode"],
) => ({ route, charged, httpStatus, exitCode });
