/** @module `docs/openapi.json` says what the routes say, and is OpenAPI 3.1 to an independent validator. */
import { readFile } from "node:fs/promises";
import { EXCLUSION_REASONS } from "@atelier/core/routing";
import { Validator } from "@seriousme/openapi-schema-validator";
import { expect, test } from "vitest";
import { OPENAPI_FILE, openApiText } from "../scripts/openapi.ts";

test("the document is made from the routes (run `node scripts/run.mjs scripts/openapi.ts` after changing them)", async () => {
  expect(await readFile(OPENAPI_FILE, "utf8")).toBe(openApiText());
});

test("the document is valid", async () => {
  const result = await new Validator().validate(JSON.parse(openApiText()));
  expect(result.errors ?? []).toEqual([]);
  expect(result.valid).toBe(true);
});

/** As much of the document as is walked through here. */
interface Described {
  readonly description?: string;
  readonly $ref?: string;
  readonly properties?: Readonly<Record<string, Described>>;
  readonly items?: Described;
  readonly additionalProperties?: Described | boolean;
  readonly anyOf?: readonly Described[];
  readonly oneOf?: readonly Described[];
  readonly allOf?: readonly Described[];
}
type Content = Readonly<Record<string, { readonly schema?: Described }>>;
interface Answer extends Described {
  readonly content?: Content;
  readonly headers?: Readonly<Record<string, Described>>;
}
interface Operation extends Described {
  readonly operationId: string;
  readonly parameters?: readonly (Described & { readonly name: string; readonly schema?: Described })[];
  readonly requestBody?: { readonly content: Content };
  readonly responses: Readonly<Record<string, Answer>>;
}
interface Document {
  readonly components: { readonly schemas: Record<string, Described> };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

/** Everything of the document that has to say what it is, by where it stands. */
function* describedParts({ components, paths }: Document): Generator<[where: string, part: Described]> {
  for (const [name, schema] of Object.entries(components.schemas)) {
    yield [name, schema];
    yield* propertiesOf(schema, name);
  }
  for (const operation of Object.values(paths).flatMap((item) => Object.values(item))) {
    const { operationId, parameters = [], requestBody, responses } = operation;
    for (const parameter of parameters) {
      yield [`${operationId} ${parameter.name}`, parameter];
      yield* propertiesOf(parameter.schema, `${operationId} ${parameter.name}`);
    }
    yield* contentOf(requestBody?.content, operationId);
    for (const [status, answer] of Object.entries(responses)) {
      yield [`${operationId} ${status}`, answer];
      for (const [name, header] of Object.entries(answer.headers ?? {})) {
        yield [`${operationId} ${status} ${name}`, header];
      }
      yield* contentOf(answer.content, `${operationId} ${status}`);
    }
  }
}

function* contentOf(content: Content = {}, where: string): Generator<[string, Described]> {
  for (const { schema } of Object.values(content)) yield* propertiesOf(schema, where);
}

function* propertiesOf(schema: Described | undefined, where: string): Generator<[string, Described]> {
  if (schema === undefined) return;
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    yield [`${where}.${name}`, property];
    yield* propertiesOf(property, `${where}.${name}`);
  }
  yield* propertiesOf(schema.items, `${where}[]`);
  if (typeof schema.additionalProperties === "object") {
    yield* propertiesOf(schema.additionalProperties, `${where}.*`);
  }
  for (const form of [schema.anyOf, schema.oneOf, schema.allOf].flatMap((forms) => forms ?? [])) {
    yield* propertiesOf(form, where);
  }
}

function undescribed(document: Document): string[] {
  return [...describedParts(document)]
    .filter(([, { description = "" }]) => description.trim() === "")
    .map(([where]) => where);
}

const TEXT = openApiText();
const documentNow = (): Document => JSON.parse(TEXT);

test("every schema, property, parameter and answer of the document says what it is", () => {
  expect(undescribed(documentNow())).toEqual([]);
});

/** Found without knowing what a document looks like: whatever stands under `properties`, at any depth. */
function propertiesAnywhere(value: unknown): { description?: string }[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => [
    ...(name === "properties" ? Object.values<{ description?: string }>(inner) : []),
    ...propertiesAnywhere(inner),
  ]);
}

test("a property that says nothing is found, wherever it stands", () => {
  const document = documentNow();
  const properties = propertiesAnywhere(document);
  expect(properties.length).toBeGreaterThan(400);
  for (const property of properties) {
    const { description = "" } = property;
    property.description = " ";
    expect(undescribed(document)).toHaveLength(1);
    property.description = description;
  }
});

test("a schema, a parameter or an answer that says nothing is found", () => {
  const { description: _, ...rest } = documentNow().components.schemas.Image ?? {};
  const document = documentNow();
  document.components.schemas.Image = rest;
  expect(undescribed(document)).toEqual(["Image"]);
  const operation = documentNow().paths["/v1/images/{id}"]?.get;
  if (!operation) throw new Error("There is no such operation.");
  const { parameters = [], responses } = operation;
  const get = {
    ...operation,
    parameters: parameters.map(({ description: __, ...parameter }) => parameter),
    responses: { ...responses, 304: { description: "" } },
  };
  expect(undescribed({ ...documentNow(), paths: { "/v1/images/{id}": { get } } })).toEqual([
    "getImage id",
    "getImage if-none-match",
    "getImage 304",
  ]);
});

test("reasons for passing a model over are explained, each one", () => {
  const [, reason] =
    [...describedParts(documentNow())].find(([where]) => where === "Image.excluded[].reason") ?? [];
  for (const name of EXCLUSION_REASONS) expect(reason?.description).toContain(`\`${name}\``);
});
