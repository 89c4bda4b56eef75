/** @module The public document of a request, in snake_case. */
import * as z from "zod";
import { categoryNameSchema } from "./catalogue.ts";
import { instant } from "./document-fields.ts";
import { IMAGE_STATUSES } from "./image.ts";

export const REQUEST_STATUSES = [
  "accepted",
  "running",
  "completed",
  "failed",
  "cancelled",
  "refused",
] as const;
export const requestStatusSchema = z
  .enum(REQUEST_STATUSES)
  .describe(
    "`accepted`: nothing has begun; `running`; `completed`: at its end, with at least one picture, be it in quarantine; `failed`: at its end without one; `refused`: as `failed`, each image by policy, terms or budget; `cancelled`: somebody called it off.",
  );
export type RequestStatus = z.infer<typeof requestStatusSchema>;

/** A document names so many of its images; `GET /v1/images?request_id=` lists all. */
export const REQUEST_IMAGES_NAMED_MAX = 1_000;

export const requestDocumentSchema = z.object({
  request_id: z.string().describe("The request's id."),
  status: requestStatusSchema,
  images: z
    .array(z.string())
    .describe(
      `Ids of its images, the first ${REQUEST_IMAGES_NAMED_MAX}, whether or not they are begun; \`GET /v1/images?request_id=\` lists all that are.`,
    ),
  count: z.int().describe("How many images were asked for."),
  category: categoryNameSchema,
  template: z
    .string()
    .nullable()
    .describe("The template that was asked for; null for the category's templates in turn and for a prompt."),
  progress: z
    .record(z.enum(IMAGE_STATUSES), z.int().describe("How many of its images are at this status."))
    .describe(
      "How many images are at each status; those that are not begun count as `planned`, once it is cancelled as `cancelled`.",
    ),
  cost: z.number().describe("What all attempts at its images were charged so far, in US dollars."),
  created_at: instant("When it was accepted."),
  cancelled_at: instant("When somebody cancelled it; null otherwise.").nullable(),
  finished_at: instant("When its last image came to its end; null while one is open.").nullable(),
});
export type RequestDocument = z.infer<typeof requestDocumentSchema>;

/** As lists show it. */
export const requestSummarySchema = requestDocumentSchema.omit({ images: true });
export type RequestSummary = z.infer<typeof requestSummarySchema>;
