/**
 * @module The SDK's types are written by hand, so that it needs nothing: here they are held against core's schemas (by `npm run check`)
 * and against the committed OpenAPI document (by the compiler, as any other client would read it).
 */
import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ModelDocument, TemplateDocument } from "@atelier/core/catalogue-document";
import type { BudgetDocument, ImageDocument, VariationDocument } from "@atelier/core/document";
import type { RequestDocument, RequestSummary } from "@atelier/core/request-document";
import type { ReviewDocument } from "@atelier/core/review-document";
import type { VersionRecipe } from "@atelier/core/version";
import type { VersionDocument } from "@atelier/core/version-document";
import type * as sdk from "@atelier/sdk/image-generator";
import { afterAll, beforeAll, describe, expect, expectTypeOf, test } from "vitest";
import { typesOf } from "./types-of-document.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
type Mutable<T> = { -readonly [K in keyof T]: T[K] };

test("documents are core's", () => {
  expectTypeOf<sdk.ImageDocument>().toEqualTypeOf<ImageDocument>();
  expectTypeOf<sdk.RequestDocument>().toEqualTypeOf<RequestDocument>();
  expectTypeOf<sdk.RequestSummary>().toEqualTypeOf<RequestSummary>();
  expectTypeOf<sdk.BudgetDocument>().toEqualTypeOf<BudgetDocument>();
  expectTypeOf<sdk.VersionDocument>().toEqualTypeOf<VersionDocument>();
  expectTypeOf<sdk.ReviewDocument>().toEqualTypeOf<ReviewDocument>();
  expectTypeOf<sdk.TemplateDocument>().toEqualTypeOf<TemplateDocument>();
  expectTypeOf<sdk.ModelDocument>().toEqualTypeOf<Omit<ModelDocument, "probed">>();
  // Prompts may be held back.
  type Shown = Omit<VariationDocument, "prompt" | "negative_prompt">;
  expectTypeOf<Omit<sdk.VariationDocument, "prompt" | "negative_prompt">>().toEqualTypeOf<Shown>();
  expectTypeOf<VariationDocument>().toExtend<sdk.VariationDocument>();
  // What is given may leave a field out or say that it is undefined.
  expectTypeOf<Mutable<sdk.VersionRecipe>>().toExtend<VersionRecipe>();
});

/** SDK's type to the document's schema, and what must hold between them. */
const PAIRS: readonly (readonly [sdk: string, document: string, relation: "equal" | "reads" | "writes"])[] = [
  ["ImageDocument", "Image", "equal"],
  // The document leaves statuses out that the server always counts.
  ["Omit<RequestDocument, 'progress'>", "Omit<Request, 'progress'>", "equal"],
  ["RequestDocument", "Request", "writes"],
  ["Omit<RequestSummary, 'progress'>", "Omit<RequestSummary, 'progress'>", "equal"],
  ["VariationDocument", "Variation", "equal"],
  ["Preview", "DryRun", "reads"],
  ["BudgetDocument", "Budget", "equal"],
  ["VersionDocument", "Version", "equal"],
  ["ReviewDocument", "Review", "equal"],
  ["ReviewDecidedDocument", "ReviewDecided", "equal"],
  ["TemplateDocument", "Template", "equal"],
  ["ModelDocument", "Model", "equal"],
  ["PlannedDocument", "PlannedOccurrence", "equal"],
  ["Link", "RenditionLink", "equal"],
  // Names of alarms may come; parts of a problem may be missing where a proxy wrote it.
  ["HealthDocument", "Health", "reads"],
  ["AlarmDocument", "Alarm", "reads"],
  ["Problem", "Problem", "reads"],
  ["VersionRecipe", "VersionRecipe", "writes"],
  ["ReviewDecision", "ReviewDecision", "writes"],
];

const RELATIONS = `
type Flat<T> = T extends readonly (infer Item)[] ? Flat<Item>[] : T extends object ? { [K in keyof T]: Flat<T[K]> } : T;
type Equal<A, B> = (<T>() => T extends Flat<A> ? 1 : 2) extends (<T>() => T extends Flat<B> ? 1 : 2) ? true : false;
type Fits<A, B> = [A] extends [B] ? true : false;
`;

describe("documents are those of docs/openapi.json", () => {
  let folder = "";
  let types = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "atelier-types-"));
    const { components } = JSON.parse(await readFile(join(ROOT, "docs/openapi.json"), "utf8"));
    types = typesOf(components.schemas);
    await writeFile(join(folder, "document.ts"), types);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  /** What the compiler says about the pairs, by line; the schemas must be as they are given. */
  async function said(document: string, pairs: typeof PAIRS): Promise<string[]> {
    await writeFile(join(folder, "document.ts"), document);
    const entry = JSON.stringify(join(ROOT, "packages/sdk/image-generator.ts"));
    const inSdk = (type: string) => type.replaceAll(/\b[A-Z]\w*\b(?<!Omit)/g, "sdk.$&");
    const inDocument = (type: string) => type.replaceAll(/\b[A-Z]\w*\b(?<!Omit)/g, "document.$&");
    const lines = pairs.map(([one, other, relation], index) => {
      const [ours, theirs] = [inSdk(one), inDocument(other)];
      const holds = {
        equal: `Equal<${ours}, ${theirs}>`,
        reads: `Fits<${theirs}, ${ours}>`,
        writes: `Fits<${ours}, ${theirs}>`,
      };
      return `export const pair${index}: ${holds[relation]} = true;`;
    });
    const imports = `import type * as sdk from ${entry};\nimport type * as document from "./document.ts";`;
    await writeFile(join(folder, "pairs.ts"), [imports, RELATIONS, ...lines].join("\n"));
    const words = ["--ignoreConfig", "--noEmit", "--strict", "--allowImportingTsExtensions", "--types", ""];
    const kind = ["--module", "esnext", "--moduleResolution", "bundler", "--target", "esnext"];
    const { stdout } = spawnSync(
      process.execPath,
      [join(ROOT, "node_modules/typescript/bin/tsc"), ...words, ...kind, "pairs.ts"],
      { cwd: folder, encoding: "utf8" },
    );
    return [...stdout.matchAll(/^.*error.*$/gm)].map(([line]) => line.replace(/^pairs\.ts\(\d+,\d+\): /, ""));
  }

  test("to a compiler", async () => {
    expect(await said(types, PAIRS)).toEqual([]);
  });

  test("and it would notice a field that is missing, new or of another type", async () => {
    const field = '"created_at": (string);';
    const changes: Readonly<Record<string, readonly [string, string]>> = {
      Image: [field, ""],
      Version: [field, `${field} "more": (string);`],
      Health: ['"version": (string);', '"version": (number);'],
    };
    const changed = types.replaceAll(/^export type (\w+) = .*$/gm, (line, name: string) =>
      line.replace(...(changes[name] ?? ["", ""])),
    );
    const pairs = PAIRS.filter(([, name]) => name in changes);
    expect(pairs).toHaveLength(3);
    expect(await said(changed, pairs)).toHaveLength(3);
  });
});
