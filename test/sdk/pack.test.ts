/** @module The package as its users get it: packed, installed without a network, run by the host's own Node, checked and bundled. */
import { execFileSync, type StdioOptions, spawn, spawnSync } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildSdk } from "../../scripts/sdk.ts";
import { type ScriptedServer, startScriptedServer } from "../simulators/scripted-server.ts";

const TSC = fileURLToPath(new URL("../../node_modules/typescript/bin/tsc", import.meta.url));
const OLDEST_NODE = 20;
/** What a page loads for it, minified and compressed. */
const BROWSER_KB_MAX = 6;

let folder = "";
let user = "";
let packed: readonly string[] = [];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "atelier-pack-"));
  user = join(folder, "user");
  await buildSdk(join(folder, "sdk"));
  await mkdir(user);
  await writeFile(join(user, "package.json"), '{ "name": "user", "private": true, "type": "module" }');
  const [{ filename, files }] = JSON.parse(npm(["pack", "../sdk", "--json"]));
  packed = files.map(({ path }: { path: string }) => path);
  npm(["install", "--offline", "--no-audit", "--no-fund", `./${filename}`]);
}, 120_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

function npm(words: readonly string[]): string {
  // What npm says to people is not looked at.
  const stdio: StdioOptions = ["ignore", "pipe", "pipe"];
  const options = { cwd: user, encoding: "utf8" as const, stdio, shell: process.platform === "win32" };
  return execFileSync("npm", [...words, "--cache", join(folder, "npm")], options);
}

/** The oldest Node on the path that the package is for; the one that runs this when there is no other. */
function oldestNode(): { path: string; version: string } {
  const found = (process.env.PATH ?? "").split(delimiter).flatMap((place) => {
    const path = join(place, "node");
    const { status, stdout } = spawnSync(path, ["-p", "process.versions.node"], { encoding: "utf8" });
    const version = stdout?.trim() ?? "";
    return status === 0 && Number.parseInt(version, 10) >= OLDEST_NODE ? [{ path, version }] : [];
  });
  const [first] = found.sort(
    (one, other) => Number.parseInt(one.version, 10) - Number.parseInt(other.version, 10),
  );
  return first ?? { path: process.execPath, version: process.versions.node };
}

const PROGRAM = `
import { BudgetError, ImageGenerator } from "@atelier/sdk";
const generator = new ImageGenerator({ baseUrl: process.argv[2], token: "a.b.c" });
console.log((await generator.health()).status);
for await (const { kind, request } of generator.resume("req_1", { signal: AbortSignal.timeout(60_000) })) {
  console.log(kind, request.status);
}
try {
  await generator.generate({ category: "feet" });
} catch (error) {
  console.log(error instanceof BudgetError, error.name, error.status);
}
`;

const SAMPLE = `
import {
  BudgetError, type Generation, ImageGenerator, type ImageDocument, type VersionDocument,
} from "@atelier/sdk";
declare const token: (refused: string | null) => Promise<string>;
const generator = new ImageGenerator({ baseUrl: "https://atelier.example", token });
const images: ImageDocument[] = await generator.generate({ category: "feet", variations: 3 });
const generation: Generation = generator.generateCustom({ prompt: "apples", parameters: { guidanceScale: 7 } });
for await (const event of generation) {
  if (event.kind === "image") console.log(event.image.metadata.quality);
  else console.log(event.request.progress.completed);
}
const version: VersionDocument = await generator.images.versions.make("img_1", { upscale: 2 });
console.log(images.length, version.state, new Blob([await generator.images.download("img_1")]).size);
for await (const image of generator.images.list({ since: new Date() })) console.log(image.prompt?.length);
try { await generation.cancel(); } catch (error) { if (error instanceof BudgetError) console.log(error.problem.rule); }
// @ts-expect-error there is no such category
generator.generate({ category: "cats" });
// @ts-expect-error a factor that cannot be
generator.images.versions.make("img_1", { upscale: 3 });
// @ts-expect-error a release needs a reason
generator.images.review("img_1", { action: "release" });
`;

describe("the packed SDK", { timeout: 60_000 }, () => {
  let server: ScriptedServer;
  beforeAll(async () => {
    const document = '{ "request_id": "req_1", "status": "completed", "count": 1 }';
    const answers: Readonly<Record<string, string>> = {
      "/v1/health": '{ "status": "ok", "version": "0.1.0", "checks": [] }',
      "/v1/requests/req_1": document,
      "/v1/requests/req_1/events": `event: end\ndata: ${document}\n\n`,
    };
    server = await startScriptedServer(({ path }) => {
      const body = answers[path];
      return body === undefined
        ? { status: 402, body: '{ "name": "BudgetExceeded", "detail": "Not enough is left." }' }
        : { body };
    });
  });
  afterAll(() => server.close());

  test("holds JavaScript, types, a README and a manifest, and needs nothing", () => {
    expect(packed).toEqual(
      expect.arrayContaining(["README.md", "package.json", "image-generator.js", "image-generator.d.ts"]),
    );
    expect(packed.filter((path) => !/\.(js|d\.ts)$|^README\.md$|^package\.json$/.test(path))).toEqual([]);
    const { dependencies } = JSON.parse(npm(["ls", "--all", "--json"]));
    expect(dependencies["@atelier/sdk"].dependencies).toBeUndefined();
  });

  test("runs as plain JavaScript on the host's oldest Node", async () => {
    const { path, version } = oldestNode();
    await writeFile(join(user, "program.js"), PROGRAM);
    const printed = await new Promise<string>((resolve, reject) => {
      const child = spawn(path, ["program.js", server.origin], { cwd: user });
      let text = "";
      for (const stream of [child.stdout, child.stderr]) stream.on("data", (piece) => (text += piece));
      child.on("error", reject).on("close", () => resolve(text));
    });
    expect(printed, `Node ${version}`).toBe("ok\nprogress completed\ntrue BudgetExceeded 402\n");
  });

  test.each([
    ["nodenext", "nodenext"],
    ["esnext", "bundler"],
  ])("is typed, strictly, for modules of the kind %s", async (module, resolution) => {
    await writeFile(join(user, "sample.ts"), SAMPLE);
    const words = ["--ignoreConfig", "--noEmit", "--strict", "--skipLibCheck", "false", "--types", ""];
    const kind = [
      "--target",
      "es2022",
      "--lib",
      "es2022,dom",
      "--module",
      module,
      "--moduleResolution",
      resolution,
    ];
    const { stdout } = spawnSync(process.execPath, [TSC, ...words, ...kind, "sample.ts"], {
      cwd: user,
      encoding: "utf8",
    });
    expect(stdout).toBe("");
  });

  test("is bundled for browsers, small and without a module of Node", async () => {
    const { outputFiles, metafile } = await build({
      stdin: {
        contents: 'import { ImageGenerator } from "@atelier/sdk"; console.log(ImageGenerator);',
        resolveDir: user,
      },
      bundle: true,
      platform: "browser",
      format: "esm",
      minify: true,
      write: false,
      metafile: true,
      logLevel: "silent",
    });
    const text = outputFiles[0]?.text ?? "";
    const imports = Object.values(metafile.inputs).flatMap((input) => input.imports);
    expect(imports.filter(({ external }) => external)).toEqual([]);
    expect(text).not.toMatch(/\b(node:|process\.|Buffer\b|require\()/);
    const kB = gzipSync(text).byteLength / 1000;
    expect(kB).toBeGreaterThan(1);
    expect(kB).toBeLessThan(BROWSER_KB_MAX);
  });
});
