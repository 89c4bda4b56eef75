/** @module A graph of nodes that a self-hosted server runs, and the places in it that a request fills in. */
import * as z from "zod";

/** Id of a node and name of one of its inputs. */
const placeSchema = z.tuple([z.string(), z.string()]);
export type GraphPlace = z.infer<typeof placeSchema>;

/** A value, or `[node, output]`: a link to what another node gives. */
const nodeSchema = z.strictObject({
  class_type: z.string().min(1),
  inputs: z.record(z.string(), z.unknown()),
  /** What the editor writes for people, such as the node's title. */
  _meta: z.unknown().optional(),
});

export const graphWorkflowSchema = z.strictObject({
  description: z.string().min(1).max(200),
  /** Our name to where its value goes; several places take the same value. */
  inputs: z.record(
    z.string().regex(/^[a-z][a-z0-9_]*$/, "a name of lower-case letters, digits and _"),
    z.union([placeSchema, z.array(placeSchema).min(1)]),
  ),
  /** The node whose pictures count. */
  output: z.string(),
  /** The graph as ComfyUI exports it for its API. */
  graph: z.record(z.string(), nodeSchema),
});
export type GraphWorkflow = z.infer<typeof graphWorkflowSchema>;

/** Where a named input goes; none when the workflow has no such input. */
export function placesOf(workflow: GraphWorkflow, name: string): readonly GraphPlace[] {
  const found = Object.hasOwn(workflow.inputs, name) ? workflow.inputs[name] : undefined;
  if (found === undefined) return [];
  return isPlace(found) ? [found] : found;
}

function isPlace(input: GraphWorkflow["inputs"][string]): input is GraphPlace {
  return typeof input[0] === "string";
}
