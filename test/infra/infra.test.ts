/** @module sst.config.ts against the real platform: types, and the graph that it evaluates to for `dev` and `production`. */
import { describe, expect, test } from "vitest";
import { describeAlarms } from "./alarms.ts";
import { describeEntrances } from "./entrances.ts";
import { type Evaluation, evaluate, STAGES } from "./evaluation.ts";
import { describeFunctions } from "./functions.ts";
import type { Graph } from "./harness/graph.ts";
import { describeLimits } from "./limits.ts";
import { describeSeveralProviders } from "./several-providers.ts";
import { describeStorage } from "./storage.ts";
import { differences, summaryOf } from "./summary.ts";
import { describeWorkflow } from "./workflow.ts";

const evaluation = await evaluate().catch((error: Error) => error);

if (evaluation instanceof Error) {
  // One failing test that says why, rather than many that were skipped.
  test("the infrastructure can be evaluated", () => {
    throw evaluation;
  });
} else {
  describeProgram(evaluation);
}

function describeProgram({ graphs, again, several, typeErrors }: Evaluation): void {
  test("the program type-checks against the real platform", () => {
    expect(typeErrors).toBe("");
  });

  test("the reviewed summary is what the program makes", async () => {
    const production = summaryOf(graphs.production);
    await expect(production).toMatchFileSnapshot("production.txt");
    const dev = summaryOf(graphs.dev).replaceAll("atelier-dev", "atelier-production");
    await expect(differences(production, dev)).toMatchFileSnapshot("dev-against-production.txt");
  });

  test("the same program makes the same graph, whatever the machine has set", () => {
    expect(JSON.stringify(withoutArchives(again))).toBe(JSON.stringify(withoutArchives(graphs.dev)));
  });

  describeSeveralProviders(several);
  describe("with several providers", () => describeLimits(several));
  describe.each(STAGES)("in %s", (stage) => {
    describeFunctions(graphs[stage]);
    describeStorage(graphs[stage]);
    describeWorkflow(graphs[stage]);
    describeEntrances(graphs[stage]);
    describeAlarms(graphs[stage]);
    describeLimits(graphs[stage]);
  });
}

/** Archives of code carry the time at which they were packed. */
function withoutArchives({ resources, ...rest }: Graph) {
  return {
    ...rest,
    resources: resources.map(({ inputs: { s3Key, key, ...inputs }, ...resource }) => ({
      ...resource,
      inputs,
    })),
  };
}
