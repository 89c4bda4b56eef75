/**
 * @module The sandbox of a data folder: hosted by the process that hosts the engine, on a port kept in the folder and used
 * again, so that addresses given out by an earlier host stay good.
 */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import type { Model } from "@atelier/core/catalogue";
import { AtelierError } from "@atelier/core/errors";
import type { Clock } from "@atelier/core/ids";
import { signId } from "@atelier/core/ids";
import { drawPlaceholder } from "@atelier/imaging/placeholder";
import { startSandbox } from "@atelier/providers/sandbox/start";
import type { DataFolder } from "./data-folder.ts";
import type { Engine } from "./engine.ts";
import { faultCode } from "./storage-fault.ts";

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
  readonly engine: Engine;
  readonly key: Uint8Array;
  readonly models: readonly Model[];
  readonly clock: Clock;
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
    const sandbox = await start(await keptPort(portFile)).catch((error: unknown) => {
      // A stranger has taken the port meanwhile: addresses given out are renewed by asking again.
      if (faultCode(error) !== "EADDRINUSE") throw error;
      return start(0);
    });
    await writeFile(portFile, `${sandbox.port}\n`);
    return () => sandbox.close();
  }

  await deps.engine.whenHosting(host);
  return { baseUrl: `http://127.0.0.1:${await portOfHost(portFile)}/v1`, token, webhookSecret };
}

async function keptPort(path: string): Promise<number> {
  const text = await readFile(path, "utf8").catch(() => "0");
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
