/** @module Fields that several routes take. */
import * as z from "zod";

/** As `core/ids.ts` makes them; nothing that could be a path. */
export const imageIdSchema = z
  .string()
  .regex(/^img_[A-Za-z0-9_-]{1,64}$/, "must be an image's id")
  .meta({ description: "An image's id.", example: "img_01kbkzt9f0g2h4j6k8m0n2p4q6_00000" });

export const requestIdSchema = z
  .string()
  .regex(/^req_[A-Za-z0-9_-]{1,64}$/, "must be a request's id")
  .meta({ description: "A request's id.", example: "req_01kbkzt9f0g2h4j6k8m0n2p4q6" });

export const imageParams = z.object({ id: imageIdSchema });
export const requestParams = z.object({ id: requestIdSchema });

/** A name of the catalogue: of a template, a tag. */
const nameSchema = z
  .string()
  .regex(/^[a-z][a-z0-9_]{1,63}$/, "must be a name of lower-case letters, digits and _");
export const templateNameSchema = nameSchema.meta({
  description: "A template's name.",
  example: "feet_closeup",
});
export const tagSchema = nameSchema.meta({ description: "A tag of the image." });

export const modelNameSchema = z
  .string()
  .regex(/^[a-z][a-z0-9.-]{1,63}$/, "must be a model's name in the catalogue");

/** A whole number in a query; may be followed by `.optional()`. */
export function wholeNumber(min: number, max: number, description: string) {
  return z
    .string()
    .regex(/^\d{1,9}$/, `must be a whole number from ${min} to ${max}`)
    .transform(Number)
    .pipe(z.int().min(min).max(max))
    .meta({ description, type: "integer", minimum: min, maximum: max });
}

/** The same with what counts when it is left out. */
export function wholeNumberOr(fallback: number, min: number, max: number, description: string) {
  return wholeNumber(min, max, description).default(fallback).meta({ default: fallback });
}

export const PAGE_ITEMS_MAX = 200;
const PAGE_ITEMS_DEFAULT = 50;

/** What every list takes beside its filters. */
export const pageQuery = {
  limit: wholeNumberOr(PAGE_ITEMS_DEFAULT, 1, PAGE_ITEMS_MAX, "So many items at most."),
  cursor: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,2000}$/, "must be a next_cursor as it was given")
    .optional()
    .meta({ description: "The next_cursor of the page before; the filters must be the same." }),
};

/** What `Images.list` and its kin take. */
export function pageOf({ limit, cursor }: { limit: number; cursor?: string | undefined }) {
  return { limit, ...(cursor !== undefined && { cursor }) };
}

/** @param id names the schema in the document: `ImageList` */
export function listOf<Item extends z.ZodType>(item: Item, id: string) {
  return z
    .object({
      items: z.array(item).meta({ description: "In the order that the operation names." }),
      next_cursor: z.string().nullable().meta({
        description: "Null at the end. A page may be short, even empty, before it: go on until null.",
      }),
    })
    .meta({ id, description: `A page of \`${item.meta()?.id}\` documents.` });
}
