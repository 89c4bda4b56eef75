/** @module The contract: OpenAPI 3.1, made from the routes. `docs/openapi.json` is this document; a test compares the two. */
import { SCOPES, type Scope } from "@atelier/core/caller";
import type { ApiApp } from "./context.ts";
import { BEARER_SCHEME } from "./route.ts";
import { VERSION } from "./version.ts";

/** What each scope lets its caller do. */
const SCOPE_MEANINGS: Readonly<Record<Scope, string>> = {
  "requests:write": "ask for images; cancel what one asked for",
  "requests:read": "see requests",
  "requests:all": "requests and images of other callers, too",
  "images:read": "see images",
  "images:write": "make versions, choose the current one, erase images",
  "images:review": "decide about images in quarantine",
  "prompts:read": "the text of prompts; without it documents carry null",
  "catalogue:read": "templates, models, terms",
  "plan:read": "the calendar",
  "budgets:read": "budgets",
  "budgets:write": "change budgets",
  "audit:read": "the audit",
  "privacy:write": "export and erase what is kept about a subject",
  "metrics:read": "metrics",
};

const TAGS: readonly { readonly name: string; readonly description: string }[] = [
  { name: "requests", description: "Asking for images and watching them come." },
  { name: "images", description: "Finding, seeing, making anew and erasing images." },
  { name: "reviews", description: "Deciding about images in quarantine." },
  { name: "catalogue", description: "Templates, models and their terms." },
  { name: "budgets", description: "What may be spent." },
  { name: "plan", description: "The calendar and what it asked for." },
  { name: "audit", description: "What happened, and who did it." },
  { name: "privacy", description: "What is kept about a subject." },
  { name: "operations", description: "How the models do, and whether everything is well." },
];

export type OpenApiDocument = ReturnType<ApiApp["getOpenAPI31Document"]>;

/** @param baseUrl where the API is reached */
export function openApiDocument(app: ApiApp, baseUrl: string): OpenApiDocument {
  const document = app.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title: "Atelier",
      version: VERSION,
      description:
        "Images on a calendar or on request: bought once, checked, filed.\n\nBodies and answers are JSON in snake_case. Lists are `{ items, next_cursor }`. Every status from 400 on is a problem document (RFC 9457) whose `name` stands in the error table. Times are RFC 3339 in UTC; amounts are US dollars. Every answer has an `X-Request-Id`; where waiting helps, `Retry-After` says for how many seconds.",
    },
    servers: [{ url: baseUrl }],
    tags: TAGS.map((tag) => ({ ...tag })),
  });
  const used = new Set(Object.values(document.paths ?? {}).flatMap((path) => tagsOf(path)));
  return {
    ...document,
    tags: (document.tags ?? []).filter(({ name }) => used.has(name)),
    components: {
      ...document.components,
      securitySchemes: {
        [BEARER_SCHEME]: {
          type: "http",
          scheme: "bearer",
          bearerFormat: "JWT",
          description: `Calls carry a token as \`Authorization: Bearer $TOKEN\` (\`atelier serve\` prints one). It has the scopes of its caller:\n\n${SCOPES.map((scope) => `- \`${scope}\`: ${SCOPE_MEANINGS[scope]}`).join("\n")}`,
        },
      },
    },
  };
}

function tagsOf(path: object): string[] {
  return Object.values(path).flatMap((operation: { tags?: string[] }) => operation.tags ?? []);
}
