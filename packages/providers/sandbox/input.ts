/** @module Holds the body of a create against the published schemas, as Replicate does before it starts anything. */
import type { Model } from "@atelier/core/catalogue";
import { INPUT_SCHEMAS, type InputField, type InputSchema } from "./schemas.ts";

export interface InvalidField {
  readonly type: string;
  readonly field: string;
  readonly description: string;
}

/**
 * All models that the sandbox knows: the published ones, and for a catalogue model without a published schema one
 * reconstructed from its catalogue entry (which proves little: it agrees with the entry by construction).
 */
export function knownSchemas(models: readonly Model[]): InputSchema[] {
  const schemas = [...INPUT_SCHEMAS];
  for (const model of models) {
    const replicable = model.provider === "replicate" || model.provider === "sandbox";
    if (replicable && schemaFor(schemas, model.version ?? model.model) === undefined) {
      schemas.push(reconstructed(model));
    }
  }
  return schemas;
}

/** By version, by `owner/name:version`, or by `owner/name` for models that have no version to pin. */
export function schemaFor(schemas: readonly InputSchema[], wanted: string): InputSchema | undefined {
  return schemas.find(({ model, version }) =>
    version === null ? wanted === model : wanted === version || wanted === `${model}:${version}`,
  );
}

/** Everything that is wrong with an input; empty when it is good. */
export function invalidFields(schema: InputSchema, input: Readonly<Record<string, unknown>>): InvalidField[] {
  const faults: InvalidField[] = [];
  for (const name of schema.required) {
    if (input[name] === undefined) faults.push(fault("required", name, `${name} is required`));
  }
  for (const [name, value] of Object.entries(input)) {
    const field = schema.fields[name];
    const wrong =
      field === undefined ? `Additional property ${name} is not allowed` : wrongValue(field, value);
    if (wrong !== undefined)
      faults.push(fault(field === undefined ? "additional_property" : "value", name, wrong));
  }
  return faults;
}

/** The size in pixels that an accepted input asks for. */
export function sizeOf(schema: InputSchema, input: Readonly<Record<string, unknown>>): [number, number] {
  const value = (name: string): unknown => input[name] ?? schema.fields[name]?.default;
  const aspect = value("aspect_ratio");
  const named = value("image_dimensions") ?? (schema.aspects?.[String(aspect)] as unknown);
  const [width, height] =
    typeof named === "string" ? named.split("x").map(Number) : [value("width"), value("height")];
  const scale = input.megapixels === "0.25" ? 0.5 : 1;
  return [side(width) * scale, side(height) * scale];
}

function side(pixels: unknown): number {
  return typeof pixels === "number" && pixels >= 64 ? Math.min(pixels, 2_048) : 512;
}

function wrongValue(field: InputField, value: unknown): string | undefined {
  switch (field.type) {
    case "string":
      if (typeof value !== "string") return "Invalid type. Expected: string";
      return field.enum === undefined || field.enum.includes(value)
        ? undefined
        : `Must be one of: ${field.enum.join(", ")}`;
    case "boolean":
      return typeof value === "boolean" ? undefined : "Invalid type. Expected: boolean";
    default:
      if (typeof value !== "number" || (field.type === "integer" && !Number.isInteger(value))) {
        return `Invalid type. Expected: ${field.type}`;
      }
      if (field.enum !== undefined && !field.enum.includes(value))
        return `Must be one of: ${field.enum.join(", ")}`;
      if (field.minimum !== undefined && value < field.minimum) {
        return `Must be greater than or equal to ${field.minimum}`;
      }
      return field.maximum !== undefined && value > field.maximum
        ? `Must be less than or equal to ${field.maximum}`
        : undefined;
  }
}

function fault(type: string, name: string, description: string): InvalidField {
  return { type, field: `input.${name}`, description };
}

function reconstructed(model: Model): InputSchema {
  const fields: Record<string, InputField> = {
    [model.prompt.parameter]: { type: "string" },
    [model.seed]: { type: "integer" },
  };
  if (model.negativePrompt !== null) fields[model.negativePrompt] = { type: "string" };
  if (model.outputs !== null) fields[model.outputs] = { type: "integer", minimum: 1, maximum: 4, default: 1 };
  if (model.steps !== null) {
    fields[model.steps.parameter] = { type: "integer", minimum: model.steps.min, maximum: model.steps.max };
  }
  if (model.guidanceScale !== null) {
    const { parameter, min, max } = model.guidanceScale;
    fields[parameter] = { type: "number", minimum: min, maximum: max };
  }
  for (const [name, value] of Object.entries(model.extras)) {
    fields[name] = { type: typeof value as "string" | "number" | "boolean" };
  }
  const { sizes } = model;
  if (sizes.kind === "range") {
    for (const name of [sizes.width, sizes.height]) {
      fields[name] = { type: "integer", minimum: sizes.min, maximum: sizes.max };
    }
  } else {
    const names = sizes.kind === "dimensions" ? sizes.values : Object.keys(sizes.values);
    fields[sizes.parameter] = { type: "string", enum: names };
  }
  return {
    model: model.model,
    version: model.version,
    reconstructed: true,
    required: [model.prompt.parameter],
    fields,
    output: model.outputs === null ? "single" : "list",
    ...(sizes.kind === "aspect" ? { aspects: sizes.values } : {}),
  };
}
