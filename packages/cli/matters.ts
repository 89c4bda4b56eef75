/** @module What needs a person's attention, on standard error: a line for each cause, however many it befell. */
import type { Refusal } from "./documents.ts";

export interface Matter {
  /** An image's id, a template, or "A prompt". */
  readonly subject: string;
  /** Where it stands in a file of prompts; it goes before the subject. */
  readonly line?: number | undefined;
  readonly cause: string;
}

/** Of one cause; the documents name the others. */
const LINES_NAMED_MAX = 20;

/** "line 3: refused (youth): …", "img_1 and 4 more: failed (…): …" */
export function matterLines(matters: readonly Matter[]): string[] {
  const causes = Map.groupBy(matters, ({ cause }) => cause);
  return [...causes].map(([cause, alike]) => `${subjectsOf(alike)}: ${cause}`);
}

export function refusalText({ rule, message }: Pick<Refusal, "rule" | "message">): string {
  return `refused (${rule}): ${message}`;
}

function subjectsOf(matters: readonly Matter[]): string {
  const lines = matters.flatMap(({ line }) => line ?? []);
  if (lines.length === 1) return `line ${lines[0]}`;
  const more = (named: number) => (matters.length > named ? ` and ${matters.length - named} more` : "");
  if (lines.length > 1) return `lines ${lines.slice(0, LINES_NAMED_MAX).join(", ")}${more(LINES_NAMED_MAX)}`;
  return `${matters[0]?.subject}${more(1)}`;
}
