import { loadInstalledCatalogue } from "@atelier/local/installed-catalogue";
import { expect, test } from "vitest";
import { readPolicyCases } from "../../bench/policy-cases.ts";
import { fuzzPolicy } from "../../bench/policy-fuzz.ts";
import { MUTATIONS, seededRandom } from "../../bench/policy-mutations.ts";

/** The bench draws a new seed each time and prints it; here it is fixed, so that a failure repeats. */
const SEED = 20_261_122;
/** A hundredth of the bench's 10,000. */
const PER_FAMILY = 100;

test("no disguise of a refused prompt gets through in a rated category", async () => {
  const { policy } = await loadInstalledCatalogue();
  const result = fuzzPolicy({ cases: await readPolicyCases(), policy, perFamily: PER_FAMILY, seed: SEED });
  console.info(`seed ${SEED}: ${result.through} of ${result.mutations} disguised prompts got through`);
  expect(result.mutations).toBe(PER_FAMILY * Object.keys(MUTATIONS).length);
  expect(result.examples, `seed ${SEED}`).toStrictEqual([]);
  for (const [family, { sameRule }] of Object.entries(result.families)) {
    expect(sameRule, `${family}, seed ${SEED}`).toBeGreaterThan(0.8);
  }
});

test("the same seed gives the same disguises, another one others", () => {
  for (const [family, mutate] of Object.entries(MUTATIONS)) {
    const disguised = (seed: number) => {
      const random = seededRandom(seed);
      return Array.from({ length: 20 }, () => mutate("a plain phrase of words", random));
    };
    expect(disguised(7), family).toStrictEqual(disguised(7));
    expect(disguised(7), family).not.toStrictEqual(disguised(8));
    expect(new Set(disguised(7)).size, family).toBeGreaterThan(5);
  }
});

test("a gate that looks for the plain phrase is got through, so the fuzzer can fail", async () => {
  const { policy } = await loadInstalledCatalogue();
  const cases = (await readPolicyCases()).filter(({ rule }) => rule === "violence");
  const phrases = cases.flatMap(({ phrase }) => phrase ?? []);
  const result = fuzzPolicy({
    ...{ cases, policy, perFamily: 20, seed: 1 },
    judge: ({ prompt, rating }) =>
      phrases.some((phrase) => prompt.includes(phrase))
        ? { decision: "refused", rating, rule: "violence", message: "No." }
        : { decision: "allowed", rating, concepts: [] },
  });
  expect(result.families.confusables?.through).toBeGreaterThan(10);
  expect(result.examples.length).toBeGreaterThan(10);
});
