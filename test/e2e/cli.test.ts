/**
 * The command line as a person has it, on a folder of its own with the sandbox: real processes through the launcher for a batch, a plan, a
 * reader that goes away and a stop; the same program on the same engines in this process for the rest, since starting Node is most of what
 * a command costs. How a process hands on its words, streams and exit code is shown by `packages/cli/launchers.test.ts` as well.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { access, mkdir, mkdtemp, readFile, rm, watch, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { imageDocumentSchema, variationDocumentSchema } from "@atelier/core/document";
import { isTerminal } from "@atelier/core/image";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Ended, runHere } from "./in-this-process.ts";

const LAUNCHER = fileURLToPath(new URL("../../packages/cli/atelier.mjs", import.meta.url));
const MONDAY = "2026-11-23";
const TUESDAY = "2026-11-24";

let root = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "atelier-cli-"));
});
afterAll(() => rm(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }));

function started(folder: string, words: readonly string[]): ChildProcess {
  const environment = { PATH: process.env.PATH, HOME: root, TMPDIR: tmpdir() };
  return spawn(process.execPath, [LAUNCHER, ...words, "--data", join(root, folder)], {
    cwd: root,
    env: environment,
    stdio: ["ignore", "pipe", "pipe"],
  });
}

async function ended(child: ChildProcess): Promise<Ended> {
  let stdout = "";
  let stderr = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const [exitCode] = await once(child, "close");
  return { exitCode, stdout, stderr };
}

/** A process of its own. */
const atelier = (folder: string, ...words: string[]): Promise<Ended> => ended(started(folder, words));

/** The same in this process. */
const asked = (folder: string, ...words: string[]): Promise<Ended> =>
  runHere([...words, "--data", join(root, folder)], { workingFolder: root });

function linesOf(stdout: string): unknown[] {
  expect(stdout === "" || stdout.endsWith("\n")).toBe(true);
  return stdout
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line));
}

async function firstNamed(folder: string, name: string): Promise<void> {
  for await (const { filename } of watch(folder)) if (filename === name) return;
}

const imagesOf = (stdout: string) => linesOf(stdout).map((line) => imageDocumentSchema.parse(line));
const variationsOf = (stdout: string) => linesOf(stdout).map((line) => variationDocumentSchema.parse(line));

describe("without a folder", () => {
  it("explains itself and refuses wrong words without making anything", async () => {
    const [help, wrong] = await Promise.all([
      asked("none", "help", "plan"),
      atelier("none", "plan", "--rum"),
    ]);
    expect(help).toMatchObject({ exitCode: 0, stderr: "" });
    expect(wrong).toStrictEqual({
      exitCode: 2,
      stdout: "",
      stderr: "There is no option --rum (did you mean --run?); see `atelier help plan`.\n",
    });
    await expect(access(join(root, "none"))).rejects.toThrow();
  });

  it("says in one line that a folder cannot be used", async () => {
    await writeFile(join(root, "a-file"), "");
    const run = await asked(join("a-file", "inside"), "budget");
    expect(run).toMatchObject({ exitCode: 2, stdout: "" });
    expect(run.stderr).toMatch(/^[^\n]+\n$/);
  });
});

