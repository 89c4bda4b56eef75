/** @module The exit codes, and which of several wins. */
import type { VariationDocument } from "@atelier/core/document";
import { ERRORS } from "@atelier/core/error-table";
import { errorNameOf, isErrorName } from "@atelier/core/errors";
import { noCandidateError } from "@atelier/core/routing";
import type { Produced } from "@atelier/local/facade";

export const EXIT = { done: 0, failed: 1, usage: 2, policy: 3, budget: 4 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Of several the first of these counts. */
const PRECEDENCE: readonly ExitCode[] = [EXIT.usage, EXIT.policy, EXIT.budget, EXIT.failed];

/** The one code for many outcomes; 0 for none. */
export function worstExitCode(codes: readonly ExitCode[]): ExitCode {
  return PRECEDENCE.find((code) => codes.includes(code)) ?? EXIT.done;
}

/** @param name from the error table; any other counts as a failed image */
export function exitCodeOfName(name: string): ExitCode {
  return isErrorName(name) ? ERRORS[name].exitCode : EXIT.failed;
}

export function exitCodeOfError(error: unknown): ExitCode {
  return exitCodeOfName(errorNameOf(error));
}

/** What an image that a command was to make says about it: quarantined is done, anything unfinished has failed. */
export function exitCodeOfProduced(produced: Produced): ExitCode {
  switch (produced.status) {
    case "completed":
    case "quarantined":
      return EXIT.done;
    case "refused":
      return exitCodeOfName(produced.error);
    case "failed":
    case "rejected":
    case "cancelled":
      return produced.failure === null ? EXIT.failed : exitCodeOfName(produced.failure.name);
    default:
      return EXIT.failed;
  }
}

/** What would come of a variation: it is refused, or no model can make it. */
export function exitCodeOfVariation(variation: VariationDocument): ExitCode {
  if (variation.policy.decision === "refused") return EXIT.policy;
  if (variation.candidates.length > 0) return EXIT.done;
  return exitCodeOfName(noCandidateError(variation.excluded));
}
