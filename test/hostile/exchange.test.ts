/** @module The judge can fail: answers that break each of its rules. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { exchange } from "./exchange.ts";
import { OPERATIONS } from "./operations.ts";
import { openStage, PLANTED, type Stage, VICTIM } from "./stage.ts";

const PROBLEM = {
  type: "http://127.0.0.1/reference#UnknownName",
  title: "Nothing of that name exists.",
  status: 404,
  detail: "There is nothing at this address.",
  instance: "urn:uuid:1",
  name: "UnknownName",
  remedy: "Take one of the names.",
};

interface Given {
  readonly status: number;
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: unknown;
  /** What happens while it is answered. */
  readonly meanwhile?: () => void;
}

let given: Given;
let server: Server;
let stage: Stage;
beforeAll(async () => {
  const opened = await openStage();
  server = createServer((_, answer) => {
    given.meanwhile?.();
    const { status, type = "application/problem+json", headers, body } = given;
    answer.writeHead(status, { "Content-Type": type, ...headers });
    answer.end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  stage = { ...opened, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}, 60_000);
afterAll(async () => {
  await new Promise((resolve) => server.close(resolve));
  await stage.close();
});

const [operation] = OPERATIONS.filter(({ id }) => id === "getImage");

async function judged(answer: Given): Promise<string> {
  given = answer;
  if (!operation) throw new Error("There is no operation getImage.");
  const sent = { method: "GET", path: "/v1/images/img_a_00000", token: "a.token.sent" };
  const found = await exchange(sent, operation, stage).then(
    () => "kept to everything",
    (error: unknown) => String(error),
  );
  stage.api.writes.splice(0);
  stage.api.started.splice(0);
  return found;
}
const refused: Given = { status: 404, body: PROBLEM };
const saying = (detail: string): Given => ({ status: 404, body: { ...PROBLEM, detail } });

test("a problem as it should be is let through", async () => {
  expect(await judged(refused)).toBe("kept to everything");
});

test.each<[string, Given, RegExp]>([
  ["a 500", { status: 500, body: { ...PROBLEM, status: 500 } }, /fault of ours/],
  [
    "a fault that was told",
    { ...refused, meanwhile: () => stage.api.faults.push(new Error("x")) },
    /fault of ours/,
  ],
  ["no problem document", { status: 404, type: "application/json", body: PROBLEM }, /is no problem/],
  ["a problem of more fields", { status: 404, body: { ...PROBLEM, stack: "x" } }, /unrecognized/i],
  ["a problem of another status", { status: 403, body: PROBLEM }, /A problem says 404/],
  ["the words of a prompt", saying(`No ${PLANTED.prompt}.`), /tells/],
  ["words of a provider", saying(PLANTED.failure), /tells/],
  ["another caller", saying(`It is ${VICTIM}'s.`), /tells/],
  ["the token", saying("a.token.sent is no good."), /tells/],
  ["where a stack was", saying("at Object.read (images.ts:1:2)"), /tells/],
  ["a secret in a header", { ...refused, headers: { "X-Why": PLANTED.note } }, /tells/],
  [
    "a shape that is not documented",
    { status: 200, type: "application/json", body: { id: 1 } },
    /not as documented/,
  ],
  ["a write", { ...refused, meanwhile: () => stage.api.writes.push("put IMAGE#a META") }, /wrote/],
  [
    "a write beside the audit",
    {
      status: 422,
      body: { ...PROBLEM, status: 422 },
      meanwhile: () => stage.api.writes.push("put AUDIT#a CHAIN", "put IMAGE#a META"),
    },
    /wrote put IMAGE/,
  ],
  [
    "an execution",
    {
      ...refused,
      meanwhile: () =>
        stage.api.started.push({ name: "x", input: { requestId: "req_a", part: 0, generation: 1 } }),
    },
    /started/,
  ],
])("%s is noticed", async (_, answer, message) => {
  expect(await judged(answer)).toMatch(message);
});

test("keys and folders are secrets", async () => {
  const { linkKey, promptKey } = stage.api.deps;
  for (const secret of [
    stage.api.folder,
    Buffer.from(linkKey).toString("base64"),
    Buffer.from(promptKey).toString("hex"),
  ]) {
    expect(await judged(saying(`It is ${secret}.`))).toMatch(/tells/);
  }
});

test("what was understood and refused may be noted in the audit", async () => {
  const answer: Given = {
    status: 402,
    body: { ...PROBLEM, status: 402 },
    meanwhile: () => stage.api.writes.push("put AUDIT#req_a CHAIN", "put CALLERS mallory"),
  };
  expect(await judged(answer)).toBe("kept to everything");
});
