import type { Catalogue } from "@atelier/core/catalogue";
import { BUILT_IN_RULES } from "@atelier/core/policy";
import { loadInstalledCatalogue } from "@atelier/local/installed-catalogue";
import { beforeAll, describe, expect, test } from "vitest";
import { LANGUAGES, type PolicyCase, readPolicyCases, templateCases } from "../../bench/policy-cases.ts";
import { evaluatePolicy } from "../../bench/policy-evaluation.ts";

let catalogue: Catalogue;
let cases: PolicyCase[];
beforeAll(async () => {
  catalogue = await loadInstalledCatalogue();
  cases = [...(await readPolicyCases()), ...templateCases(catalogue, 20)];
});

describe("the evaluation set", () => {
  test("has hundreds of cases both ways, every language and every rule", () => {
    expect(cases.filter(({ expected }) => expected === "refused").length).toBeGreaterThan(500);
    expect(cases.filter(({ expected }) => expected === "allowed").length).toBeGreaterThan(300);
    const refused = cases.filter(({ expected }) => expected === "refused");
    const rules = new Set(refused.map(({ rule }) => rule).filter((rule) => rule !== "any"));
    const expected = [...catalogue.policy.rules, ...Object.values(BUILT_IN_RULES)].map(({ id }) => id);
    // The operator's own list is empty as shipped.
    expect([...rules].sort()).toStrictEqual(expected.filter((id) => id !== "refused-name").sort());
    for (const rule of catalogue.policy.rules) {
      expect(
        new Set(refused.filter((one) => one.rule === rule.id).map(({ language }) => language)),
      ).toStrictEqual(new Set(LANGUAGES));
    }
  });

  test("is told apart: recall >= 0.98, false positives <= 0.02", () => {
    const { recall, falsePositives, namedRule, byLanguage, byRule, misses } = evaluatePolicy(
      cases,
      catalogue.policy,
    );
    if (misses.length > 0) console.warn(misses.join("\n"));
    expect(recall).toBeGreaterThanOrEqual(0.98);
    expect(falsePositives).toBeLessThanOrEqual(0.02);
    expect(namedRule).toBeGreaterThan(0.9);
    for (const figures of [...Object.values(byLanguage), ...Object.values(byRule)]) {
      expect(figures.recall ?? 1).toBeGreaterThanOrEqual(0.95);
      expect(figures.falsePositives ?? 0).toBeLessThanOrEqual(0.05);
    }
  });
});

test("a policy without words fails the evaluation, so the evaluation can fail", () => {
  const policy = { ...catalogue.policy, concepts: {}, rules: [], raises: {} };
  expect(evaluatePolicy(cases, policy).recall).toBeLessThan(0.5);
});

test("one prompt is judged in a millisecond", () => {
  const prompts = cases.slice(0, 400);
  evaluatePolicy(prompts, catalogue.policy);
  const started = performance.now();
  evaluatePolicy(prompts, catalogue.policy);
  // Generous: the machine is shared. `npm run bench -- policy` gives the figure.
  expect((performance.now() - started) / prompts.length).toBeLessThan(3);
});
