/** @module A variation as a caller may see it: what a request would make, with or without the words of its prompt. */
import { type VariationDocument, variationDocumentSchema } from "@atelier/core/document";
import type * as z from "zod";
import type { ApiContext } from "./context.ts";

const { prompt, negative_prompt: negative } = variationDocumentSchema.shape;

export const variationSchema = variationDocumentSchema
  .extend({
    prompt: prompt
      .nullable()
      .meta({ description: `${prompt.description} Null without the scope \`prompts:read\`.` }),
    negative_prompt: negative
      .nullable()
      .meta({ description: `${negative.description} Null as \`prompt\` is.` }),
  })
  .meta({
    id: "Variation",
    description:
      "One choice of words and seed for a picture, with the models that could make it and what it would cost.",
  });
export type ShownVariation = z.infer<typeof variationSchema>;

export function shownVariation(document: VariationDocument, c: ApiContext): ShownVariation {
  if (c.var.caller.scopes.has("prompts:read")) return document;
  return { ...document, prompt: null, negative_prompt: null };
}
