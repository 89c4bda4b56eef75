import { afterEach, describe, expect, it } from "vitest";
import * as z from "zod";
import { type ScriptedServer, startScriptedServer } from "../../test/simulators/scripted-server.ts";
import { type HttpRequest, readJson, redact, sendOnce, type Transport } from "./http.ts";

const transport: Transport = (url, init) => fetch(url, init);
let server: ScriptedServer | undefined;
afterEach(() => server?.close());

function post(url: string, more: Partial<HttpRequest> = {}): HttpRequest {
  return {
    method: "POST",
    url,
    headers: { "content-type": "application/json" },
    body: '{"a":"é"}',
    timeoutMs: 2_000,
    ...more,
  };
}

describe("sendOnce", () => {
  it("sends the body with its length and gives back status, headers and text", async () => {
    server = await startScriptedServer(() => ({
      status: 201,
      headers: { "x-note": "yes" },
      body: '{"ok":1}',
    }));
    const answer = await sendOnce(transport, post(`${server.origin}/jobs`));
    if (answer.kind !== "answered") throw new Error(answer.message);
    expect([answer.status, answer.headers.get("x-note"), answer.text]).toStrictEqual([
      201,
      "yes",
      '{"ok":1}',
    ]);
    expect(server.requests).toHaveLength(1);
    expect(server.requests[0]).toMatchObject({ method: "POST", path: "/jobs", body: '{"a":"é"}' });
    expect(server.requests[0]?.headers["content-length"]).toBe("10");
  });

  it.each([421, 401, 408, 429, 503])("puts a create on the wire once for status %i", async (status) => {
    server = await startScriptedServer(() => ({ status }));
    expect(await sendOnce(transport, post(server.origin))).toMatchObject({ kind: "answered", status });
    expect(server.requests).toHaveLength(1);
  });

  it.each([301, 303, 307, 308])("takes a redirect of a create as the answer: %i", async (status) => {
    server = await startScriptedServer(() => ({ status, headers: { location: "/elsewhere" } }));
    expect(await sendOnce(transport, post(server.origin))).toMatchObject({ kind: "answered", status });
    expect(server.requests.map(({ path }) => path)).toStrictEqual(["/"]);
  });

  it("calls a cut connection lost, once", async () => {
    server = await startScriptedServer(() => "reset");
    expect(await sendOnce(transport, post(server.origin))).toMatchObject({ kind: "lost" });
    expect(server.requests).toHaveLength(1);
  });

  it("calls a time-out lost", async () => {
    server = await startScriptedServer(() => "silence");
    const answer = await sendOnce(transport, post(server.origin, { timeoutMs: 40 }));
    expect(answer).toMatchObject({ kind: "lost", message: expect.stringContaining("longer than 40 ms") });
  });

  it("keeps the status when the body breaks off or is over the cap", async () => {
    server = await startScriptedServer((_, index) => (index === 0 ? "cut" : { body: "x".repeat(5_000) }));
    expect(await sendOnce(transport, post(server.origin))).toMatchObject({ kind: "answered", text: null });
    const capped = await sendOnce(transport, post(server.origin, { responseBytesMax: 1_000 }));
    expect(capped).toMatchObject({ kind: "answered", status: 200, text: null });
  });

  it("knows that nothing was sent when nobody listens", async () => {
    server = await startScriptedServer(() => ({}));
    await server.close();
    expect(await sendOnce(transport, post(server.origin))).toMatchObject({
      kind: "not-sent",
      message: expect.stringContaining("ECONNREFUSED"),
    });
  });

  const failure = (cause: object) =>
    new TypeError("fetch failed", { cause: Object.assign(new Error("x"), cause) });
  it.each([
    ["a failed look-up", failure({ code: "ENOTFOUND", syscall: "getaddrinfo" }), "not-sent"],
    ["a connect time-out", failure({ code: "UND_ERR_CONNECT_TIMEOUT" }), "not-sent"],
    ["a foreign certificate", failure({ code: "ERR_TLS_CERT_ALTNAME_INVALID" }), "not-sent"],
    ["a reset while reading", failure({ code: "ECONNRESET", syscall: "read" }), "lost"],
    ["a broken pipe", failure({ code: "EPIPE", syscall: "write" }), "lost"],
    ["something unheard of", new Error("?"), "lost"],
    [
      "one address refused, another reset",
      new TypeError("fetch failed", {
        cause: new AggregateError([
          Object.assign(new Error(), { code: "ECONNREFUSED", syscall: "connect" }),
          Object.assign(new Error(), { code: "ECONNRESET", syscall: "read" }),
        ]),
      }),
      "lost",
    ],
  ])("judges %s", async (_, error, kind) => {
    const answer = await sendOnce(() => Promise.reject(error), post("http://127.0.0.1:1"));
    expect(answer.kind).toBe(kind);
  });
});

describe("readJson", () => {
  const schema = z.object({ id: z.string() });
  it("drops what it does not know and gives undefined for what does not fit", () => {
    expect(readJson(schema, '{"id":"a","more":1}')).toStrictEqual({ id: "a" });
    for (const text of [null, "", "{", '{"id":1}', "[]"]) expect(readJson(schema, text)).toBeUndefined();
  });
});

describe("redact", () => {
  it("blanks out tokens and secrets, flattens and shortens", () => {
    expect(redact("Authorization: Bearer r8_abcdefghij\n for 'a red door'", ["a red door"])).toBe(
      "Authorization: Bearer [redacted] for '[redacted]'",
    );
    expect(redact("key r8_secret!", ["r8_secret"])).toBe("key [redacted]!");
    expect(redact("x".repeat(1_000), [])).toHaveLength(300);
  });
});
