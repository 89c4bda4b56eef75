/** @module Variations for people, and what a dry run prints: prompts, prices and models, with nothing bought. */
import type { VariationDocument } from "@atelier/core/document";
import { formatUsd, type Micros, usdFromMicros } from "@atelier/core/money";
import { isRefusal, microsOf, type Refusal, refusalDocument, refusalsAtLines } from "./documents.ts";
import { EXIT, type ExitCode, exitCodeOfProduced, exitCodeOfVariation, worstExitCode } from "./exit-codes.ts";
import { countOf, exclusionsLine } from "./image-report.ts";
import { type Matter, matterLines, refusalText } from "./matters.ts";
import { type Output, printable } from "./output.ts";
import type { Session } from "./session.ts";

/** On standard error; the documents name them all. */
const EXCLUSIONS_NAMED_MAX = 3;

/**
 * Prints the variations, then the most that they can cost, and on standard error why some of them could not be made.
 *
 * @param given a refused prompt keeps its place among the variations
 * @param maxCostMicros the command's cap; a price above it is exit 4, as it would be in earnest
 * @param lines where the prompts stand in their file
 */
export function reportVariations(
  given: readonly (VariationDocument | Refusal)[],
  maxCostMicros: Micros | null,
  { output, json }: Pick<Session, "output" | "json">,
  lines: readonly number[] = [],
): ExitCode {
  const answers = refusalsAtLines(given, lines);
  const variations = answers.filter(isVariation);
  if (json) for (const answer of answers) output.document(publicAnswer(answer));
  else if (answers.length > 0) {
    output.text(answers.map((answer, index) => `${index + 1}. ${block(answer, output)}`).join("\n"));
    output.text(
      `\n${countOf(variations.length, "variation")}, ${totalPrice(variations)}; nothing was bought`,
    );
    const excluded = exclusionsLine(variations.flatMap((variation) => variation.excluded));
    if (excluded !== "") output.text(output.paint("dim", `Not considered: ${printable(excluded)}`));
  }
  const matters = answers.flatMap((answer, index) => mattersOf(answer, lines[index]));
  for (const line of matterLines(matters)) output.note(line);
  const codes = answers.map((answer) =>
    isRefusal(answer) ? exitCodeOfProduced(answer) : exitCodeOfVariation(answer),
  );
  const mostMicros = variations.reduce((total, { price }) => total + microsOf(price?.most ?? 0), 0);
  if (maxCostMicros !== null && mostMicros > maxCostMicros) {
    output.note(
      `This can cost up to ${formatUsd(mostMicros)}, which --max-cost ${formatUsd(maxCostMicros)} does not cover; raise it or ask for fewer images.`,
    );
    codes.push(EXIT.budget);
  }
  return worstExitCode(codes);
}

/** "$0.05", or "$0.05 (at most $0.08)" where a model may charge more than its list price */
function priceText(price: { list: number; most: number } | null): string {
  if (price === null) return "no price";
  const list = formatUsd(microsOf(price.list));
  return price.most === price.list ? list : `${list} (at most ${formatUsd(microsOf(price.most))})`;
}

/** A refused prompt is named by its rule alone. */
function publicAnswer(answer: VariationDocument | Refusal): unknown {
  if (isRefusal(answer)) return refusalDocument(answer);
  return answer.policy.decision === "refused" ? { ...answer, prompt: "", negative_prompt: "" } : answer;
}

function block(answer: VariationDocument | Refusal, output: Output): string {
  if (isRefusal(answer)) {
    return printable(`${answer.line === undefined ? "" : `line ${answer.line}: `}${refusalText(answer)}`);
  }
  const { parameters, candidates, price, policy } = answer;
  const model =
    candidates[0] === undefined ? "no model can make it" : `${candidates[0].model} at ${priceText(price)}`;
  const head = [
    output.paint("bold", answer.template ?? answer.category),
    model,
    answer.rating,
    `${parameters.width} x ${parameters.height}`,
    `seed ${answer.seed}`,
  ].join("  ");
  const texts =
    policy.decision === "refused"
      ? [refusalText(refusalBy(policy))]
      : [answer.prompt, ...(answer.negative_prompt === "" ? [] : [`without: ${answer.negative_prompt}`])];
  return [head, ...texts.map((text) => indented(text, output))].join("\n");
}

/** Why the answer would not become an image: one matter or none. */
function mattersOf(answer: VariationDocument | Refusal, line: number | undefined): Matter[] {
  if (isRefusal(answer)) return [{ subject: "A prompt", line, cause: refusalText(answer) }];
  const { template, policy, candidates, excluded } = answer;
  const subject = template ?? "A prompt";
  if (policy.decision === "refused") return [{ subject, line, cause: refusalText(refusalBy(policy)) }];
  if (candidates.length > 0) return [];
  const why = exclusionsLine(excluded.slice(0, EXCLUSIONS_NAMED_MAX));
  const more = excluded.length > EXCLUSIONS_NAMED_MAX ? "; `atelier models` tells of the others" : "";
  return [{ subject, line, cause: `no model can make it${why === "" ? "" : `: ${why}${more}`}` }];
}

function refusalBy({ rule, message }: VariationDocument["policy"]): Pick<Refusal, "rule" | "message"> {
  return { rule: rule ?? "policy", message: message ?? "the content policy does not allow it" };
}

function isVariation(answer: VariationDocument | Refusal): answer is VariationDocument {
  return !isRefusal(answer);
}

function totalPrice(variations: readonly VariationDocument[]): string {
  const sum = (part: "list" | "most") =>
    variations.reduce((total, { price }) => total + microsOf(price?.[part] ?? 0), 0);
  return priceText({ list: usdFromMicros(sum("list")), most: usdFromMicros(sum("most")) });
}

/** Set in by three, and broken between words where the terminal ends. */
function indented(text: string, { widthColumns }: Output): string {
  const available = (widthColumns ?? Number.POSITIVE_INFINITY) - 3;
  const lines: string[] = [];
  let line = "";
  for (const word of printable(text).split(" ")) {
    if (line !== "" && line.length + 1 + word.length > available) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line].map((each) => `   ${each}`).join("\n");
}
