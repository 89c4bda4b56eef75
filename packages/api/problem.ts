/** @module Problem documents (RFC 9457), from the error table: what a caller is told when something is wrong. */

import { ERRORS } from "@atelier/core/error-table";
import { AtelierError, type ErrorName, errorNameOf, isAtelierError } from "@atelier/core/errors";
import { formatUsd } from "@atelier/core/money";
import { HTTPException } from "hono/http-exception";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import * as z from "zod";
import type { ApiContext } from "./context.ts";
import { inWordsOfHttp, remedyOverHttp } from "./over-http.ts";

const fieldErrorSchema = z.object({
  in: z.enum(["body", "query", "header"]).meta({ description: "Where the field was sent." }),
  pointer: z.string().meta({ description: "A JSON pointer (RFC 6901) into it." }),
  detail: z.string().meta({ description: "What is wrong with it; never what was sent." }),
});
export type FieldError = z.infer<typeof fieldErrorSchema>;

export const problemSchema = z
  .object({
    type: z.string().meta({ description: "The section of the reference that explains the name." }),
    title: z.string().meta({ description: "What happened, without the particulars." }),
    status: z.int().meta({ description: "The HTTP status of the answer." }),
    detail: z.string().meta({ description: "What was wrong, where, and what to do." }),
    instance: z.string().meta({ description: "This very answer; also in X-Request-Id." }),
    name: z.string().meta({ description: "A name of the error table, for programs." }),
    remedy: z.string().meta({ description: "What the caller can do about it." }),
    rule: z.string().optional().meta({ description: "The rule of the policy or of the terms that refused." }),
    errors: z
      .array(fieldErrorSchema)
      .optional()
      .meta({ description: "Each field that is not as described." }),
  })
  .meta({ id: "Problem", description: "A problem document (RFC 9457)." });
export type Problem = z.infer<typeof problemSchema>;

export const PROBLEM_TYPE = "application/problem+json";

/** Passing faults of ours that carry no time of their own. */
const RETRY_AFTER_DEFAULT_SECONDS = 1;

/**
 * The answer to anything thrown. What is our fault (status 500 and above) is told to `deps.onFault`, and the caller hears the
 * table's sentence only: messages of stores and providers may name what is not theirs to know.
 */
export function problemAnswer(thrown: unknown, c: ApiContext): Response {
  const error = thrown instanceof HTTPException ? malformed(thrown.message) : thrown;
  const name = errorNameOf(error);
  const { httpStatus } = ERRORS[name];
  if (httpStatus >= 500) c.var.deps.onFault(error);
  const document = problemOf(name, error, c);
  const headers: Record<string, string> = { "Content-Type": PROBLEM_TYPE };
  const retryAfterSeconds = retryAfterSecondsOf(name, error);
  if (retryAfterSeconds !== null) headers["Retry-After"] = String(retryAfterSeconds);
  for (const [header, value] of Object.entries(headersOf(error))) headers[header] = value;
  return c.body(JSON.stringify(document), httpStatus as ContentfulStatusCode, headers);
}

function problemOf(name: ErrorName, error: unknown, c: ApiContext): Problem {
  const { httpStatus, meaning } = ERRORS[name];
  const known = isAtelierError(error) && httpStatus < 500 ? error : null;
  const rule = known?.data.rule;
  const errors = z.array(fieldErrorSchema).safeParse(known?.data.errors);
  return {
    type: `${c.var.options.baseUrl}/reference#${name}`,
    title: meaning,
    status: httpStatus,
    detail: known ? detailOf(known) : meaning,
    instance: `urn:uuid:${c.var.requestId}`,
    name,
    remedy: remedyOverHttp(name),
    ...(typeof rule === "string" && { rule }),
    ...(errors.success && { errors: errors.data }),
  };
}

const unknownDataSchema = z.object({
  kind: z.string(),
  names: z.array(z.string()),
  closest: z.string().nullable(),
});
const capDataSchema = z.object({ neededMicros: z.number(), maxCostMicros: z.number() });

/** Core's sentence, but where that repeats what was sent or speaks of the command line. */
function detailOf({ name, message, data }: AtelierError): string {
  const unknown = unknownDataSchema.safeParse(data);
  if (name === "UnknownName" && unknown.success) {
    const { kind, names, closest } = unknown.data;
    const hint = closest === null ? "" : ` Did you mean "${closest}"?`;
    return `There is no such ${kind}.${hint} Known: ${names.length === 0 ? "none" : names.join(", ")}.`;
  }
  const cap = capDataSchema.safeParse(data);
  if (name === "MaxCostExceeded" && cap.success) {
    const { neededMicros, maxCostMicros } = cap.data;
    return `This can cost ${formatUsd(neededMicros)}, more than max_cost ${formatUsd(maxCostMicros)}.`;
  }
  return inWordsOfHttp(message);
}

/** Seconds, rounded up: who comes back then is not too early. */
function retryAfterSecondsOf(name: ErrorName, error: unknown): number | null {
  const waitMs = isAtelierError(error) ? error.data.retryAfterMs : undefined;
  if (typeof waitMs === "number") return Math.max(1, Math.ceil(waitMs / 1000));
  return ERRORS[name].httpStatus === 503 ? RETRY_AFTER_DEFAULT_SECONDS : null;
}

function headersOf(error: unknown): Record<string, string> {
  const headers = z
    .record(z.string(), z.string())
    .safeParse(isAtelierError(error) ? error.data.headers : null);
  return headers.success ? headers.data : {};
}

/** A body, query or address that is not as the document says. */
export function malformed(message: string, errors: readonly FieldError[] = []): AtelierError {
  return new AtelierError("Malformed", message, errors.length > 0 ? { data: { errors } } : {});
}

/** The same for what is missing and for what is somebody else's. @param kind a noun such as "image" */
export function notFound(kind: string): AtelierError {
  return new AtelierError("UnknownName", `There is no ${kind} of that name here, or it is not yours to see.`);
}
