/**
 * @module Must hold, in small: many clients at once meet no error, and what was asked for while the server is killed is known and
 * made once. Full size: `npm run bench -- serve serve-kills`.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { benchServe } from "../../bench/serve.ts";
import { benchServeKills } from "../../bench/serve-kills.ts";
import { runCommand, SMALL_WISH, startServer } from "../../bench/serve-process.ts";

describe("atelier serve", { timeout: 600_000 }, () => {
  test("answers five clients two hundred times without an error", async () => {
    const seen = await benchServe({ clients: 5, seconds: 120, callsMax: 200, images: 5 });
    expect(seen.errorsSeen).toStrictEqual([]);
    expect(seen.requests).toBeGreaterThanOrEqual(200);
    expect(Object.keys(seen.byCall).sort()).toStrictEqual([
      "accept",
      "dryRun",
      "health",
      "link",
      "list",
      "show",
    ]);
  });

  test("knows twenty requests over two kills, and makes each once", async () => {
    const { minutes, calledAgain, ...seen } = await benchServeKills({
      requests: 20,
      kills: 2,
      seed: "small",
    });
    expect(calledAgain).toBeGreaterThan(0);
    expect(seen).toStrictEqual({
      requests: 20,
      kills: 2,
      unknown: 0,
      twice: 0,
      bought: 20,
      boughtTwice: 0,
      isProved: true,
    });
  });
});

describe("beside a server", { timeout: 240_000 }, () => {
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "atelier-beside-"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }));

  test("commands work, another server serves the same images, and each ends when it is told to", async () => {
    const first = await startServer(folder);
    const second = await startServer(folder);
    try {
      const made = await runCommand(folder, ["generate", "--category", "weekend_special", "--json"]);
      expect(made).toMatchObject({ exitCode: 0, stderr: "" });
      const { image_id } = JSON.parse(made.stdout);
      // The first hosts the database: when it is killed, the second goes on.
      await first.kill();
      const shown = await fetch(`${second.url}/v1/images/${image_id}`, {
        headers: { authorization: `Bearer ${first.token}` },
      });
      expect(shown.status).toBe(200);
      expect(await shown.json()).toMatchObject({ image_id, status: "completed" });
    } finally {
      await first.kill();
      const code = await second.stop();
      expect(code).toBe(143);
    }
  });

  test("a client that watches is let go when the server is told to stop", async () => {
    const server = await startServer(folder);
    const headers = { authorization: `Bearer ${server.token}`, "content-type": "application/json" };
    const asked = await fetch(`${server.url}/v1/requests`, {
      method: "POST",
      headers,
      body: JSON.stringify({ ...SMALL_WISH, count: 5 }),
    });
    const { request_id } = (await asked.json()) as { request_id: string };
    const events = await fetch(`${server.url}/v1/requests/${request_id}/events`, { headers });
    const reader = events.body?.getReader();
    expect(new TextDecoder().decode((await reader?.read())?.value)).toContain(request_id);
    expect(await server.stop()).toBe(143);
    const rest = async () => {
      while (!(await reader?.read())?.done);
    };
    await rest().catch((error: unknown) => expect(error).toBeInstanceOf(TypeError));
  });

  test("a port in use is one sentence and exit code 2", async () => {
    const server = await startServer(folder);
    try {
      const port = new URL(server.url).port;
      expect(await runCommand(folder, ["serve", "--port", port])).toStrictEqual({
        exitCode: 2,
        stdout: "",
        stderr: `Port ${port} is in use; give another one with --port, or 0 for any.\n`,
      });
    } finally {
      await server.stop();
    }
  });
});
