import type { AddressInfo } from "node:net";
import { createServer, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import * as z from "zod";
import { type ScriptedServer, startScriptedServer } from "../../test/simulators/scripted-server.ts";
import { fetchTransport, neverConnected } from "./fetch-transport.ts";
import {
  type HttpRequest,
  readJson,
  redact,
  sendOnce,
  sendOnceForBytes,
  sendOnceForPictures,
  type Transport,
} from "./http.ts";
import { createPool } from "./pool.ts";

const TRANSPORTS: readonly (readonly [name: string, open: () => Transport])[] = [
  ["fetch", () => fetchTransport],
  ["the pool", () => createPool()],
];

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

describe.each(TRANSPORTS)("sendOnce over %s", (_, open) => {
  it("sends the body with its length and gives back status, headers and text", async () => {
    server = await startScriptedServer(() => ({
      status: 201,
      headers: { "x-note": "yes" },
      body: '{"ok":1}',
    }));
    const answer = await sendOnce(open(), post(`${server.origin}/jobs?a=b`));
    if (answer.kind !== "answered") throw new Error(answer.message);
    expect([answer.status, answer.headers.get("x-note"), answer.text]).toStrictEqual([
      201,
      "yes",
      '{"ok":1}',
    ]);
    expect(server.requests).toHaveLength(1);
    expect(server.requests[0]).toMatchObject({ method: "POST", path: "/jobs?a=b", body: '{"a":"é"}' });
    expect(server.requests[0]?.headers).toMatchObject({
      "content-length": "10",
      "content-type": "application/json",
    });
  });

  it("reads without a body", async () => {
    server = await startScriptedServer(() => ({ body: "é" }));
    const answer = await sendOnce(open(), { ...post(server.origin), method: "GET", body: null });
    expect(answer).toMatchObject({ kind: "answered", status: 200, text: "é" });
    expect(server.requests).toMatchObject([{ method: "GET", path: "/", body: "" }]);
  });

  it.each([421, 401, 408, 425, 429, 503])("puts a create on the wire once for status %i", async (status) => {
    server = await startScriptedServer(() => ({ status }));
    expect(await sendOnce(open(), post(server.origin))).toMatchObject({ kind: "answered", status });
    expect(server.requests).toHaveLength(1);
  });

  it.each([301, 303, 307, 308])("takes a redirect of a create as the answer: %i", async (status) => {
    server = await startScriptedServer(() => ({ status, headers: { location: "/elsewhere" } }));
    expect(await sendOnce(open(), post(server.origin))).toMatchObject({ kind: "answered", status });
    expect(server.requests.map(({ path }) => path)).toStrictEqual(["/"]);
  });

  it("calls a cut connection lost, once", async () => {
    server = await startScriptedServer(() => "reset");
    expect(await sendOnce(open(), post(server.origin))).toMatchObject({ kind: "lost" });
    expect(server.requests).toHaveLength(1);
  });

  it.each(["reset", "end", "reset-in-head", "end-in-body"] as const)(
    "sends a create once when a connection that served another before goes away under it: %s",
    async (leave) => {
      const seen: { request: string; index: number }[] = [];
      const raw = await startConnections((socket, request, index) => {
        seen.push({ request: request.slice(0, request.indexOf(" HTTP")), index });
        if (request.startsWith("POST /first")) {
          socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\nkeep-alive: timeout=60\r\n\r\n{}");
        } else if (leave === "reset") socket.resetAndDestroy();
        else if (leave === "end") socket.end();
        else if (leave === "reset-in-head") socket.write("HTTP/1.1 20", () => socket.resetAndDestroy());
        else socket.end("HTTP/1.1 201 Created\r\ncontent-length: 9\r\n\r\n{");
      });
      const transport = open();
      const send = async (path: string) => {
        const answer = await sendOnce(transport, post(raw.origin + path));
        // The transport takes a moment to see that a connection is free, or gone.
        for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
        return answer;
      };
      expect(await send("/first")).toMatchObject({ kind: "answered", text: "{}" });
      const broken =
        leave === "end-in-body" ? { kind: "answered", status: 201, text: null } : { kind: "lost" };
      expect(await send("/second")).toMatchObject(broken);
      // Whatever a transport had put aside to send again would come before this.
      expect(await send("/third")).toMatchObject(broken);
      expect(seen).toStrictEqual([
        { request: "POST /first", index: 0 },
        { request: "POST /second", index: transport === fetchTransport ? 0 : 1 },
        { request: "POST /third", index: 0 },
      ]);
      raw.close();
    },
  );

  it("sends many creates at once, each once, while connections break", async () => {
    server = await startScriptedServer((_request, index) => (index % 3 === 1 ? "reset" : {}));
    const { origin } = server;
    const transport = open();
    const answers = await Promise.all(
      Array.from({ length: 60 }, (_unused, at) => sendOnce(transport, post(`${origin}/${at}`))),
    );
    expect(server.requests.map(({ path }) => path).sort()).toStrictEqual(
      Array.from({ length: 60 }, (_unused, at) => `/${at}`).sort(),
    );
    expect(answers.filter(({ kind }) => kind === "lost")).toHaveLength(20);
  });

  it("calls a time-out lost", async () => {
    server = await startScriptedServer(() => "silence");
    const answer = await sendOnce(open(), post(server.origin, { timeoutMs: 250 }));
    expect(answer).toMatchObject({ kind: "lost", message: expect.stringContaining("longer than 250 ms") });
  });

  it("keeps the status when the body breaks off, dries up or is over the cap", async () => {
    server = await startScriptedServer((_request, index) =>
      index === 0 ? "cut" : { body: "x".repeat(5_000) },
    );
    const transport = open();
    expect(await sendOnce(transport, post(server.origin))).toMatchObject({ kind: "answered", text: null });
    for (const send of [sendOnce, sendOnceForBytes, sendOnceForPictures]) {
      const capped = await send(transport, post(server.origin, { responseBytesMax: 1_000 }));
      expect(capped).toMatchObject({ kind: "answered", status: 200 });
      expect("text" in capped ? capped.text : "bytes" in capped && capped.bytes).toBeNull();
    }
    const raw = await startConnections((socket) => {
      socket.write("HTTP/1.1 201 Created\r\ncontent-length: 9\r\n\r\n{");
    });
    expect(await sendOnce(transport, post(raw.origin, { timeoutMs: 300 }))).toMatchObject({
      kind: "answered",
      status: 201,
      text: null,
    });
    raw.close();
  });

  it("gives back bytes as they came, and pictures out of JSON", async () => {
    const bytes = Uint8Array.from({ length: 70_000 }, (_unused, at) => (at * 31) & 0xff);
    const base64 = Buffer.from(bytes).toString("base64");
    server = await startScriptedServer((_request, index) => ({
      body: index === 0 ? bytes : JSON.stringify({ images: [base64], info: "é" }),
    }));
    const binary = await sendOnceForBytes(open(), post(server.origin));
    expect(binary.kind === "answered" && binary.bytes && Buffer.from(binary.bytes).equals(bytes)).toBe(true);
    const json = await sendOnceForPictures(open(), post(server.origin));
    if (json.kind !== "answered") throw new Error(json.message);
    expect(json.text).toBe('{"images":["picture:0"],"info":"é"}');
    expect(json.pictures.map((picture) => Buffer.from(picture).equals(bytes))).toStrictEqual([true]);
  });

  it("reserves no memory for a body that is announced to be endless", async () => {
    const base64 = Buffer.alloc(60_000, 1).toString("base64");
    const raw = await startConnections((socket) => {
      socket.end(`HTTP/1.1 200 OK\r\ncontent-length: 99999999999999\r\n\r\n{"images":["${base64}`);
    });
    expect(await sendOnceForPictures(open(), post(raw.origin))).toMatchObject({
      kind: "answered",
      status: 200,
      text: null,
      pictures: [],
    });
    raw.close();
  });

  it("knows that nothing was sent when nobody listens", async () => {
    server = await startScriptedServer(() => ({}));
    await server.close();
    expect(await sendOnce(open(), post(server.origin))).toMatchObject({
      kind: "not-sent",
      message: expect.stringContaining("ECONNREFUSED"),
    });
  });

  it("says nothing certain, or the truth, about a server that never ends its handshake", async () => {
    let bytes = "";
    const raw = await startConnections((_socket, request) => {
      bytes += request;
    });
    const url = raw.origin.replace("http:", "https:");
    const answer = await sendOnce(open(), post(url, { timeoutMs: 300 }));
    expect(["not-sent", "lost"]).toContain(answer.kind);
    expect(bytes).not.toContain("POST");
    raw.close();
  });
});

describe("the pool", () => {
  it("knows that nothing was sent when the connection takes too long", async () => {
    const raw = await startConnections(() => undefined);
    const url = raw.origin.replace("http:", "https:");
    const slow = await sendOnce(createPool({ connectTimeoutMs: 50 }), post(url, { timeoutMs: 3_000 }));
    expect(slow).toMatchObject({ kind: "not-sent" });
    const late = await sendOnce(createPool(), post(url, { timeoutMs: 50 }));
    expect(late).toMatchObject({ kind: "not-sent", message: expect.stringContaining("longer than 50 ms") });
    raw.close();
  });

  it("passes announcements over and takes the answer that follows", async () => {
    const raw = await startConnections((socket) => {
      socket.write("HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n");
      socket.write("HTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\n{}");
    });
    expect(await sendOnce(createPool(), post(raw.origin))).toMatchObject({ kind: "answered", status: 201 });
    raw.close();
  });
});

describe("fetch", () => {
  it("keeps no connection: a function that wakes would find it cut", async () => {
    server = await startScriptedServer(() => ({}));
    await sendOnce(fetchTransport, post(server.origin));
    expect(server.requests[0]?.headers.connection).toBe("close");
  });

  const failure = (cause: object) =>
    new TypeError("fetch failed", { cause: Object.assign(new Error("x"), cause) });
  it.each([
    ["a failed look-up", failure({ code: "ENOTFOUND", syscall: "getaddrinfo" }), true],
    ["a connect time-out", failure({ code: "UND_ERR_CONNECT_TIMEOUT" }), true],
    ["a foreign certificate", failure({ code: "ERR_TLS_CERT_ALTNAME_INVALID" }), true],
    ["a reset while reading", failure({ code: "ECONNRESET", syscall: "read" }), false],
    ["a broken pipe", failure({ code: "EPIPE", syscall: "write" }), false],
    ["something unheard of", new Error("?"), false],
    [
      "one address refused, another reset",
      new TypeError("fetch failed", {
        cause: new AggregateError([
          Object.assign(new Error(), { code: "ECONNREFUSED", syscall: "connect" }),
          Object.assign(new Error(), { code: "ECONNRESET", syscall: "read" }),
        ]),
      }),
      false,
    ],
  ])("judges %s", (_, error, expected) => {
    expect(neverConnected(error)).toBe(expected);
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

  it("blanks out what is quoted of a prompt, in part, wrapped or in other letters, and nothing else", () => {
    const prompt = "a red door, behind it a tin planetarium";
    const said = (text: string) => redact(text, [prompt]);
    expect(said("refused: a red door, behin")).toBe("refused: [redacted], behin");
    expect(said('["A RED","door behind it"]')).toBe('["[redacted]"]');
    expect(said("no: red door, behind it a tin / a tin planetarium!")).toBe("no: [redacted] / [redacted]!");
    expect(said("the door is red")).toBe("the door is red");
    expect(redact("a red door", [])).toBe("a red door");
  });
});

/**
 * A server below HTTP: told of each request as it came, and of how many were on that connection before. Whole requests
 * arrive in one piece on loopback.
 */
async function startConnections(answer: (socket: Socket, request: string, index: number) => void) {
  const open = new Set<Socket>();
  const raw = createServer((socket) => {
    open.add(socket);
    let count = 0;
    socket.on("error", () => undefined);
    socket.on("data", (data) => answer(socket, data.toString("latin1"), count++));
  });
  await new Promise<void>((resolve) => raw.listen(0, "127.0.0.1", resolve));
  const { port } = raw.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    close() {
      for (const socket of open) socket.destroy();
      raw.close();
    },
  };
}
