import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import * as files from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { machineName, sightProcess } from "./process-identity.ts";
import { LEASE_MS, openProcessLease, type ProcessLease } from "./process-lease.ts";

let folder: string;
let nowMs: number;
let ticks: (() => void)[];
let leases: ProcessLease[];
beforeEach(async () => {
  folder = await files.mkdtemp(join(tmpdir(), "atelier-lease-"));
  nowMs = Date.UTC(2026, 10, 22);
  ticks = [];
  leases = [];
});
afterEach(async () => {
  for (const lease of leases) await lease.close();
  await files.rm(folder, { recursive: true });
});

async function open(): Promise<ProcessLease> {
  const lease = await openProcessLease({
    folder,
    clock: () => nowMs,
    randomBytes,
    every: (_, run) => {
      ticks.push(run);
      return () => ticks.splice(ticks.indexOf(run), 1);
    },
  });
  leases.push(lease);
  return lease;
}

/** A heartbeat as another process would have left it. */
async function heartbeat(processId: string, atMs: number): Promise<string> {
  const path = join(folder, processId.replaceAll(":", "_"));
  await files.writeFile(path, "");
  await files.utimes(path, new Date(atMs), new Date(atMs));
  return processId;
}

it("is alive until it is closed", async () => {
  const one = await open();
  const other = await open();
  expect(one.processId).toMatch(new RegExp(`^${machineName()}:${process.pid}:\\d+:[0-9a-f]{12}$`));
  expect(other.processId).not.toBe(one.processId);
  expect(await other.isAlive(one.processId)).toBe(true);
  await one.close();
  expect(await other.isAlive(one.processId)).toBe(false);
  expect(await files.readdir(folder)).toStrictEqual([other.processId.replaceAll(":", "_")]);
});

it("is not mistaken for dead while its process merely hangs", async () => {
  const lease = await open();
  nowMs += 10 * LEASE_MS;
  // Where the system does not tell when a process started, only the heartbeat can say.
  const self = sightProcess(process.pid);
  expect(await lease.isAlive(lease.processId)).toBe(self.running && self.startedAt !== null);
  await lease.renew();
  expect(await lease.isAlive(lease.processId)).toBe(true);
});

it("sees a killed process of this machine as dead at once, even one not yet reaped", async () => {
  const lease = await open();
  const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
  await once(child, "spawn");
  const sighting = sightProcess(child.pid ?? 0);
  const startedAt = (sighting.running && sighting.startedAt) || nowMs;
  const childId = await heartbeat(`${machineName()}:${child.pid}:${startedAt}:aa`, nowMs);
  expect(await lease.isAlive(childId)).toBe(true);
  child.kill("SIGKILL");
  await once(child, "exit");
  expect(await lease.isAlive(childId)).toBe(false);
});

it("sees through a number that a stranger got", async () => {
  const lease = await open();
  // Ours is a living process; it did not start at tick 1.
  const reused = await heartbeat(`${machineName()}:${process.pid}:1:aa`, nowMs - LEASE_MS - 1);
  expect(await lease.isAlive(reused)).toBe(false);
});

it("believes the heartbeat of another machine for ten seconds", async () => {
  const lease = await open();
  const elsewhere = await heartbeat("elsewhere-00000000:1:5:aa", nowMs);
  nowMs += LEASE_MS;
  expect(await lease.isAlive(elsewhere)).toBe(true);
  nowMs += 1;
  expect(await lease.isAlive(elsewhere)).toBe(false);
});

it("renews by its timer, also when somebody removed the heartbeat", async () => {
  const lease = await open();
  const path = join(folder, lease.processId.replaceAll(":", "_"));
  await files.rm(path);
  nowMs += 5_000;
  for (const tick of ticks) tick();
  await expect.poll(async () => (await files.stat(path)).mtimeMs).toBe(nowMs);
});

it.each(["", "lambda-request-1", "../../etc:1:1:aa", "a:b:c:d"])(
  "takes %j for no living process",
  async (id) => {
    const lease = await open();
    expect(await lease.isAlive(id)).toBe(false);
  },
);

it("clears away the heartbeats of the dead when it opens", async () => {
  await heartbeat("elsewhere-00000000:1:5:aa", nowMs - LEASE_MS - 1);
  await heartbeat("elsewhere-00000000:2:5:bb", nowMs - LEASE_MS);
  const lease = await open();
  expect((await files.readdir(folder)).sort()).toStrictEqual(
    ["elsewhere-00000000_2_5_bb", lease.processId.replaceAll(":", "_")].sort(),
  );
});
