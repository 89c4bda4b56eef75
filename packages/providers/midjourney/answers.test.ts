import { afterEach, describe, expect, it } from "vitest";
import { MIDJOURNEY } from "../../../test/simulators/midjourney-models.ts";
import {
  type Reply,
  type ScriptedServer,
  startScriptedServer,
} from "../../../test/simulators/scripted-server.ts";
import { createMidjourneyProvider } from "./provider.ts";

const NOW_MS = Date.parse("2026-11-22T06:00:00Z");
const KEY = "the-secret-key-of-the-wrapper";
const PROMPT = "a lighthouse at dusk over the sea";

let server: ScriptedServer | undefined;
afterEach(() => server?.close());

async function submit(
  reply: Parameters<typeof startScriptedServer>[0],
  timeoutMs = 5_000,
  apiKey: string | null = KEY,
) {
  server = await startScriptedServer(reply);
  const provider = createMidjourneyProvider(
    { baseUrl: server.origin, apiKey, outputs: "crop" },
    { clock: () => NOW_MS, submitTimeoutMs: timeoutMs },
  );
  const request = {
    model: MIDJOURNEY,
    prompt: PROMPT,
    negativePrompt: "",
    parameters: { width: 1024, height: 1024, steps: 50, guidanceScale: 7.5 },
    seed: 42,
    deadlineMs: 60_000,
  };
  return provider.submit(request, { attemptId: "img_a-1", webhookUrl: null });
}

const code = (value: number, rest: object = {}): Reply => ({
  headers: { "content-type": "text/plain;charset=UTF-8" },
  body: JSON.stringify({ code: value, description: "?", result: null, ...rest }),
});
const accepted = (id: string) => ({ kind: "accepted", operation: `{"id":"${id}"}` });

describe("submit", () => {
  it.each([
    ["1", code(1, { result: "1689231405853400" }), accepted("1689231405853400")],
    ["1 with a number", code(1, { result: 1689231405853400 }), accepted("1689231405853400")],
    [
      "22",
      code(22, { result: "0741798445574458", properties: { numberOfQueues: 1 } }),
      accepted("0741798445574458"),
    ],
    ["a code as text", { body: '{"code":"1","result":"7","unknown":[{}]}' }, accepted("7")],
    ["1 without an id", code(1), { kind: "unknown" }],
    [
      "1 with a number that is not exact",
      { body: '{"code":1,"result":99999999999999999999}' },
      { kind: "unknown" },
    ],
    ["1 with an id that is a path", code(1, { result: "../7" }), { kind: "unknown" }],
    ["3", code(3), { kind: "refused", name: "ProviderFailed" }],
    ["4", code(4), { kind: "refused", name: "ProviderRefused" }],
    ["4 with status 400", { ...code(4), status: 400 }, { kind: "refused", name: "ProviderRefused" }],
    ["4 for quota", code(4, { description: "quota_not_enough" }), { kind: "refused", name: "OutOfCredit" }],
    ["9", code(9), { kind: "refused", name: "ProviderFailed" }],
    ["21, which no imagine should get", code(21, { result: "7" }), { kind: "unknown" }],
    ["23", code(23), { kind: "rate-limited", retryAfterMs: 30_000 }],
    ["23 with an id, as documented", code(23, { result: "7" }), { kind: "rate-limited" }],
    ["24", code(24), { kind: "refused", name: "ContentRejected" }],
    ["a code that nobody knows", code(77), { kind: "unknown" }],
    ["401 with nothing", { status: 401 }, { kind: "refused", name: "KeyRefused" }],
    ["403 with a text", { status: 403, body: "未登录" }, { kind: "refused", name: "KeyRefused" }],
    ["402", { status: 402 }, { kind: "refused", name: "OutOfCredit" }],
    ["404", { status: 404, body: '{"error":"Not Found"}' }, { kind: "refused", name: "ProviderRefused" }],
    [
      "429 with a header",
      { status: 429, headers: { "retry-after": "3" } },
      { kind: "rate-limited", retryAfterMs: 3_000 },
    ],
    [
      "429 with a body",
      { ...code(23, { retry_after: 7 }), status: 429 },
      { kind: "rate-limited", retryAfterMs: 7_000 },
    ],
    ["429 with nothing", { status: 429 }, { kind: "rate-limited", retryAfterMs: 10_000 }],
    ["408", { status: 408 }, { kind: "unknown" }],
    ["500 with a code", { ...code(9), status: 500 }, { kind: "unknown" }],
    ["502", { status: 502 }, { kind: "unknown" }],
    ["a redirect", { status: 307, headers: { location: "/mj/elsewhere" } }, { kind: "unknown" }],
    ["an empty answer", {}, { kind: "unknown" }],
    ["a page", { body: "<html>" }, { kind: "unknown" }],
    ["a reset", "reset", { kind: "unknown" }],
    ["half an answer", "cut", { kind: "unknown" }],
    ["silence", "silence", { kind: "unknown" }],
  ] as const)("sends one create for %s", async (_, reply, expected) => {
    expect(await submit(() => reply, reply === "silence" ? 500 : undefined)).toMatchObject(expected);
    expect(server?.requests).toHaveLength(1);
  });

  it("is certain that nothing was bought when nobody listens", async () => {
    const closed = await startScriptedServer(() => ({}));
    await closed.close();
    const provider = createMidjourneyProvider(
      { baseUrl: closed.origin, apiKey: null, outputs: "crop" },
      { clock: () => NOW_MS },
    );
    const parameters = { width: 1024, height: 1024, steps: 50, guidanceScale: 7.5 };
    const request = {
      model: MIDJOURNEY,
      prompt: PROMPT,
      negativePrompt: "",
      parameters,
      seed: 1,
      deadlineMs: 1,
    };
    expect(await provider.submit(request, { attemptId: "a-1", webhookUrl: null })).toMatchObject({
      kind: "refused",
      name: "ProviderAborted",
    });
    const nothing = { ...request, prompt: "{}" };
    expect(await provider.submit(nothing, { attemptId: "a-1", webhookUrl: null })).toMatchObject({
      kind: "refused",
      name: "ProviderRefused",
    });
  });

  it("repeats neither the key nor the prompt", async () => {
    const said = `${KEY} cannot do ${PROMPT}`;
    const submission = await submit(() =>
      code(24, { description: said, properties: { bannedWord: "dusk" } }),
    );
    expect(submission).toMatchObject({ message: expect.stringContaining("[redacted] cannot do [redacted]") });
    expect(JSON.stringify(submission)).not.toMatch(/lighthouse|dusk|secret/);
  });

  it("sends no key where none is set, and no hook where we cannot be reached", async () => {
    await submit(() => code(1, { result: "7" }), undefined, null);
    const [request] = server?.requests ?? [];
    expect(request?.headers).not.toHaveProperty("authorization");
    expect(request?.headers).not.toHaveProperty("mj-api-secret");
    expect(JSON.parse(request?.body ?? "")).toStrictEqual({
      prompt: `${PROMPT} --v 6.1 --stylize 100 --ar 1:1 --seed 42`,
      botType: "MID_JOURNEY",
      state: "img_a-1",
    });
  });
});
