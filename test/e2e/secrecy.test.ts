/**
 * What runs leave behind, searched for what people wrote and for keys: the data folder byte by byte and the table item by item,
 * the backup, temporary files, and everything that was printed.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { PROVIDERS } from "@atelier/providers/registry";
import { afterAll, beforeAll, expect, it } from "vitest";
import { runHere } from "./in-this-process.ts";

const LAUNCHER = fileURLToPath(new URL("../../packages/cli/atelier.mjs", import.meta.url));
/** Three pictures of the highest rating. */
const WEDNESDAY = "2026-11-25";

/** Words that stand in no template and no source. */
const CUSTOM =
  "editorial portrait of a 41-year-old adult woman in a velvet robe beside a dented brass samovar";
const CUSTOM_NEGATIVE = "no wickerwork ottoman, no rusted carillon";
const REFUSED = "portrait of a young person holding a marzipan astrolabe near a flooded gazebo";
const ECHOED = "a linen curtain under a quilted zeppelin canopy at a dry marble fountain of frogs";
const ECHOED_BY_SANDBOX = "adult woman aged 47 in a wool coat at a tilted planetarium of painted tin";

let root = "";
let echo: Server;
let printed = "";

/** Every secret that a provider takes, each with a value of its own. */
const KEYS = Object.fromEntries(
  PROVIDERS.flatMap(({ variables }) => Object.values(variables))
    .filter(({ secret }) => secret)
    .map(({ name }, index) => [name, keyNumbered(index, name)]),
);

