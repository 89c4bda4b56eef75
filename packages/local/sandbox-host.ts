/**
 * @module The sandbox of a data folder: hosted by the process that hosts the engine, on a port kept in the folder and used
 * again, so that addresses given out by an earlier host stay good.
 */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import type { Model } from "@atelier/core/catalogue";
import { AtelierError } from "@atelier/core/errors";
import { type Clock, type RandomBytes, signId } from "@atelier/core/ids";
import { drawPlaceholder } from "@atelier/imaging/placeholder";
import { startSandbox } from "@atelier/providers/sandbox/start";
import type { DataFolder } from "./data-folder.ts";
import type { Engine } from "./engine.ts";
import { faultCode, storageFault } from "./storage-fault.ts";

/** How long a placeholder takes to "generate" unless the sandbox's settings file says otherwise. */
export const SANDBOX_DELAY_MS = 700;

export interface SandboxAccess {
  /** With the version, as the Replicate adapter takes it. */
  readonly baseUrl: string;
  readonly token: string;
  readonly webhookSecret: string;
}

/** Hosts the sandbox while this process hosts the engine, and answers where it is, whoever hosts it. */
export async function openSandbox(deps: {
  readonly folder: DataFolder;
  readonly engine: Pick<Engine, "whenHosting">;
  readonly key: Uint8Array;
  readonly models: readonly Model[];
  readonly clock: Clock;
  readonly randomBytes: RandomBytes;
  readonly onError: (error: unknown) => void;
}): Promise<SandboxAccess> {
  const token = signId("sandbox-token", deps.key);
  const webhookSecret = `whsec_${Buffer.from(signId("sandbox-webhook", deps.key)).toString("base64")}`;
  const portFile = join(deps.folder.sandbox, "port");

  async function host(): Promise<() => Promise<void>> {
    const start = (port: number) =>
      startSandbox({
        folder: deps.folder.sandbox,
        port,
        draw: (specification) => drawPlaceholder({ ...specification, key: deps.key }),
        clock: deps.clock,
        models: deps.models,
        settings: { delayMs: SANDBOX_DELAY_MS, token, webhookSecret, outputKey: deps.key },
        onError: deps.onError,
      });
    const sandbox = await onSomePort(await keptPort(portFile), start, deps.randomBytes);
    await writeFile(portFile, `${sandbox.port}\n`);
    return () => sandbox.close();
  }

  await deps.engine.whenHosting(host);
  return { baseUrl: `http://127.0.0.1:${await portOfHost(portFile)}/v1`, token, webhookSecret };
}

/**
 * The kept port first, and not for one try only: a host that was just killed lets go of it a moment later. When a stranger
 * has it, or there is none yet, another one; addresses given out before are renewed by asking the provider again.
 */
async function onSomePort<T>(
  kept: number,
  start: (port: number) => Promise<T>,
  randomBytes: RandomBytes,
): Promise<T> {
  for (let tries = 1; ; tries++) {
    const port = kept > 0 && tries <= KEPT_PORT_TRIES ? kept : drawnPort(randomBytes);
    try {
      return await start(port);
    } catch (error) {
      if (faultCode(error) !== "EADDRINUSE" || tries >= PORT_TRIES_MAX) throw error;
      if (port === kept) await wait(KEPT_PORT_PAUSE_MS);
    }
  }
}

const KEPT_PORT_TRIES = 5;
const KEPT_PORT_PAUSE_MS = 100;
const PORT_TRIES_MAX = 30;

/** Below the range that systems give to outgoing connections (32768 on Linux): such a connection would take a kept port. */
function drawnPort(randomBytes: RandomBytes): number {
  const [high = 0, low = 0] = randomBytes(2);
  return 20_000 + ((high * 256 + low) % 10_000);
}

async function keptPort(path: string): Promise<number> {
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    if (faultCode(error) === "ENOENT") return "0";
    throw storageFault(error, path);
  });
  const port = Number(text);
  return Number.isInteger(port) && port > 0 && port < 65_536 ? port : 0;
}

/** The host writes the port as soon as it listens; somebody who joins at that moment waits for it. */
async function portOfHost(path: string): Promise<number> {
  for (let round = 0; round < 100; round++) {
    const port = await keptPort(path);
    if (port > 0) return port;
    await wait(50);
  }
  throw new AtelierError("StorageUnavailable", "The sandbox of this data folder does not start; try again.");
}
