/** @module What the architecture's rules look at: every file of the packages, and who imports whom, by esbuild's metafile. */
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build, type Plugin } from "esbuild";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** Path relative to the checkout (`packages/core/money.ts`) to the file's text. */
export type Sources = Readonly<Record<string, string>>;

export interface Import {
  readonly from: string;
  /** A file of the packages (`packages/core/money.ts`), a npm package's module or a `node:` module. */
  readonly to: string;
  /** `lazy`: by `import()`; `type`: gone when the program runs. */
  readonly kind: "value" | "lazy" | "type";
}

const TEST_FILE = /\.test\.ts$/;
/** What only tests load: child processes of tests, simulated terminals, fixtures, suites written with vitest. */
const TEST_SUPPORT = /\.test-process\.ts$|\/testing\/|\/testing\.ts$|^packages\/providers\/contract\.ts$/;

/** Every TypeScript file of the packages but tests and what only tests load. */
export function readProductSources(): Sources {
  const paths = readdirSync(join(ROOT, "packages"), { recursive: true, encoding: "utf8" })
    .map((path) => `packages/${path.replaceAll("\\", "/")}`)
    .filter((path) => path.endsWith(".ts") && !path.includes("/node_modules/") && isProduct(path));
  return Object.fromEntries(paths.sort().map((path) => [path, readFileSync(join(ROOT, path), "utf8")]));
}

export function isProduct(path: string): boolean {
  return !TEST_FILE.test(path) && !TEST_SUPPORT.test(path);
}

/** `packages/core/money.ts` -> `core` */
export function packageOf(path: string): string {
  return path.split("/")[1] ?? "";
}

/** `@aws-sdk/client-dynamodb/x` -> `@aws-sdk/client-dynamodb`; a `node:` module stays. */
export function npmNameOf(module: string): string {
  if (module.startsWith("node:")) return module;
  return module
    .split("/")
    .slice(0, module.startsWith("@") ? 2 : 1)
    .join("/");
}

/**
 * Every import of the sources. Types are imports, too: they say who knows whom. Since esbuild drops them, it is also shown
 * the files with `import type` written as `import`; what is there only then is a type's.
 */
export async function importsOf(sources: Sources): Promise<Import[]> {
  const running = await edgesOf(sources);
  const known = new Set(running.map(({ from, to }) => `${from} ${to}`));
  const all = await edgesOf(
    Object.fromEntries(Object.entries(sources).map(([path, text]) => [path, withTypesShown(text)])),
  );
  const types = all.filter(({ from, to }) => !known.has(`${from} ${to}`));
  return [...running, ...types.map((edge) => ({ ...edge, kind: "type" as const }))];
}

/** `import type { A } from "x"` and `export type { A } from "x"` become `import "x"`. */
function withTypesShown(text: string): string {
  return text.replaceAll(/^(?:import|export) type [^;"]*? from ("[^"]+")/gm, "import $1");
}

async function edgesOf(sources: Sources): Promise<Import[]> {
  const { metafile } = await build({
    entryPoints: Object.keys(sources),
    absWorkingDir: ROOT,
    plugins: [inMemory(sources)],
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    outdir: "out",
    write: false,
    metafile: true,
    treeShaking: false,
    // A type that is imported as a value is no error here.
    logOverride: { "import-is-undefined": "silent" },
    logLevel: "error",
  });
  return Object.entries(metafile.inputs).flatMap(([from, { imports }]) =>
    imports
      .filter(({ path }) => !path.startsWith("<"))
      .map(({ path, kind }) => ({
        from,
        to: path,
        kind: kind === "dynamic-import" ? ("lazy" as const) : ("value" as const),
      })),
  );
}

/** Files come from memory, so that a test can show one that does not exist. What is not among them is named, not followed. */
function inMemory(sources: Sources): Plugin {
  return {
    name: "in-memory",
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /.*/ }, ({ path, importer, kind }) => {
        if (kind === "entry-point") return { path: join(ROOT, path) };
        const file = fileOf(path, importer);
        if (file === null) return { path, external: true };
        return file in sources ? { path: join(ROOT, file) } : { path: file, external: true };
      });
      onLoad({ filter: /\.ts$/ }, ({ path }) => ({
        contents: sources[relative(ROOT, path).replaceAll("\\", "/")] ?? "",
        loader: "ts",
      }));
    },
  };
}

/** The file of the packages that a specifier means, relative to the checkout; null for anything else. */
function fileOf(specifier: string, importer: string): string | null {
  const own = /^@atelier\/([^/]+)\/(.+)$/.exec(specifier);
  if (own) return `packages/${own[1]}/${own[2]}.ts`;
  if (!specifier.startsWith(".")) return null;
  return relative(ROOT, join(importer, "..", specifier)).replaceAll("\\", "/");
}
