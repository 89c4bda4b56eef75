/** @module The architecture as a test: arrows and owners (bundles: `test/aws/bundles.test.ts`). Each rule is also shown something that breaks it. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import {
  brokenArrows,
  environmentReads,
  longFiles,
  misplacedModules,
  missingLintRules,
  namedZodImports,
  packageCycles,
  suppressedLintRules,
} from "./architecture/rules.ts";
import { type Import, importsOf, packageOf, ROOT, readProductSources } from "./architecture/sources.ts";

const sources = readProductSources();
const biome = JSON.parse(readFileSync(join(ROOT, "biome.json"), "utf8"));

/** What a rule says about a file that is not there. */
async function saidOf(rule: (imports: readonly Import[]) => string[], path: string, text: string) {
  return rule(await importsOf({ [path]: text }));
}

describe("imports", () => {
  let imports: Import[] = [];
  beforeAll(async () => {
    imports = await importsOf(sources);
  });

  test("every file is looked at, and edges of every kind are seen", () => {
    expect(Object.keys(sources).length).toBeGreaterThan(150);
    expect(new Set(imports.map(({ from }) => packageOf(from)))).toEqual(
      new Set(Object.keys(sources).map(packageOf)),
    );
    expect(imports).toContainEqual({
      from: "packages/local/installation.ts",
      to: "packages/aws/dynamo/images.ts",
      kind: "value",
    });
    expect(imports).toContainEqual({
      from: "packages/core/ledger.ts",
      to: "packages/core/ports.ts",
      kind: "type",
    });
    expect(imports.filter(({ kind }) => kind === "lazy").map(({ to }) => to)).toContain(
      "packages/local/index.ts",
    );
  });

  test("go along the arrows", async () => {
    expect(brokenArrows(imports)).toEqual([]);
    for (const [path, text] of [
      ["packages/core/x.ts", 'import { readFile } from "node:fs/promises"; readFile("x");'],
      ["packages/core/x.ts", 'import type { Sharp } from "sharp"; export type X = Sharp;'],
      ["packages/core/x.ts", 'export * from "@atelier/aws/dynamo/keys";'],
      ["packages/core/x.ts", 'import "../aws/dynamo/keys.ts";'],
      ["packages/core/x.ts", 'import { pixels } from "../core/x.test.ts"; pixels();'],
      ["packages/newcomer/x.ts", 'import { newId } from "@atelier/core/ids"; newId();'],
      ["packages/local/x.ts", 'import { handler } from "@atelier/functions/plan"; handler();'],
      ["packages/providers/x.ts", 'import { open } from "@atelier/imaging/open"; open();'],
      ["packages/imaging/x.ts", 'import type { Engine } from "@atelier/local/engine";'],
      ["packages/imaging/x.ts", 'import { pixels } from "./testing.ts"; pixels();'],
      ["packages/inspection/x.ts", 'import { createImaging } from "@atelier/imaging/open"; createImaging();'],
      ["packages/aws/x.ts", 'await import("@atelier/local/index");'],
      ["packages/local/x.ts", 'import { createBlobs } from "@atelier/aws/s3-blobs"; createBlobs();'],
      ["packages/local/x.ts", 'import { runCommandLine } from "@atelier/cli/run"; runCommandLine();'],
      ["packages/cli/x.ts", 'import { openAtelier } from "@atelier/local/index"; openAtelier();'],
      ["packages/cli/x.ts", 'import { createImaging } from "@atelier/imaging/open"; createImaging();'],
    ] as const) {
      expect(await saidOf(brokenArrows, path, text), text).toHaveLength(1);
    }
    const lazily =
      'await import("@atelier/local/index"); import type { Atelier } from "@atelier/local/facade";';
    expect(await saidOf(brokenArrows, "packages/cli/x.ts", lazily)).toEqual([]);
  });

  test("take sharp in imaging alone, the AWS SDK in aws and in the local engine's client alone", async () => {
    expect(misplacedModules(imports)).toEqual([]);
    const sharp = 'import sharp from "sharp"; sharp();';
    expect(await saidOf(misplacedModules, "packages/local/x.ts", sharp)).toHaveLength(1);
    expect(await saidOf(misplacedModules, "packages/imaging/x.ts", sharp)).toEqual([]);
    const models = 'import * as tf from "@tensorflow/tfjs"; tf.ready();';
    expect(await saidOf(misplacedModules, "packages/local/x.ts", models)).toHaveLength(1);
    expect(await saidOf(misplacedModules, "packages/inspection/x.ts", models)).toEqual([]);
    const http = 'import { createServer } from "node:http"; createServer();';
    expect(await saidOf(misplacedModules, "packages/local/x.ts", http)).toHaveLength(1);
    const types = 'import type { Server } from "node:http"; export type X = Server;';
    expect(await saidOf(misplacedModules, "packages/local/x.ts", types)).toEqual([]);
    const client = 'import { DynamoDBClient } from "@aws-sdk/client-dynamodb"; new DynamoDBClient();';
    expect(await saidOf(misplacedModules, "packages/local/x.ts", client)).toHaveLength(1);
    expect(await saidOf(misplacedModules, "packages/aws/x.ts", client)).toEqual([]);
  });

  test("make no circle of packages", async () => {
    expect(packageCycles(imports)).toEqual([]);
    const back = 'import type { Atelier } from "@atelier/local/facade"; export type X = Atelier;';
    expect(packageCycles([...imports, ...(await importsOf({ "packages/core/x.ts": back }))])).toContain(
      "core -> local -> core",
    );
  });
});

describe("files", () => {
  test("read the environment in one place for each way to run", () => {
    expect(environmentReads(sources)).toEqual([]);
    for (const text of [
      "export const home = process.env.HOME;",
      'import { env } from "node:process"; export const home = env.HOME;',
      "export const { HOME } = process.env;",
    ]) {
      expect(environmentReads({ "packages/core/x.ts": text }), text).toHaveLength(1);
    }
    expect(environmentReads({ "packages/core/x.ts": "// not process.env" })).toEqual([]);
  });

  test("import zod as a namespace", () => {
    expect(namedZodImports(sources)).toEqual([]);
    for (const text of ['import { z } from "zod";', 'import z from "zod";', 'import { z } from "zod/v4";']) {
      expect(namedZodImports({ "packages/core/x.ts": text }), text).toHaveLength(1);
    }
    expect(namedZodImports({ "packages/core/x.ts": 'import type * as z from "zod";' })).toEqual([]);
  });

  test("have 350 lines at most", () => {
    expect(longFiles(sources)).toEqual([]);
    expect(longFiles({ "packages/core/x.ts": "\n".repeat(351) })).toHaveLength(1);
    expect(longFiles({ "packages/core/x.ts": "\n".repeat(350) })).toEqual([]);
  });

  test("have neither `any` nor `!`, by the linter, which nobody switches off", () => {
    expect(missingLintRules(biome)).toEqual([]);
    const { rules } = biome.linter;
    for (const weaker of [
      {},
      { linter: { ...biome.linter, enabled: false } },
      { linter: { rules: { ...rules, suspicious: { noExplicitAny: "warn" } } } },
      { ...biome, overrides: [{ linter: { rules: { style: { noNonNullAssertion: "off" } } } }] },
    ]) {
      expect(missingLintRules(weaker), JSON.stringify(weaker)).not.toEqual([]);
    }
    expect(suppressedLintRules(sources)).toEqual([]);
    const suppressed = "// biome-ignore lint/suspicious/noExplicitAny: because\nexport let x: any;";
    expect(suppressedLintRules({ "packages/core/x.ts": suppressed })).toHaveLength(1);
  });
});
