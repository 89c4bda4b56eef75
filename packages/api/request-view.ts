/** @module A request as a caller may see it, and may change it. */
import { maySee } from "@atelier/core/caller";
import { AtelierError } from "@atelier/core/errors";
import { IMAGE_STATUSES, type ImageStatus } from "@atelier/core/image";
import type { ImageRequest } from "@atelier/core/request";
import { requestDocumentSchema, requestSummarySchema } from "@atelier/core/request-document";
import type { ApiContext } from "./context.ts";
import { requireScope } from "./gate.ts";
import { notFound } from "./problem.ts";

export const requestSchema = requestDocumentSchema.meta({
  id: "Request",
  description: "What somebody, or the calendar, asked for, and how far it is.",
});

export const summarySchema = requestSummarySchema.meta({
  id: "RequestSummary",
  description: "A request as lists show it: without the ids of its images.",
});

export const REQUEST_EXAMPLE = {
  request_id: "req_01kbkzt9f0g2h4j6k8m0n2p4q6",
  status: "accepted" as const,
  images: ["img_01kbkzt9f0g2h4j6k8m0n2p4q6_00000"],
  count: 1,
  category: "feet" as const,
  template: null,
  progress: Object.fromEntries(
    IMAGE_STATUSES.map((status) => [status, status === "planned" ? 1 : 0]),
  ) as Record<ImageStatus, number>,
  cost: 0,
  created_at: "2026-11-22T12:00:00.000Z",
  cancelled_at: null,
  finished_at: null,
};

/** @throws AtelierError `UnknownName`, the same for a missing one and for somebody else's */
export async function requestOf(id: string, c: ApiContext): Promise<ImageRequest> {
  const request = await c.var.deps.requests.get(id);
  if (!request || !maySee(request.askedBy, c.var.caller)) throw notFound("request");
  return request;
}

/** What the installation itself asked for is everybody's to see, and the operators' to change. @throws AtelierError `Forbidden` */
export function checkOwn(request: ImageRequest, c: ApiContext): void {
  if (request.askedBy !== c.var.caller.name) requireScope(c, "requests:all");
}

/**
 * Whose requests a list shows: those of one caller, else one's own and the installation's.
 *
 * @throws AtelierError `Forbidden` for somebody else's
 */
export function askersOf(askedBy: string | undefined, c: ApiContext): readonly (string | null)[] {
  const { name } = c.var.caller;
  if (askedBy === undefined) return [name, null];
  if (askedBy !== name) requireScope(c, "requests:all");
  return [askedBy];
}

/** An idempotency key; null without one. @throws AtelierError `UsageError` */
export function checkedKey(header: string | undefined): string | null {
  if (header === undefined) return null;
  if (/^[\x21-\x7e]{1,255}$/.test(header)) return header;
  throw new AtelierError("UsageError", "Idempotency-Key must be 1 to 255 visible ASCII characters.");
}
