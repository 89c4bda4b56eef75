/** @module Data protection: everything that is kept of a subject, and its removal. */
import { eraseSubject, exportSubject } from "@atelier/core/privacy";
import { findSubject } from "@atelier/core/privacy-subject";
import * as z from "zod";
import type { ApiApp, ApiContext } from "../context.ts";
import type { ApiDeps } from "../deps.ts";
import { found } from "../found.ts";
import { declared } from "../route.ts";

const subjectParams = z.object({
  subject: z.string().min(1).max(200).meta({
    description: "A request, an image, or whoever asked.",
    example: "req_01kbkzt9f0g2h4j6k8m0n2p4q6",
  }),
});

const erasureSchema = z
  .object({
    subject: z.string().meta({ description: "Whose data was removed." }),
    images: z.array(z.string()).meta({ description: "Ids of the images that it was removed of." }),
    prompts: z.int().meta({ description: "How many texts of prompts were removed." }),
    files: z
      .array(
        z.object({
          place: z.string().meta({ description: "`library`, or `backup`." }),
          path: z.string().meta({ description: "Where it stood there." }),
          sha256: z.string().meta({ description: "SHA-256 of the file, in hexadecimal digits." }),
        }),
      )
      .meta({ description: "The files that were removed, in every place." }),
    audit_entries: z.int().meta({ description: "How many entries of the audit name nobody any more." }),
    places: z.array(z.string()).meta({ description: "Where was looked for files." }),
    left: z.array(z.string()).meta({ description: "What is there all the same; empty when nothing is." }),
    proved: z.boolean().meta({ description: "A second look found nothing." }),
  })
  .meta({ id: "Erasure", description: "What was removed of a subject, and the proof that nothing is left." });

/** As a `string`: the literal holds "json", and the types of routes would take the answer for one document. */
const LINES: string = "application/x-ndjson";

const exportPrivacy = declared({
  method: "get",
  path: "/v1/privacy/{subject}",
  operationId: "exportSubject",
  tags: ["privacy"],
  summary: "Everything that is kept of a subject",
  description:
    "A JSON document a line: records, prompts, entries of the audit, and the list of files. The words of prompts are null without the scope `prompts:read`.",
  scope: "privacy:write",
  request: { params: subjectParams },
  responses: {
    200: {
      description: "Lines, each with its `kind`.",
      content: { [LINES]: { schema: z.string().meta({ description: "JSON documents, one a line." }) } },
    },
  },
  problems: [],
});

const erasePrivacy = declared({
  method: "delete",
  path: "/v1/privacy/{subject}",
  operationId: "eraseSubject",
  tags: ["privacy"],
  summary: "Remove a subject everywhere, and look again",
  description:
    "Files in every place, prompts, details of records, names in the audit, whose chain still holds. It cannot be undone; it may be repeated.",
  scope: "privacy:write",
  request: { params: subjectParams },
  responses: {
    200: { description: "What was removed.", content: { "application/json": { schema: erasureSchema } } },
  },
  problems: ["UsageError"],
});

export function addPrivacyRoutes(app: ApiApp): void {
  app.openapi(exportPrivacy, async (c) => {
    const deps = withPlaceNames(c.var.deps);
    const subject = await found("subject", findSubject(c.req.valid("param").subject, deps));
    const lines = ReadableStream.from(linesOf(exportSubject(subject, deps), c));
    return c.body(lines, 200, { "Content-Type": LINES });
  });

  app.openapi(erasePrivacy, async (c) => {
    const deps = withPlaceNames(c.var.deps);
    const subject = await found("subject", findSubject(c.req.valid("param").subject, deps));
    const erasure = await eraseSubject(subject, deps);
    return c.json(
      {
        subject: erasure.subject,
        images: [...erasure.images],
        prompts: erasure.prompts,
        files: erasure.files.map(({ place, key, sha256 }) => ({ place, path: key, sha256 })),
        audit_entries: erasure.auditEntries,
        places: [...erasure.places],
        left: [...erasure.left],
        proved: erasure.left.length === 0,
      },
      200,
    );
  });
}

/** Where files lie on the machine is nobody's business who calls. */
function withPlaceNames(deps: ApiDeps): ApiDeps {
  const places = deps.places.map((place, index) => ({ ...place, name: index === 0 ? "library" : "backup" }));
  return { ...deps, places };
}

async function* linesOf(documents: AsyncIterable<object>, c: ApiContext): AsyncGenerator<Uint8Array> {
  const mayRead = c.var.caller.scopes.has("prompts:read");
  const encoder = new TextEncoder();
  try {
    for await (const document of documents) {
      const isPrompt = "kind" in document && document.kind === "prompt";
      const shown = isPrompt && !mayRead ? { ...document, prompt: null, negativePrompt: null } : document;
      yield encoder.encode(`${JSON.stringify(snakeCased(shown))}\n`);
    }
  } catch (error) {
    // The answer has begun: it breaks off, which the caller sees.
    c.var.deps.onFault(error);
    throw error;
  }
}

/** Names of fields as everywhere in the API; what stands under `facts` and `slots` is named by whoever wrote it. */
function snakeCased(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(snakeCased);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [
      name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      name === "facts" || name === "slots" ? field : snakeCased(field),
    ]),
  );
}
