import { SFNClient } from "@aws-sdk/client-sfn";
import { afterEach, describe, expect, it } from "vitest";
import {
  type Reply,
  type ScriptedServer,
  startScriptedServer,
} from "../../test/simulators/scripted-server.ts";
import { createStepFunctionsWorkflow, executionArnOf, submitterOf } from "./step-functions.ts";

const MACHINE = "arn:aws:states:eu-west-3:123456789012:stateMachine:atelier";
const EXECUTION = "arn:aws:states:eu-west-3:123456789012:execution:atelier:req_a.0-1";

let server: ScriptedServer | undefined;
afterEach(() => server?.close());

async function workflowOn(answer: Parameters<typeof startScriptedServer>[0], nowMs = 0) {
  server = await startScriptedServer(answer);
  const client = new SFNClient({
    endpoint: server.origin,
    region: "eu-west-3",
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
    maxAttempts: 1,
  });
  return createStepFunctionsWorkflow({ client, stateMachineArn: MACHINE, clock: () => nowMs });
}
const json = (body: object, status = 200): Reply => ({
  status,
  headers: { "content-type": "application/x-amz-json-1.0" },
  body: JSON.stringify(body),
});
const fault = (name: string, status = 400) => json({ __type: name, message: "no" }, status);
const sent = () =>
  server?.requests.map(({ headers, body }) => ({ target: headers["x-amz-target"], body: JSON.parse(body) }));

describe("start", () => {
  it("sends name and input", async () => {
    const workflow = await workflowOn(() => json({ executionArn: EXECUTION, startDate: 1 }));
    const input = { requestId: "req_a", part: 0, generation: 1 };
    expect(await workflow.start("req_a.0-1", input)).toBe("started");
    expect(sent()).toStrictEqual([
      {
        target: "AWSStepFunctions.StartExecution",
        body: { stateMachineArn: MACHINE, name: "req_a.0-1", input: JSON.stringify(input) },
      },
    ]);
  });

  it("of a name that was used is no error", async () => {
    const workflow = await workflowOn(() => fault("ExecutionAlreadyExists"));
    const input = { entry: "feet_daily", scheduledTime: "2026-11-22T05:30:00Z" };
    expect(await workflow.start("req_a.0-1", input)).toBe("exists");
  });
});

describe("describe", () => {
  it.each([
    ["RUNNING", "running"],
    ["PENDING_REDRIVE", "running"],
    ["SUCCEEDED", "ended"],
    ["FAILED", "ended"],
    ["TIMED_OUT", "ended"],
    ["ABORTED", "ended"],
  ])("%s is %s", async (status, meant) => {
    const workflow = await workflowOn(() => json({ executionArn: EXECUTION, status }));
    expect(await workflow.describe("req_a.0-1")).toBe(meant);
    expect(await workflow.describe(EXECUTION)).toBe(meant);
    const asked = { target: "AWSStepFunctions.DescribeExecution", body: { executionArn: EXECUTION } };
    expect(sent()).toStrictEqual([asked, asked]);
  });

  it("of an unknown one is missing", async () => {
    const workflow = await workflowOn(() => fault("ExecutionDoesNotExist"));
    expect(await workflow.describe("req_a.0-1")).toBe("missing");
  });
});

describe("answer", () => {
  it("a success carries nothing", async () => {
    const workflow = await workflowOn(() => json({}));
    expect(await workflow.answer("token", { ok: true })).toBe("answered");
    expect(sent()).toStrictEqual([
      { target: "AWSStepFunctions.SendTaskSuccess", body: { taskToken: "token", output: "{}" } },
    ]);
  });

  it("a failure carries the literal name and a cause within the limits", async () => {
    const workflow = await workflowOn(() => json({}));
    await workflow.answer("token", { ok: false, error: "FailOver", cause: "because" });
    await workflow.answer("token", { ok: false, error: "e".repeat(300), cause: "c".repeat(40_000) });
    expect(sent()).toStrictEqual([
      {
        target: "AWSStepFunctions.SendTaskFailure",
        body: { taskToken: "token", error: "FailOver", cause: "because" },
      },
      {
        target: "AWSStepFunctions.SendTaskFailure",
        body: { taskToken: "token", error: "e".repeat(256), cause: "c".repeat(32_768) },
      },
    ]);
  });

  it.each(["TaskTimedOut", "InvalidToken", "TaskDoesNotExist"])("%s means gone", async (name) => {
    const workflow = await workflowOn(() => fault(name));
    expect(await workflow.answer("token", { ok: true })).toBe("gone");
    expect(await workflow.answer("token", { ok: false, error: "FailOver", cause: "" })).toBe("gone");
  });
});

describe("faults", () => {
  it.each([
    ["ThrottlingException", 400, "StorageUnavailable"],
    ["ExecutionLimitExceeded", 400, "StorageUnavailable"],
    ["InternalServerError", 500, "StorageUnavailable"],
    ["StateMachineDoesNotExist", 400, "ConfigurationInvalid"],
    ["AccessDeniedException", 400, "ConfigurationInvalid"],
    ["InvalidExecutionInput", 400, "Unexpected"],
  ])("%s (%d) is %s", async (code, status, name) => {
    const workflow = await workflowOn(() => fault(code, status));
    await expect(
      workflow.start("req_a.0-1", { requestId: "req_a", part: 0, generation: 1 }),
    ).rejects.toMatchObject({ name, message: expect.stringContaining(`starting req_a.0-1: ${code}`) });
  });

  it("a cut connection can be tried again", async () => {
    const workflow = await workflowOn(() => "reset");
    await expect(workflow.answer("token", { ok: true })).rejects.toMatchObject({
      name: "StorageUnavailable",
    });
  });

  it("a machine's ARN that is none is named", () => {
    expect(executionArnOf("n", MACHINE)).toBe("arn:aws:states:eu-west-3:123456789012:execution:atelier:n");
    expect(() => executionArnOf("n", "atelier")).toThrow(/"atelier" is not the ARN of a state machine/);
  });
});

describe("a submitter", () => {
  it("lives until its function's time-out, and no longer", async () => {
    const submitter = submitterOf({ requestId: "8476a536-e9f4-11e8-9739-2dfe598c3fcd", deadlineMs: 1_000.2 });
    expect(await (await workflowOn(() => json({}), 1_000)).submitterAlive(submitter)).toBe(true);
    await server?.close();
    expect(await (await workflowOn(() => json({}), 1_001)).submitterAlive(submitter)).toBe(false);
    await server?.close();
    expect(await (await workflowOn(() => json({}), 0)).submitterAlive("another machine")).toBe(false);
  });
});
