/** @module Disguises refused prompts of rated categories in every family of `policy-mutations.ts`: none may get through. */
import type { Policy } from "@atelier/core/catalogue";
import { judgePrompt } from "@atelier/core/policy";
import { isCaught, type PolicyCase } from "./policy-cases.ts";
import { MUTATIONS, seededRandom } from "./policy-mutations.ts";

export interface FamilyFigures {
  readonly mutations: number;
  /** Allowed: must be 0. */
  readonly through: number;
  /** The share that was refused by the very rule that refuses the plain phrase. */
  readonly sameRule: number;
}

export interface FuzzResult {
  /** The same seed, cases and policy give the same mutations. */
  readonly seed: number;
  readonly mutations: number;
  readonly through: number;
  readonly families: Readonly<Record<string, FamilyFigures>>;
  /** The first that got through, each with its family. */
  readonly examples: readonly string[];
}

/** Names are told by their capitals, other scripts and addresses by their characters: a disguised one is none any more. */
const NOT_IN_WORDS: ReadonlySet<string> = new Set(["person-named", "unreadable-script", "points-elsewhere"]);
const EXAMPLES_MAX = 40;

/**
 * The phrases of cases that are refused in a rated category are disguised, the frame around them (which states an adult
 * age) stays. Phrases that are negative prompts are disguised as such.
 */
export function fuzzPolicy(input: {
  readonly cases: readonly PolicyCase[];
  readonly policy: Policy;
  readonly perFamily: number;
  readonly seed: number;
  /** What is to be got through; `judgePrompt` by default. */
  readonly judge?: typeof judgePrompt;
}): FuzzResult {
  const { policy, perFamily, seed, judge = judgePrompt } = input;
  const bases = basesOf(input.cases, policy, judge);
  const examples: string[] = [];
  const families = Object.fromEntries(
    Object.entries(MUTATIONS).map(([name, mutate], family): [string, FamilyFigures] => {
      const random = seededRandom(seed + family);
      let through = 0;
      let sameRule = 0;
      for (let count = 0; count < perFamily; count++) {
        const base = bases[Math.floor(random() * bases.length)] as Base;
        const phrase = mutate(base.phrase, random);
        const prompt = base.prompt.replace(base.phrase, () => phrase);
        const negativePrompt = base.negativePrompt.replace(base.phrase, () => phrase);
        const judgement = judge({ prompt, negativePrompt, rating: base.rating, policy });
        if (!isCaught(base, judgement)) {
          through++;
          if (examples.length < EXAMPLES_MAX)
            examples.push(`${name} | ${base.rule} | ${base.phrase} | ${phrase}`);
        } else if (judgement.decision === "refused" && judgement.rule === base.found) sameRule++;
      }
      return [
        name,
        { mutations: perFamily, through, sameRule: Math.round((sameRule / perFamily) * 1000) / 1000 },
      ];
    }),
  );
  const figures = Object.values(families);
  return {
    seed,
    mutations: perFamily * figures.length,
    through: figures.reduce((sum, { through }) => sum + through, 0),
    families,
    examples,
  };
}

type Base = PolicyCase & { readonly phrase: string; readonly found: string };

function basesOf(cases: readonly PolicyCase[], policy: Policy, judge: typeof judgePrompt): Base[] {
  return cases.flatMap((one) => {
    const { phrase, prompt, negativePrompt, rating } = one;
    if (phrase === null || rating === "general" || NOT_IN_WORDS.has(one.rule)) return [];
    const judgement = judge({ prompt, negativePrompt, rating, policy });
    if (judgement.decision !== "refused" || !isCaught(one, judgement)) return [];
    // What is a disguise already is not disguised again.
    return /^[\p{L}\d ,.:'’-]+$/u.test(phrase) ? [{ ...one, phrase, found: judgement.rule }] : [];
  });
}
