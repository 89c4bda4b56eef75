/** @module The reference as a page: made from the document, without scripts or anything from elsewhere. */
import { createHash } from "node:crypto";
import { ERRORS } from "@atelier/core/error-table";
import { ERROR_NAMES, isErrorName } from "@atelier/core/errors";
import * as z from "zod";
import type { OpenApiDocument } from "./openapi.ts";
import { remedyOverHttp } from "./over-http.ts";
import {
  code,
  escaped,
  fieldTables,
  inline,
  link,
  nameOf,
  prose,
  type Schema,
  type Schemas,
  table,
  typeText,
} from "./reference-fields.ts";

const STYLE = `
:root { color-scheme: light dark; --line: #8884; --soft: #8881; --link: #0b57d0; font: 16px/1.5 system-ui, sans-serif; }
@media (prefers-color-scheme: dark) { :root { --link: #8ab4f8; } }
* { box-sizing: border-box; }
html { scroll-padding-top: 1rem; }
body { margin: 0 auto; padding: 1rem; max-width: 84rem; }
a { color: var(--link); }
.skip { position: absolute; left: -99rem; }
.skip:focus { left: 1rem; top: 1rem; padding: 0.5rem; background: Canvas; z-index: 1; }
nav { border: 1px solid var(--line); border-radius: 6px; padding: 0 1rem; max-height: 45vh; overflow-y: auto; font-size: 0.9rem; }
nav h2 { font-size: 1rem; margin: 1rem 0 0; }
nav h3 { font-size: 0.9rem; margin: 0.75rem 0 0.25rem; }
nav ul { list-style: none; margin: 0 0 0.5rem; padding: 0; }
nav li { padding: 0.1rem 0; overflow-wrap: anywhere; }
h2 { margin: 3rem 0 0.5rem; }
h3 { margin: 2.5rem 0 0.25rem; }
h4 { margin: 1.25rem 0 0.25rem; }
.address { margin: 0.25rem 0; }
.method { font-weight: 700; text-transform: uppercase; }
.note, .parents { opacity: 0.75; }
.note { font-weight: 400; font-size: 0.85em; }
code, pre { font: 0.875em ui-monospace, monospace; }
code { overflow-wrap: anywhere; }
pre { overflow-x: auto; padding: 0.75rem; margin: 0.5rem 0; border: 1px solid var(--line); border-radius: 6px; background: var(--soft); }
tbody th code { font-weight: 600; }
.parents { font-weight: 400; }
summary { cursor: pointer; margin: 0.5rem 0; }
pre code { font-size: 1em; overflow-wrap: normal; }
table { border-collapse: collapse; width: 100%; font-size: 0.9rem; }
th, td { text-align: left; vertical-align: top; padding: 0.35rem 1rem 0.35rem 0; border-top: 1px solid var(--line); overflow-wrap: anywhere; }
thead th { border-top: 0; }
tbody th { font-weight: 600; width: 30%; }
td:nth-child(2) { width: 26%; }
:target { background: #fc03; }
@media (min-width: 64rem) {
  .page { display: grid; grid-template-columns: 19rem minmax(0, 1fr); gap: 2.5rem; align-items: start; }
  nav { position: sticky; top: 1rem; max-height: calc(100vh - 2rem); }
}
@media (max-width: 40rem) {
  table, tbody, tr, tbody th, tbody td { display: block; width: auto; }
  thead { position: absolute; left: -99rem; }
  tbody tr { border-top: 1px solid var(--line); padding: 0.5rem 0; }
  tbody th, tbody td, td:nth-child(2) { border: 0; padding: 0; width: auto; }
}
`;

/** Nothing but the style above, by its hash. */
export const REFERENCE_POLICY = `default-src 'none'; style-src 'sha256-${createHash("sha256").update(STYLE).digest("base64")}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

const schemaSchema = z.custom<Schema>((value) => typeof value === "object" && value !== null);
const contentSchema = z.record(
  z.string(),
  z.object({
    schema: schemaSchema.default({}),
    example: z.unknown().optional(),
    examples: z
      .record(z.string(), z.object({ summary: z.string().default(""), value: z.unknown() }))
      .default({}),
  }),
);
type Content = z.output<typeof contentSchema>;

/** What the page reads of an operation. */
const operationSchema = z.object({
  operationId: z.string(),
  tags: z.array(z.string()),
  summary: z.string(),
  description: z.string().default(""),
  security: z.array(z.record(z.string(), z.array(z.string()))).default([]),
  parameters: z
    .array(
      z.object({
        name: z.string(),
        in: z.string(),
        required: z.boolean().default(false),
        description: z.string().default(""),
        schema: schemaSchema.default({}),
      }),
    )
    .default([]),
  requestBody: z.object({ content: contentSchema }).optional(),
  responses: z.record(
    z.string(),
    z.object({
      description: z.string(),
      headers: z.record(z.string(), z.object({ description: z.string() })).default({}),
      content: contentSchema.default({}),
    }),
  ),
});
type Operation = z.output<typeof operationSchema> & { readonly method: string; readonly path: string };

export function referencePage(document: OpenApiDocument): string {
  const operations = operationsOf(document);
  const schemas = (document.components?.schemas ?? {}) as Schemas;
  const baseUrl = document.servers?.[0]?.url ?? "";
  const bodies = bodyNames(operations);
  const tags = (document.tags ?? []).map(({ name, description = "" }) => ({
    name,
    description,
    operations: operations.filter((operation) => operation.tags.includes(name)),
  }));
  const sections = tags.map(
    (tag) => `<section aria-labelledby="${escaped(tag.name)}">
