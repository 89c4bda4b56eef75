/**
 * @module The program as SST's command line makes it: globals injected into our files alone, no import at the top of
 * sst.config.ts. Only the SDKs stay outside of the bundle, so that Pulumi exists once in the process.
 */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, join } from "node:path";
import { build, type Plugin } from "esbuild";

export interface Bundle {
  readonly root: string;
  readonly code: string;
  readonly define: Readonly<Record<string, string>>;
  readonly inject: readonly string[];
  /** Put before each of our own files. */
  readonly globals: string;
  readonly outfile: string;
}

/** Bundles the code and loads it into this process. */
export async function load<T>({ root, code, define, inject, globals, outfile }: Bundle): Promise<T> {
  await build({
    stdin: { contents: code, resolveDir: root, sourcefile: "program.ts", loader: "ts" },
    bundle: true,
    platform: "node",
    target: "es2024",
    format: "cjs",
    mainFields: ["module", "main"],
    packages: "external",
    nodePaths: [join(root, ".sst", "platform", "node_modules")],
    define: { ...define },
    inject: [...inject],
    outfile,
    logLevel: "error",
    plugins: [withGlobals(globals), withoutTopLevelImports(globals)],
  });
  return createRequire(outfile)(outfile) as T;
}

function withGlobals(globals: string): Plugin {
  return {
    name: "globals",
    setup(builder) {
      // Injected everywhere they would import themselves.
      builder.onLoad({ filter: /\.[cm]?[jt]s$/ }, async ({ path }) =>
        /[\\/](\.sst|node_modules)[\\/]/.test(path)
          ? undefined
          : { contents: globals + (await readFile(path, "utf8")), loader: "default" },
      );
    },
  };
}

function withoutTopLevelImports(globals: string): Plugin {
  return {
    name: "no-top-level-imports",
    setup(builder) {
      builder.onResolve({ filter: /.*/ }, ({ importer, kind, path }) =>
        basename(importer) === "sst.config.ts" &&
        kind === "import-statement" &&
        !globals.includes(JSON.stringify(path))
          ? { errors: [{ text: `sst.config.ts imports ${path} at its top, which SST refuses` }] }
          : undefined,
      );
    },
  };
}
