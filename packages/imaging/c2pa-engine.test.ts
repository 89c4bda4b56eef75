import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { build } from "esbuild";
import { expect, test } from "vitest";

const PACKAGE = "@contentauth/c2pa-wasm";

test("a bundle finds the library beside itself, as in a function on AWS", async () => {
  const folder = await mkdtemp(join(tmpdir(), "engine-"));
  try {
    await build({
      entryPoints: [join(import.meta.dirname, "c2pa-engine.ts")],
      outfile: join(folder, "process.mjs"),
      bundle: true,
      minify: true,
      format: "esm",
      platform: "node",
      external: [PACKAGE],
      logLevel: "error",
    });
    const program = `import { c2paEngine } from "./process.mjs";
      const [one, other] = await Promise.all([c2paEngine(), c2paEngine()]);
      console.log(one === other, typeof one.WasmBuilder.fromJson);`;
    await writeFile(join(folder, "main.mjs"), program);
    const run = () => spawnSync(process.execPath, ["main.mjs"], { cwd: folder, encoding: "utf8" });
    expect(run().stderr).toContain(PACKAGE);

    await mkdir(join(folder, "node_modules", dirname(PACKAGE)), { recursive: true });
    const installed = dirname(createRequire(import.meta.url).resolve(`${PACKAGE}/package.json`));
    await symlink(installed, join(folder, "node_modules", PACKAGE));
    expect(run()).toMatchObject({ status: 0, stdout: "true function\n" });
  } finally {
    await rm(folder, { recursive: true });
  }
});
