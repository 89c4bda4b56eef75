/** @module What the API's own document says of each operation, as the suite reads it: a new route is attacked by being there. */
import { routedApp } from "@atelier/api/app";
import { openApiDocument } from "@atelier/api/openapi";
import { SCOPES, type Scope } from "@atelier/core/caller";
import * as z from "zod";

/** JSON Schema, as far as bodies are made from it. */
export interface Schema {
  readonly $ref?: string;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly multipleOf?: number;
}

export interface Operation {
  /** `operationId` */
  readonly id: string;
  readonly method: string;
  /** With places in braces: `/v1/images/{id}` */
  readonly path: string;
  /** Null: no token is needed. */
  readonly scope: Scope | null;
  /** False: whatever stands in a query is passed over. */
  readonly hasQuery: boolean;
  /** Null: it takes no body. */
  readonly body: Schema | null;
  /** Statuses that the document lists. */
  readonly statuses: readonly number[];
}

const operationSchema = z.object({
  operationId: z.string(),
  parameters: z.array(z.object({ in: z.string() })).default([]),
  security: z.array(z.object({ bearer: z.tuple([z.enum(SCOPES)]) })),
  requestBody: z
    .object({ content: z.object({ "application/json": z.object({ schema: z.custom<Schema>() }) }) })
    .optional(),
  responses: z.record(z.string(), z.unknown()),
});

const documentSchema = z.object({
  paths: z.record(z.string(), z.record(z.string(), operationSchema)),
  components: z.object({ schemas: z.record(z.string(), z.custom<Schema>()) }),
});

export const DOCUMENT = openApiDocument(routedApp(), "http://127.0.0.1");
const read = documentSchema.parse(JSON.parse(JSON.stringify(DOCUMENT)));

export const OPERATIONS: readonly Operation[] = Object.entries(read.paths).flatMap(([path, item]) =>
  Object.entries(item).map(([method, operation]) => ({
    id: operation.operationId,
    method: method.toUpperCase(),
    path,
    scope: operation.security[0]?.bearer[0] ?? null,
    hasQuery: operation.parameters.some((parameter) => parameter.in === "query"),
    body: operation.requestBody?.content["application/json"].schema ?? null,
    statuses: Object.keys(operation.responses).map(Number),
  })),
);

/** What a reference of the document stands for. */
export function resolved(schema: Schema): Schema {
  const name = schema.$ref?.split("/").at(-1);
  const target = name === undefined ? schema : read.components.schemas[name];
  if (!target) throw new Error(`The document has no schema ${name}.`);
  return target;
}
