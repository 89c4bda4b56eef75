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
import { runCommand, type ServerProcess, SMALL_WISH, startServer } from "../../bench/serve-process.ts";

describe("atelier serve", { timeout: 600_000 }, () => {
  test("answers five clients a hundred times without an error", async () => {
    const seen = await benchServe({ clients: 5, seconds: 120, callsMax: 100, images: 2 });
    expect(seen.errorsSeen).toStrictEqual([]);
    expect(seen.requests).toBeGreaterThanOrEqual(100);
    expect(Object.keys(seen.byCall).sort()).toStrictEqual([
      "accept",
      "dryRun",
      "health",
      "link",
      "list",
      "show",
    ]);
  });

  test("knows twelve requests over two kills, and makes each once", async () => {
    const { minutes, calledAgain, ...seen } = await benchServeKills({
      requests: 12,
      kills: 2,
      seed: "small",
    });
    expect(calledAgain).toBeGreaterThan(0);
    expect(seen).toStrictEqual({
      requests: 12,
      kills: 2,
      unknown: 0,
      twice: 0,
      bought: 12,
      boughtTwice: 0,
      isProved: true,
    });
  });
});

describe("beside a server", { timeout: 240_000 }, () => {
  let folder = "";
  let first: ServerProcess;
  let second: ServerProcess;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "atelier-beside-"));
    first = await startServer(folder);
    second = await startServer(folder);
  }, 60_000);
  afterAll(async () => {
    for (const server of [first, second]) await server?.kill();
    await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  });

  test("a port in use is one sentence and exit code 2", async () => {
    const port = new URL(first.url).port;
    expect(await runCommand(folder, ["serve", "--port", port])).toStrictEqual({
      exitCode: 2,
      stdout: "",
      stderr: `Port ${port} is in use; give another one with --port, or 0 for any.\n`,
    });
  });

  test("commands work, and another server serves the same images", async () => {
    const words = ["custom", "--prompt", "a bowl of plums", "--width", "256", "--height", "256", "--json"];
    const made = await runCommand(folder, words);
    expect(made).toMatchObject({ exitCode: 0, stderr: "" });
    const { image_id } = JSON.parse(made.stdout);
    // The first hosts the database: when it is killed, the second goes on.
    await first.kill();
    const shown = await fetch(`${second.url}/v1/images/${image_id}`, {
      headers: { authorization: `Bearer ${first.token}` },
    });
    expect(shown.status).toBe(200);
    expect(await shown.json()).toMatchObject({ image_id, status: "completed" });
  });

  test("a server ends when it is told to, and lets a client go that watches", async () => {
    const headers = { authorization: `Bearer ${second.token}`, "content-type": "application/json" };
    const asked = await fetch(`${second.url}/v1/requests`, {
      method: "POST",
      headers,
      body: JSON.stringify({ ...SMALL_WISH, count: 5 }),
    });
    const { request_id } = (await asked.json()) as { request_id: string };
    const events = await fetch(`${second.url}/v1/requests/${request_id}/events`, { headers });
    const reader = events.body?.getReader();
    expect(new TextDecoder().decode((await reader?.read())?.value)).toContain(request_id);
    expect(await second.stop()).toBe(143);
    const rest = async () => {
      while (!(await reader?.read())?.done);
    };
    await rest().catch((error: unknown) => expect(error).toBeInstanceOf(TypeError));
  });
});
