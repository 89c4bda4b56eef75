/** @module What must hold of the state machine and its role. */
import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { STEP_NAMES } from "@atelier/core/workflow/definition";
import { describe, expect, test } from "vitest";
import { ROOT } from "./evaluation.ts";
import { type Graph, grantsOf, list, one } from "./harness/graph.ts";

/** Published without types. */
const validateAsl: (document: unknown) => { readonly errors: readonly unknown[] } = createRequire(
  import.meta.url,
)("asl-validator");

interface State {
  readonly Type: string;
  readonly TimeoutSeconds?: number;
  readonly Parameters?: { readonly FunctionName?: string };
  readonly Catch?: readonly { readonly ErrorEquals: readonly string[]; readonly Next: string }[];
}

export function describeWorkflow(graph: Graph): void {
  const machine = one(graph, "sfn/stateMachine:StateMachine").inputs;
  const document = JSON.parse(machine.definition);
  const tasks = (): [string, State][] => {
    const { States } = document;
    const states: [string, State][] = [
      ...Object.entries<State>(States),
      ...Object.entries<State>(States.Images.ItemProcessor.States),
    ];
    return states.filter(([, state]) => state.Type === "Task");
  };
  const arnOf = (step: string) => `arn:aws:lambda:eu-west-1:123456789012:function:${nameOf(step)}`;
  const nameOf = (step: string) => `atelier-${graph.stage}-${step}`;

  describe("the state machine", () => {
    test("is the document of `npm run asl` up to names", () => {
      const printed = execFileSync(process.execPath, ["scripts/asl.ts"], { cwd: ROOT, encoding: "utf8" });
      let named = printed;
      for (const step of STEP_NAMES) named = named.replaceAll(`\${${step}}`, arnOf(step));
      expect(document).toEqual(JSON.parse(named));
    });

    test("is valid, and the judge would say so if it were not", () => {
      expect(validateAsl(document).errors).toEqual([]);
      expect(validateAsl({ ...document, StartAt: "Nowhere" }).errors).not.toEqual([]);
    });

    test("ends every task in time, after Lambda has", () => {
      expect(
        tasks()
          .map(([name]) => name.toLowerCase())
          .sort(),
      ).toEqual([...STEP_NAMES].sort());
      for (const [name, { TimeoutSeconds, Parameters }] of tasks()) {
        const lambda = one(graph, "lambda/function:Function", `${name}Function`);
        expect(Parameters?.FunctionName).toBe(arnOf(name.toLowerCase()));
        expect(TimeoutSeconds).toBeGreaterThanOrEqual(lambda.inputs.timeout);
      }
    });

    test("leads every error of an image's task to Abandon, and Abandon's own to an end", () => {
      for (const [name, { Catch }] of tasks()) {
        // Plan has no image yet to abandon: its failure is the execution's, which rings.
        if (name === "Plan") continue;
        expect(Catch?.at(-1)).toMatchObject({
          ErrorEquals: ["States.ALL"],
          Next: name === "Abandon" ? "Abandoned" : "Abandon",
        });
      }
    });

    test("may call its functions and no others, and logs no data", () => {
      const grants = grantsOf(one(graph, "iam/role:Role", "WorkflowRole"));
      const invoking = grants.filter(({ Action }) => list(Action).includes("lambda:InvokeFunction"));
      expect(invoking.flatMap(({ Resource }) => list(Resource)).sort()).toEqual(STEP_NAMES.map(arnOf).sort());
      const group = one(graph, "cloudwatch/logGroup:LogGroup", "WorkflowLogs").inputs.name;
      expect(group).toMatch(/^\/aws\/vendedlogs\/states\//);
      expect(machine.loggingConfiguration).toEqual({
        level: "ERROR",
        includeExecutionData: false,
        logDestination: `arn:aws:logs:eu-west-1:123456789012:log-group:${group}:*`,
      });
    });
  });
}
