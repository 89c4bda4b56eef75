/** @module `npm run sdk`: builds the client into `dist/sdk`, a package of its own that `npm pack` takes as it stands. */
import { spawnSync } from "node:child_process";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const SOURCE = join(ROOT, "packages/sdk");
const ENTRY = "image-generator";

/** Browsers and Node 20 both have what is used; neither's own names are in reach. */
const COMPILER_OPTIONS = [
  ...["--ignoreConfig", "--strict", "--noUncheckedIndexedAccess", "--skipLibCheck", "false"],
  ...["--target", "ES2022", "--lib", "ES2023,DOM", "--types", ""],
  ...["--module", "esnext", "--moduleResolution", "bundler"],
  ...["--verbatimModuleSyntax", "--rewriteRelativeImportExtensions", "--declaration"],
];

/** @param folder emptied first. @throws Error with what the compiler says */
export async function buildSdk(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const compiler = join(ROOT, "node_modules/typescript/bin/tsc");
  const words = [...COMPILER_OPTIONS, "--outDir", folder, join(SOURCE, `${ENTRY}.ts`)];
  const { status, stdout, stderr } = spawnSync(process.execPath, [compiler, ...words], { encoding: "utf8" });
  if (status !== 0) throw new Error(`The SDK does not compile:\n${stdout}${stderr}`);
  await nameJavaScript(folder);
  await writeFile(join(folder, "package.json"), `${JSON.stringify(await manifest(), null, 2)}\n`);
  await writeFile(join(folder, "README.md"), await readme());
}

/** The compiler leaves `.ts` in declarations; older ones of users do not find the file. */
async function nameJavaScript(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!name.endsWith(".d.ts")) continue;
    const path = join(folder, name);
    const text = await readFile(path, "utf8");
    await writeFile(path, text.replaceAll(/(from "\.\/[\w-]+)\.ts"/g, '$1.js"'));
  }
}

async function manifest(): Promise<object> {
  const { name, version, description, license } = JSON.parse(
    await readFile(join(SOURCE, "package.json"), "utf8"),
  );
  const { engines } = JSON.parse(await readFile(join(ROOT, "package.json"), "utf8"));
  return {
    name,
    version,
    description,
    license,
    type: "module",
    sideEffects: false,
    engines,
    main: `./${ENTRY}.js`,
    types: `./${ENTRY}.d.ts`,
    exports: {
      ".": { types: `./${ENTRY}.d.ts`, default: `./${ENTRY}.js` },
      "./package.json": "./package.json",
    },
    files: ["*.js", "*.d.ts"],
  };
}

/** The section of the product's README, without how the package is made and what else has the same class. */
async function readme(): Promise<string> {
  const whole = await readFile(join(ROOT, "README.md"), "utf8");
  const section = whole.split(/^## /m).find((each) => each.startsWith("SDK\n"));
  const examples = section?.slice(section.indexOf("```js")).split("\n`@atelier/local`")[0];
  if (examples === undefined) throw new Error('README.md has no section "SDK" with an example.');
  return `# @atelier/sdk\n\nThe client of Atelier's API, for Node 20 or newer and for browsers. It depends on nothing.\n\n${examples}`;
}

if (import.meta.main) {
  const folder = join(ROOT, "dist/sdk");
  await buildSdk(folder);
  process.stdout.write(`The SDK is in ${folder}; \`npm pack ./dist/sdk\` makes a tarball of it.\n`);
}
