import { afterEach, describe, expect, test, vi } from "vitest";
import { type Reply, type SeenRequest, startScriptedServer } from "../../test/simulators/scripted-server.ts";
import {
  AtelierApiError,
  BudgetError,
  ConflictError,
  ForbiddenError,
  InvalidCallError,
  isPassing,
  NoAnswerError,
  NotFoundError,
  PolicyError,
  RateLimitedError,
  ServerError,
  UnauthenticatedError,
} from "./errors.ts";
import { ImageGenerator } from "./image-generator.ts";
import { createTransport, type TransportOptions } from "./transport.ts";

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

const NOW_MS = Date.UTC(2026, 10, 22, 12);
const GET = { method: "GET", path: "/v1/health" } as const;

/** A server that gives these answers in turn, the last one again and again, and a transport that waits for nothing. */
async function talking(
  answers: readonly (Reply | "reset" | "cut" | "silence")[],
  options: Partial<TransportOptions> = {},
) {
  const server = await startScriptedServer((_request, index) => answers[index] ?? answers.at(-1) ?? "reset");
  closers.push(server.close);
  const waits: number[] = [];
  const surroundings = {
    wait: async (ms: number) => void waits.push(ms),
    random: () => 1,
    now: () => NOW_MS,
  };
  const given = { baseUrl: `${server.origin}/`, token: "a.b.c", ...options };
  return {
    server,
    waits,
    transport: createTransport(given, surroundings),
    generator: new ImageGenerator(given, surroundings),
  };
}

const refusal = (status: number, headers: Record<string, string> = {}): Reply => ({
  status,
  headers,
  body: JSON.stringify({ name: "Name", detail: "What was wrong.", status, type: "t", title: "Title" }),
});
const ok: Reply = { body: '{"status":"ok"}' };
const seen = ({ requests }: { requests: readonly SeenRequest[] }) =>
  requests.map(({ method, path, headers, body }) => ({
    method,
    path,
    authorization: headers.authorization,
    key: headers["idempotency-key"],
    type: headers["content-type"],
    body: body && JSON.parse(body),
  }));

describe("what is sent", () => {
  test("a wish in the words of the API, under one key however often it takes", async () => {
    const accepted = { status: 202, body: '{"request_id":"req_1"}' };
    const { server, generator } = await talking(["reset", refusal(503), "cut", accepted]);
    const generation = generator.generateCustom({
      prompt: "A bowl of apples",
      negativePrompt: "text",
      maxCost: 0.1,
      parameters: { width: 512, height: 512, steps: 30, guidanceScale: 7 },
    });
    expect(await generation.accepted).toEqual({ request_id: "req_1" });
    const call = {
      method: "POST",
      path: "/v1/requests",
      authorization: "Bearer a.b.c",
      key: expect.stringMatching(/^[0-9a-f]{32}$/),
      type: "application/json",
      body: {
        prompt: "A bowl of apples",
        negative_prompt: "text",
        max_cost: 0.1,
        parameters: { width: 512, height: 512, steps: 30, guidance_scale: 7 },
      },
    };
    expect(seen(server)).toEqual([call, call, call, call]);
    expect(new Set(seen(server).map(({ key }) => key))).toEqual(new Set([generation.idempotencyKey]));
  });

  test("each call its own, and the caller's own key as it is", async () => {
    const { server, generator } = await talking([{ status: 202, body: '{"request_id":"req_1"}' }]);
    await generator.generate({ category: "feet" }).accepted;
    await generator.generate({ category: "feet" }).accepted;
    await generator.generate({ category: "feet", variations: 3 }, { idempotencyKey: "order-1" }).accepted;
    const keys = seen(server).map(({ key }) => key);
    expect(new Set(keys).size).toBe(3);
    expect(keys[2]).toBe("order-1");
    expect(seen(server)[2]?.body).toEqual({ category: "feet", variations: 3 });
  });

  test("no body, no type; queries encoded; nothing that a browser forbids", async () => {
    const { server, generator } = await talking([{ body: '{"items":[],"next_cursor":null}' }]);
    const found = generator.images.list({
      text: "soft & warm",
      minQuality: 80,
      since: new Date(NOW_MS),
      requestId: "req_1",
    });
    for await (const image of found) expect(image).toBeUndefined();
    expect(seen(server)).toEqual([
      {
        method: "GET",
        path: "/v1/images?text=soft+%26+warm&request_id=req_1&min_quality=80&since=2026-11-22T12%3A00%3A00.000Z&limit=100",
        authorization: "Bearer a.b.c",
        body: "",
      },
    ]);
  });

  test("by the global fetch of the moment, called as a function of its own", async () => {
    const { transport } = await talking([ok]);
    const real = globalThis.fetch;
    let receiver: unknown;
    globalThis.fetch = function (this: unknown, ...words: Parameters<typeof fetch>) {
      receiver = this;
      return real(...words);
    } as typeof fetch;
    try {
      await transport.json(GET);
    } finally {
      globalThis.fetch = real;
    }
    expect([undefined, globalThis]).toContain(receiver);
  });

  test("only to an address", () => {
    for (const baseUrl of ["", "localhost:8787", "127.0.0.1:8787", "file:///tmp"]) {
      expect(() => createTransport({ baseUrl, token: "t" })).toThrow(TypeError);
    }
  });
});

