import { createRequire } from "node:module";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { ERRORS } from "../error-table.ts";
import { type ErrorName, namesRouted } from "../errors.ts";
import { GIVE_UP_MS } from "../reconcile-attempts.ts";
import { definition, GENERATE_TIMEOUT_SECONDS, STEP_NAMES } from "./definition.ts";

const validateAsl: (document: object) => { isValid: boolean; errorsText: () => string } = createRequire(
  import.meta.url,
)("asl-validator");

const functions = Object.fromEntries(
  STEP_NAMES.map((name) => [name, `arn:aws:lambda:eu-west-3:123456789012:function:${name}`]),
) as Record<(typeof STEP_NAMES)[number], string>;
const document = () => structuredClone(definition(functions));

const stateSchema = z.looseObject({
  Type: z.string(),
  Next: z.string().optional(),
  End: z.boolean().optional(),
  Resource: z.string().optional(),
  TimeoutSeconds: z.number().optional(),
  ResultPath: z.string().nullish(),
  OutputPath: z.string().nullish(),
  Parameters: z.looseObject({ FunctionName: z.string().optional() }).optional(),
  Retry: z
    .array(
      z.looseObject({
        ErrorEquals: z.array(z.string()),
        MaxAttempts: z.number(),
        MaxDelaySeconds: z.number().optional(),
        IntervalSeconds: z.number().optional(),
        BackoffRate: z.number().optional(),
      }),
    )
    .optional(),
  Catch: z
    .array(z.object({ ErrorEquals: z.array(z.string()), ResultPath: z.string(), Next: z.string() }))
    .optional(),
});
type State = z.infer<typeof stateSchema>;

function statesOf(machine: unknown): [string, State][] {
  const { States } = z.looseObject({ States: z.record(z.string(), z.unknown()) }).parse(machine);
  return Object.entries(States).flatMap(([name, state]): [string, State][] => {
    const inner = z.looseObject({ ItemProcessor: z.unknown().optional() }).parse(state).ItemProcessor;
    return [[name, stateSchema.parse(state)], ...(inner ? statesOf(inner) : [])];
  });
}
const states = () => statesOf(document());
const tasks = () => states().filter(([, state]) => state.Type === "Task");
function named(name: string): State {
  const state = states().find(([candidate]) => candidate === name)?.[1];
  if (!state) throw new Error(`There is no state ${name}.`);
  return state;
}
/** Where an error leads, by the first Catch that takes it. */
const caught = (state: string, error: string) =>
  named(state).Catch?.find(
    ({ ErrorEquals }) => ErrorEquals.includes(error) || ErrorEquals.includes("States.ALL"),
  )?.Next;

