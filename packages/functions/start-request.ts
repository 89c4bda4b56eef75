/** @module A request as the start function takes it, and its answer: accepted, or refused for a reason that the caller can mend. */
import type { Telemetry } from "@atelier/aws/telemetry";
import { type Refusal, refusalFrom } from "@atelier/core/accept";
import { type AdmissionDeps, acceptRequest } from "@atelier/core/admission";
import { type AskedFor, askingSchema } from "@atelier/core/asking";
import { ERRORS } from "@atelier/core/error-table";
import { isAtelierError } from "@atelier/core/errors";
import { keyedRequestId } from "@atelier/core/ids";
import { acceptedDocument } from "@atelier/core/request-progress";
import * as z from "zod";
import type { Invocation } from "./runtime.ts";

export interface StartEvent {
  readonly asked: AskedFor;
  /** The same id makes the same call again a success: without one, only Lambda's own repetition is the same request. */
  readonly requestId: string | undefined;
  /**
   * Who asks, as whoever calls this function knows them: refusals are counted by it. Without one nobody is restrained; the
   * function is called by whom AWS lets, not by the public.
   */
  readonly caller: string | null;
}

/** What the API takes as a body, with an id and a caller beside it. */
export const startEventSchema = z
  .looseObject({
    request_id: z
      .string()
      .regex(/^req_[0-9a-z]{26}$/, "must be req_ and 26 characters")
      .optional(),
    caller: z.string().min(1).max(200).optional(),
  })
  .transform(({ request_id: requestId, caller = null, ...body }, context): StartEvent => {
    const parsed = askingSchema.safeParse(body);
    if (parsed.success) return { asked: parsed.data, requestId, caller };
    for (const { message, path } of parsed.error.issues) {
      context.addIssue({ code: "custom", message, path: [...path] });
    }
    return z.NEVER;
  });

export type StartAnswer =
  | {
      readonly request_id: string;
      readonly status: "accepted";
      /** The first 1,000. */
      readonly images: readonly string[];
      readonly count: number;
    }
  | ({ readonly request_id: string; readonly retry_after_ms?: number } & Refusal);

/** @throws AtelierError for faults of ours; what the caller can mend is a refusal */
export async function startRequested(
  { asked, requestId, caller }: StartEvent,
  deps: AdmissionDeps & { readonly telemetry: Pick<Telemetry, "info"> },
  invocation: Pick<Invocation, "requestId">,
): Promise<StartAnswer> {
  // Lambda repeats an asynchronous call under the id that it had.
  const id = requestId ?? keyedRequestId(caller ?? "", invocation.requestId);
  try {
    const who = { caller, askedBy: null, idempotencyKey: null, requestId: id };
    const { request, isNew } = await acceptRequest(asked, who, deps);
    deps.telemetry.info("accepted", { requestId: id, count: request.count, isNew });
    return {
      request_id: id,
      status: "accepted",
      images: acceptedDocument(request).images,
      count: request.count,
    };
  } catch (error) {
    if (!isAtelierError(error) || ERRORS[error.name].httpStatus >= 500) throw error;
    const refused = refusalFrom(error);
    const { retryAfterMs } = error.data;
    deps.telemetry.info("refused", { requestId: id, error: refused.error, rule: refused.rule });
    return typeof retryAfterMs === "number"
      ? { request_id: id, ...refused, retry_after_ms: retryAfterMs }
      : { request_id: id, ...refused };
  }
}
