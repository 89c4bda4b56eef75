/** @module The one loader of `templates/`: reads the YAML, checks everything, and nothing starts with a bad file. */
import { readdir, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import {
  CATEGORY_NAMES,
  type Catalogue,
  categorySchema,
  modelsFileSchema,
  policySchema,
  scheduleSchema,
} from "@atelier/core/catalogue";
import { AtelierError } from "@atelier/core/errors";
import { type GraphWorkflow, graphWorkflowSchema } from "@atelier/core/graph-workflow";
import type * as z from "zod";
import { crossProblems } from "./template-checks.ts";
import { oneOf } from "./template-issues.ts";
import {
  type Problem,
  parseJsonSource,
  parseSource,
  problemInWords,
  type Source,
} from "./template-source.ts";
import { workflowModelProblems, workflowProblems } from "./workflow-checks.ts";

/**
 * Loads and checks the folder: `categories/{name}.yaml`, `models.yaml`, `schedule.yaml`, `policy.yaml` and, where there are
 * any, `comfyui/{workflow}.json`. Categories come in the catalogue's order, whatever the folder's is; workflows by name.
 *
 * @throws AtelierError `CatalogueInvalid` with every problem as `file:line: expected …, found …`, also as
 *   `data.problems`
 */
export async function loadCatalogue(folder: string): Promise<Catalogue> {
  const problems: Problem[] = [];
  const load = async <T>(
    name: string,
    schema: z.ZodType<T>,
    parse: typeof parseSource = parseSource,
  ): Promise<Source<T> | undefined> => {
    const file = `${basename(folder)}/${name}`;
    const text = await readFile(join(folder, name), "utf8").catch(() => undefined);
    if (text === undefined) {
      problems.push({ file, line: 1, expected: "a file that can be read", found: "none" });
      return undefined;
    }
    const parsed = parse(file, text, schema);
    if (!Array.isArray(parsed)) return parsed;
    problems.push(...parsed);
    return undefined;
  };

  const expectedFiles = CATEGORY_NAMES.map((name) => `${name}.yaml`);
  const present = await readdir(join(folder, "categories")).catch(() => []);
  for (const name of present
    .filter((file) => !file.startsWith(".") && !isOneOf(expectedFiles, file))
    .sort()) {
    const file = `${basename(folder)}/categories/${name}`;
    problems.push({ file, line: 1, expected: oneOf(expectedFiles, name), found: "a file of another name" });
  }
  const categories: Catalogue["categories"][number][] = [];
  const sources: Source<(typeof categories)[number]>[] = [];
  for (const name of expectedFiles) {
    const source = await load(`categories/${name}`, categorySchema);
    if (source === undefined) continue;
    sources.push(source);
    categories.push(source.value);
  }
  const models = await load("models.yaml", modelsFileSchema);
  const schedule = await load("schedule.yaml", scheduleSchema);
  const policy = await load("policy.yaml", policySchema);
  problems.push(...crossProblems({ categories: sources, models, schedule, policy }));
  const workflows = new Map<string, Source<GraphWorkflow>>();
  const inFolder = await readdir(join(folder, "comfyui")).catch(() => []);
  const graphFiles = inFolder.filter((file) => file.endsWith(".json")).sort();
  for (const name of graphFiles) {
    const source = await load(`comfyui/${name}`, graphWorkflowSchema, parseJsonSource);
    if (source !== undefined) workflows.set(basename(name, ".json"), source);
  }
  problems.push(...workflowProblems(workflows));
  // A workflow that could not be read is reported already: who names it is not at fault.
  if (models !== undefined && workflows.size === graphFiles.length) {
    problems.push(...workflowModelProblems(models, workflows));
  }

  if (problems.length > 0 || models === undefined || schedule === undefined || policy === undefined) {
    throw new AtelierError("CatalogueInvalid", problems.map(problemInWords).join("; "), {
      data: { problems },
    });
  }
  return {
    categories,
    ...models.value,
    schedule: schedule.value,
    policy: policy.value,
    workflows: Object.fromEntries([...workflows].map(([name, { value }]) => [name, value])),
  };
}

/** The catalogue as JSON, for programs that read no YAML. The same catalogue always gives the same bytes. */
export function serialiseCatalogue(catalogue: Catalogue): string {
  return `${JSON.stringify(catalogue, null, 1)}\n`;
}

function isOneOf(names: readonly string[], name: string): boolean {
  return names.includes(name);
}
