import { afterEach, expect, test } from "vitest";
import { type ScriptedServer, startScriptedServer } from "../../test/simulators/scripted-server.ts";
import { tellChat } from "./chat.ts";
import type { Surroundings } from "./runtime.ts";

let server: ScriptedServer | undefined;
afterEach(() => server?.close());

const lines: string[] = [];
const telemetry = {
  info: (...said: unknown[]) => void lines.push(JSON.stringify(said)),
} as unknown as Surroundings["telemetry"];
const topicEvent = (message: unknown) => ({
  Records: [{ Sns: { Message: typeof message === "string" ? message : JSON.stringify(message) } }],
});
const ALARM = {
  AlarmName: "atelier-production-budget-80",
  AlarmDescription: "Four fifths are spent. See docs/operations.md#budget-80.",
  NewStateValue: "ALARM",
  StateChangeTime: "2026-11-22T10:00:00.000+0000",
};

test.each([
  [
    "an alarm",
    ALARM,
    "ALARM: atelier-production-budget-80 (2026-11-22T10:00:00.000+0000)\nFour fifths are spent. See docs/operations.md#budget-80.",
  ],
  [
    "its end",
    { ...ALARM, NewStateValue: "OK", AlarmDescription: null },
    "over: atelier-production-budget-80 (2026-11-22T10:00:00.000+0000)",
  ],
  ["a person's own message", "a test", "a test"],
])("%s is one post of a text", async (_name, message, text) => {
  server = await startScriptedServer(() => ({ status: 200, headers: {}, body: "ok" }));
  await tellChat(topicEvent(message), { address: `${server.origin}/services/T0/secret`, telemetry });
  expect(server.requests).toHaveLength(1);
  expect(server.requests[0]).toMatchObject({ method: "POST" });
  expect(JSON.parse(String(server.requests[0]?.body))).toStrictEqual({ text });
});

test("a chat that does not take it: thrown, so that SNS calls again; the address stands nowhere", async () => {
  server = await startScriptedServer(() => ({ status: 500, headers: {}, body: "no" }));
  const address = `${server.origin}/services/T0/secret`;
  const failure = await tellChat(topicEvent(ALARM), { address, telemetry }).catch((error: Error) => error);
  expect(failure).toMatchObject({
    name: "StorageUnavailable",
    message: "message 1: The chat answered 500; the message is sent again.",
  });
  await server.close();
  await expect(tellChat(topicEvent(ALARM), { address, telemetry })).rejects.toMatchObject({
    message: "message 1: The chat answered 0; the message is sent again.",
  });
  server = undefined;
  expect(lines.join()).not.toContain("secret");
});

test("a message that is not taken keeps none of the others from being told", async () => {
  const posted: string[] = [];
  server = await startScriptedServer(({ body }) => {
    posted.push(JSON.parse(String(body)).text);
    return { status: posted.length === 1 ? 400 : 200, headers: {}, body: "" };
  });
  const Records = ["first", "second", "third"].map((Message) => ({ Sns: { Message } }));
  await expect(tellChat({ Records }, { address: server.origin, telemetry })).rejects.toMatchObject({
    name: "StorageUnavailable",
    message: "message 1: The chat answered 400; the message is sent again.",
  });
  expect(posted).toStrictEqual(["first", "second", "third"]);
});

test.each(["http://hooks.example.com/x", "nonsense"])(
  "the address %j is refused, unrepeated",
  async (address) => {
    const failure = await tellChat(topicEvent(ALARM), { address, telemetry }).catch((error: Error) => error);
    expect(failure).toMatchObject({ name: "ConfigurationInvalid" });
    expect((failure as Error).message).not.toContain(address);
  },
);