<h2 id="${escaped(tag.name)}">${titled(tag.name)}</h2>
${prose(tag.description)}
${tag.operations.map((operation) => operationSection(operation, schemas, baseUrl)).join("\n")}
</section>`,
  );
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Atelier: reference of the API</title>
<style>${STYLE}</style>
</head>
<body>
<a class="skip" href="#main">Skip the contents</a>
<header>
<h1>${escaped(document.info.title)}: reference of the API</h1>
<p>Release ${escaped(document.info.version)}, at ${code(baseUrl)}. The same for programs, as OpenAPI 3.1: <a href="openapi.json">openapi.json</a>.</p>
</header>
<div class="page">
<nav aria-labelledby="contents">
<h2 id="contents">Contents</h2>
${contentsList([["begin", "To begin with"]])}
${tags.map(({ name, operations: own }) => `<h3><a href="#${escaped(name)}">${titled(name)}</a></h3>\n${contentsList(own.map(({ operationId, summary }) => [operationId, summary]))}`).join("\n")}
<h3><a href="#schemas">Schemas</a></h3>
${contentsList(Object.keys(schemas).map((name) => [`schema-${name}`, name]))}
<h3><a href="#errors">Errors</a></h3>
</nav>
<main id="main" tabindex="-1">
<section aria-labelledby="begin">
<h2 id="begin">To begin with</h2>
${prose(document.info.description ?? "")}
${securityText(document)}
</section>
${sections.join("\n")}
<section aria-labelledby="schemas">
<h2 id="schemas">Schemas</h2>
<p>A field of an answer is always there unless it says otherwise.</p>
${Object.entries(schemas)
  .map(
    ([name, schema]) =>
      `<h3 id="schema-${escaped(name)}">${escaped(name)}</h3>\n${prose(schema.description ?? "")}\n${fieldTables(schema, schemas, bodies.has(name) ? "body" : "answer", name)}`,
  )
  .join("\n")}
</section>
<section aria-labelledby="errors">
<h2 id="errors">Errors</h2>
<p>Every answer from 400 on is a ${link("Problem")} with one of these names.</p>
${table(
  ["Name", "Status", "What it means, and what to do"],
  ERROR_NAMES.map((name) => [
    { html: code(name), heads: "row", id: name },
    { html: String(ERRORS[name].httpStatus) },
    { html: `${inline(ERRORS[name].meaning)} ${inline(remedyOverHttp(name))}` },
  ]),
)}
</section>
</main>
</div>
</body>
</html>
`;
}

function operationsOf(document: OpenApiDocument): Operation[] {
  return Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({
      ...operationSchema.parse(operation),
      method,
      path,
    })),
  );
}

/** Schemas that are sent. */
function bodyNames(operations: readonly Operation[]): ReadonlySet<string> {
  const sent = operations.flatMap(({ requestBody }) => Object.values(requestBody?.content ?? {}));
  return new Set(
    sent.flatMap(({ schema }) =>
      [schema, ...(schema.anyOf ?? [])].flatMap(({ $ref }) => ($ref === undefined ? [] : [nameOf($ref)])),
    ),
  );
}

function contentsList(links: readonly (readonly [id: string, text: string])[]): string {
  return `<ul>${links.map(([id, text]) => `<li><a href="#${escaped(id)}">${escaped(text)}</a></li>`).join("\n")}</ul>`;
}

function securityText({ components }: OpenApiDocument): string {
  return Object.values(components?.securitySchemes ?? {})
    .map((scheme) => prose(("description" in scheme && scheme.description) || ""))
    .join("\n");
}

function operationSection(operation: Operation, schemas: Schemas, baseUrl: string): string {
  const { operationId, method, path, summary, description, security, parameters, requestBody } = operation;
  const scopes = security.flatMap((each) => Object.values(each).flat());
  const id = escaped(operationId);
  return `<article aria-labelledby="${id}">
<h3 id="${id}">${escaped(summary)}</h3>
<p class="address"><code><span class="method">${escaped(method)}</span> ${escaped(path)}</code></p>
${prose(description)}
<p>${scopes.length === 0 ? "Needs no token." : `Needs the scope ${code(scopes.join(" "))}.`}</p>
<pre tabindex="0" aria-label="Example for curl"><code>${escaped(curlOf(operation, baseUrl))}</code></pre>
${parameters.length === 0 ? "" : `<h4>Parameters</h4>\n${parametersTable(parameters)}`}
${requestBody ? `<h4>Body</h4>\n${contentText(requestBody.content, schemas, "body")}` : ""}
${answersText(operation, schemas)}
</article>`;
}

