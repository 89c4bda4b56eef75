/** @module How well the prompt gate tells the cases of the evaluation set apart: recall and false positives, and every miss. */
import type { Policy } from "@atelier/core/catalogue";
import { judgePrompt } from "@atelier/core/policy";
import { isCaught, type PolicyCase } from "./policy-cases.ts";

export interface PolicyFigures {
  /** Of the cases to be refused, the share that was; null where there are none. */
  readonly recall: number | null;
  /** Of the cases to be allowed, the share that was refused; null where there are none. */
  readonly falsePositives: number | null;
  readonly cases: number;
}

export interface PolicyEvaluation extends PolicyFigures {
  /** Of the refused cases, the share whose answer names the rule that the case is about. */
  readonly namedRule: number | null;
  readonly byRule: Readonly<Record<string, PolicyFigures>>;
  readonly byLanguage: Readonly<Record<string, PolicyFigures>>;
  /** `rule/language`. */
  readonly byRuleAndLanguage: Readonly<Record<string, PolicyFigures>>;
  readonly misses: readonly string[];
}

/** The date that years of birth in the cases are written for. */
const TODAY = "2026-11-22";

export function evaluatePolicy(cases: readonly PolicyCase[], policy: Policy): PolicyEvaluation {
  const judged = cases.map((one) => {
    const { prompt, negativePrompt, rating } = one;
    const judgement = judgePrompt({ prompt, negativePrompt, rating, policy, today: TODAY });
    const rule = judgement.decision === "refused" ? judgement.rule : null;
    const isRight = one.expected === "refused" ? isCaught(one, judgement) : judgement.decision === "allowed";
    return { ...one, isRight, found: rule };
  });
  const caught = judged.filter(({ expected, isRight }) => expected === "refused" && isRight);
  return {
    ...figuresOf(judged),
    namedRule: shareOf(
      caught.filter(({ rule }) => rule !== "any"),
      ({ rule, found }) => rule === found,
    ),
    byRule: grouped(judged, ({ rule }) => rule),
    byLanguage: grouped(judged, ({ language }) => language),
    byRuleAndLanguage: grouped(judged, ({ rule, language }) => `${rule}/${language}`),
    misses: judged
      .filter(({ isRight }) => !isRight)
      .map(({ rule, language, expected, prompt, negativePrompt, rating, found }) =>
        [rule, language, rating, `to be ${expected}`, found ?? "allowed", prompt, negativePrompt].join(" | "),
      ),
  };
}

type Judged = PolicyCase & { readonly isRight: boolean };

function figuresOf(judged: readonly Judged[]): PolicyFigures {
  return {
    recall: shareOf(
      judged.filter(({ expected }) => expected === "refused"),
      ({ isRight }) => isRight,
    ),
    falsePositives: shareOf(
      judged.filter(({ expected }) => expected === "allowed"),
      ({ isRight }) => !isRight,
    ),
    cases: judged.length,
  };
}

function grouped(judged: readonly Judged[], keyOf: (one: Judged) => string): Record<string, PolicyFigures> {
  const groups = Object.groupBy(judged, keyOf);
  return Object.fromEntries(Object.entries(groups).map(([key, group = []]) => [key, figuresOf(group)]));
}

function shareOf<T>(all: readonly T[], isCounted: (one: T) => boolean): number | null {
  if (all.length === 0) return null;
  return Math.round((all.filter(isCounted).length / all.length) * 10_000) / 10_000;
}
