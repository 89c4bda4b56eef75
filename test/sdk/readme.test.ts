/** @module The README's examples of the SDK run as they stand: over HTTP, and in process. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ServerProcess, startServer } from "../../bench/serve-process.ts";
import { blocksOf, readmeSection } from "./readme.ts";

const PACKAGES = fileURLToPath(new URL("../../packages", import.meta.url));
const [overHttp = "", inProcess = "", ...others] = blocksOf(readmeSection("SDK"), "js");

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "atelier-readme-"));
  await mkdir(join(folder, "node_modules/@atelier"), { recursive: true });
  for (const name of ["sdk", "local"]) {
    await symlink(join(PACKAGES, name), join(folder, "node_modules/@atelier", name), "junction");
  }
});
afterAll(() => rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }));

/** @returns what it printed, line by line */
async function run(example: string, server?: ServerProcess): Promise<string[]> {
  const file = join(folder, "example.mjs");
  await writeFile(file, example);
  const { PATH, HOME, TMPDIR } = process.env;
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", file], {
    cwd: folder,
    env: { PATH, HOME, TMPDIR, ...(server && { URL: server.url, TOKEN: server.token }) },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const [exitCode] = await once(child, "close");
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  return stdout.trimEnd().split("\n");
}

describe("the README's section SDK", { timeout: 180_000 }, () => {
  test("has an example over HTTP and one in process", () => {
    expect(overHttp).toContain('from "@atelier/sdk"');
    expect(inProcess).toContain('from "@atelier/local"');
    expect(others).toEqual([]);
  });

  test("over HTTP", async () => {
    const server = await startServer(join(folder, "served"));
    try {
      const lines = await run(overHttp, server);
      expect(lines.slice(0, 3).map((line) => line.split(" ").slice(1))).toEqual(
        Array.from({ length: 3 }, () => ["completed", expect.stringMatching(/^0\.\d+$/)]),
      );
      expect(lines[3]).toMatch(/^at most 0\.\d+$/);
      expect(lines.join("\n")).toMatch(/^(accepted|running) \{[\s\S]*^completed \{/m);
      expect(lines.at(-1)).toMatch(/^MaxCostExceeded This can cost \$?.* more than max_cost/);
      const picture = await readFile(join(folder, "lighthouse.webp"));
      expect(picture.toString("latin1", 8, 12)).toBe("WEBP");
    } finally {
      await server.stop();
    }
  });

  test("in process", async () => {
    const printed = (await run(inProcess)).join(" ");
    const paths = [...printed.matchAll(/'(content\/[^']+)'/g)].map(([, path = ""]) => path);
    expect(paths).toHaveLength(2);
    for (const path of paths)
      expect((await readFile(join(folder, "library", path))).length).toBeGreaterThan(1000);
  });
});