describe("a folder from its first image on", () => {
  const FOLDER = "kept";

  it("makes a batch: documents, files, costs", async () => {
    const words = "generate --category weekend_special --variations 2 --seed 7 --json".split(" ");
    const { exitCode, stdout, stderr } = await atelier(FOLDER, ...words);
    expect({ exitCode, stderr }).toStrictEqual({ exitCode: 0, stderr: "" });
    const images = imagesOf(stdout);
    expect(images).toHaveLength(2);
    for (const image of images) {
      expect(image).toMatchObject({ status: "completed", verdict: { decision: "released" } });
      expect(image.metadata.cost).toBeGreaterThan(0);
      expect(image.renditions.map(({ name }) => name).sort()).toStrictEqual([
        "blurred",
        "full",
        "preview",
        "thumbnail",
        "web",
      ]);
      for (const rendition of image.renditions) {
        const bytes = await readFile(join(root, FOLDER, rendition.path));
        expect(createHash("sha256").update(bytes).digest("hex")).toBe(rendition.sha256);
      }
    }
  });

  it("lists and shows what it made, and what it cost is in the budget", async () => {
    const listed = imagesOf(
      (await asked(FOLDER, "images", "--category", "weekend_special", "--json")).stdout,
    );
    expect(listed).toHaveLength(2);
    const [first] = listed;
    const shown = await asked(FOLDER, "show", first?.image_id ?? "", "--json");
    expect(imagesOf(shown.stdout)).toStrictEqual([first]);

    const budgets = linesOf((await asked(FOLDER, "budget", "--json")).stdout) as {
      scope: string;
      spent: number;
    }[];
    const cost = listed.reduce((total, image) => total + image.metadata.cost, 0);
    expect(budgets.find(({ scope }) => scope === "day")?.spent).toBeCloseTo(cost, 6);

    const audited = linesOf((await asked(FOLDER, "audit", first?.image_id ?? "", "--json")).stdout);
    expect(audited.map((entry) => (entry as { kind: string }).kind)).toContain("bought");
  });

  it("gives people a table without colours on a pipe", async () => {
    const { exitCode, stdout, stderr } = await atelier(FOLDER, "images");
    expect({ exitCode, stderr }).toStrictEqual({ exitCode: 0, stderr: "" });
    expect(stdout).toMatch(/^image +template +model +seconds +cost +quality +verdict +file\n/);
    expect(stdout).toContain(`Folder: ${join(root, FOLDER)}`);
    expect(stdout).not.toContain("\u001b");
  });

  it("ends quietly when its reader goes away", async () => {
    const child = started(FOLDER, ["images", "--json"]);
    child.stdout?.destroy();
    expect(await ended(child)).toMatchObject({ exitCode: 0, stderr: "" });
  });

  it.each([
    [["show", "img_nowhere"], 2],
    [["generate", "--category", "feet", "--max-cost", "0.000001", "--json"], 4],
  ])("%j ends with one line and exit %i", async (words, exitCode) => {
    const run = await asked(FOLDER, ...words);
    expect(run.exitCode).toBe(exitCode);
    expect(run.stderr).toMatch(/^[^\n]+\n$/);
    for (const line of linesOf(run.stdout)) expect(line).toMatchObject({ status: "refused" });
  });

  it("refuses a prompt by its rule and repeats it nowhere", async () => {
    const words = ["custom", "--category", "lingerie", "--prompt", "portrait of a young person"];
    const run = await asked(FOLDER, ...words, "--json");
    expect(run.exitCode).toBe(3);
    expect(linesOf(run.stdout)).toStrictEqual([
      { status: "refused", rule: expect.any(String), message: expect.any(String) },
    ]);
    expect(run.stdout + run.stderr).not.toContain("portrait");
  });

  it("answers each line of a prompts file in its place, and the worst exit code", async () => {
    const lines = [
      { prompt: "a lighthouse in the fog", parameters: { width: 256, height: 256 } },
      { prompt: "portrait of a young person", category: "lingerie" },
      { prompt: "a bowl of pears", parameters: { width: 256, height: 512 } },
    ];
    await writeFile(join(root, "prompts.jsonl"), lines.map((line) => JSON.stringify(line)).join("\n"));
    const run = await asked(FOLDER, "custom", "--prompts", "prompts.jsonl", "--json");
    expect(run.exitCode).toBe(3);
    const documents = linesOf(run.stdout) as { status: string; prompt?: string }[];
    expect(documents.map(({ status }) => status)).toStrictEqual(["completed", "refused", "completed"]);
    expect(documents[2]?.prompt).toContain("a bowl of pears");
  });

  it("buys nothing over a limit", async () => {
    const set = await asked(FOLDER, "budget", "set", "--cap", "category:feet=0.000001", "--json");
    expect(set.exitCode).toBe(0);
    const run = await asked(FOLDER, "generate", "--category", "feet", "--json");
    expect(run.exitCode).toBe(4);
    const listed = imagesOf((await asked(FOLDER, "images", "--category", "feet", "--json")).stdout);
    for (const image of listed) expect(image.metadata.cost).toBe(0);
  });
});

describe("the plan", () => {
  it("is the same in a dry run on any folder", async () => {
    const [one, other] = await Promise.all([
      atelier("plan-one", "plan", "--date", MONDAY, "--json"),
      asked("plan-other", "plan", "--date", MONDAY, "--json"),
    ]);
    expect(one).toMatchObject({ exitCode: 0, stderr: "" });
    expect(variationsOf(one.stdout)).toHaveLength(5);
    expect(other.stdout).toBe(one.stdout);
  });

  it("is produced once, and shown the second time", async () => {
    const words = ["plan", "--date", TUESDAY, "--run"];
    const first = await atelier("plan-run", ...words, "--json");
    expect(first).toMatchObject({ exitCode: 0, stderr: "" });
    const second = await asked("plan-run", ...words, "--json");
    expect(imagesOf(second.stdout)).toStrictEqual(imagesOf(first.stdout));
    expect(imagesOf(first.stdout)).toHaveLength(3);
    const people = await asked("plan-run", ...words);
    const sheet = /^Contact sheet: (.+)$/m.exec(people.stdout)?.[1] ?? "";
    expect((await readFile(sheet)).length).toBeGreaterThan(1_000);
  });
});

describe("SIGINT", () => {
  it("stops a run, and `resume` brings it to its end", async () => {
    const folder = join(root, "stopped");
    await mkdir(folder);
    const wish = { prompt: "a bowl of plums", parameters: { width: 256, height: 256 } };
    const lines = Array.from({ length: 4 }, () => JSON.stringify(wish));
    await writeFile(join(root, "plums.jsonl"), lines.join("\n"));
    // The first picture that a provider delivered: the run is in the middle of its work.
    const delivered = firstNamed(folder, "incoming");
    const child = started("stopped", ["custom", "--prompts", "plums.jsonl", "--json"]);
    const run = ended(child);
    await delivered;
    child.kill("SIGINT");
    const { exitCode, stderr } = await run;
    expect(exitCode).toBe(130);
    expect(stderr).toBe(
      "Stopping; what is left open goes on with `atelier resume` (a second Ctrl-C ends at once).\n",
    );

    const resumed = await atelier("stopped", "resume", "--json");
    expect(resumed.exitCode).toBe(0);
    const images = imagesOf((await asked("stopped", "images", "--json")).stdout);
    expect(images).toHaveLength(4);
    for (const image of images) expect(isTerminal(image.status)).toBe(true);
  }, 60_000);
});
