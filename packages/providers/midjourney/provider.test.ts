import { afterEach, describe, expect, it } from "vitest";
import { MIDJOURNEY } from "../../../test/simulators/midjourney-models.ts";
import { type ScriptedServer, startScriptedServer } from "../../../test/simulators/scripted-server.ts";
import { settingsFromEnvironment } from "../registry.ts";
import { midjourney } from "./definition.ts";
import { createMidjourneyProvider } from "./provider.ts";

const NOW_MS = Date.parse("2026-11-22T06:00:00Z");
const OPERATION = '{"id":"7"}';

let server: ScriptedServer | undefined;
afterEach(() => server?.close());

async function provider(reply: Parameters<typeof startScriptedServer>[0], timeoutMs = 5_000) {
  server = await startScriptedServer(reply);
  return createMidjourneyProvider(
    { baseUrl: server.origin, apiKey: "the-secret-key", outputs: "crop" },
    { clock: () => NOW_MS, readTimeoutMs: timeoutMs },
  );
}

describe("check", () => {
  it.each([
    ["an empty body", {}],
    ["null", { body: "null" }],
    ["204", { status: 204 }],
    ["a code", { body: '{"code":4,"description":"task_no_found"}' }],
    ["a code with status 404", { status: 404, body: '{"code":3}' }],
  ] as const)("is pending for a task that the wrapper does not know: %s", async (_, reply) => {
    expect(await (await provider(() => reply)).check(OPERATION, MIDJOURNEY)).toStrictEqual({
      kind: "pending",
    });
    expect(server?.requests).toMatchObject([{ method: "GET", path: "/mj/task/7/fetch" }]);
  });

  it.each([
    ["401", { status: 401 }],
    ["404 of something else", { status: 404, body: '{"error":"Not Found"}' }],
    ["429", { status: 429, headers: { "retry-after": "3" } }],
    ["502", { status: 502, body: '{"code":4}' }],
    ["a reset", "reset"],
    ["half a task", "cut"],
    ["silence", "silence"],
    ["no JSON", { body: "<html>" }],
    ["another task", { body: '{"id":"8","status":"SUCCESS"}' }],
  ] as const)("asks once and throws ProviderUnavailable for %s", async (_, reply) => {
    const adapter = await provider(() => reply, reply === "silence" ? 500 : undefined);
    await expect(adapter.check(OPERATION, MIDJOURNEY)).rejects.toMatchObject({ name: "ProviderUnavailable" });
    expect(server?.requests).toHaveLength(1);
  });

  it("passes on how long a read must wait, and repeats nothing of the body", async () => {
    const adapter = await provider(() => ({
      status: 429,
      headers: { "retry-after": "3" },
      body: "the-secret-key is too quick",
    }));
    await expect(adapter.check(OPERATION, MIDJOURNEY)).rejects.toMatchObject({
      message: "The Midjourney wrapper answered a read with status 429.",
      data: { status: 429, retryAfterMs: 3_000 },
    });
  });

  it("stays pending while a time-out is in doubt, and takes the picture that comes late", async () => {
    const timedOut = {
      id: "7",
      status: "FAILURE",
      failReason: "任务超时",
      imageUrl: "https://cdn.example/preview.png",
    };
    const late = { ...timedOut, status: "SUCCESS", failReason: null };
    const adapter = await provider((_, index) => ({ body: JSON.stringify(index === 0 ? timedOut : late) }));
    expect(await adapter.check(OPERATION, MIDJOURNEY)).toStrictEqual({ kind: "pending" });
    expect(await adapter.check(OPERATION, MIDJOURNEY)).toMatchObject({ kind: "succeeded" });
  });

  it("offers no follow-up when grids are cropped", async () => {
    const task = {
      id: 7,
      status: "SUCCESS",
      imageUrl: "https://cdn.example/a.png",
      buttons: [{ customId: "x" }],
    };
    const adapter = await provider(() => ({ body: JSON.stringify(task) }));
    expect(await adapter.check(OPERATION, MIDJOURNEY)).not.toHaveProperty("canFollowUp");
  });

  it("refuses an operation of another provider", async () => {
    const adapter = await provider(() => ({}));
    await expect(adapter.check('{"job":1}', MIDJOURNEY)).rejects.toMatchObject({ name: "Unexpected" });
  });
});

