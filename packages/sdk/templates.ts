/** @module Templates: what there is to ask for, and what it would make. */
import type { TemplateDocument, VariationDocument } from "./documents.ts";
import type { CallOptions } from "./images.ts";
import { allOf, pathWith } from "./path.ts";
import type { Transport } from "./transport.ts";

export interface Templates {
  /** A category that takes prompts of one's own only has a line whose `template` is null. */
  list(options?: CallOptions): Promise<TemplateDocument[]>;
  get(name: string, options?: CallOptions): Promise<TemplateDocument>;
  /** Nothing is bought; the same seed gives the same variations. 1 to 50 of them, default 5. */
  preview(
    name: string,
    options?: CallOptions & { readonly variations?: number; readonly seed?: number },
  ): Promise<VariationDocument[]>;
}

export function createTemplates(transport: Transport): Templates {
  const at = (name: string) => `/v1/templates/${encodeURIComponent(name)}`;
  return {
    list: ({ signal } = {}) => allOf<TemplateDocument>("/v1/templates", transport, signal),
    get: (name, { signal } = {}) =>
      transport.json<TemplateDocument>({ method: "GET", path: at(name), signal }),
    preview: (name, { signal, ...query } = {}) =>
      allOf<VariationDocument>(pathWith(`${at(name)}/preview`, query), transport, signal),
  };
}
