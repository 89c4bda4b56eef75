/** @module Pictures themselves: a link that is signed and short-lived, and the file behind it. */
import { instant } from "@atelier/core/document-fields";
import { AtelierError, type ErrorName } from "@atelier/core/errors";
import { type Rendition, renditionNameSchema } from "@atelier/core/image";
import { linkFor, openLink, type ViewRefusal } from "@atelier/core/viewing";
import * as z from "zod";
import type { ApiApp } from "../context.ts";
import { imageIdSchema } from "../fields.ts";
import { imageOf } from "../image-view.ts";
import { declared } from "../route.ts";

const linkSchema = z
  .object({
    url: z.string().meta({ description: "To be fetched without a token; it is the credential." }),
    expires_at: instant("When it ends, within minutes."),
  })
  .meta({ id: "RenditionLink", description: "Where a file can be fetched, for a few minutes." });

const getRendition = declared({
  method: "get",
  path: "/v1/images/{id}/renditions/{name}",
  operationId: "getRendition",
  tags: ["images"],
  summary: "A link to a picture's file",
  description:
    "Pictures rated above `general`, and those in quarantine (which need `images:review`), only for tokens that attest the caller's age; `blurred` for everybody.",
  scope: "images:read",
  request: {
    params: z.object({
      id: imageIdSchema,
      name: renditionNameSchema.meta({ example: "web" }),
    }),
  },
  responses: {
    200: {
      description: "The link.",
      content: {
        "application/json": {
          schema: linkSchema,
          example: {
            url: "http://127.0.0.1:8787/v1/content/eyJpbWFnZUlkIjoi.c2lnbmF0dXJl",
            expires_at: "2026-11-22T12:05:00.000Z",
          },
        },
      },
    },
  },
  problems: ["ImageUnfinished"],
});

const getContent = declared({
  method: "get",
  path: "/v1/content/{link}",
  operationId: "getContent",
  tags: ["images"],
  summary: "The file behind a link",
  description: "As `url` of a rendition names it. Without a token.",
  scope: null,
  request: {
    params: z.object({
      link: z
        .string()
        .regex(/^[A-Za-z0-9_-]{1,2000}\.[A-Za-z0-9_-]{1,100}$/)
        .meta({ description: "A signed link.", example: "eyJpbWFnZUlkIjoi.c2lnbmF0dXJl" }),
    }),
  },
  responses: {
    200: {
      description: "The file.",
      content: {
        "image/jpeg": { schema: { type: "string", format: "binary" } },
        "image/webp": { schema: { type: "string", format: "binary" } },
      },
    },
    302: { description: "The file is where Location says, for as long as the link." },
  },
  problems: ["LinkExpired"],
});

/** `unfinished` may end well; the others stay as they are. */
const REFUSED: Readonly<Record<ViewRefusal["rule"], ErrorName>> = {
  missing: "UnknownName",
  invalid: "UnknownName",
  expired: "LinkExpired",
  sealed: "Forbidden",
  rejected: "Forbidden",
  quarantined: "Forbidden",
  "age-not-attested": "Forbidden",
  unfinished: "ImageUnfinished",
};

export function addRenditionRoutes(app: ApiApp): void {
  app.openapi(getRendition, async (c) => {
    const { id, name } = c.req.valid("param");
    const { deps, options, caller } = c.var;
    await imageOf(id, c);
    const viewer = {
      name: caller.name,
      mayReview: caller.scopes.has("images:review"),
      ageAttestedUntilMs: caller.ageAttestedUntilMs,
    };
    const made = await linkFor(id, name, viewer, deps.clock(), deps);
    if (made.kind === "refused") throw refused(made);
    return c.json(
      {
        url: `${options.baseUrl}/v1/content/${made.link}`,
        expires_at: new Date(made.expiresAtMs).toISOString(),
      },
      200,
    );
  });

  app.openapi(getContent, async (c) => {
    const { deps } = c.var;
    const opened = await openLink(c.req.valid("param").link, deps.clock(), deps);
    if (opened.kind === "refused") throw refused(opened);
    const { image, rendition } = opened;
    const delivery = await deps.deliver(image, rendition);
    // The link is the credential: pages that hold one may show the picture. A redirect is judged by itself.
    c.header("Cross-Origin-Resource-Policy", "cross-origin");
    if (delivery.kind === "redirect") return c.redirect(delivery.url, 302);
    return c.body(new Uint8Array(delivery.bytes), 200, {
      "Content-Type": rendition.contentType,
      "Content-Disposition": `inline; filename="${fileNameOf(image.imageId, rendition)}"`,
      "Content-Security-Policy": "default-src 'none'; sandbox",
      "Cache-Control": "private, max-age=60",
    });
  });
}

function refused({ rule, message }: ViewRefusal): AtelierError {
  return new AtelierError(REFUSED[rule], message, { data: { rule } });
}

/** Ids and types are ours; whatever else a name could hold is left out all the same. */
function fileNameOf(imageId: string, { name, contentType }: Rendition): string {
  const ending = contentType === "image/jpeg" ? "jpg" : contentType.replace(/^.*\//, "");
  return `${imageId}-${name}.${ending}`.replaceAll(/[^\w.-]/g, "_");
}