function keyNumbered(index: number, name: string): string {
  const text = `Zq${index}kV${index}yWm7Lp3Xc9${index}Rt5Bn`;
  return name.includes("WEBHOOK") ? `whsec_${Buffer.from(text).toString("base64")}` : text;
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "secrecy-"));
  await mkdir(join(root, "tmp"));
  // A provider that refuses, and says again all that it was sent: key, whole prompt, half a prompt.
  echo = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray()).toString("utf8");
    const said = [
      `refused: ${body}`,
      ECHOED.slice(0, ECHOED.length / 2),
      String(request.headers.authorization),
    ];
    response.writeHead(400, { "content-type": "application/json" });
    response.end(JSON.stringify({ id: "1", name: "bad_request", message: ECHOED, errors: said }));
  });
  await new Promise<void>((resolve) => echo.listen(0, "127.0.0.1", resolve));
});
afterAll(async () => {
  echo.closeAllConnections();
  await new Promise((resolve) => echo.close(resolve));
  await rm(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
});

const environment = () => ({
  ...KEYS,
  ATELIER_BACKUP: join(root, "backup"),
  STABILITY_BASE_URL: `http://127.0.0.1:${(echo.address() as AddressInfo).port}`,
});

/** A process of its own. @returns the exit code */
async function atelier(...words: string[]): Promise<number> {
  const child = spawn(process.execPath, [LAUNCHER, ...words, "--data", join(root, "data")], {
    cwd: root,
    env: { ...environment(), PATH: process.env.PATH, HOME: root, TMPDIR: join(root, "tmp") },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = once(child, "close");
  printed += (await Promise.all([text(child.stdout), text(child.stderr)])).join("");
  const [exitCode] = await ended;
  return exitCode;
}

/** What only asks, without another start of Node. */
const asked = (...words: string[]) =>
  runHere([...words, "--data", join(root, "data")], { workingFolder: root, environment: environment() });

/** A whole text, and every run of four of its words. */
function piecesOf(text: string): string[] {
  const words = text.split(/\s+/);
  const runs = words.slice(0, -3).map((_, index) => words.slice(index, index + 4).join(" "));
  return [text, ...runs];
}

/** The forms that a text may lie in: UTF-8, as JSON, UTF-16, and Base64 wherever it begins in what was encoded. */
function formsOf(text: string): Buffer[] {
  const plain = Buffer.from(text);
  const base64 = [0, 1, 2].map((offset) => {
    const encoded = Buffer.concat([Buffer.alloc(offset, 32), plain]).toString("base64");
    // The first and the last four characters depend on what stands around.
    return Buffer.from(encoded.slice(4, -4));
  });
  return [plain, Buffer.from(JSON.stringify(text).slice(1, -1)), Buffer.from(text, "utf16le"), ...base64];
}

async function everythingLeft(): Promise<{ name: string; bytes: Buffer }[]> {
  const found = [{ name: "what was printed", bytes: Buffer.from(printed) }];
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    found.push({ name: relative(root, path), bytes: await readFile(path) });
  }
  // LevelDB compresses its tables: the items themselves, as they are.
  const { Level } = createRequire(createRequire(import.meta.url).resolve("dynalite"))("level");
  const table = new Level(join(root, "data", "engine", "store"), {
    keyEncoding: "buffer",
    valueEncoding: "buffer",
  });
  for await (const [key, value] of table.iterator()) {
    found.push({
      name: `item ${String(key).replaceAll(/[^\x20-\x7e]/g, ".")}`,
      bytes: Buffer.concat([key, value]),
    });
  }
  await table.close();
  return found;
}

/** Every text that stands somewhere in one of its forms, with where. One pass over each file, however many texts there are. */
function placesWith(texts: readonly string[], left: readonly { name: string; bytes: Buffer }[]): string[] {
  const begins = new Uint8Array(65_536);
  const forms = new Map<number, { form: Buffer; text: string }[]>();
  for (const text of texts) {
    for (const form of formsOf(text)) {
      if (form.length < 4) continue;
      begins[form.readUInt16BE(0)] = 1;
      const start = form.readUInt32BE(0);
      forms.set(start, [...(forms.get(start) ?? []), { form, text }]);
    }
  }
  const places = new Set<string>();
  for (const { name, bytes } of left) {
    for (let at = 0; at + 4 <= bytes.length; at++) {
      if (begins[((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)] === 0) continue;
      for (const { form, text } of forms.get(bytes.readUInt32BE(at)) ?? []) {
        if (form.equals(bytes.subarray(at, at + form.length)))
          places.add(`${JSON.stringify(text)} in ${name}`);
      }
    }
  }
  return [...places];
}

it("leaves no prompt and no key anywhere", async () => {
  expect(await atelier("plan", "--date", WEDNESDAY, "--run")).toBe(0);
  const prompts = join(root, "prompts.jsonl");
  const lines = [
    { prompt: CUSTOM, negative_prompt: CUSTOM_NEGATIVE, category: "lingerie" },
    { prompt: REFUSED, category: "lingerie" },
  ];
  await writeFile(prompts, lines.map((line) => JSON.stringify(line)).join("\n"));
  expect(await atelier("custom", "--prompts", prompts)).toBe(3);
  // The caller's own file is no trace of ours.
  await rm(prompts);
  expect(await atelier("custom", "--prompt", ECHOED, "--provider", "stability")).toBe(1);
  // The sandbox says it again too; nor are its settings a trace.
  const settings = join(root, "data", "sandbox", "settings.json");
  const detail = `not this: ${ECHOED_BY_SANDBOX}`;
  const fault = { kind: "status", status: 422, title: "Refused", detail, times: null };
  await writeFile(settings, JSON.stringify({ faults: [fault] }));
  const echoed = ["custom", "--category", "lingerie", "--prompt", ECHOED_BY_SANDBOX];
  expect(await atelier(...echoed)).toBe(1);
  await rm(settings);
  const exported = await asked("audit", "export");
  expect(exported.exitCode).toBe(0);
  printed += exported.stdout + exported.stderr;
  // Whoever may read prompts still can: what is searched for below is really kept.
  const shown = await asked("images", "--json");
  printed += shown.stderr;
  const documents = shown.stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(documents).toHaveLength(6);
  const plannedPrompts: string[] = documents.map(({ prompt }) => prompt);
  expect(plannedPrompts).toContainEqual(expect.stringContaining(CUSTOM));

  const left = await everythingLeft();
  expect(left.filter(({ name }) => name.startsWith("item "))).not.toHaveLength(0);
  expect(left.filter(({ name }) => name.startsWith("backup"))).not.toHaveLength(0);
  // The search finds what is there: the model's name, in the table and in files.
  expect(placesWith(["sdxl"], left).length).toBeGreaterThan(5);

  expect(placesWith(Object.values(KEYS), left)).toEqual([]);
  const written = [CUSTOM, CUSTOM_NEGATIVE, REFUSED, ECHOED, ECHOED_BY_SANDBOX];
  expect(placesWith(written.flatMap(piecesOf), left)).toEqual([]);
  expect(placesWith(plannedPrompts.flatMap(piecesOf), left)).toEqual([]);
}, 60_000);
