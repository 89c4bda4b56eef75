/** @module The reference as a page: made from the document, without scripts or anything from elsewhere. */
import { createHash } from "node:crypto";
import { ERRORS } from "@atelier/core/error-table";
import { ERROR_NAMES } from "@atelier/core/errors";
import * as z from "zod";
import type { OpenApiDocument } from "./openapi.ts";
import { remedyOverHttp } from "./over-http.ts";

const STYLE = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
code, pre { font: 0.9em ui-monospace, monospace; }
pre { overflow-x: auto; padding: 0.75rem; border: 1px solid #8884; border-radius: 6px; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: 0.25rem 0.75rem 0.25rem 0; border-top: 1px solid #8884; }
h2 { margin-top: 3rem; } h3 { margin-top: 2rem; }
.method { font-weight: 700; text-transform: uppercase; }
.scope { opacity: 0.75; }
`;

/** Nothing but the style above, by its hash. */
export const REFERENCE_POLICY = `default-src 'none'; style-src 'sha256-${createHash("sha256").update(STYLE).digest("base64")}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

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
        schema: z.looseObject({}).default({}),
      }),
    )
    .default([]),
  requestBody: z.object({ content: z.record(z.string(), z.looseObject({})) }).optional(),
  responses: z.record(z.string(), z.object({ description: z.string() })),
});
type Operation = z.output<typeof operationSchema> & { readonly method: string; readonly path: string };

export function referencePage(document: OpenApiDocument): string {
  const operations = operationsOf(document);
  const sections = (document.tags ?? []).map(
    ({ name, description = "" }) => `<h2 id="${escaped(name)}">${escaped(name)}</h2>
<p>${prose(description)}</p>
${operations
  .filter(({ tags }) => tags.includes(name))
  .map(operationSection)
  .join("\n")}`,
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
<h1>Atelier</h1>
<p>${prose(document.info.description ?? "")}</p>
<p>The same as OpenAPI 3.1: <a href="openapi.json">openapi.json</a>.</p>
<ul>
${operations.map(({ operationId, method, path, summary }) => `<li><a href="#${operationId}"><code><span class="method">${method}</span> ${escaped(path)}</code></a> ${escaped(summary)}</li>`).join("\n")}
</ul>
${sections.join("\n")}
<h2 id="schemas">Schemas</h2>
${Object.entries(document.components?.schemas ?? {})
  .map(
    ([name, schema]) =>
      `<details id="schema-${escaped(name)}"><summary><code>${escaped(name)}</code></summary><pre>${json(schema)}</pre></details>`,
  )
  .join("\n")}
<h2 id="errors">Errors</h2>
${ERROR_NAMES.map((name) => `<h3 id="${name}">${name} (${ERRORS[name].httpStatus})</h3>\n<p>${prose(ERRORS[name].meaning)} ${prose(remedyOverHttp(name))}</p>`).join("\n")}
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

function operationSection(operation: Operation): string {
  const { operationId, method, path, summary, description, security, parameters, requestBody, responses } =
    operation;
  const scopes = security.flatMap((each) => Object.values(each).flat());
  return `<h3 id="${operationId}"><code><span class="method">${method}</span> ${escaped(path)}</code></h3>
<p>${escaped(summary)}. ${prose(description)}</p>
<p class="scope">${scopes.length === 0 ? "Without a token." : `Scope <code>${escaped(scopes.join(" "))}</code>.`}</p>
${parameters.length === 0 ? "" : table(parameters.map(({ name, in: place, required, description: about, schema }) => [`<code>${escaped(name)}</code>`, `${escaped(place)}${required ? ", required" : ""}`, `${prose(about)} ${kindOf(schema)}`]))}
${requestBody ? `<pre>${json(requestBody.content["application/json"])}</pre>` : ""}
${table(Object.entries(responses).map(([status, { description: about }]) => [status, prose(about)]))}`;
}

function kindOf(schema: Readonly<Record<string, unknown>>): string {
  if (Array.isArray(schema.enum))
    return schema.enum.map((value) => `<code>${escaped(String(value))}</code>`).join(" ");
  return typeof schema.type === "string" ? `<code>${escaped(schema.type)}</code>` : "";
}

function table(rows: readonly (readonly string[])[]): string {
  return `<table>${rows.map((cells) => `<tr>${cells.map((cell) => `<td>${cell}</td>`).join("")}</tr>`).join("\n")}</table>`;
}

/** Descriptions are a little Markdown: code and paragraphs. */
function prose(text: string): string {
  return escaped(text)
    .replaceAll(/`([^`]*)`/g, "<code>$1</code>")
    .replaceAll("\n\n", "<br>");
}

function json(value: unknown): string {
  return escaped(JSON.stringify(value, null, 2) ?? "");
}

function escaped(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
