/** @module The functions as the SST CLI packs them: weight, what is in them, and that a bundle runs. */
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import {
  bundleFunction,
  FUNCTION_NAMES,
  functionBudgetKb,
  PROCESS_PACKAGE_BUDGET_MB,
  processPackage,
} from "../../bench/functions.ts";
import { compileCatalogue } from "../../scripts/templates.ts";

const FOLDER = join(import.meta.dirname, "../../packages/functions");

// All of them are made with the first.
beforeAll(async () => {
  await compileCatalogue();
  await bundleFunction("record");
}, 180_000);

describe("entries", () => {
  const files = readdirSync(FOLDER).filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"));
  const text = (name: string) => readFileSync(join(FOLDER, name), "utf8");

  test("are those files that export a handler", () => {
    const entries = files.filter((name) => /^export const handler\b/m.test(text(name)));
    expect(entries.sort()).toEqual(FUNCTION_NAMES.map((name) => `${name}.ts`).sort());
  });

  test.each(FUNCTION_NAMES)("%s has 15 lines at most", (name) => {
    expect(text(`${name}.ts`).trimEnd().split("\n").length).toBeLessThanOrEqual(15);
  });
});

describe("bundles", () => {
  test.each(FUNCTION_NAMES.filter((name) => name !== "process" && name !== "reprocess"))(
    "%s is within its budget, and carries no picture library and nothing that it has no use for",
    async (name) => {
      const { kb, inputs, beside } = await bundleFunction(name);
      expect(kb).toBeGreaterThan(100);
      expect(kb).toBeLessThanOrEqual(functionBudgetKb(name));
      expect(beside).toEqual([]);
      // The API names the recipe of versions, which is data.
      expect(inputs.filter((path) => /packages\/(imaging|inspection|local|cli)\//.test(path))).toEqual(
        name === "api" ? ["packages/imaging/recipe.ts"] : [],
      );
      const has = (part: string) => inputs.some((path) => path.includes(part));
      // Templates and the policy's words for those that make prompts; what encrypts for those that see one.
      expect(has("dist/catalogue.json")).toBe(["plan", "validate", "start", "api", "daily"].includes(name));
      expect(has("@aws-crypto/encrypt-node")).toBe(
        ["plan", "validate", "generate", "start", "api"].includes(name),
      );
      expect(has("packages/providers/")).toBe(
        ["generate", "collect", "reconcile", "webhook", "api"].includes(name),
      );
      expect(has("node_modules/undici/")).toBe(false);
    },
  );

  test("one that takes more along is over its budget, and one with pictures is seen", async () => {
    const heavy = await bundleFunction("record", ["aws-local-stepfunctions", "@aws-sdk/client-kms"]);
    expect(heavy.kb).toBeGreaterThan(functionBudgetKb("record"));
    const { inputs, beside } = await bundleFunction("record", ["@atelier/imaging/open"]);
    expect(inputs).toContain("packages/imaging/open.ts");
    expect(beside).toEqual(["sharp", "@contentauth/c2pa-wasm"]);
  });

  test("process and reprocess alone have sharp, for arm64, and C2PA beside it, and stay small", {
    timeout: 180_000,
  }, async () => {
    for (const name of ["process", "reprocess"] as const) {
      const { beside, kb } = await bundleFunction(name);
      expect(beside).toEqual(["sharp", "@contentauth/c2pa-wasm"]);
      expect(kb).toBeLessThanOrEqual(functionBudgetKb(name));
    }
    const { mb, native } = await processPackage();
    expect(native.filter(({ path }) => path.endsWith(".node"))).not.toEqual([]);
    expect(native.filter(({ machine }) => machine !== "arm64")).toEqual([]);
    expect(mb).toBeGreaterThan(5);
    expect(mb).toBeLessThan(PROCESS_PACKAGE_BUDGET_MB);
  });

  test("a bundle answers cold, with the literal name of what is missing", async () => {
    const folder = await mkdtemp(join(tmpdir(), "bundle-"));
    const { text } = await bundleFunction("record");
    await writeFile(join(folder, "bundle.mjs"), text);
    const program = `import { handler } from "./bundle.mjs";
      const context = { awsRequestId: "one", getRemainingTimeInMillis: () => 1000 };
      const event = { imageId: "img_a_00000", attemptId: "img_a_00000-1", generation: 1, manifestKey: "k" };
      await handler(event, context).catch((error) => console.log(JSON.stringify({ name: error.name, message: error.message })));`;
    await writeFile(join(folder, "main.mjs"), program);
    const { stdout, stderr } = spawnSync(process.execPath, ["main.mjs"], {
      cwd: folder,
      encoding: "utf8",
      env: { PATH: process.env.PATH },
    });
    await rm(folder, { recursive: true });
    expect(stderr).not.toMatch(/SyntaxError|ReferenceError|Cannot find/);
    const lines = (stdout + stderr)
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines).toContainEqual({
      name: "ConfigurationInvalid",
      message: "ATELIER_TABLE is missing; set it to the name of the table.",
    });
    expect(lines).toContainEqual(
      expect.objectContaining({
        level: "ERROR",
        service: "record",
        requestId: "req_a",
        imageId: "img_a_00000",
        attemptId: "img_a_00000-1",
        errorName: "ConfigurationInvalid",
      }),
    );
  });
});
