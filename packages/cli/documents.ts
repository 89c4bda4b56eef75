/** @module Documents that only the command line prints, in the snake_case of the public contract. */

import type { CounterProof } from "@atelier/core/budget-verify";
import type { BudgetProofDocument, RefusalDocument } from "@atelier/core/document";
import { MICROS_PER_USD, usdFromMicros } from "@atelier/core/money";
import type { Produced } from "@atelier/local/facade";

/** A refused prompt, with its line where it came from a file. */
export type Refusal = Extract<Produced, { status: "refused" }> & Located;
interface Located {
  /** From 1. */
  readonly line?: number;
}

export function isRefusal<Other extends object>(answer: Other | Refusal): answer is Refusal {
  return "status" in answer && answer.status === "refused";
}

/**
 * Says of each refused prompt where it stands.
 *
 * @param lines of the prompts, in their order; fewer when they came from no file
 */
export function refusalsAtLines<Other extends object>(
  answers: readonly (Other | Refusal)[],
  lines: readonly number[],
): (Other | Refusal)[] {
  return answers.map((answer, index) => {
    const line = lines[index];
    return line !== undefined && isRefusal(answer) ? { ...answer, line } : answer;
  });
}

/** The error's name is for the exit code only. */
export function refusalDocument({ status, rule, message, line }: Refusal): RefusalDocument & Located {
  return { status, rule, message, ...(line === undefined ? {} : { line }) };
}

export function proofDocument(proof: CounterProof): BudgetProofDocument {
  return {
    scope: proof.scope,
    period: proof.period,
    limit: proof.limitMicros === null ? null : usdFromMicros(proof.limitMicros),
    remaining: usdFromMicros(proof.remainingMicros),
    spent: usdFromMicros(proof.spentMicros),
    held: usdFromMicros(proof.heldMicros),
    difference: usdFromMicros(proof.differenceMicros),
    proved: proof.differenceMicros === 0,
  };
}

/** Micro-USD of a document's dollars: sums of documents are made of whole numbers. */
export function microsOf(usd: number): number {
  return Math.round(usd * MICROS_PER_USD);
}
