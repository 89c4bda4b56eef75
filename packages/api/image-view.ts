/** @module An image as a caller may see it: whose it is, its document with or without the prompt, its entity tag. */
import { maySee } from "@atelier/core/caller";
import { type ImageDocument, imageDocument } from "@atelier/core/document";
import { ERRORS } from "@atelier/core/error-table";
import { AtelierError, isErrorName } from "@atelier/core/errors";
import { sha256Hex } from "@atelier/core/ids";
import type { Image } from "@atelier/core/image";
import type { ApiContext } from "./context.ts";
import { notFound } from "./problem.ts";

/** Of the image's document, wherever it is answered. */
export const IMAGE_META = {
  id: "Image",
  description: "One picture being made or made: what was asked for, what came of it, and what it cost.",
};

/** @throws AtelierError `UnknownName`, the same for a missing one, one that was erased, and somebody else's */
export async function imageOf(id: string, c: ApiContext): Promise<Image> {
  const image = await keptImageOf(id, c);
  if (isErased(image)) throw notFound("image");
  return image;
}

/** The record, which outlives the picture. @throws AtelierError `UnknownName` */
export async function keptImageOf(id: string, c: ApiContext): Promise<Image> {
  const image = await c.var.deps.images.get(id);
  if (!image || !maySee(image.askedBy, c.var.caller)) throw notFound("image");
  return image;
}

/** Only what it cost is left of it. */
export function isErased({ erasedAtMs }: Image): boolean {
  return erasedAtMs !== undefined && erasedAtMs !== null;
}

/** The prompt, and what may repeat it, only for callers who may read prompts. */
export async function documentOf(image: Image, c: ApiContext): Promise<ImageDocument> {
  return mayReadPrompts(c)
    ? imageDocument(image, await c.var.deps.vault.get(image.imageId))
    : withoutPrompt(image);
}

/** As `documentOf` for each, in their order: the prompts of all are read at once. */
export async function documentsOf(images: readonly Image[], c: ApiContext): Promise<ImageDocument[]> {
  if (!mayReadPrompts(c)) return images.map(withoutPrompt);
  const prompts = await c.var.deps.vault.getMany(images.map(({ imageId }) => imageId));
  return images.map((image) => imageDocument(image, prompts.get(image.imageId)));
}

function mayReadPrompts(c: ApiContext): boolean {
  return c.var.caller.scopes.has("prompts:read");
}

function withoutPrompt(image: Image): ImageDocument {
  const document = imageDocument(image, null);
  const { failure } = document;
  // Providers quote what they were sent.
  return failure ? { ...document, failure: { ...failure, message: meaningOf(failure.name) } } : document;
}

function meaningOf(name: string): string {
  return isErrorName(name) ? ERRORS[name].meaning : "It failed.";
}

/** Strong: equal tags, equal documents. */
export function entityTagOf(document: ImageDocument): string {
  return `"${sha256Hex(JSON.stringify(document)).slice(0, 32)}"`;
}

/** Whether an `If-Match` names the tag: by the strong comparison, for which no weak tag equals any (RFC 9110, 13.1.1). */
export function namesTag(header: string | undefined, tag: string): boolean {
  return header?.split(",").some((each) => ["*", tag].includes(each.trim())) ?? false;
}

/** Whether an `If-None-Match` names the tag: by the weak comparison (RFC 9110, 13.1.2); proxies that compress weaken tags. */
export function namesTagWeakly(header: string | undefined, tag: string): boolean {
  return header?.split(",").some((each) => ["*", tag, `W/${tag}`].includes(each.trim())) ?? false;
}

/** For writes. @throws AtelierError `PreconditionFailed` when the caller has seen another state of the image */
export async function checkUnchanged(image: Image, c: ApiContext): Promise<void> {
  const header = c.req.header("if-match");
  if (header === undefined || namesTag(header, entityTagOf(await documentOf(image, c)))) return;
  throw new AtelierError("PreconditionFailed", "The image has changed since you read it; read it again.");
}
