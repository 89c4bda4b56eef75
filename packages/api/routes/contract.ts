/** @module The API's own description, for programs and for people; without a token. */
import type { ApiApp } from "../context.ts";
import { type OpenApiDocument, openApiDocument } from "../openapi.ts";
import { REFERENCE_POLICY, referencePage } from "../reference-page.ts";

/** Added last: it describes every route before it, and not itself. */
export function addContractRoutes(app: ApiApp): void {
  let document: OpenApiDocument | undefined;
  let page: string | undefined;
  const documentAt = (baseUrl: string) => (document ??= openApiDocument(app, baseUrl));
  app.get("/openapi.json", (c) => {
    c.header("Cache-Control", "public, max-age=300");
    return c.json(documentAt(c.var.options.baseUrl));
  });
  app.get("/reference", (c) => {
    page ??= referencePage(documentAt(c.var.options.baseUrl));
    return c.html(page, 200, {
      "Cache-Control": "public, max-age=300",
      "Content-Security-Policy": REFERENCE_POLICY,
    });
  });
}
