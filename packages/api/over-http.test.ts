import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { ERROR_NAMES } from "@atelier/core/errors";
import { expect, test } from "vitest";
import { inWordsOfHttp, OF_THE_COMMAND_LINE, remedyOverHttp } from "./over-http.ts";

const CORE = fileURLToPath(new URL("../core/", import.meta.url));
/** Of settings, which are read before there is an API. */
const OF_SETTINGS = /ATELIER_TERMS names the/;
const DOCUMENT = new URL("../../docs/openapi.json", import.meta.url);

/** Each `METHOD /path` that the text names. */
function routesIn(text: string): string[] {
  return [...text.matchAll(/\b(GET|POST|PUT|DELETE) (\/[\w/{}]+)/g)].map(
    ([, method, path]) => `${method} ${path}`,
  );
}

function isSaid(line: string): boolean {
  return OF_THE_COMMAND_LINE.test(line) && /["`].*["`]/.test(line) && !OF_SETTINGS.test(line);
}

async function knownRoutes(): Promise<Set<string>> {
  const { paths }: { paths: Record<string, object> } = JSON.parse(await readFile(DOCUMENT, "utf8"));
  return new Set(
    Object.entries(paths).flatMap(([path, item]) =>
      Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`),
    ),
  );
}

test("no remedy speaks of the command line, and each route that one names exists", async () => {
  const known = await knownRoutes();
  const named = ERROR_NAMES.flatMap((name) => {
    const remedy = remedyOverHttp(name);
    expect(remedy).not.toMatch(OF_THE_COMMAND_LINE);
    // Files of the installation are not theirs either.
    expect(remedy).not.toMatch(/(templates|incoming)\//);
    return routesIn(remedy);
  });
  expect(named.length).toBeGreaterThan(5);
  for (const route of named) expect(known).toContain(route);
});

test("what the messages of core say of the command line is said in words of HTTP", async () => {
  const known = await knownRoutes();
  const names = (await readdir(CORE)).filter(
    (name) => /^[a-z-]+\.ts$/.test(name) && !["error-table.ts", "library.ts"].includes(name),
  );
  const said: string[] = [];
  for (const name of names) {
    const code = (await readFile(CORE + name, "utf8"))
      .replaceAll(/^\s*(\/?\*|\/\/).*$/gm, "")
      .replaceAll("\\`", "`");
    // Texts of code, each on a line of its own by the formatter.
    said.push(...code.split("\n").filter((line) => isSaid(line)));
  }
  expect(said.length).toBeGreaterThan(8);
  for (const line of said) {
    const told = inWordsOfHttp(line);
    expect(told).not.toMatch(OF_THE_COMMAND_LINE);
    for (const route of routesIn(told)) expect(known).toContain(route);
  }
});

test("a message that says nothing of it stays as it is", () => {
  for (const message of [
    "The ledger is busy.",
    "An atelier -- of painters",
    "max_cost 1.00 USD is too little.",
  ]) {
    expect(inWordsOfHttp(message)).toBe(message);
  }
});
