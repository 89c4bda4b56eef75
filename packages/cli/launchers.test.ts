import { spawn } from "node:child_process";
import { once } from "node:events";
import * as files from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { pathToFileURL } from "node:url";
import { sightProcess } from "@atelier/local/process-identity";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const CHECKOUT = join(import.meta.dirname, "../..");

/** A checkout with the launchers and nothing else. */
let root: string;
beforeEach(async () => {
  root = await files.realpath(await files.mkdtemp(join(tmpdir(), "atelier-checkout-")));
  await write("package.json", '{"type":"module"}');
  for (const path of ["scripts/run.mjs", "packages/cli/node24.mjs", "packages/cli/atelier.mjs"]) {
    await write(path, await files.readFile(join(CHECKOUT, path), "utf8"));
  }
});
afterEach(() => files.rm(root, { recursive: true }));

async function write(path: string, contents: string): Promise<void> {
  await files.mkdir(join(root, path, ".."), { recursive: true });
  await files.writeFile(join(root, path), contents);
}

async function touch(path: string, atSeconds: number): Promise<void> {
  await files.utimes(join(root, path), atSeconds, atSeconds);
}

const lockOf = (versions: Record<string, string>) =>
  JSON.stringify({
    packages: Object.fromEntries(
      Object.entries(versions).map(([name, version]) => [`node_modules/${name}`, { version }]),
    ),
  });

/** An npm that notes how it was called, and does what a test says. */
async function fakeNpm(script: string): Promise<void> {
  const note = 'require("node:fs").appendFileSync("npm.log", process.argv.slice(2).join(" ") + "\\n");';
  await write("npm-cli.cjs", `${note}\n${script}`);
}

const INSTALLS = `require("node:fs").mkdirSync("node_modules", { recursive: true });
require("node:fs").copyFileSync("package-lock.json", "node_modules/.package-lock.json");
console.log("added 1 package");`;

async function npmCalls(): Promise<string> {
  return files.readFile(join(root, "npm.log"), "utf8").catch(() => "");
}

/** As Node 20 is: it cannot put another program in its place. */
const WITHOUT_EXECVE = ["--import", "data:text/javascript,delete process.execve"];

function start(launcher: string, scriptArguments: string[], nodeArguments: readonly string[] = []) {
  const child = spawn(process.execPath, [...nodeArguments, join(root, launcher), ...scriptArguments], {
    cwd: root,
    env: { ...process.env, npm_execpath: join(root, "npm-cli.cjs"), NODE_OPTIONS: "" },
  });
  const output = Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]).then(
    ([stdout, stderr]) => ({ stdout, stderr, code: child.exitCode, signal: child.signalCode }),
  );
  return { child, output };
}

describe("scripts/run.mjs", () => {
  beforeEach(async () => {
    await write("package-lock.json", lockOf({ zod: "4.6.7" }));
    await write(
      "script.ts",
      "const words: string[] = process.argv.slice(2);\nconsole.log(words.join('|'));\nprocess.exit(7);",
    );
    await fakeNpm(INSTALLS);
  });

  it("installs in a fresh clone with one line on stderr, then runs the TypeScript file", async () => {
    expect(await start("scripts/run.mjs", ["script.ts", "a b", "--c"]).output).toStrictEqual({
      stdout: "a b|--c\n",
      stderr: "Installing what is missing (npm ci), once...\n",
      code: 7,
      signal: null,
    });
    expect(await npmCalls()).toBe("ci --no-audit --no-fund\n");
  });

  it("installs nothing twice, and not because the lock file is merely younger", async () => {
    await write("node_modules/.package-lock.json", lockOf({ zod: "4.6.7" }));
    await touch("node_modules/.package-lock.json", 1000);
    await touch("package-lock.json", 2000);
    expect(await start("scripts/run.mjs", ["script.ts"]).output).toMatchObject({ stderr: "", code: 7 });
    expect(await npmCalls()).toBe("");
  });

  it("installs when the lock file asks for another version", async () => {
    await write("node_modules/.package-lock.json", lockOf({ zod: "4.6.6" }));
    await touch("node_modules/.package-lock.json", 1000);
    expect((await start("scripts/run.mjs", ["script.ts"]).output).code).toBe(7);
    expect(await npmCalls()).toBe("ci --no-audit --no-fund\n");
  });

  it("shows npm's output when it fails, and what to do, and runs nothing", async () => {
    await fakeNpm('console.error("ENOTFOUND registry"); process.exit(1);');
    expect(await start("scripts/run.mjs", ["script.ts"]).output).toStrictEqual({
      stdout: "",
      stderr:
        "Installing what is missing (npm ci), once...\nENOTFOUND registry\nnpm ci failed, see above; check the network and npm's settings, then run the command again.\n",
      code: 2,
      signal: null,
    });
  });

  it("asks for a script", async () => {
    expect(await start("scripts/run.mjs", []).output).toMatchObject({
      stderr: "Say which script to run: node scripts/run.mjs SCRIPT ARGUMENTS...\n",
      code: 2,
    });
  });
});

