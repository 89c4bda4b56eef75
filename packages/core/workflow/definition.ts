/**
 * @module The state machine: one pure function, Amazon States Language in JSONPath (the local engine runs no JSONata).
 * The stack fills in function names of Lambda, the local runner plain names; the document is otherwise the same.
 */
import { namesRouted } from "../errors.ts";

export const STEP_NAMES = [
  "plan",
  "validate",
  "generate",
  "collect",
  "process",
  "record",
  "abandon",
] as const;
export type StepName = (typeof STEP_NAMES)[number];

/** Iterations at once: far below the engine's 40, and what a provider of 600 creates a minute takes with ease. */
export const MAP_CONCURRENCY = 10;

/**
 * Longer than the reconciler's last word on a lost create (50 minutes), so that a token is answered rather than timed out.
 */
export const GENERATE_TIMEOUT_SECONDS = 3_600;

/**
 * Faults of Lambda itself: the function did not run, was ended, or its answer was lost. Each step is idempotent. Lambda ends a
 * function before the state machine's own time-out does, so that is what a slow step looks like.
 */
const LAMBDA_FAULTS = [
  "Sandbox.Timedout",
  "Runtime.ExitError",
  "Runtime.OutOfMemory",
  "Lambda.Unknown",
  "Lambda.ClientExecutionTimeoutException",
  "Lambda.ServiceException",
  "Lambda.AWSLambdaException",
  "Lambda.SdkClientException",
  "Lambda.TooManyRequestsException",
];

const retry = [
  {
    ErrorEquals: [...LAMBDA_FAULTS, ...namesRouted("retry")],
    IntervalSeconds: 1,
    MaxAttempts: 5,
    BackoffRate: 2,
    MaxDelaySeconds: 20,
    JitterStrategy: "FULL",
  },
];

/**
 * Plan buys nothing and stands at the beginning of everything: what it cannot do now is tried again for about an hour, since the
 * calendar fires once. Only what trying cannot mend ends it at once.
 */
const planRetry = [
  { ErrorEquals: [...namesRouted("abandon"), ...namesRouted("hold")], MaxAttempts: 0 },
  { ErrorEquals: ["States.ALL"], IntervalSeconds: 5, MaxAttempts: 13, BackoffRate: 2, MaxDelaySeconds: 600 },
];

/** Abandon is the last resort, so it is tried longer than anything else. */
const abandonRetry = [{ ...retry[0], MaxAttempts: 8, MaxDelaySeconds: 60 }];

const toAbandon = [{ ErrorEquals: ["States.ALL"], ResultPath: "$.error", Next: "Abandon" }];

interface TaskShape {
  readonly functionName: string;
  readonly payload: Readonly<Record<string, unknown>>;
  readonly timeoutSeconds: number;
}

const invoke = ({ functionName, payload, timeoutSeconds }: TaskShape) => ({
  Type: "Task",
  Resource: "arn:aws:states:::lambda:invoke",
  Parameters: { FunctionName: functionName, Payload: payload },
  TimeoutSeconds: timeoutSeconds,
});

/** What every step after `validate` is told: ids only, never bytes or prompts. */
const attemptPayload = {
  "imageId.$": "$.imageId",
  "generation.$": "$.generation",
  "attemptId.$": "$.attempt.attemptId",
};

/**
 * @param functions step name to the name (or ARN) of its function
 * @returns the document, ready for JSON
 */
export function definition(functions: Readonly<Record<StepName, string>>) {
  return {
    Comment: "Atelier: the way an image goes",
    StartAt: "Plan",
    // Longer than any image's own deadline, which ends it with a reason.
    TimeoutSeconds: 28_800,
    States: {
      Plan: {
        ...invoke({
          functionName: functions.plan,
          payload: {
            "input.$": "$",
            "executionId.$": "$$.Execution.Id",
            "executionName.$": "$$.Execution.Name",
          },
          timeoutSeconds: 120,
        }),
        ResultSelector: { "items.$": "$.Payload.items" },
        Retry: planRetry,
        Next: "Images",
      },
      Images: {
        Type: "Map",
        ItemsPath: "$.items",
        MaxConcurrency: MAP_CONCURRENCY,
        // Nobody reads the iterations' results: what happened stands in the table. They are empty already (`OutputPath` of the last
        // states): 50 causes of 32 KB would be more than the 256 KiB that a state may have as its result, dropped or not.
        ResultPath: null,
        ItemProcessor: {
          ProcessorConfig: { Mode: "INLINE" },
          StartAt: "Validate",
          States: {
            Validate: {
              ...invoke({
                functionName: functions.validate,
                payload: { "imageId.$": "$.imageId", "generation.$": "$.generation" },
                timeoutSeconds: 60,
              }),
              ResultSelector: { "attemptId.$": "$.Payload.attemptId" },
              ResultPath: "$.attempt",
              Retry: retry,
              Catch: toAbandon,
              Next: "Generate",
            },
            Generate: {
              ...invoke({
                functionName: functions.generate,
                payload: { ...attemptPayload, "taskToken.$": "$$.Task.Token" },
                timeoutSeconds: GENERATE_TIMEOUT_SECONDS,
              }),
              Resource: "arn:aws:states:::lambda:invoke.waitForTaskToken",
              // The token's answer carries nothing: outputs stand on the attempt.
              ResultPath: null,
              // Buys nothing twice: only the winner of held -> submitting may call, everybody else reattaches.
              Retry: retry,
              Catch: [
                { ErrorEquals: namesRouted("pace"), ResultPath: "$.error", Next: "PaceDelay" },
                { ErrorEquals: namesRouted("fail-over"), ResultPath: "$.error", Next: "Validate" },
                ...toAbandon,
              ],
              Next: "Collect",
            },
            PaceDelay: {
              Type: "Pass",
              Parameters: { "delay.$": "States.StringToJson($.error.Cause)" },
              ResultPath: "$.pace",
              Next: "Pace",
            },
            Pace: { Type: "Wait", SecondsPath: "$.pace.delay.seconds", Next: "Generate" },
            Collect: {
              ...invoke({ functionName: functions.collect, payload: attemptPayload, timeoutSeconds: 120 }),
              ResultPath: null,
              Retry: retry,
              Catch: toAbandon,
              Next: "Process",
            },
            Process: {
              ...invoke({ functionName: functions.process, payload: attemptPayload, timeoutSeconds: 120 }),
              ResultSelector: { "manifestKey.$": "$.Payload.manifestKey" },
              ResultPath: "$.processed",
              Retry: retry,
              Catch: toAbandon,
              Next: "Record",
            },
            Record: {
              ...invoke({
                functionName: functions.record,
                payload: { ...attemptPayload, "manifestKey.$": "$.processed.manifestKey" },
                timeoutSeconds: 60,
              }),
              ResultPath: null,
              OutputPath: null,
              Retry: retry,
              Catch: toAbandon,
              End: true,
            },
            Abandon: {
              ...invoke({
                functionName: functions.abandon,
                payload: {
                  "imageId.$": "$.imageId",
                  "generation.$": "$.generation",
                  "error.$": "$.error",
                },
                timeoutSeconds: 60,
              }),
              ResultPath: null,
              Retry: abandonRetry,
              Catch: [{ ErrorEquals: ["States.ALL"], ResultPath: "$.error", Next: "Abandoned" }],
              Next: "Abandoned",
            },
            // The Map never fails: an image that even abandon could not end stays open for the reconciler.
            Abandoned: { Type: "Pass", OutputPath: null, End: true },
          },
        },
        End: true,
      },
    },
  };
}
