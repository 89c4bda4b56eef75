import type { EventDocument } from "@atelier/core/events";
import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { afterEach, describe, expect, it } from "vitest";
import {
  type Reply,
  type ScriptedServer,
  startScriptedServer,
} from "../../test/simulators/scripted-server.ts";
import { createEventBus } from "./event-bus.ts";

let server: ScriptedServer | undefined;
afterEach(() => server?.close());

const EVENT: EventDocument = {
  id: "e1",
  type: "suspected-minor",
  version: 1,
  at: "2026-11-22T10:00:00.500Z",
  detail: { image_id: "img_a_00000" },
};
const reply = (body: unknown, status = 200): Reply => ({
  status,
  headers: { "content-type": "application/x-amz-json-1.1" },
  body: JSON.stringify(body),
});

async function sending(answer: Reply | "reset") {
  server = await startScriptedServer(() => answer);
  const client = new EventBridgeClient({
    region: "eu-west-1",
    endpoint: server.origin,
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
    maxAttempts: 1,
  });
  return createEventBus({ client, busName: "atelier-test" }).send(EVENT);
}

it("an event is one entry: our source, its type, its time, and the whole of it", async () => {
  await sending(reply({ FailedEntryCount: 0, Entries: [{ EventId: "aws-1" }] }));
  expect(server?.requests).toHaveLength(1);
  expect(server?.requests[0]).toMatchObject({
    method: "POST",
    path: "/",
    headers: { "x-amz-target": "AWSEvents.PutEvents" },
  });
  expect(JSON.parse(server?.requests[0]?.body ?? "")).toStrictEqual({
    Entries: [
      {
        EventBusName: "atelier-test",
        Source: "atelier",
        DetailType: "suspected-minor",
        Time: Date.parse(EVENT.at) / 1000,
        Detail: JSON.stringify(EVENT),
      },
    ],
  });
});

describe("what the bus does not take is thrown", () => {
  it.each([
    [
      "throttled, in a call that succeeds",
      { ErrorCode: "ThrottlingException", ErrorMessage: "slow" },
      "StorageUnavailable",
    ],
    ["a fault of its own, unexplained", {}, "StorageUnavailable"],
    ["refused for its source", { ErrorCode: "NotAuthorizedForSourceException" }, "ConfigurationInvalid"],
    ["malformed", { ErrorCode: "MalformedDetail", ErrorMessage: "no JSON" }, "Unexpected"],
  ])("%s", async (_name, entry, name) => {
    await expect(sending(reply({ FailedEntryCount: 1, Entries: [entry] }))).rejects.toMatchObject({ name });
  });

  it.each([
    ["cut off", "reset" as const, "StorageUnavailable"],
    ["no permission", reply({ __type: "AccessDeniedException", message: "no" }, 400), "ConfigurationInvalid"],
  ])("%s", async (_name, answer, name) => {
    await expect(sending(answer)).rejects.toMatchObject({ name });
  });
});