describe("what is repeated", () => {
  test.each([
    ["GET", undefined, 4],
    ["PUT", undefined, 4],
    ["DELETE", undefined, 4],
    ["POST", undefined, 1],
    ["POST", true, 4],
    ["GET", false, 1],
  ] as const)(
    "%s (said to be repeatable: %s) is sent %i times at most",
    async (method, isRepeatable, times) => {
      const { server, transport } = await talking(["reset"]);
      const call = { method, path: "/x", ...(isRepeatable !== undefined && { isRepeatable }) };
      await expect(transport.json(call)).rejects.toBeInstanceOf(NoAnswerError);
      expect(server.requests).toHaveLength(times);
    },
  );

  test("longer and longer after lost answers, as long as it says after a refusal", async () => {
    const lost = await talking(["reset", "cut", { body: "<html>" }, ok]);
    expect(await lost.transport.json(GET)).toEqual({ status: "ok" });
    expect(lost.waits).toEqual([250, 500, 1000]);
    const limited = await talking([refusal(429, { "retry-after": "7" }), refusal(503), ok]);
    await limited.transport.json(GET);
    expect(limited.waits).toEqual([7250, 500]);
  });

  test("by the server's clock, where that and ours differ", async () => {
    const date = new Date(NOW_MS - 3_600_000);
    const later = new Date(date.getTime() + 5_000);
    const headers = { date: date.toUTCString(), "retry-after": later.toUTCString() };
    const { transport, waits } = await talking([refusal(503, headers), ok]);
    await transport.json(GET);
    expect(waits).toEqual([5250]);
  });

  test("not when the server asks for more than a minute: its caller decides", async () => {
    const { server, transport } = await talking([refusal(429, { "retry-after": "90" })]);
    await expect(transport.json(GET)).rejects.toMatchObject({ status: 429, retryAfterMs: 90_000 });
    expect(server.requests).toHaveLength(1);
  });

  test.each([400, 401, 402, 403, 404, 409, 412, 422, 501, 507])("%i is an answer", async (status) => {
    const { server, transport } = await talking([refusal(status)]);
    await expect(transport.json(GET)).rejects.toMatchObject({ status, name: "Name" });
    expect(server.requests).toHaveLength(1);
  });

  test("no redirect is followed with the token", async () => {
    const { server, transport } = await talking([{ status: 302, headers: { location: "/other" } }], {
      retries: 0,
    });
    await expect(transport.json({ ...GET, method: "POST" })).rejects.toThrow("leads to another address");
    expect(server.requests.map(({ path }) => path)).toEqual(["/v1/health"]);
  });
});

