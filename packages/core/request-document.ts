/** @module The public document of a request, in snake_case. */
import * as z from "zod";
import { categoryNameSchema } from "./catalogue.ts";
import { IMAGE_STATUSES } from "./image.ts";

/** `accepted`: nothing begun; `running`; the others have ended: `failed` and `refused` when not one picture was made. */
export const REQUEST_STATUSES = [
  "accepted",
  "running",
  "completed",
  "failed",
  "cancelled",
  "refused",
] as const;
export const requestStatusSchema = z.enum(REQUEST_STATUSES);
export type RequestStatus = z.infer<typeof requestStatusSchema>;

/** A document names so many of its images; `GET /v1/images?request_id=` lists all. */
export const REQUEST_IMAGES_NAMED_MAX = 1_000;

export const requestDocumentSchema = z.object({
  request_id: z.string(),
  status: requestStatusSchema,
  /** Ids of its images, the first 1,000, whether or not they are begun. */
  images: z.array(z.string()),
  count: z.int(),
  category: categoryNameSchema,
  template: z.string().nullable(),
  /** How many images stand at each status; those that are not begun are `planned`. */
  progress: z.record(z.enum(IMAGE_STATUSES), z.int()),
  /** US dollars, all attempts together so far. */
  cost: z.number(),
  /** RFC 3339 in UTC. */
  created_at: z.string(),
  cancelled_at: z.string().nullable(),
  /** Null while it runs. */
  finished_at: z.string().nullable(),
});
export type RequestDocument = z.infer<typeof requestDocumentSchema>;
