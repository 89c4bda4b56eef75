/** @module What a graph under `templates/comfyui/` must hold together: its named places, and what models ask of it. */
import type { Model } from "@atelier/core/catalogue";
import { type GraphWorkflow, placesOf } from "@atelier/core/graph-workflow";
import { oneOf, shown } from "./template-issues.ts";
import { type Problem, problemAt, type Source } from "./template-source.ts";

/** The provider whose models name a workflow. */
const RUNS_GRAPHS = "comfyui";

export type WorkflowSources = ReadonlyMap<string, Source<GraphWorkflow>>;

/** Every named input leads to a plain value of a node that is there, and so does the output to a node. */
export function workflowProblems(workflows: WorkflowSources): Problem[] {
  const problems: Problem[] = [];
  for (const source of workflows.values()) {
    const { inputs, output, graph } = source.value;
    const nodes = Object.keys(graph);
    for (const name of Object.keys(inputs)) {
      for (const [node, input] of placesOf(source.value, name)) {
        const path = ["inputs", name];
        const values = graph[node]?.inputs;
        if (values === undefined) {
          problems.push(problemAt(source, path, `a node of the graph: ${oneOf(nodes)}`, shown(node)));
        } else if (!Object.hasOwn(values, input)) {
          const expected = `an input of node ${node}: ${oneOf(Object.keys(values), input)}`;
          problems.push(problemAt(source, path, expected, shown(input)));
        } else if (Array.isArray(values[input])) {
          const found = `a link to node ${String(values[input][0])}`;
          problems.push(problemAt(source, path, "an input that holds a plain value", found));
        }
      }
    }
    if (graph[output] === undefined) {
      problems.push(problemAt(source, ["output"], `a node of the graph: ${oneOf(nodes)}`, shown(output)));
    }
  }
  return problems;
}

/** Whatever a model sends has a place in its workflow. */
export function workflowModelProblems(
  models: Source<{ readonly models: readonly Model[] }>,
  workflows: WorkflowSources,
): Problem[] {
  return models.value.models.flatMap((model, at) => {
    if (model.provider !== RUNS_GRAPHS) return [];
    const workflow = workflows.get(model.model)?.value;
    if (workflow === undefined) {
      const expected = `a file under comfyui/: ${oneOf([...workflows.keys()], model.model)}`;
      return [problemAt(models, ["models", at, "model"], expected, shown(model.model))];
    }
    const sent: readonly (readonly [path: readonly string[], name: string | null])[] = [
      [["prompt", "parameter"], model.prompt.parameter],
      [["negativePrompt"], model.negativePrompt],
      [["seed"], model.seed],
      [["steps", "parameter"], model.steps?.parameter ?? null],
      [["guidanceScale", "parameter"], model.guidanceScale?.parameter ?? null],
      [["outputs"], model.outputs],
      ...(model.sizes.kind === "range"
        ? ([
            [["sizes", "width"], model.sizes.width],
            [["sizes", "height"], model.sizes.height],
          ] as const)
        : ([[["sizes", "parameter"], model.sizes.parameter]] as const)),
      ...Object.keys(model.extras).map((name) => [["extras", name], name] as const),
    ];
    return sent.flatMap(([path, name]) => {
      if (name === null || placesOf(workflow, name).length > 0) return [];
      const expected = `an input of the workflow ${model.model}: ${oneOf(Object.keys(workflow.inputs), name)}`;
      return [problemAt(models, ["models", at, ...path], expected, shown(name))];
    });
  });
}
