/** @module The workflow on Step Functions: executions by name, and answers to task tokens. */
import { AtelierError } from "@atelier/core/errors";
import type { Clock } from "@atelier/core/ids";
import type { TokenAnswer, Workflow } from "@atelier/core/ports";
import {
  DescribeExecutionCommand,
  SendTaskFailureCommand,
  SendTaskSuccessCommand,
  SFNClient,
  StartExecutionCommand,
} from "@aws-sdk/client-sfn";
import { type ServiceNames, serviceFailure } from "./service-failure.ts";

/** Limits of SendTaskFailure, in characters. */
const ERROR_CHARACTERS_MAX = 256;
const CAUSE_CHARACTERS_MAX = 32_768;

const NAMES: ServiceNames = {
  passing: new Set(["ExecutionLimitExceeded", "KmsThrottlingException", "ThrottlingException"]),
  misconfigured: new Set([
    "KmsAccessDeniedException",
    "KmsInvalidStateException",
    "StateMachineDeleting",
    "StateMachineDoesNotExist",
  ]),
};

/** Used, timed out, or of an execution that has ended: nobody waits for the answer any more. */
const GONE = new Set(["InvalidToken", "TaskDoesNotExist", "TaskTimedOut"]);

/** Region, credentials and endpoint come from the environment of the function, as the SDK reads it. */
export function connectWorkflow(deps: { readonly stateMachineArn: string; readonly clock: Clock }): Workflow {
  const client = new SFNClient({
    requestHandler: { connectionTimeout: 3_000, requestTimeout: 10_000, throwOnRequestTimeout: true },
  });
  return createStepFunctionsWorkflow({ ...deps, client });
}

/**
 * @param deps.stateMachineArn `arn:aws:states:{region}:{account}:stateMachine:{name}`
 * @throws (every method) AtelierError `StorageUnavailable` when Step Functions does not answer or throttles,
 * `ConfigurationInvalid` for a missing state machine or refused access
 */
export function createStepFunctionsWorkflow(deps: {
  readonly client: SFNClient;
  readonly stateMachineArn: string;
  readonly clock: Clock;
}): Workflow {
  const { client, stateMachineArn, clock } = deps;

  /** @param expected error names to the value that each stands for */
  async function guarded<R, E = never>(
    doing: string,
    call: () => Promise<R>,
    expected: (name: string) => E | undefined = () => undefined,
  ): Promise<R | E> {
    try {
      return await call();
    } catch (error) {
      const value = error instanceof Error ? expected(error.name) : undefined;
      if (value !== undefined) return value;
      throw serviceFailure(error, `The state machine ${stateMachineArn}`, doing, NAMES);
    }
  }

  return {
    /** The same name with the same input is `started` again while it runs: Step Functions answers with the one that runs. */
    start: (name, input) =>
      guarded(
        `starting ${name}`,
        async () => {
          await client.send(
            new StartExecutionCommand({ stateMachineArn, name, input: JSON.stringify(input) }),
          );
          return "started" as const;
        },
        (error) => (error === "ExecutionAlreadyExists" ? ("exists" as const) : undefined),
      ),

    /** @param name an execution's name, or its ARN: the owner of an occurrence is `$$.Execution.Id` */
    describe: (name) =>
      guarded(
        `describing ${name}`,
        async () => {
          const { status } = await client.send(
            new DescribeExecutionCommand({ executionArn: executionArnOf(name, stateMachineArn) }),
          );
          return status === "RUNNING" || status === "PENDING_REDRIVE"
            ? ("running" as const)
            : ("ended" as const);
        },
        (error) => (error === "ExecutionDoesNotExist" ? ("missing" as const) : undefined),
      ),

    answer: (token, answer) =>
      guarded(
        "answering a task token",
        async () => {
          if (answer.ok) await client.send(new SendTaskSuccessCommand({ taskToken: token, output: "{}" }));
          else await client.send(failureOf(token, answer));
          return "answered" as const;
        },
        (error) => (GONE.has(error) ? ("gone" as const) : undefined),
      ),

    async submitterAlive(submitter) {
      return clock() < deadlineOfSubmitter(submitter);
    },
  };
}

function failureOf(token: string, { error, cause }: Extract<TokenAnswer, { ok: false }>) {
  return new SendTaskFailureCommand({
    taskToken: token,
    error: error.slice(0, ERROR_CHARACTERS_MAX),
    cause: cause.slice(0, CAUSE_CHARACTERS_MAX),
  });
}

/** @throws AtelierError `ConfigurationInvalid` when the machine's ARN is none */
export function executionArnOf(name: string, stateMachineArn: string): string {
  if (name.startsWith("arn:")) return name;
  const parts = stateMachineArn.split(":");
  if (parts.length !== 7 || parts[5] !== "stateMachine") {
    throw new AtelierError(
      "ConfigurationInvalid",
      `"${stateMachineArn}" is not the ARN of a state machine; give arn:aws:states:REGION:ACCOUNT:stateMachine:NAME.`,
    );
  }
  return [...parts.slice(0, 5), "execution", parts[6], name].join(":");
}

/**
 * Names an invocation of a function as a submitter. Lambda ends a function at its time-out, so whoever submits cannot be
 * sending after `deadlineMs`.
 */
export function submitterOf(invocation: { readonly requestId: string; readonly deadlineMs: number }): string {
  return `lambda/${invocation.requestId}/${Math.ceil(invocation.deadlineMs)}`;
}

/** A submitter that no invocation of ours can have written is not alive. */
function deadlineOfSubmitter(submitter: string): number {
  const match = /^lambda\/[^/]+\/(\d+)$/.exec(submitter);
  return match ? Number(match[1]) : 0;
}
