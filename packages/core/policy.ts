/**
 * @module The content policy over the texts of an image: what rating they really have, and whether it may be made at all.
 * The rules are data (`policy.yaml`), but for those that no policy may leave out. Nothing here repeats what it judges.
 */
import { hasBareAgeBelowAdult, statesAdultAge } from "./age.ts";
import { saysAgeBelowAdult } from "./age-below-adult.ts";
import { higherRating, type Policy, type Rating, ratingRank } from "./catalogue.ts";
import { closestName } from "./closest.ts";
import type { NormalisedText } from "./normalise.ts";
import { isOnList, namesPerson } from "./person-names.ts";
import { type Met, matcherOf } from "./policy-matcher.ts";
import { termsOf } from "./policy-terms.ts";
import { negativelyWeighted, pointsElsewhere, wantedAndUnwanted } from "./prompt-syntax.ts";
import { hasUnreadableScript } from "./script.ts";

export type PolicyJudgement =
  | {
      readonly decision: "allowed";
      /** The higher of the category's and of what the texts say. */
      readonly rating: Rating;
      /** The concepts that were met, in the order of the policy. */
      readonly concepts: readonly string[];
    }
  | {
      readonly decision: "refused";
      readonly rating: Rating;
      /** The id of the first rule that was broken: one of the policy, or one of `BUILT_IN_RULES`. */
      readonly rule: string;
      /** What to write instead. */
      readonly message: string;
    };

/** `parameters` are a provider's own switches, as they are sent; `preferences` a caller's standing wishes. */
export type PolicyTextKind = "prompt" | "preferences" | "parameters" | "negative";

export interface PolicyText {
  readonly kind: PolicyTextKind;
  readonly text: string;
}

export interface PolicyContext {
  /** The category's. */
  readonly rating: Rating;
  readonly policy: Policy;
  /** True for a template with open places: only when they are filled must an adult age be there. Default false. */
  readonly hasOpenPlaces?: boolean;
  /** A local date such as "2026-11-22", for years of birth; without it, 2026. */
  readonly today?: string;
  /** Names that an operator refuses, beside those of the policy. */
  readonly refusedNames?: readonly string[];
}

/** `judgeTexts` for a prompt and its negative prompt. */
export function judgePrompt(
  input: { readonly prompt: string; readonly negativePrompt: string } & PolicyContext,
): PolicyJudgement {
  const { prompt, negativePrompt, ...context } = input;
  return judgeTexts({
    ...context,
    texts: [
      { kind: "prompt", text: prompt },
      { kind: "negative", text: negativePrompt },
    ],
  });
}

/**
 * Judges every text of an image that can reach a provider, together: a word of one and a word of another count as a pair.
 * A rule refuses when its concept is met and the effective rating is among its `ratings`; so a word that only matters in a
 * rated picture is free in a general one, until another word raises the rating.
 *
 * A negative prompt (or `--no` among parameters) asks for the absence of what it names, so naming a forbidden thing there is
 * a safeguard and is not refused. `--no` in a prompt is read both ways, since only some models know it. What counts there is what its absence brings about: concepts whose name begins with `negative_` are
 * looked for there, and nowhere else (clothing taken away raises the rating; adulthood taken away is refused). What is
 * unwanted twice, or hidden behind a heading for a prompt, is judged as wanted.
 *
 * @param input.texts in any order; the adult age of a rated image has to stand in a `prompt`
 */
export function judgeTexts(
  input: { readonly texts: readonly PolicyText[] } & PolicyContext,
): PolicyJudgement {
  const { policy } = input;
  const { wanted, unwanted } = sorted(input.texts);
  const matcher = matcherOf(policy);
  const read = wanted.map((text) => matcher.reads(text));
  const texts = read.map(({ normalised }) => normalised);
  const met = merged([
    ...read.map(({ met }) => ({ met, isWanted: true })),
    ...unwanted.map((text) => ({ met: matcher.reads(text).met, isWanted: false })),
  ]);
  const rating = Object.entries(policy.raises)
    .filter(([concept]) => met.certain.has(concept))
    .map(([, raised]) => raised)
    .reduce(higherRating, input.rating);
  // In a rated text a doubt refuses.
  const counts = (concept: string) =>
    met.certain.has(concept) || (isRated(rating) && met.doubtful.has(concept));
  const broken =
    policy.rules.find(
      (rule) =>
        rule.ratings.includes(rating) &&
        counts(rule.concept) &&
        (rule.with.length === 0 || rule.with.some(counts)),
    ) ?? brokenBuiltIn({ ...input, rating, wanted, normalisedTexts: texts, readings: met.readings });
  return broken === undefined
    ? {
        decision: "allowed",
        rating,
        concepts: Object.keys(policy.concepts).filter((name) => met.certain.has(name)),
      }
    : { decision: "refused", rating, rule: broken.id, message: broken.advice };
}

const NEGATIVE = "negative_";

function sorted(texts: readonly PolicyText[]): { wanted: string[]; unwanted: string[] } {
  const wanted: string[] = [];
  const unwanted: string[] = [];
  for (const { kind, text } of texts) {
    if (kind === "negative") {
      unwanted.push(text);
      wanted.push(...negativelyWeighted(text), ...(HIDDEN_PROMPT.exec(text)?.slice(1) ?? []));
    } else {
      const sides = wantedAndUnwanted(text);
      // Only what is sent as a switch is one: to most models `--no child` in a prompt is the word "child".
      wanted.push(kind === "parameters" ? sides.wanted : text);
      unwanted.push(sides.unwanted);
    }
  }
  return { wanted: wanted.filter((text) => text !== ""), unwanted: unwanted.filter((text) => text !== "") };
}

