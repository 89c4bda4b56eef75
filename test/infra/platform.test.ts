import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { installPlatform, type Run } from "./harness/platform.ts";

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "platform-"));
  await mkdir(join(root, "node_modules", "sst"), { recursive: true });
  await writeFile(join(root, "node_modules", "sst", "package.json"), JSON.stringify({ version: "4.17.1" }));
  await writeFile(join(root, "sst.config.ts"), '        aws: { version: "7.20.0" },\n');
});
afterEach(() => rm(root, { recursive: true, force: true }));

/** Plays npm and sst: each leaves what it would leave. */
const played = (seen: string[]): Run => {
  return async (program, words, environment) => {
    seen.push(
      [program === "npm" ? "npm" : "sst", words.find((word) => /^(install|@oven)/.test(word))].join(" "),
    );
    if (program === "npm") {
      const prefix = words[words.indexOf("--prefix") + 1] ?? "";
      const bin = join(prefix, "node_modules", (words.at(-1) ?? "").replace(/@[\d.]+$/, ""), "bin");
      await mkdir(bin, { recursive: true });
      await writeFile(join(bin, "bun"), "#!/bin/sh\n");
    } else {
      expect(environment.XDG_CONFIG_HOME).toBe(join(root, ".sst-config"));
      expect((await readdir(join(root, ".sst-config", "sst", "bin"))).sort()).toEqual(["bun", "pulumi"]);
      await mkdir(join(root, ".sst", "platform"), { recursive: true });
      await writeFile(join(root, ".sst", "platform", "config.d.ts"), "");
    }
    return "";
  };
};

test("the platform is installed once, and again for other providers", async () => {
  const seen: string[] = [];
  expect(await installPlatform(root, played(seen))).toEqual({ fresh: true });
  expect(await installPlatform(root, played(seen))).toEqual({ fresh: false });
  expect(seen).toEqual(["npm install", "sst install"]);
  await writeFile(join(root, "sst.config.ts"), '        aws: { version: "7.21.0" },\n');
  expect(await installPlatform(root, played(seen))).toEqual({ fresh: true });
});

test("a machine that cannot reach npm is told so in one sentence, each time", async () => {
  const unreachable: Run = async () => {
    throw Object.assign(new Error("npm failed"), {
      output: "npm error code ENOTFOUND\nnpm error A complete log is somewhere\n",
    });
  };
  for (const _ of ["once", "again"]) {
    await expect(installPlatform(root, unreachable)).rejects.toThrow(
      "The infrastructure cannot be checked: the SST platform could not be installed (npm error code ENOTFOUND); " +
        "make the npm registry reachable and run `npm test` again.",
    );
  }
});
