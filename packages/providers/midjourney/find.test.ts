import { afterEach, describe, expect, it } from "vitest";
import { MIDJOURNEY } from "../../../test/simulators/midjourney-models.ts";
import {
  type Reply,
  type ScriptedServer,
  startScriptedServer,
} from "../../../test/simulators/scripted-server.ts";
import { createMidjourneyProvider } from "./provider.ts";

const NOW_MS = Date.parse("2026-11-22T06:00:00Z");
const MINE = { id: "7", action: "IMAGINE", state: "img_a-1", submitTime: NOW_MS + 300 };
const EARLIER = { id: "1", action: "IMAGINE", state: null, prompt: "a teapot", submitTime: NOW_MS - 61_000 };
const LATER = { id: "8", action: "IMAGINE", state: "img_b-1", submitTime: NOW_MS + 900 };
const FOUND = { kind: "found", operation: '{"id":"7"}' };

let server: ScriptedServer | undefined;
afterEach(() => server?.close());

async function find(reply: Reply | "reset" | "cut") {
  server = await startScriptedServer(() => reply);
  const provider = createMidjourneyProvider(
    { baseUrl: server.origin, apiKey: null, outputs: "crop" },
    { clock: () => NOW_MS },
  );
  return provider.find?.({
    attemptId: "img_a-1",
    model: MIDJOURNEY,
    seed: 42,
    webhookUrl: null,
    submittingAtMs: NOW_MS,
  });
}
const list = (...tasks: object[]): Reply => ({ body: JSON.stringify(tasks) });

describe("find", () => {
  it("asks once for the whole list", async () => {
    await find(list());
    expect(server?.requests).toMatchObject([{ method: "GET", path: "/mj/task/list", body: "" }]);
  });

  it.each([
    ["its state", list(LATER, MINE, EARLIER), FOUND],
    ["its state in a list that reaches back nowhere", list(MINE), FOUND],
    [
      "its state at a wrapper whose clock is behind",
      list({ ...MINE, submitTime: NOW_MS - 3_600_000 }),
      FOUND,
    ],
    ["its state and a numeric id", list({ ...MINE, id: 7 }), FOUND],
    [
      "its seed where no state is shown",
      list({ ...MINE, state: undefined, prompt: "a house --v 6.1 --ar 1:1 --seed 42" }, EARLIER),
      FOUND,
    ],
    [
      "its seed where the state is shown as null",
      list({ ...MINE, state: null, prompt: "a house --v 6.1 --ar 1:1 --seed 42" }, EARLIER),
      FOUND,
    ],
    ["another's state", list(LATER, EARLIER), { kind: "none" }],
    [
      "another's seed where no state is shown",
      list({ ...LATER, state: undefined, prompt: "a house --seed 43" }, EARLIER),
      { kind: "none" },
    ],
    ["an upscale of its own", list({ ...MINE, action: "UPSCALE" }, EARLIER), { kind: "none" }],
    ["a task that shows neither", list({ id: "9", submitTime: NOW_MS + 1 }, EARLIER), { kind: "unknown" }],
    ["an empty list: a wrapper that forgot everything says the same", list(), { kind: "unknown" }],
    ["the newest tasks only, all of them later", list(LATER), { kind: "unknown" }],
    [
      "an earlier task within the slack of clocks",
      list({ ...EARLIER, submitTime: NOW_MS - 59_000 }),
      { kind: "unknown" },
    ],
    [
      "tasks without times",
      list({ ...EARLIER, submitTime: 0 }, { ...EARLIER, submitTime: null }),
      { kind: "unknown" },
    ],
    ["no list", { body: '{"code":4}' }, { kind: "unknown" }],
    ["a list that cannot be read to its end", list(EARLIER, { state: "img_a-1" }), { kind: "unknown" }],
    ["an empty body", {}, { kind: "unknown" }],
    ["a relay without lists", { status: 404 }, { kind: "unknown" }],
    ["a server error", { status: 502 }, { kind: "unknown" }],
    ["a refused key", { status: 401 }, { kind: "unknown" }],
    ["a reset", "reset", { kind: "unknown" }],
    ["half a list", "cut", { kind: "unknown" }],
  ] as const)("decides by %s", async (_, reply, expected) => {
    expect(await find(reply)).toStrictEqual(expected);
  });
});
