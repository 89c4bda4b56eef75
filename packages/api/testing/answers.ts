/** @module Answers held against the document by an independent validator (Ajv, JSON Schema 2020-12, which OpenAPI 3.1 is). */

import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { methodsByPath } from "../boundary.ts";
import type { OpenApiDocument } from "../openapi.ts";
import { OF_THE_COMMAND_LINE } from "../over-http.ts";
import { PROBLEM_TYPE, problemSchema } from "../problem.ts";

/** Without bodies that a schema could describe. */
const BODILESS = [204, 304];

/** @returns throws when an answer is not as the document says: an unknown status, another content type, another shape */
export function answerChecker(document: OpenApiDocument) {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  addFormats.default(ajv);
  ajv.addSchema(document, "openapi");
  const paths = Object.entries(document.paths ?? {}).map(([path, item]) => {
    const methodsOf = methodsByPath([{ path: path.replaceAll(/\{(.+?)\}/g, ":$1"), method: "GET" }]);
    return {
      path,
      item: item as Record<string, { responses: Record<string, { content?: object }> }>,
      isAt: (address: string) => methodsOf(address).length > 0,
    };
  });

  return async (method: string, address: string, answer: Response): Promise<void> => {
    const found = paths.filter(({ isAt }) => isAt(address)).find(({ item }) => item[method.toLowerCase()]);
    if (!found) return;
    const { path, item } = found;
    const operation = item[method.toLowerCase()];
    const where = `${method} ${path} -> ${answer.status}`;
    const response = operation?.responses[answer.status];
    if (!response) throw new Error(`${where} is not documented.`);
    const type = (answer.headers.get("content-type") ?? "").split(";")[0] ?? "";
    const documented = Object.keys(response.content ?? {});
    if (BODILESS.includes(answer.status) || documented.length === 0) return;
    if (!documented.includes(type))
      throw new Error(`${where} is ${type}, but documented as ${documented.join(", ")}.`);
    if (!/[/+]json$/.test(type)) return;
    const pointerPart = (part: string) =>
      encodeURIComponent(part.replaceAll("~", "~0").replaceAll("/", "~1"));
    const at = [
      "paths",
      path,
      method.toLowerCase(),
      "responses",
      String(answer.status),
      "content",
      type,
      "schema",
    ];
    const validate = ajv.getSchema(`openapi#/${at.map(pointerPart).join("/")}`);
    if (!validate) throw new Error(`${where} has no schema.`);
    if (type === PROBLEM_TYPE) {
      const { detail, remedy } = problemSchema.parse(await answer.clone().json());
      const said = [detail, remedy].find((each) => OF_THE_COMMAND_LINE.test(each));
      if (said !== undefined) throw new Error(`${where} speaks of the command line: ${said}`);
    }
    if (!validate(await answer.clone().json())) {
      throw new Error(`${where} is not as documented: ${ajv.errorsText(validate.errors)}`);
    }
  };
}