describe("tokens", () => {
  test("a function is asked before each call, and once more with what was refused", async () => {
    const token = vi.fn(async (refused: string | null) => (refused === null ? "old" : "new"));
    const { server, transport } = await talking([refusal(401), ok], { token });
    await transport.json({ ...GET, method: "POST" });
    expect(seen(server).map(({ authorization }) => authorization)).toEqual(["Bearer old", "Bearer new"]);
    expect(token.mock.calls).toEqual([[null], ["old"]]);
  });

  test("once more and no further", async () => {
    const { server, transport } = await talking([refusal(401)], { token: () => "same" });
    await expect(transport.json(GET)).rejects.toBeInstanceOf(UnauthenticatedError);
    expect(server.requests).toHaveLength(2);
  });

  test("what the function throws is thrown", async () => {
    const thrown = new Error("Signed out.");
    const { transport } = await talking([ok], { token: () => Promise.reject(thrown) });
    await expect(transport.json(GET)).rejects.toBe(thrown);
  });
});

describe("what is thrown", () => {
  test.each([
    [400, InvalidCallError],
    [401, UnauthenticatedError],
    [402, BudgetError],
    [403, ForbiddenError],
    [404, NotFoundError],
    [409, ConflictError],
    [422, PolicyError],
    [429, RateLimitedError],
    [500, ServerError],
  ])("for %i a class of its own", async (status, Kind) => {
    const { transport } = await talking([refusal(status)], { retries: 0 });
    const error = await transport.json(GET).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(Kind);
    expect(error).toBeInstanceOf(AtelierApiError);
    expect(error).toMatchObject({ name: "Name", message: "What was wrong.", problem: { title: "Title" } });
  });

  test("for words that are not Atelier's a problem all the same", async () => {
    const { transport } = await talking([{ status: 404, body: "<h1>nginx</h1>" }]);
    await expect(transport.json(GET)).rejects.toMatchObject({
      name: "Unexpected",
      status: 404,
      message: "The server answered 404 without saying why.",
    });
  });

  test("when nobody listens", async () => {
    const { server, transport } = await talking([ok], { retries: 0 });
    await server.close();
    const error = await transport.json(GET).catch((thrown: unknown) => thrown);
    expect(String(error)).toMatch(/NoAnswerError: GET \/v1\/health: .*ECONNREFUSED/);
    expect(isPassing(error)).toBe(true);
  });

  test.each(["silence", "cut"] as const)("after %s for too long", async (fault) => {
    const { transport } = await talking([fault], { timeoutMs: 50, retries: 0 });
    await expect(transport.json(GET)).rejects.toThrow(NoAnswerError);
  });

  test("the signal's own reason, before, while waiting and between repetitions", async () => {
    const reason = new Error("Enough.");
    const { server, transport } = await talking(["silence"]);
    await expect(transport.json({ ...GET, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(server.requests).toHaveLength(0);
    const controller = new AbortController();
    const waiting = transport.json({ ...GET, signal: controller.signal });
    await expect.poll(() => server.requests.length).toBe(1);
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);

    const failing = await startScriptedServer(() => "reset");
    closers.push(failing.close);
    const patient = createTransport({ baseUrl: failing.origin, token: "t" });
    const stop = new AbortController();
    const repeating = patient.json({ ...GET, signal: stop.signal });
    await expect.poll(() => failing.requests.length).toBe(1);
    stop.abort(reason);
    await expect(repeating).rejects.toBe(reason);
    expect(failing.requests).toHaveLength(1);
  });

  test("a signal that outlives many calls keeps no listener of them", async () => {
    const { transport } = await talking([ok]);
    const { signal } = new AbortController();
    const [add, remove] = [vi.spyOn(signal, "addEventListener"), vi.spyOn(signal, "removeEventListener")];
    await transport.json({ ...GET, signal });
    expect(add).toHaveBeenCalled();
    expect(remove).toHaveBeenCalledTimes(add.mock.calls.length);
  });
});