describe("cancel", () => {
  it.each([200, 400, 404, 405])("takes %i as done", async (status) => {
    const adapter = await provider(() => ({ status }));
    await adapter.cancel?.(OPERATION);
    expect(server?.requests).toMatchObject([{ method: "POST", path: "/mj/task/7/cancel", body: "" }]);
  });

  it.each([401, 429, 500])("does not take %i as done", async (status) => {
    const adapter = await provider(() => ({ status }));
    await expect(adapter.cancel?.(OPERATION)).rejects.toMatchObject({ name: "ProviderUnavailable" });
  });

  it("stops what is left of upscales, not their grid", async () => {
    const adapter = await provider(() => ({}));
    await adapter.cancel?.('{"id":"7","upscales":["8","9"],"askedAtMs":1}');
    expect(server?.requests.map(({ path }) => path)).toEqual(["/mj/task/8/cancel", "/mj/task/9/cancel"]);
  });
});

describe("parseWebhook", () => {
  it.each([
    [
      { id: "7", action: "IMAGINE", status: "SUCCESS" },
      { kind: "hint", operation: OPERATION },
    ],
    [
      { id: 7, status: "IN_PROGRESS", extra: [] },
      { kind: "hint", operation: OPERATION },
    ],
    [
      { id: "8", action: "UPSCALE", status: "SUCCESS" },
      { kind: "hint", operation: null },
    ],
    [{ status: "SUCCESS" }, { kind: "refused", reason: "body" }],
  ])("reads %j", async (task, expected) => {
    const adapter = await provider(() => ({}));
    const rawBody = Buffer.from(JSON.stringify(task));
    expect(adapter.parseWebhook?.({}, rawBody, NOW_MS, MIDJOURNEY)).toMatchObject(expected);
  });
});

describe("the definition", () => {
  const deps = { clock: () => NOW_MS, workflows: {} };

  it("is off until somebody says so, with the reason", () => {
    const environment = { MIDJOURNEY_BASE_URL: "http://127.0.0.1:8080/mj/" };
    const { settings, off } = settingsFromEnvironment(environment, [], [midjourney]);
    expect(settings).toEqual({});
    expect(JSON.stringify(off.get("midjourney"))).toMatch(/terms ban automation.*ATELIER_ENABLE=midjourney/);
    const on = settingsFromEnvironment(environment, ["midjourney"], [midjourney]);
    expect(midjourney.open(on.settings.midjourney ?? {}, deps)).toMatchObject({
      name: "midjourney",
      trustedOrigin: "http://127.0.0.1:8080",
    });
  });

  it.each([
    [{ baseUrl: "https://mj.example" }, null],
    [{ baseUrl: "http://midjourney-proxy:8080", apiKey: "key" }, "http://midjourney-proxy:8080"],
    [{ baseUrl: "https://localhost:8443/mj-fast/mj", outputs: "upscale" }, "https://localhost:8443"],
  ])("opens with %j", (values, trustedOrigin) => {
    expect(midjourney.open(values, deps)).toMatchObject({ trustedOrigin });
  });

  it.each([
    [{}, "MIDJOURNEY_BASE_URL"],
    [{ baseUrl: "ftp://x" }, "MIDJOURNEY_BASE_URL"],
    [{ baseUrl: "http://x", outputs: "both" }, "MIDJOURNEY_OUTPUTS"],
    [{ baseUrl: "http://x", apiKey: " " }, "MIDJOURNEY_API_KEY"],
  ])("names the variable that is wrong in %j", (values, name) => {
    expect(() => midjourney.open(values, deps)).toThrow(name);
  });

  it("keeps a mode in the path, and the path once", async () => {
    server = await startScriptedServer(() => ({}));
    await midjourney.open({ baseUrl: `${server.origin}/mj-fast/mj` }, deps).check(OPERATION, MIDJOURNEY);
    expect(server.requests).toMatchObject([{ path: "/mj-fast/mj/task/7/fetch" }]);
  });
});