/** What follows a heading for a prompt, in a text that should have none. */
const HIDDEN_PROMPT = /(?:positive|\bprompt)\s*(?:prompt)?\s*[:=]+(.*)$/isu;

/** What several texts meet; each may only meet some concepts, and only what is wanted is read for ages. */
function merged(all: readonly { readonly met: Met; readonly isWanted: boolean }[]): Met {
  const names = (key: "certain" | "doubtful") =>
    all.flatMap(({ met, isWanted }) =>
      [...met[key]].filter((concept) => concept.startsWith(NEGATIVE) !== isWanted),
    );
  return {
    certain: new Set(names("certain")),
    doubtful: new Set(names("doubtful")),
    readings: all.flatMap(({ met, isWanted }) => (isWanted ? met.readings : [])),
  };
}

interface BuiltInRule {
  readonly id: string;
  readonly advice: string;
}

/** Rules that are not data, because no policy may leave them out. All but the first are for rated images. */
export const BUILT_IN_RULES = {
  refusedName: {
    id: "refused-name",
    advice: "This name may not be used here; describe an invented person instead.",
  },
  ageBelow18: {
    id: "age-below-18",
    advice:
      'A number below 18 beside a person reads as an age; state an adult age, such as "a 32-year-old woman", and put other numbers into words.',
  },
  unreadableScript: {
    id: "unreadable-script",
    advice:
      "Rated prompts are read in Latin letters only; write this one in English, French, Spanish, German, Italian or Portuguese.",
  },
  pointsElsewhere: {
    id: "points-elsewhere",
    advice: "A rated prompt may not point to a picture or page elsewhere; describe what is to be seen.",
  },
  personNamed: {
    id: "person-named",
    advice:
      "Rated pictures show invented persons only; leave out full names and account names, and describe the person.",
  },
  adultAgeMissing: {
    id: "adult-age-missing",
    advice: 'A rated picture needs an adult age in its prompt; state one, such as "a 32-year-old woman".',
  },
} as const satisfies Record<string, BuiltInRule>;

function brokenBuiltIn(
  input: {
    readonly texts: readonly PolicyText[];
    readonly wanted: readonly string[];
    readonly normalisedTexts: readonly NormalisedText[];
    readonly readings: readonly string[];
  } & PolicyContext,
): BuiltInRule | undefined {
  const { wanted, policy } = input;
  const refused = [...policy.persons.refused, ...(input.refusedNames ?? [])];
  if (input.normalisedTexts.some((text) => isOnList(text, refused))) return BUILT_IN_RULES.refusedName;
  if (!isRated(input.rating)) return undefined;
  const isYoung = wanted.some(hasBareAgeBelowAdult) || saysAgeBelowAdult(input.readings, input.today);
  if (isYoung) return BUILT_IN_RULES.ageBelow18;
  if (wanted.some(hasUnreadableScript)) return BUILT_IN_RULES.unreadableScript;
  if (input.texts.some(({ text }) => pointsElsewhere(text))) return BUILT_IN_RULES.pointsElsewhere;
  if (wanted.some((text) => namesPerson(text, policy.persons))) return BUILT_IN_RULES.personNamed;
  const statesAge = input.texts.some(
    ({ kind, text }) => kind === "prompt" && statesAdultAge(wantedAndUnwanted(text).wanted),
  );
  return (input.hasOpenPlaces ?? false) || statesAge ? undefined : BUILT_IN_RULES.adultAgeMissing;
}

/** Whether a rating is one whose prompts must state an adult age. */
export function isRated(rating: Rating): boolean {
  return ratingRank(rating) > ratingRank("general");
}

/** What is wrong with a policy that has the right shape; one sentence each, with the path of the value it is about. */
export function policyProblems(
  policy: Policy,
): { path: (string | number)[]; expected: string; found: string }[] {
  const problems: { path: (string | number)[]; expected: string; found: string }[] = [];
  const names = Object.keys(policy.concepts);
  for (const [name, concept] of Object.entries(policy.concepts)) {
    concept.patterns.forEach((pattern, at) => {
      try {
        new RegExp(pattern, "u");
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        problems.push({
          path: ["concepts", name, "patterns", at],
          expected: "a regular expression",
          found: reason,
        });
      }
    });
    for (const list of ["words", "except"] as const) {
      concept[list].forEach((word, at) => {
        if (termsOf(word).length > 0) return;
        problems.push({
          path: ["concepts", name, list, at],
          expected: "a word with letters",
          found: JSON.stringify(word),
        });
      });
    }
    if (concept.words.length + concept.patterns.length > 0) continue;
    problems.push({
      path: ["concepts", name],
      expected: "at least one word or pattern",
      found: "none",
    });
  }
  const checkConcept = (path: (string | number)[], written: string) => {
    if (names.includes(written)) return;
    problems.push({ path, expected: conceptOf(names, written), found: JSON.stringify(written) });
  };
  policy.rules.forEach((rule, at) => {
    checkConcept(["rules", at, "concept"], rule.concept);
    rule.with.forEach((written, position) => {
      checkConcept(["rules", at, "with", position], written);
    });
  });
  for (const name of Object.keys(policy.raises)) checkConcept(["raises", name], name);
  return problems;
}

function conceptOf(names: readonly string[], written: string): string {
  const closest = closestName(written, names);
  return `one of the concepts ${names.join(", ")}${closest === null ? "" : ` (did you mean \`${closest}\`?)`}`;
}
