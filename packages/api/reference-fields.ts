/** @module Schemas of the document as tables of fields, in HTML: name with nesting, type with limits, what it is. */

/** As much of JSON Schema as the document uses. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly format?: string;
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly example?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly multipleOf?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly additionalProperties?: Schema | boolean;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
}
export type Schemas = Readonly<Record<string, Schema>>;

/** A cell of a table; `heads` is one that its row, or column, goes by. */
export interface Cell {
  readonly html: string;
  readonly heads?: "row";
  readonly id?: string;
}

/** On a narrow page rows are blocks, which takes from some browsers what a table is: the roles say so all the same. */
export function table(columns: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const head = columns.map((name) => `<th scope="col" role="columnheader">${name}</th>`).join("");
  const body = rows.map((cells) => `<tr role="row">${cells.map(cellText).join("")}</tr>`).join("\n");
  return `<table role="table"><thead role="rowgroup"><tr role="row">${head}</tr></thead><tbody role="rowgroup">
${body}
</tbody></table>`;
}

function cellText({ html, heads, id }: Cell): string {
  const named = id === undefined ? "" : ` id="${escaped(id)}"`;
  return heads === "row"
    ? `<th scope="row" role="rowheader"${named}>${html}</th>`
    : `<td role="cell"${named}>${html}</td>`;
}

/**
 * The tables of a schema: one, or one for each of its forms. A schema that is only named is taken from `schemas`; one that is
 * named further down is a link.
 *
 * @param use what a body has to have is noted, and what an answer may lack
 * @param prefix of the ids by which fields can be linked to; left out: they have none
 */
export function fieldTables(
  schema: Schema,
  schemas: Schemas,
  use: "body" | "answer",
  prefix?: string,
): string {
  const forms = schema.oneOf ?? schema.anyOf;
  if (forms) {
    const listed = forms.map((form) => {
      const { description = "" } = resolved(form, schemas);
      const name = form.$ref === undefined ? "" : `${link(form.$ref)}: `;
      return `<p>${name}${inline(description)}</p>\n${fieldTables(form, schemas, use)}`;
    });
    return `<p>One of these:</p>\n${listed.join("\n")}`;
  }
  const rows = fieldsOf(resolved(schema, schemas), "").map(({ parents, name, field, isRequired }) => {
    const isNoted = isRequired === (use === "body");
    const note = isNoted ? `<span class="note">${use === "body" ? "required" : "may be missing"}</span>` : "";
    return [
      {
        html: `<code><span class="parents">${escaped(parents)}</span>${escaped(name)}</code> ${note}`,
        heads: "row" as const,
        ...(prefix !== undefined && { id: `${prefix}.${parents}${name}` }),
      },
      { html: typeText(field) },
      { html: inline(field.description ?? "") },
    ];
  });
  return rows.length === 0 ? `<p>${typeText(schema)}</p>` : table(["Field", "Type", "What it is"], rows);
}

function resolved(schema: Schema, schemas: Schemas): Schema {
  return (schema.$ref === undefined ? undefined : schemas[nameOf(schema.$ref)]) ?? schema;
}

interface Field {
  /** Such as `metadata.` or `renditions[].` */
  readonly parents: string;
  readonly name: string;
  readonly field: Schema;
  readonly isRequired: boolean;
}

function fieldsOf({ properties = {}, required = [] }: Schema, parents: string): Field[] {
  return Object.entries(properties).flatMap(([name, field]) => [
    { parents, name, field, isRequired: required.includes(name) },
    ...innerFields(field, `${parents}${name}`),
  ]);
}

function innerFields(field: Schema, path: string): Field[] {
  const { items, additionalProperties } = field;
  return [
    ...fieldsOf(field, `${path}.`),
    ...(items ? innerFields(items, `${path}[]`) : []),
    ...(typeof additionalProperties === "object" ? innerFields(additionalProperties, `${path}.*`) : []),
  ];
}

/** "integer or null, 1 to 200, default 50"; another schema is a link. */
export function typeText(schema: Schema): string {
  return [kindText(schema), ...limitsOf(schema)].join(", ");
}

function kindText(schema: Schema): string {
  const { $ref, format, items, additionalProperties } = schema;
  const forms = schema.anyOf ?? schema.oneOf;
  if ($ref !== undefined) return link($ref);
  if (forms) return forms.map(kindText).join(" or ");
  if (schema.enum) return schema.enum.map((value) => code(JSON.stringify(value))).join(" or ");
  const types = [schema.type ?? "anything"].flat().map((type) => {
    if (type === "array" && items) return `array of ${kindText(items)}`;
    if (type === "object" && typeof additionalProperties === "object") {
      return `map of names to ${kindText(additionalProperties)}`;
    }
    return type !== "null" && format !== undefined ? `${type} (${escaped(format)})` : type;
  });
  return types.join(" or ");
}

function limitsOf(schema: Schema): string[] {
  const { multipleOf, pattern } = schema;
  return [
    ...rangeOf(schema.minimum, schema.maximum, ""),
    ...rangeOf(schema.minLength, schema.maxLength, " characters"),
    ...(multipleOf === undefined ? [] : [`a multiple of ${multipleOf}`]),
    ...(pattern === undefined ? [] : [`as ${code(pattern)}`]),
    ...(schema.example === undefined ? [] : [`such as ${code(String(schema.example))}`]),
    ...(schema.default === undefined ? [] : [`default ${code(JSON.stringify(schema.default))}`]),
  ];
}

function rangeOf(min: number | undefined, max: number | undefined, unit: string): string[] {
  const [from, to] = [min, max].map((end) => end?.toLocaleString("en-US"));
  if (from !== undefined && to !== undefined) return [`${from} to ${to}${unit}`];
  if (from !== undefined) return [`${from}${unit} or more`];
  return to === undefined ? [] : [`${to}${unit} at most`];
}

/** To the section of a schema. @param reference `#/components/schemas/Image` */
export function link(reference: string): string {
  const name = escaped(nameOf(reference));
  return `<a href="#schema-${name}">${name}</a>`;
}

export function nameOf(reference: string): string {
  return reference.slice(reference.lastIndexOf("/") + 1);
}

/** Descriptions are a little Markdown: code, paragraphs and lists. In a line: */
export function inline(text: string): string {
  return escaped(text)
    .replaceAll(/`([^`]*)`/g, "<code>$1</code>")
    .replaceAll("\n\n", "<br>");
}

/** As blocks. */
export function prose(text: string): string {
  const blocks = text.split("\n\n").filter((block) => block !== "");
  return blocks.map((block) => (block.startsWith("- ") ? list(block) : `<p>${inline(block)}</p>`)).join("\n");
}

function list(block: string): string {
  const lines = block.split("\n").map((line) => `<li>${inline(line.replace(/^- /, ""))}</li>`);
  return `<ul>${lines.join("\n")}</ul>`;
}

export function code(text: string): string {
  return `<code>${escaped(text)}</code>`;
}

export function escaped(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
