/**
 * @module How well the prompt gate works, over the published evaluation set: recall and false positives per rule and language,
 * what disguises get through, and what judging one prompt takes.
 */
import type { Catalogue } from "@atelier/core/catalogue";
import { judgePrompt } from "@atelier/core/policy";
import { loadInstalledCatalogue } from "@atelier/local/installed-catalogue";
import { type PolicyCase, readPolicyCases, templateCases } from "./policy-cases.ts";
import { evaluatePolicy, type PolicyEvaluation } from "./policy-evaluation.ts";
import { type FuzzResult, fuzzPolicy } from "./policy-fuzz.ts";

/** `npm test` takes a hundredth. */
const MUTATIONS_PER_FAMILY = 10_000;

export interface PolicyBench extends PolicyEvaluation {
  /** Of all disguised prompts, how many were allowed. */
  readonly fuzzThrough: number;
  readonly fuzz: FuzzResult;
  /** Median and 95th percentile of judging one template's prompt, after warm-up, in milliseconds. */
  readonly judgeMs: number;
  readonly judgeP95Ms: number;
}

/** @param seed of the disguises; `ATELIER_BENCH_SEED=N npm run bench -- policy` repeats a run */
export async function benchPolicy(
  seed = Number(process.env.ATELIER_BENCH_SEED ?? Math.floor(Math.random() * 2 ** 31)),
): Promise<PolicyBench> {
  const catalogue = await loadInstalledCatalogue();
  const templates = templateCases(catalogue, 40);
  const cases = [...(await readPolicyCases()), ...templates];
  const evaluation = evaluatePolicy(cases, catalogue.policy);
  const fuzz = fuzzPolicy({ cases, policy: catalogue.policy, perFamily: MUTATIONS_PER_FAMILY, seed });
  return { ...evaluation, fuzzThrough: fuzz.through, fuzz, ...timesOf(templates, catalogue) };
}

function timesOf(
  cases: readonly PolicyCase[],
  { policy }: Catalogue,
): { judgeMs: number; judgeP95Ms: number } {
  const times = cases
    .map(({ prompt, negativePrompt, rating }) => {
      const started = performance.now();
      judgePrompt({ prompt, negativePrompt, rating, policy });
      return performance.now() - started;
    })
    .sort((one, other) => one - other);
  const at = (share: number) => Math.round((times[Math.floor(share * times.length)] ?? 0) * 1_000) / 1_000;
  return { judgeMs: at(0.5), judgeP95Ms: at(0.95) };
}