describe("packages/cli/atelier.mjs", () => {
  it("runs main.ts with its arguments and its exit code, without a word of its own", async () => {
    await write(
      "packages/cli/main.ts",
      "const code: number = 4;\nconsole.log(process.argv[2]);\nprocess.exit(code);",
    );
    expect(await start("packages/cli/atelier.mjs", ["plan"]).output).toStrictEqual({
      stdout: "plan\n",
      stderr: "",
      code: 4,
      signal: null,
    });
  });

  it("keeps Node's warnings about experimental features off stderr", async () => {
    await write("packages/cli/main.ts", 'process.emitWarning("try me", "ExperimentalWarning");');
    expect(await start("packages/cli/atelier.mjs", []).output).toMatchObject({ stderr: "", code: 0 });
  });

  it.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)(
    "passes %s on once and takes the child's end",
    async (signal) => {
      await write(
        "packages/cli/main.ts",
        `let count = 0;
process.on("${signal}", () => { count++; setTimeout(() => { console.log("got", count); process.exit(9); }, 100); });
setInterval(() => {}, 1000);
console.log("ready");`,
      );
      const { child, output } = start("packages/cli/atelier.mjs", []);
      await once(child.stdout, "data");
      child.kill(signal);
      expect(await output).toMatchObject({ stdout: expect.stringContaining("got 1"), code: 9 });
    },
  );

  describe.each([
    ["in its place", []],
    ["as its child", WITHOUT_EXECVE],
  ])("with the program %s", (_, nodeArguments) => {
    it("leaves nothing running when it is killed", async () => {
      const watch = "packages/cli/launcher-watch.ts";
      await write(watch, await files.readFile(join(CHECKOUT, watch), "utf8"));
      await write(
        "packages/cli/main.ts",
        `import { watchLauncher } from "./launcher-watch.ts";
watchLauncher(process.env.ATELIER_LAUNCHER_PID, () => process.exit(0));
setInterval(() => {}, 1000);
console.log(process.pid);`,
      );
      const { child } = start("packages/cli/atelier.mjs", [], nodeArguments);
      const [said] = await once(child.stdout, "data");
      child.kill("SIGKILL");
      // The pipe ends when the last process that may write into it is gone.
      await once(child, "close");
      await expect.poll(() => sightProcess(Number(said)).running).toBe(false);
    });

    it("passes SIGTERM on and has the program's end", async () => {
      await write(
        "packages/cli/main.ts",
        `process.on("SIGTERM", () => process.exit(9));
setInterval(() => {}, 1000);
console.log("ready");`,
      );
      const { child, output } = start("packages/cli/atelier.mjs", [], nodeArguments);
      await once(child.stdout, "data");
      child.kill("SIGTERM");
      expect(await output).toMatchObject({ code: 9, signal: null });
    });
  });

  it("ends by the signal that ended the child", async () => {
    await write(
      "packages/cli/main.ts",
      'process.kill(process.pid, "SIGTERM");\nsetInterval(() => {}, 1000);',
    );
    expect(await start("packages/cli/atelier.mjs", []).output).toMatchObject({
      code: null,
      signal: "SIGTERM",
    });
  });
});

describe("packages/cli/node24.mjs", () => {
  interface Launcher {
    hostProblem(version: string): string | undefined;
    findNode(root: string, version: string): string | undefined;
  }
  const load = async (): Promise<Launcher> =>
    import(pathToFileURL(join(root, "packages/cli/node24.mjs")).href);

  it("takes the host's Node from 24 on, else the installed one, else none", async () => {
    const { findNode } = await load();
    expect(findNode(root, "24.0.0")).toBe(process.execPath);
    expect(findNode(root, "26.1.0")).toBe(process.execPath);
    expect(findNode(root, "20.20.2")).toBeUndefined();
    await write("node_modules/node/bin/node", "");
    expect(findNode(root, "20.20.2")).toBe(join(root, "node_modules/node/bin/node"));
  });

  it("refuses a host older than Node 20 in one sentence", async () => {
    const { hostProblem } = await load();
    expect(hostProblem("20.0.0")).toBeUndefined();
    expect(hostProblem("18.20.4")).toBe(
      "This is Node 18.20.4, but Atelier needs Node 20 or newer; install one from https://nodejs.org.",
    );
  });
});
