/** @module A variation as a caller may see it: what a request would make, with or without the words of its prompt. */
import { type VariationDocument, variationDocumentSchema } from "@atelier/core/document";
import * as z from "zod";
import type { ApiContext } from "./context.ts";

export const variationSchema = variationDocumentSchema
  .extend({ prompt: z.string().nullable(), negative_prompt: z.string().nullable() })
  .meta({
    id: "Variation",
    description: "What a request would make; prompts are null without prompts:read.",
  });
export type ShownVariation = z.infer<typeof variationSchema>;

export function shownVariation(document: VariationDocument, c: ApiContext): ShownVariation {
  if (c.var.caller.scopes.has("prompts:read")) return document;
  return { ...document, prompt: null, negative_prompt: null };
}