describe("the document", () => {
  test("is valid Amazon States Language", () => {
    const result = validateAsl(document());
    expect(result.errorsText()).toBe("");
    expect(result.isValid).toBe(true);
  });

  const breakages: [string, (machine: ReturnType<typeof document>) => unknown][] = [
    ["a start that does not exist", (machine) => Object.assign(machine, { StartAt: "Nowhere" })],
    ["a transition that leads nowhere", (machine) => Object.assign(machine.States.Plan, { Next: "Nowhere" })],
    ["a type that does not exist", (machine) => Object.assign(machine.States.Plan, { Type: "Errand" })],
    [
      "an iteration without an end",
      (machine) => Object.assign(machine.States.Images.ItemProcessor.States.Abandoned, { End: false }),
    ],
    ["a path that is none", (machine) => Object.assign(machine.States.Images, { ItemsPath: "items" })],
  ];
  test.each(breakages)("with %s would not be", (_, breakIt) => {
    const machine = document();
    breakIt(machine);
    expect(validateAsl(machine).isValid).toBe(false);
  });

  test("has the state names and types of the design, each once", () => {
    expect(states().map(([name, { Type }]) => `${name} ${Type}`)).toEqual([
      "Plan Task",
      "Images Map",
      "Validate Task",
      "Generate Task",
      "PaceDelay Pass",
      "Pace Wait",
      "Collect Task",
      "Process Task",
      "Record Task",
      "Abandon Task",
      "Abandoned Pass",
    ]);
  });

  test("is JSONPath only, and plain JSON", () => {
    const text = JSON.stringify(document());
    expect(text).not.toMatch(/"(QueryLanguage|Arguments|Assign|Output)":|\{%/);
    expect(JSON.parse(text)).toEqual(document());
  });

  test("is the same each time, and takes nothing but the names of its functions", () => {
    expect(definition(functions)).toEqual(definition(functions));
    const names = tasks().map(([, { Parameters }]) => Parameters?.FunctionName);
    expect(names).toEqual(STEP_NAMES.map((name) => functions[name]));
  });

  test("carries ids and keys, never a prompt", () => {
    expect(JSON.stringify(document())).not.toMatch(/prompt/i);
  });
});

describe("each task", () => {
  test("has a time-out", () => {
    for (const [name, { TimeoutSeconds }] of tasks()) {
      expect(TimeoutSeconds, name).toBeGreaterThan(0);
    }
    expect(named("Generate").TimeoutSeconds).toBe(GENERATE_TIMEOUT_SECONDS);
    // A token is answered by the reconciler's last word rather than timed out.
    expect(GENERATE_TIMEOUT_SECONDS * 1000).toBeGreaterThan(GIVE_UP_MS);
  });

  test("plan, which buys nothing, is tried for about an hour, but not what trying cannot mend", () => {
    const [never, always] = named("Plan").Retry ?? [];
    expect(never).toMatchObject({ MaxAttempts: 0 });
    expect(never?.ErrorEquals).toEqual([...namesRouted("abandon"), ...namesRouted("hold")]);
    expect(always?.ErrorEquals).toEqual(["States.ALL"]);
    let patienceSeconds = 0;
    for (let attempt = 0; attempt < (always?.MaxAttempts ?? 0); attempt++) {
      const interval = (always?.IntervalSeconds ?? 0) * (always?.BackoffRate ?? 1) ** attempt;
      patienceSeconds += Math.min(interval, always?.MaxDelaySeconds ?? 0);
    }
    expect(patienceSeconds).toBeGreaterThan(3_600);
    expect(patienceSeconds).toBeLessThan(2 * 3_600);
  });

  test("retries passing faults by name, never a purchase, a time-out or just anything", () => {
    const passing = new Set<string>(namesRouted("retry"));
    for (const [name, { Retry }] of tasks().filter(([name]) => name !== "Plan")) {
      expect(Retry?.length, name).toBeGreaterThan(0);
      for (const error of (Retry ?? []).flatMap(({ ErrorEquals }) => ErrorEquals)) {
        const isLambdas = /^(Lambda|Sandbox|Runtime)\./.test(error);
        expect(isLambdas || passing.has(error), `${name} retries ${error}`).toBe(true);
      }
    }
    const purchases: ErrorName[] = [
      "SubmitUnknown",
      "OutcomeUnknown",
      "NotCreated",
      "FailOver",
      "ProviderFailed",
      "ProviderCancelled",
      "ProviderAborted",
      "ProviderRefused",
      "ContentRejected",
      "Unexpected",
    ];
    for (const name of purchases) expect(ERRORS[name].route, name).not.toBe("retry");
  });

  test("retries every fault of Lambda itself: those that AWS lists as transient, and ends of a function from outside", () => {
    // "Handle transient Lambda service exceptions" of Step Functions' best practices, then how Lambda names what it ended.
    const listed = [
      "ClientExecutionTimeoutException",
      "ServiceException",
      "AWSLambdaException",
      "SdkClientException",
    ];
    const faults = [...listed, "TooManyRequestsException", "Unknown"].map((name) => `Lambda.${name}`);
    faults.push("Sandbox.Timedout", "Runtime.ExitError", "Runtime.OutOfMemory");
    for (const [name, { Retry }] of tasks().filter(([name]) => name !== "Plan")) {
      expect(Retry?.[0]?.ErrorEquals, name).toEqual(expect.arrayContaining(faults));
    }
  });

  test("that works on an image catches everything, by itself and last", () => {
    for (const [name, { Catch }] of tasks().filter(([task]) => task !== "Plan")) {
      const last = Catch?.at(-1);
      expect(last?.ErrorEquals, name).toEqual(["States.ALL"]);
      expect(last?.Next, name).toBe(name === "Abandon" ? "Abandoned" : "Abandon");
      for (const { ErrorEquals } of (Catch ?? []).slice(0, -1))
        expect(ErrorEquals).not.toContain("States.ALL");
    }
  });

  test("selects from the function's payload, so that it is the same on Lambda and here", () => {
    for (const [name, state] of tasks()) {
      const selects = JSON.stringify(state.ResultSelector ?? {});
      if (state.ResultPath === null) continue;
      expect(selects, name).toContain("$.Payload.");
    }
  });
});

describe("errors of generate", () => {
  test("lead by the table: pace, fail over, abandon", () => {
    for (const name of namesRouted("pace")) expect(caught("Generate", name)).toBe("PaceDelay");
    for (const name of namesRouted("fail-over")) expect(caught("Generate", name)).toBe("Validate");
    for (const name of [...namesRouted("abandon"), ...namesRouted("hold")]) {
      expect(caught("Generate", name), name).toBe("Abandon");
    }
    expect(caught("Generate", "States.Timeout")).toBe("Abandon");
  });

  test("keep the cause for the wait, which comes back to generate", () => {
    expect(named("PaceDelay").Parameters).toEqual({ "delay.$": "States.StringToJson($.error.Cause)" });
    expect(named("PaceDelay").Next).toBe("Pace");
    expect(named("Pace").Next).toBe("Generate");
  });
});

test("the Map's result is dropped: a payload limit is no matter of how many images there are", () => {
  expect(named("Images").ResultPath).toBeNull();
  // Step Functions gathers the results of the iterations before it drops them, and an error's cause may have 32 KB.
  const ofIterations = states().filter(([name, { End }]) => End && name !== "Images");
  expect(ofIterations.map(([name]) => name)).toEqual(["Record", "Abandoned"]);
  for (const [name, { OutputPath }] of ofIterations) expect(OutputPath, name).toBeNull();
});
