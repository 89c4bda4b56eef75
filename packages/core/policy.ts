/**
 * @module The content policy over a prompt: what rating it really has, and whether it may be made at all. The rules are
 * data (`policy.yaml`); this is how they are read. Nothing here repeats the text that it judges.
 */
import { hasBareAgeBelowAdult, statesAdultAge } from "./age.ts";
import { higherRating, type Policy, type Rating, ratingRank } from "./catalogue.ts";
import { closestName } from "./closest.ts";
import { type NormalisedText, normalised } from "./normalise.ts";

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
      /** The id of the first rule that was broken: one of the policy, or `age-below-18` or `adult-age-missing`. */
      readonly rule: string;
      /** What to write instead. */
      readonly message: string;
    };

/**
 * Judges what is asked for. A rule refuses when its concept is met and the effective rating is among its `ratings`; so
 * a word that only matters in a rated picture is free in a general one, until another word raises the rating.
 *
 * A negative prompt asks for the absence of what it names, so naming a forbidden thing there is a safeguard and is not
 * refused. What counts there is what its absence brings about: concepts whose name begins with `negative_` are looked
 * for in the negative prompt, and nowhere else (clothing taken away raises the rating; adulthood taken away is refused).
 *
 * Two rules are not data, because no policy may leave them out. A rated prompt must state an adult age, whatever it
 * shows: whether somebody is seen cannot be told from words. And no age below 18 may stand beside a person.
 */
export function judgePrompt(input: {
  prompt: string;
  negativePrompt: string;
  /** The category's. */
  rating: Rating;
  policy: Policy;
  /** True for a template with open places: only when they are filled must an adult age be there. Default false. */
  hasOpenPlaces?: boolean;
}): PolicyJudgement {
  const prompt = normalised(input.prompt);
  const negativePrompt = normalised(input.negativePrompt);
  const met = compiledConcepts(input.policy)
    .filter((concept) => concept.isIn(concept.name.startsWith(NEGATIVE) ? negativePrompt : prompt))
    .map((concept) => concept.name);
  const rating = met
    .map((concept) => input.policy.raises[concept])
    .filter((raised) => raised !== undefined)
    .reduce(higherRating, input.rating);
  const broken =
    input.policy.rules.find((rule) => rule.ratings.includes(rating) && met.includes(rule.concept)) ??
    (isRated(rating) ? brokenAgeRule(input.prompt, input.hasOpenPlaces ?? false) : undefined);
  return broken === undefined
    ? { decision: "allowed", rating, concepts: met }
    : { decision: "refused", rating, rule: broken.id, message: broken.advice };
}

const NEGATIVE = "negative_";

function brokenAgeRule(prompt: string, hasOpenPlaces: boolean): { id: string; advice: string } | undefined {
  if (hasBareAgeBelowAdult(prompt)) return AGE_BELOW_18;
  return hasOpenPlaces || statesAdultAge(prompt) ? undefined : ADULT_AGE_MISSING;
}

const AGE_BELOW_18 = {
  id: "age-below-18",
  advice:
    'A number below 18 beside a person reads as an age; state an adult age, such as "a 32-year-old woman", and put other numbers into words.',
};
const ADULT_AGE_MISSING = {
  id: "adult-age-missing",
  advice: 'A rated picture needs an adult age in its prompt; state one, such as "a 32-year-old woman".',
};

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
    concept.words.forEach((word, at) => {
      if (normalised(word).plain !== "") return;
      problems.push({
        path: ["concepts", name, "words", at],
        expected: "a word with letters",
        found: JSON.stringify(word),
      });
    });
    if (concept.words.length + concept.patterns.length > 0) continue;
    problems.push({
      path: ["concepts", name],
      expected: "at least one word or pattern",
      found: "none",
    });
  }
  policy.rules.forEach((rule, at) => {
    if (names.includes(rule.concept)) return;
    problems.push({
      path: ["rules", at, "concept"],
      expected: conceptOf(names, rule.concept),
      found: JSON.stringify(rule.concept),
    });
  });
  for (const name of Object.keys(policy.raises)) {
    if (names.includes(name)) continue;
    problems.push({ path: ["raises", name], expected: conceptOf(names, name), found: JSON.stringify(name) });
  }
  return problems;
}

function conceptOf(names: readonly string[], written: string): string {
  const closest = closestName(written, names);
  return `one of the concepts ${names.join(", ")}${closest === null ? "" : ` (did you mean \`${closest}\`?)`}`;
}

/** Whether a rating is one whose prompts must state an adult age. */
export function isRated(rating: Rating): boolean {
  return ratingRank(rating) > ratingRank("general");
}

interface CompiledConcept {
  readonly name: string;
  isIn(text: NormalisedText): boolean;
}

/** Compiled once per policy object: a batch of 50 prompts should not build the same 100 expressions 50 times. */
const compiled = new WeakMap<Policy, readonly CompiledConcept[]>();

function compiledConcepts(policy: Policy): readonly CompiledConcept[] {
  let concepts = compiled.get(policy);
  if (concepts === undefined) {
    concepts = Object.entries(policy.concepts).map(([name, concept]) => ({
      name,
      isIn: matcherOf(concept.words, concept.patterns),
    }));
    compiled.set(policy, concepts);
  }
  return concepts;
}

function matcherOf(words: readonly string[], patterns: readonly string[]): (text: NormalisedText) => boolean {
  const phrases = words.map((word) => normalised(word).plain);
  const expressions = patterns.map((pattern) => new RegExp(pattern, "u"));
  const severalWords = phrases.filter((phrase) => phrase.includes(" ")).map((phrase) => ` ${phrase} `);
  const unbroken = phrases.map((phrase) => phrase.replaceAll(" ", ""));
  // Fragments and spelled letters are judged by longer words only: "an al fresco lunch" is an innocent sentence.
  const ofFiveLetters = new Set(unbroken.filter((word) => word.length >= 5));
  const ofFourLetters = unbroken.filter((word) => word.length >= 4);
  const wholeWords = new Set([...phrases, ...ofFiveLetters]);
  return (text) =>
    !text.words.isDisjointFrom(wholeWords) ||
    text.readings.some(
      (reading) =>
        severalWords.some((phrase) => ` ${reading} `.includes(phrase)) ||
        expressions.some((expression) => expression.test(reading)),
    ) ||
    text.joined.some((pair) => ofFiveLetters.has(pair)) ||
    text.spelled.some((run) => ofFourLetters.some((word) => run.includes(word)));
}