function parametersTable(parameters: Operation["parameters"]): string {
  const rows = parameters.map(({ name, in: place, required, description, schema }) => [
    {
      html: `${code(name)} <span class="note">${escaped(place)}${required ? ", required" : ""}</span>`,
      heads: "row" as const,
    },
    { html: typeText(schema) },
    { html: inline(description) },
  ]);
  return table(["Parameter", "Type", "What it is"], rows);
}

/** What goes well, with its fields; what does not, folded: it is much the same everywhere. */
function answersText({ responses }: Operation, schemas: Schemas): string {
  const answers = Object.entries(responses);
  const problems = answers.filter(([status]) => status >= "400");
  const successes = answers.filter(([status]) => status < "400");
  const bodies = successes.filter(([, { content }]) => Object.keys(content).length > 0);
  return `<h4>Answers</h4>
${answersTable(successes)}
<details><summary>Problems: ${problems.map(([status]) => status).join(", ")}</summary>
${answersTable(problems)}
</details>
${bodies.map(([status, { content }]) => `<h4>Body of ${status}</h4>\n${contentText(content, schemas, "answer")}`).join("\n")}`;
}

function answersTable(answers: readonly (readonly [string, Operation["responses"][string]])[]): string {
  const rows = answers.map(([status, { description, headers, content }]) => [
    { html: status, heads: "row" as const },
    { html: bodiesText(content) },
    {
      html: [
        linkedProblems(description),
        ...Object.entries(headers).map(([name, header]) => `${code(name)}: ${inline(header.description)}`),
      ].join("<br>"),
    },
  ]);
  return table(["Status", "Body", "When"], rows);
}

/** "application/json: Image" */
function bodiesText(content: Content): string {
  const bodies = Object.entries(content).map(([type, { schema }]) =>
    schema.$ref === undefined
      ? escaped(type)
      : `${link(schema.$ref)} <span class="note">${escaped(type)}</span>`,
  );
  return bodies.length === 0 ? "none" : bodies.join("<br>");
}

/** Of an answer; those of a larger one are folded: its schema's section shows them. */
const FIELDS_SHOWN_MAX = 6;

/** Types with fields as tables, with their examples. */
function contentText(content: Content, schemas: Schemas, use: "body" | "answer"): string {
  return Object.entries(content)
    .map(([type, { schema, example, examples }]) => {
      const { $ref } = schema;
      const tables = fieldTables(schema, schemas, use);
      const name = $ref === undefined ? "" : nameOf($ref);
      const { properties = {} } = schemas[name] ?? {};
      const isLong = use === "answer" && Object.keys(properties).length > FIELDS_SHOWN_MAX;
      const shown = [
        ...(example === undefined ? [] : [{ summary: "Example", value: example }]),
        ...Object.values(examples),
      ];
      return `<p>${code(type)}${$ref === undefined ? "" : `: ${link($ref)}`}</p>
${isLong ? `<details><summary>Fields of ${escaped(name)}</summary>\n${tables}\n</details>` : tables}
${shown.map(exampleText).join("\n")}`;
    })
    .join("\n");
}

function exampleText({ summary, value }: { readonly summary: string; readonly value?: unknown }): string {
  const text = typeof value === "string" ? value : JSON.stringify(value, null, 2);
  return `<p>${escaped(summary)}:</p>\n<pre tabindex="0" aria-label="${escaped(summary)}"><code>${escaped(text)}</code></pre>`;
}

/** Names of errors lead to what they mean. */
function linkedProblems(description: string): string {
  return inline(description).replaceAll(/<code>(\w+)<\/code>/g, (text, name: string) =>
    isErrorName(name) ? `<a href="#${name}">${text}</a>` : text,
  );
}

/** With the examples of the document; the token is the shell's. */
function curlOf(operation: Operation, baseUrl: string): string {
  const { method, path, security, parameters, requestBody, responses } = operation;
  const address = path.replaceAll(/\{(\w+)\}/g, (place, name: string) => {
    const example = parameters.find((parameter) => parameter.name === name)?.schema.example;
    return example === undefined ? place : encodeURIComponent(String(example)).replaceAll("%3A", ":");
  });
  const { example, examples } = requestBody?.content["application/json"] ?? {};
  const body = example ?? Object.values(examples ?? {})[0]?.value;
  const isStream = responses["200"]?.content["text/event-stream"] !== undefined;
  const options = `${isStream ? " -N" : ""}${method === "get" ? "" : ` -X ${method.toUpperCase()}`}`;
  return [
    `curl${options} ${quoted(baseUrl + address)}`,
    ...(security.length === 0 ? [] : ['-H "Authorization: Bearer $TOKEN"']),
    ...(body === undefined
      ? []
      : [`-H 'Content-Type: application/json'`, `-d ${quoted(JSON.stringify(body))}`]),
  ].join(" \\\n  ");
}

/** For a shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function titled(name: string): string {
  return escaped(name.charAt(0).toUpperCase() + name.slice(1));
}
