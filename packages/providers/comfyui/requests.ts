/** @module A workflow of the catalogue with a request filled in, as `POST /prompt` takes it. */
import type { Model } from "@atelier/core/catalogue";
import { type GraphWorkflow, graphWorkflowSchema, placesOf } from "@atelier/core/graph-workflow";
import type { ProviderRequest } from "@atelier/core/provider";
import { type ModelInput, modelInput } from "../model-input.ts";

/** ComfyUI tells a web socket of this name about progress; we have none. */
const CLIENT_ID = "atelier";

/**
 * Where a workflow has this input it takes the attempt's id: files can be told apart, and the node that saves is never
 * answered from the cache, which would leave the job without a picture.
 */
const FILE_PREFIX = "file_prefix";

/** The workflow that a model names; undefined when there is none, or none that can be read. */
export function workflowOf(
  model: Pick<Model, "model">,
  workflows: Readonly<Record<string, unknown>>,
): GraphWorkflow | undefined {
  const written = Object.hasOwn(workflows, model.model) ? workflows[model.model] : undefined;
  return graphWorkflowSchema.safeParse(written).data;
}

/** What a workflow is given, by the names of its inputs. */
export function workflowInput(
  request: ProviderRequest,
  workflow: GraphWorkflow,
  attemptId: string,
): ModelInput {
  const input = modelInput(request);
  if (placesOf(workflow, FILE_PREFIX).length > 0) input[FILE_PREFIX] = `atelier/${attemptId}`;
  return input;
}

/** Names in `input` that the workflow has no place for. */
export function unknownInputs(input: ModelInput, workflow: GraphWorkflow): string[] {
  return Object.keys(input).filter((name) => placesOf(workflow, name).length === 0);
}

/** The whole body. `extra_data` comes back in history and queue: by it a lost create is found again. */
export function promptBody(input: ModelInput, workflow: GraphWorkflow, attemptId: string): object {
  const graph = structuredClone(workflow.graph);
  for (const [name, value] of Object.entries(input)) {
    for (const [node, place] of placesOf(workflow, name)) {
      const inputs = graph[node]?.inputs;
      if (inputs !== undefined) inputs[place] = value;
    }
  }
  return { prompt: graph, client_id: CLIENT_ID, extra_data: { atelier: { attemptId } } };
}
