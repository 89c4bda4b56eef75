import { afterEach, describe, expect, it } from "vitest";
import {
  type Reply,
  type ScriptedServer,
  startScriptedServer,
} from "../../test/simulators/scripted-server.ts";
import { tinyPng } from "../../test/simulators/tiny-png.ts";
import { createOutputFetcher, type OutputFetcherOptions } from "./safe-url.ts";

const PICTURE = tinyPng(64, 64, 1);
const PNG: Reply = { headers: { "content-type": "image/png" }, body: PICTURE };

let server: ScriptedServer | undefined;
afterEach(() => server?.close());

async function serving(answer: Parameters<typeof startScriptedServer>[0]): Promise<string> {
  server = await startScriptedServer(answer);
  return server.origin;
}

/** No test asks a real resolver. */
const nowhere = () => Promise.reject(new Error("no look-up expected"));
const fetcher = (options: OutputFetcherOptions = {}) => createOutputFetcher({ resolve: nowhere, ...options });

describe("the output fetcher", () => {
  it("fetches from the trusted origin, with no header that could carry a secret", async () => {
    const origin = await serving(() => PNG);
    const output = await fetcher().fetch(`${origin}/a.png?signature=s`, origin);
    expect(output).toStrictEqual({ kind: "bytes", bytes: PICTURE, contentType: "image/png" });
    expect(Object.keys(server?.requests[0]?.headers ?? {}).sort()).toStrictEqual([
      "accept",
      "accept-encoding",
      "connection",
      "host",
    ]);
  });

  it("connects to the address that was checked", async () => {
    const { port } = new URL(await serving(() => PNG));
    const asked: string[] = [];
    const resolve = async (host: string) => {
      asked.push(host);
      return [{ address: "127.0.0.1", family: 4 }];
    };
    const url = `http://pictures.invalid:${port}/a.png`;
    const output = await fetcher({ resolve }).fetch(url, new URL(url).origin);
    expect(output.contentType).toBe("image/png");
    expect(asked).toStrictEqual(["pictures.invalid"]);
    expect(server?.requests[0]?.headers.host).toBe(`pictures.invalid:${port}`);
  });

  it.each([
    ["http on a foreign origin", "http://example.com/a.png"],
    ["another scheme", "file:///etc/passwd"],
    ["credentials", "https://user:secret@example.com/a.png"],
    ["loopback", "https://127.0.0.1/a.png"],
    ["loopback as a number", "https://2130706433/a.png"],
    ["loopback in octal", "https://0177.0.0.1/a.png"],
    ["loopback in IPv6", "https://[::1]/a.png"],
    ["a mapped address", "https://[::ffff:10.0.0.1]/a.png"],
    ["the metadata service", "https://169.254.169.254/latest/meta-data/"],
    ["no URL at all", "a.png"],
  ])("refuses %s before any connection", async (_, url) => {
    await expect(fetcher().fetch(url, null)).rejects.toMatchObject({ name: "OutputUnsafe" });
  });

  it("refuses a host when any one of its addresses is not public", async () => {
    const resolve = async () => [
      { address: "8.8.8.8", family: 4 },
      { address: "10.0.0.1", family: 4 },
    ];
    await expect(fetcher({ resolve }).fetch("https://example.com/a.png", null)).rejects.toMatchObject({
      name: "OutputUnsafe",
    });
  });

  it("refuses a neighbour of the trusted origin", async () => {
    const origin = await serving(() => PNG);
    const other = `http://127.0.0.1:${Number(new URL(origin).port) - 1}`;
    await expect(fetcher().fetch(`${origin}/a.png`, other)).rejects.toMatchObject({ name: "OutputUnsafe" });
    expect(server?.requests).toHaveLength(0);
  });

  it("goes to the configured origin in a private network, and to nothing beside it", async () => {
    const { port } = new URL(await serving(() => PNG));
    const origin = `http://gpu.lan:${port}`;
    const asked: string[] = [];
    const resolve = async (host: string) => {
      asked.push(host);
      // Loopback stands for any address that is not public.
      return [{ address: "127.0.0.1", family: 4 }];
    };
    const view = "/view?filename=a.png&subfolder=&type=output";
    expect((await fetcher({ resolve }).fetch(`${origin}${view}`, origin)).bytes).toStrictEqual(PICTURE);
    for (const beside of [
      `http://gpu.lan:${Number(port) + 1}`,
      `https://gpu.lan:${port}`,
      `http://nas.lan:${port}`,
      `http://127.0.0.1:${port}`,
      `http://gpu.lan.example:${port}`,
      "http://169.254.169.254",
    ]) {
      await expect(fetcher({ resolve }).fetch(`${beside}${view}`, origin)).rejects.toMatchObject({
        name: "OutputUnsafe",
      });
    }
    expect(server?.requests).toHaveLength(1);
    // Only https is looked up at all before it is refused.
    expect(asked).toStrictEqual(["gpu.lan", "gpu.lan"]);
  });

  it.each(["http://nas.lan/x.png", "https://nas.lan/x.png"])(
    "lets the configured origin lead nowhere else in its network: %s",
    async (location) => {
      const { port } = new URL(await serving(() => ({ status: 302, headers: { location } })));
      const origin = `http://gpu.lan:${port}`;
      const resolve = async () => [{ address: "127.0.0.1", family: 4 }];
      await expect(fetcher({ resolve }).fetch(`${origin}/view`, origin)).rejects.toMatchObject({
        name: "OutputUnsafe",
      });
      expect(server?.requests).toHaveLength(1);
    },
  );

  it.each([
    "https://10.0.0.1/x.png",
    "http://example.com/x.png",
    "//169.254.169.254/x.png",
    "https://u:p@example.com/",
  ])("checks each hop: a redirect to %s is refused", async (location) => {
    const origin = await serving(() => ({ status: 302, headers: { location } }));
    await expect(fetcher().fetch(`${origin}/a.png`, origin)).rejects.toMatchObject({ name: "OutputUnsafe" });
    expect(server?.requests).toHaveLength(1);
  });

  it("follows five redirects, not six", async () => {
    const origin = await serving(({ path }) => {
      const left = Number(path.slice(1));
      return left === 0 ? PNG : { status: 302, headers: { location: `/${left - 1}` } };
    });
    expect((await fetcher().fetch(`${origin}/5`, origin)).bytes).toStrictEqual(PICTURE);
    await expect(fetcher().fetch(`${origin}/6`, origin)).rejects.toMatchObject({ name: "OutputUnsafe" });
  });

  it.each([
    [403, "OutputExpired"],
    [404, "OutputExpired"],
    [410, "OutputExpired"],
    [408, "OutputUnavailable"],
    [429, "OutputUnavailable"],
    [500, "OutputUnavailable"],
    [503, "OutputUnavailable"],
    [400, "OutputInvalid"],
    [304, "OutputInvalid"],
  ])("answers status %i with %s", async (status, name) => {
    const origin = await serving(() => ({ status }));
    await expect(fetcher().fetch(origin, origin)).rejects.toMatchObject({ name });
  });

  it("caps the size while it streams, whatever the length says", async () => {
    const body = Buffer.concat([PICTURE, Buffer.alloc(10_000)]);
    const lengths: Record<string, string>[] = [
      { "transfer-encoding": "chunked" },
      { "content-length": String(body.length) },
    ];
    const origin = await serving((_, index) => ({ body, headers: lengths[index] ?? {} }));
    const small = fetcher({ bytesMax: 5_000 });
    for (let turn = 0; turn < 2; turn++) {
      await expect(small.fetch(origin, origin)).rejects.toMatchObject({
        name: "OutputInvalid",
        message: expect.stringContaining("more than 5000 bytes"),
      });
    }
  });

  it.each([
    ["a web page", "<!doctype html><p>Sign in"],
    ["nothing", ""],
    ["another format", "GIF89a"],
  ])("refuses %s that calls itself a PNG", async (_, body) => {
    const origin = await serving(() => ({ body, headers: { "content-type": "image/png" } }));
    await expect(fetcher().fetch(origin, origin)).rejects.toMatchObject({ name: "OutputInvalid" });
  });

  it.each(["reset", "cut", "silence"] as const)(
    "calls a connection that ends in %s unavailable",
    async (how) => {
      const origin = await serving(() => how);
      await expect(fetcher({ timeoutMs: 50 }).fetch(origin, origin)).rejects.toMatchObject({
        name: "OutputUnavailable",
      });
    },
  );

  it("does not wait for a look-up that never ends", async () => {
    const stuck = fetcher({ resolve: () => new Promise(() => undefined), timeoutMs: 20 });
    await expect(stuck.fetch("https://example.com/a.png", null)).rejects.toMatchObject({
      name: "OutputUnavailable",
    });
  });

  it("calls a failed look-up unavailable", async () => {
    await expect(fetcher().fetch("https://example.com/a.png", null)).rejects.toMatchObject({
      name: "OutputUnavailable",
    });
  });

  it("decodes data URIs under the same cap and the same look at the bytes", async () => {
    const uri = (type: string, bytes: Uint8Array) =>
      `data:${type};base64,${Buffer.from(bytes).toString("base64")}`;
    expect(await fetcher().fetch(uri("image/webp", PICTURE), null)).toStrictEqual({
      kind: "bytes",
      bytes: PICTURE,
      contentType: "image/png",
    });
    for (const bad of [uri("image/png", Buffer.from("<html>")), "data:image/png,plain", "data:"]) {
      await expect(fetcher().fetch(bad, null)).rejects.toMatchObject({ name: "OutputInvalid" });
    }
    await expect(
      fetcher({ bytesMax: PICTURE.length - 1 }).fetch(uri("image/png", PICTURE), null),
    ).rejects.toMatchObject({ name: "OutputInvalid" });
  });

  it("names the host in its messages and nothing more of the address", async () => {
    const url = "https://10.0.0.1/private/path?signature=secret";
    await expect(fetcher().fetch(url, null)).rejects.toThrow(/^[^?]*10\.0\.0\.1[^?]*$/);
    await expect(fetcher().fetch(url, null)).rejects.not.toThrow(/private|secret/);
  });
});
