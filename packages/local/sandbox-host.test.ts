/** @module The sandbox of a data folder keeps its port, and does without it when a stranger has taken it. */
import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { prepareDataFolder } from "./data-folder.ts";
import type { Engine, HostingTask } from "./engine.ts";
import { openSandbox } from "./sandbox-host.ts";

let place = "";
const stops: (() => Promise<void>)[] = [];
beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), "atelier-sandbox-"));
});
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
  await rm(place, { recursive: true, force: true });
});

/** Hosts at once, as the engine's holder does. */
async function opened(): Promise<{ baseUrl: string; stop: () => Promise<void> }> {
  let stop: () => Promise<void> = async () => {};
  const engine: Pick<Engine, "whenHosting"> = {
    async whenHosting(task: HostingTask) {
      stop = await task();
    },
  };
  const { baseUrl } = await openSandbox({
    folder: await prepareDataFolder({ path: join(place, "data"), clock: Date.now, randomBytes }),
    engine,
    key: new Uint8Array(32),
    models: [],
    clock: Date.now,
    randomBytes,
    onError: () => {},
  });
  return { baseUrl, stop };
}

test("the next host has the port of the one before, out of the way of outgoing connections", async () => {
  const first = await opened();
  await first.stop();
  const second = await opened();
  stops.push(second.stop);
  expect(second.baseUrl).toBe(first.baseUrl);
  expect(Number(new URL(first.baseUrl).port)).toBeGreaterThanOrEqual(20_000);
  expect(Number(new URL(first.baseUrl).port)).toBeLessThan(30_000);
});

test("a stranger on the port: another one, which is kept from then on", async () => {
  const first = await opened();
  await first.stop();
  const stranger = createServer().listen(Number(new URL(first.baseUrl).port), "127.0.0.1");
  stops.push(async () => void stranger.close());
  const second = await opened();
  await second.stop();
  const third = await opened();
  stops.push(third.stop);
  expect(second.baseUrl).not.toBe(first.baseUrl);
  expect(third.baseUrl).toBe(second.baseUrl);
});

test("a port that is kept but cannot be read is no new one: what was given out under it would be lost", async () => {
  const folder = await prepareDataFolder({ path: join(place, "data"), clock: Date.now, randomBytes });
  await mkdir(join(folder.sandbox, "port"), { recursive: true });
  await expect(opened()).rejects.toMatchObject({ name: "FolderUnusable" });
});
