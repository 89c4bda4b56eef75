import { readFileSync } from "node:fs";
import { join } from "node:path";
import { modelsFileSchema } from "@atelier/core/catalogue";
import { type GraphWorkflow, graphWorkflowSchema } from "@atelier/core/graph-workflow";
import { describe, expect, test } from "vitest";
import { parseJsonSource, parseSource, problemInWords, type Source } from "./template-source.ts";
import { loadCatalogue, serialiseCatalogue } from "./templates.ts";
import { workflowModelProblems, workflowProblems } from "./workflow-checks.ts";

const SHIPPED = join(import.meta.dirname, "../../templates");
const NAMES = ["sd15_text_to_image", "sdxl_text_to_image"];
const SDXL = readFileSync(join(SHIPPED, "comfyui/sdxl_text_to_image.json"), "utf8");
const MODELS = readFileSync(join(SHIPPED, "models.yaml"), "utf8");

function replaced(text: string, from: string, to: string): string {
  expect(text).toContain(from);
  return text.replace(from, to);
}

/** What is wrong with a workflow, as people read it; nothing: "". */
function problemsOf(text: string): string {
  const source = parseJsonSource("sdxl.json", text, graphWorkflowSchema);
  const problems = Array.isArray(source) ? source : workflowProblems(new Map([["sdxl", source]]));
  return problems.map(problemInWords).join("; ");
}

/** What is wrong with the models, the shipped workflows being those of this text. */
function modelProblemsOf(models: string, workflow = SDXL): string {
  const read = parseSource("models.yaml", models, modelsFileSchema);
  if (Array.isArray(read)) throw new Error(read.map(problemInWords).join("; "));
  const workflows = new Map<string, Source<GraphWorkflow>>();
  for (const name of NAMES) {
    const source = parseJsonSource(`${name}.json`, workflow, graphWorkflowSchema);
    if (!Array.isArray(source)) workflows.set(name, source);
  }
  return workflowModelProblems(read, workflows).map(problemInWords).join("; ");
}

describe("workflows", () => {
  test("are shipped, by name, and survive being compiled", async () => {
    const catalogue = await loadCatalogue(SHIPPED);
    expect(Object.keys(catalogue.workflows)).toStrictEqual(["sd15_text_to_image", "sdxl_text_to_image"]);
    const compiled = JSON.parse(serialiseCatalogue(catalogue)).workflows;
    for (const [name, workflow] of Object.entries(catalogue.workflows)) {
      expect(graphWorkflowSchema.parse(compiled[name])).toStrictEqual(workflow);
    }
    const named = catalogue.models.filter(({ provider }) => provider === "comfyui").map(({ model }) => model);
    expect(named.sort()).toStrictEqual(Object.keys(catalogue.workflows));
  });

  test.each([
    [
      "a node that is not there",
      `"seed": ["3", "seed"]`,
      `"seed": ["33", "seed"]`,
      /json:6: expected a node of the graph: one of 3, .*, found "33"/,
    ],
    [
      "an input that the node has not",
      `["3", "cfg"]`,
      `["3", "cgf"]`,
      /json:10: expected an input of node 3: .*did you mean `cfg`\?\), found "cgf"/,
    ],
    [
      "an input that is a link",
      `["3", "cfg"]`,
      `["3", "model"]`,
      /json:10: expected an input that holds a plain value, found a link to node 4/,
    ],
    [
      "an output that is not there",
      `"output": "9"`,
      `"output": "10"`,
      /json:16: expected a node of the graph.*found "10"/,
    ],
    [
      "an unknown key",
      `"output": "9"`,
      `"outptu": "9"`,
      /json:16: expected `output`, found the unknown key `outptu`/,
    ],
    ["a place of three parts", `["3", "cfg"]`, `["3", "cfg", "x"]`, /json:10: expected/],
    ["broken JSON", `"output": "9",`, `"output": "9"`, /json:17: expected JSON, found/],
  ])("are refused for %s", (_, from, to, message) => {
    expect(problemsOf(replaced(SDXL, from, to))).toMatch(message);
  });

  test("may have a name that leads to several places, and keys of any case", () => {
    const several = replaced(SDXL, `["6", "text"]`, `[["6", "text"], ["7", "text"]]`);
    const text = several.replace(`"text": "",`, `"text": "", "negative_prompt": "", "camelCase": 1,`);
    expect(problemsOf(text)).toBe("");
    const source = parseJsonSource("sdxl.json", text, graphWorkflowSchema);
    expect(source).toMatchObject({
      value: { graph: { "6": { inputs: { negative_prompt: "", camelCase: 1 } } } },
    });
  });
});

describe("models that name a workflow", () => {
  test.each([
    [
      "none of that name",
      "model: sdxl_text_to_image",
      "model: sdxl_text_to_imgae",
      /models\.yaml:\d+: expected a file under comfyui\/: .*did you mean `sdxl_text_to_image`\?\), found "sdxl_text_to_imgae"/,
    ],
    [
      "an extra without a place",
      "extras: { checkpoint: sd_xl",
      "extras: { chekpoint: sd_xl",
      /models\.yaml:\d+: expected an input of the workflow sdxl_text_to_image: .*did you mean `checkpoint`\?\), found "chekpoint"/,
    ],
  ])("are refused for %s", (_, from, to, message) => {
    expect(modelProblemsOf(replaced(MODELS, from, to))).toMatch(message);
  });

  test("are refused where the workflow has lost a named input", () => {
    const workflow = replaced(SDXL, `"guidance_scale": ["3", "cfg"],`, "");
    expect(modelProblemsOf(MODELS, workflow)).toMatch(
      /expected an input of the workflow sdxl_text_to_image.*found "guidance_scale"/,
    );
  });
});
