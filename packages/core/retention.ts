/** @module How long pictures and their records are kept, by status and rating; pure. */
import * as z from "zod";
import { type Rating, ratingSchema } from "./catalogue.ts";
import { type Image, isTerminal, TERMINAL_STATUSES } from "./image.ts";

/** Days after the image ended; null: for good. */
const daysSchema = z.int().min(0).max(36_500).nullable();
const statusSchema = z.enum(TERMINAL_STATUSES);

/** Days for a status, or for its ratings one by one; a rating that is left out is kept for good. */
export const retentionSchema = z.partialRecord(
  statusSchema,
  z.union([daysSchema, z.partialRecord(ratingSchema, daysSchema)]),
);
export type Retention = z.infer<typeof retentionSchema>;

/**
 * What nobody looks at goes after a while; what was bought to be shown, or waits for a person, stays until somebody sets a time.
 */
export const DEFAULT_RETENTION: Retention = {
  completed: null,
  quarantined: null,
  rejected: 30,
  failed: 90,
  cancelled: 90,
};

const DAY_MS = 24 * 60 * 60 * 1000;

/** Statuses of which something may be due some day. */
export function retainedStatuses(retention: Retention): z.infer<typeof statusSchema>[] {
  return TERMINAL_STATUSES.filter((status) => {
    const days = retention[status] ?? null;
    return typeof days === "number" || (days !== null && Object.values(days).some((each) => each !== null));
  });
}

/** Whether the time of an image has come. What has not ended, and what is gone already, is never due. */
export function isDue(
  image: Pick<Image, "status" | "rating" | "finishedAtMs" | "createdAtMs" | "erasedAtMs">,
  retention: Retention,
  nowMs: number,
): boolean {
  if (!isTerminal(image.status) || image.erasedAtMs !== undefined) return false;
  const days = daysFor(statusSchema.parse(image.status), image.rating, retention);
  if (days === null) return false;
  return nowMs - (image.finishedAtMs ?? image.createdAtMs) >= days * DAY_MS;
}

function daysFor(status: z.infer<typeof statusSchema>, rating: Rating, retention: Retention): number | null {
  const days = retention[status] ?? null;
  return typeof days === "number" || days === null ? days : (days[rating] ?? null);
}
