import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openInstallation } from "./installation.ts";

test("closing goes on past what cannot be closed, lets go of the folder, and says what failed", async () => {
  const dataFolder = await mkdtemp(join(tmpdir(), "atelier-closing-"));
  try {
    const installation = await openInstallation({ dataFolder, provider: null, environment: {} });
    const { versionWork, machine, folder } = installation;
    const { stop } = machine;
    let stopped = 0;
    machine.stop = async (...given) => {
      stopped++;
      return stop(...given);
    };
    versionWork.stop = () => Promise.reject(new Error("it does not stop"));
    expect(await readdir(folder.processes)).toHaveLength(1);
    await expect(installation.close()).rejects.toThrow("versions: Error: it does not stop");
    expect(stopped).toBe(1);
    expect(await readdir(folder.processes)).toStrictEqual([]);
  } finally {
    await rm(dataFolder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  }
});
