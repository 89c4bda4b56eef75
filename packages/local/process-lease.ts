/** @module Which processes live: each has an id and a heartbeat in the data folder, so others can tell when it is gone. */
import * as files from "node:fs/promises";
import { join } from "node:path";
import type { Clock, RandomBytes } from "@atelier/core/ids";
import { machineName, sightProcess } from "./process-identity.ts";
import { faultCode, storageFault } from "./storage-fault.ts";

/** A process elsewhere counts as dead when its last sign of life is older than this. */
export const LEASE_MS = 10_000;
const RENEW_MS = 2_000;

export interface ProcessLease {
  /** `{host}:{pid}:{startedAt}:{random}` */
  readonly processId: string;
  /**
   * False once the process has closed its lease, its number is gone on this machine or belongs to a process started at
   * another time. Of processes that cannot be looked at (another machine, no /proc) the heartbeat decides, by the
   * clocks of both. A process of this machine that merely hangs is alive: it may still send.
   */
  isAlive(processId: string): Promise<boolean>;
  /** A sign of life; called by the timer. */
  renew(): Promise<void>;
  /** Ends the lease: from now on others see this process as gone. */
  close(): Promise<void>;
}

/** Runs something again and again until the function that comes back is called. */
export type Every = (intervalMs: number, run: () => void) => () => void;

const everyByTimer: Every = (intervalMs, run) => {
  // Unreferenced: a heartbeat is no reason to stay alive.
  const timer = setInterval(run, intervalMs).unref();
  return () => clearInterval(timer);
};

/**
 * @param deps.folder `DataFolder.processes`
 * @param deps.every the timer of the heartbeat, by default `setInterval`
 */
export async function openProcessLease(deps: {
  folder: string;
  clock: Clock;
  randomBytes: RandomBytes;
  every?: Every;
}): Promise<ProcessLease> {
  const machine = machineName();
  const self = sightProcess(process.pid);
  const startedAt = (self.running && self.startedAt) || deps.clock();
  const random = Buffer.from(deps.randomBytes(6)).toString("hex");
  const processId = `${machine}:${process.pid}:${startedAt}:${random}`;

  async function isAlive(otherId: string): Promise<boolean> {
    const [otherMachine, pid, otherStartedAt] = otherId.split(":");
    const seenAtMs = await heartbeatOf(otherId);
    if (seenAtMs === undefined) return false;
    if (otherMachine === machine) {
      const sighting = sightProcess(Number(pid));
      if (!sighting.running) return false;
      if (sighting.startedAt !== null) return sighting.startedAt === otherStartedAt;
    }
    return deps.clock() - seenAtMs <= LEASE_MS;
  }

  /** When the process last gave a sign, or undefined when it has no heartbeat (any more). */
  async function heartbeatOf(otherId: string): Promise<number | undefined> {
    if (!isProcessId(otherId)) return undefined;
    try {
      return (await files.stat(heartbeatPath(otherId))).mtimeMs;
    } catch (error) {
      if (faultCode(error) === "ENOENT") return undefined;
      throw storageFault(error, deps.folder);
    }
  }

  function heartbeatPath(id: string): string {
    return join(deps.folder, id.replaceAll(":", "_"));
  }

  async function renew(): Promise<void> {
    const path = heartbeatPath(processId);
    const now = new Date(deps.clock());
    try {
      // The sign of life is the file's time, set to our clock: it needs no space on a full disk.
      await files.utimes(path, now, now);
    } catch (error) {
      if (faultCode(error) !== "ENOENT") throw storageFault(error, path);
      await files.writeFile(path, "", { mode: 0o600 }).catch((cause: unknown) => {
        throw storageFault(cause, path);
      });
      await files.utimes(path, now, now);
    }
  }

  async function removeDead(): Promise<void> {
    for (const name of await files.readdir(deps.folder)) {
      const id = name.replaceAll("_", ":");
      if (isProcessId(id) && !(await isAlive(id))) await files.rm(heartbeatPath(id), { force: true });
    }
  }

  await renew();
  await removeDead();
  // A heartbeat that cannot be written now is written two seconds later; others judge by what they see.
  let renewing: Promise<void> = Promise.resolve();
  const stop = (deps.every ?? everyByTimer)(RENEW_MS, () => {
    renewing = renew().catch(() => {});
  });

  return {
    processId,
    isAlive,
    renew,
    async close() {
      stop();
      // A renewal under way would bring the file back.
      await renewing;
      await files.rm(heartbeatPath(processId), { force: true });
    },
  };
}

function isProcessId(id: string): boolean {
  return /^[a-z0-9-]+:\d+:\d+:[0-9a-f]+$/.test(id);
}
