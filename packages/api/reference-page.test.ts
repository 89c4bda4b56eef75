/** @module The reference as people read it: complete, linked in itself, to be used without eyes, a mouse or a wide screen. */
import { createHash } from "node:crypto";
import { ERROR_NAMES } from "@atelier/core/errors";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { expect, test } from "vitest";
import { routedApp } from "./app.ts";
import { openApiDocument } from "./openapi.ts";
import { REFERENCE_POLICY, referencePage } from "./reference-page.ts";

const BASE_URL = "https://atelier.test";
const document = openApiDocument(routedApp(), BASE_URL);
const page = referencePage(document);

interface Operation {
  readonly operationId: string;
  readonly security: readonly object[];
  readonly requestBody?: {
    readonly content: Readonly<
      Record<string, { example?: unknown; examples?: Readonly<Record<string, { value: unknown }>> }>
    >;
  };
}
const operations = Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
  Object.entries(item).map(([method, operation]) => ({ path, method, ...(operation as Operation) })),
);
const schemas = Object.entries(document.components?.schemas ?? {}) as [
  string,
  { properties?: Record<string, { description: string }> },
][];

const found = (pattern: RegExp, text = page) =>
  [...text.matchAll(pattern)].map(([whole, inner]) => inner ?? whole);
const unescaped = (html: string) =>
  html
    .replaceAll(/<[^>]+>/g, "")
    .replaceAll("&quot;", '"')
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&amp;", "&");
const sectionOf = (id: string) => {
  const [, rest = ""] = page.split(` aria-labelledby="${id}">`);
  return rest.split(/<\/article>|<\/section>/)[0] ?? "";
};

test("every link within it leads somewhere, and no place has the name of another", () => {
  const ids = found(/ id="([^"]+)"/g);
  expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([]);
  const targets = found(/ href="#([^"]+)"/g);
  expect(targets.length).toBeGreaterThan(200);
  expect(targets.filter((target) => !ids.includes(target))).toEqual([]);
  const places = [...operations.map(({ operationId }) => operationId), ...ERROR_NAMES];
  expect(places.filter((place) => !ids.includes(place))).toEqual([]);
});

test("every field of every schema stands in it, with what it is, and can be linked to", () => {
  for (const [name, { properties = {} }] of schemas) {
    for (const [field, { description }] of Object.entries(properties)) {
      const [, row = ""] = page.split(`id="${name}.${field}">`);
      const text = unescaped(row.split("</tr>")[0] ?? "");
      expect([name, field, text]).toEqual([
        name,
        field,
        expect.stringContaining(description.replaceAll("`", "")),
      ]);
    }
  }
});

test("types are told with their limits, other schemas are links", () => {
  const fields = unescaped(sectionOf("createRequest"));
  expect(fields).toContain("max_cost number, 0 to 1,000,000");
  expect(sectionOf("schemas")).toContain('array of <a href="#schema-Image">Image</a>');
  expect(unescaped(sectionOf("listImages"))).toContain("limit queryinteger, 1 to 200, default 50");
  expect(unescaped(sectionOf("schemas"))).toContain("created_at string (date-time)");
});

test.each(operations)(
  "$operationId: a call for a shell, with an example of each place and body",
  (operation) => {
    const { operationId, method, path, security, requestBody } = operation;
    const section = sectionOf(operationId);
    expect(section).toContain(`<span class="method">${method}</span> ${path}</code>`);
    const [curl = ""] = found(/<pre[^>]*><code>(curl[\s\S]*?)<\/code>/g, section).map(unescaped);
    const [, address = ""] = /'(https:[^']+)'/.exec(curl) ?? [];
    expect(address).not.toContain("{");
    const form = path.replaceAll(/\{\w+\}/g, "[^/]+");
    expect(new URL(address).pathname).toMatch(new RegExp(`^${form}$`));
    expect(curl.includes("$TOKEN")).toBe(security.length > 0);
    expect(curl.includes(" -d '")).toBe(requestBody !== undefined);
  },
);

test("examples are as their schemas say", () => {
  const ajv = new Ajv2020({ strict: false });
  addFormats.default(ajv);
  ajv.addSchema(document, "openapi");
  let count = 0;
  for (const { path, method, operationId } of operations) {
    const operation = document.paths?.[path]?.[method as "get"];
    const bodies = [
      ["requestBody", (operation as Operation).requestBody] as const,
      ...Object.entries(operation?.responses ?? {}).map(
        ([status, answer]) => [`responses/${status}`, answer as Operation["requestBody"]] as const,
      ),
    ];
    for (const [where, body] of bodies) {
      const json = body?.content?.["application/json"];
      const examples = [json?.example, ...Object.values(json?.examples ?? {}).map(({ value }) => value)];
      for (const example of examples.filter((each) => each !== undefined)) {
        const place = `${path.replaceAll("~", "~0").replaceAll("/", "~1")}`;
        const validate = ajv.getSchema(
          `openapi#/paths/${encodeURIComponent(place)}/${method}/${where}/content/application~1json/schema`,
        );
        expect([operationId, where, validate?.(example), validate?.errors]).toEqual([
          operationId,
          where,
          true,
          null,
        ]);
        count++;
      }
    }
  }
  expect(count).toBeGreaterThan(8);
});

test("is in order for who hears it or has no mouse: landmarks, headings, heads of rows and columns", () => {
  for (const landmark of ["header", "nav", "main"]) expect(page.split(`<${landmark}`)).toHaveLength(2);
  expect(page).toMatch(/<body>\s*<a class="skip" href="#main">/);
  const levels = found(/<h([1-6])[ >]/g, page.replace(/<nav[\s\S]*<\/nav>/, "")).map(Number);
  expect(levels[0]).toBe(1);
  expect(levels.filter((level, index) => level > (levels[index - 1] ?? 0) + 1)).toEqual([]);
  const tables = found(/<table[\s\S]*?<\/table>/g);
  expect(tables.length).toBeGreaterThan(60);
  for (const table of tables) {
    const rows = found(/<tr[\s\S]*?<\/tr>/g, table);
    expect(found(/<th scope="col"/g, rows[0])).toHaveLength(3);
    for (const row of rows.slice(1)) {
      expect([found(/<th scope="row"/g, row).length, found(/<td /g, row).length]).toEqual([1, 2]);
    }
  }
});

test("needs nothing but its own style, which its policy allows by its hash", () => {
  expect(page).not.toMatch(/<script|<link|<img|style=|\son\w+=|@import|url\(|href="(?!#|openapi\.json)/);
  const [style = ""] = found(/<style>([\s\S]*?)<\/style>/g);
  const hash = createHash("sha256").update(style).digest("base64");
  expect(REFERENCE_POLICY).toContain(`style-src 'sha256-${hash}'`);
  expect(found(/<style/g)).toHaveLength(1);
});
