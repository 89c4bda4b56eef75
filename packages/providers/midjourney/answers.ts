/** @module The answers to submits, `{ code, description, result, properties }`, as values. */
import type { ProviderFailureName, Submission } from "@atelier/core/provider";
import * as z from "zod";
import { type HttpAnswer, readJson, redact } from "../http.ts";
import { boundedWaitMs, retryAfterHeaderMs, secondsToMs } from "../retry-after.ts";
import { isSuccess, RATE_LIMIT_DEFAULT_MS } from "./connection.ts";

/** A task's id goes into paths. A number that JavaScript cannot hold exactly would name another task. */
export const idSchema = z
  .union([z.string(), z.int().nonnegative()])
  .transform(String)
  .pipe(z.string().regex(/^[\w-]{1,128}$/));

/** Relays say 429 with a wait of their own. */
const answerSchema = z.object({
  code: z.coerce.number(),
  description: z.string().nullish().catch(null),
  result: idSchema.nullish().catch(null),
  properties: z.record(z.string(), z.unknown()).nullish().catch(null),
  retry_after: z.number().nullish().catch(null),
});
export type SubmitAnswer = z.infer<typeof answerSchema>;

export const CODES = {
  accepted: 1,
  /** No account that could do it: switched off, banned, out of its own quota. */
  noAccount: 3,
  invalid: 4,
  failed: 9,
  /** An upscale that exists already, or one that waits for a window to be confirmed. */
  existsOrWindow: 21,
  queued: 22,
  queueFull: 23,
  bannedPrompt: 24,
} as const;

/** The queue holds jobs of about a minute, some at a time: by then one has usually left it. */
export const QUEUE_FULL_WAIT_MS = 30_000;

export function readAnswer(answer: HttpAnswer): SubmitAnswer | undefined {
  return answer.kind === "answered" ? readJson(answerSchema, answer.text) : undefined;
}

/** The task that the answer says was made; null where it says no such thing. */
export function acceptedId(answer: HttpAnswer): string | null {
  const read = isSuccess(answer) ? readAnswer(answer) : undefined;
  const isAccepted = read?.code === CODES.accepted || read?.code === CODES.queued;
  return (isAccepted && read.result) || null;
}

/** What certainly made nothing, by code. */
const REFUSALS: Readonly<Record<number, readonly [ProviderFailureName, string]>> = {
  // Not a matter of seconds: another provider is asked meanwhile.
  [CODES.noAccount]: ["ProviderFailed", "has no account that could take the job"],
  [CODES.invalid]: ["ProviderRefused", "refused the request as invalid"],
  [CODES.failed]: ["ProviderFailed", "could not queue the job"],
  [CODES.bannedPrompt]: ["ContentRejected", "refused the prompt by its own list of words"],
};

/** Relays in front of a wrapper say it with varying codes and statuses. */
const NO_QUOTA = /quota_not_enough|insufficient.{0,16}(quota|balance|credit)|额度|余额/i;

/**
 * Any answer to an imagine that accepted nothing. What may have made a task all the same is `unknown`: the attempt's id was
 * sent along as `state`, so that the task can be found.
 *
 * @param secrets texts that no message may repeat: the key and the prompts
 * @param nowMs for a `Retry-After` that is a date
 */
export function submissionFrom(
  answer: HttpAnswer,
  secrets: readonly string[],
  nowMs: number,
): Extract<Submission, { kind: "rate-limited" | "refused" | "unknown" }> {
  if (answer.kind === "not-sent") {
    const message = `Nothing was sent to the Midjourney wrapper: ${answer.message}`;
    return { kind: "refused", name: "ProviderAborted", message };
  }
  if (answer.kind === "lost") return { kind: "unknown", message: answer.message };

  const { status, headers } = answer;
  const read = readAnswer(answer);
  const said = redact(read?.description ?? "", secrets) || "no reason given";
  const refused = (name: ProviderFailureName, what: string) =>
    ({
      kind: "refused",
      name,
      message: `The Midjourney wrapper ${what} (status ${status}): ${said}`,
    }) as const;

  if (status === 429 || (status < 500 && read?.code === CODES.queueFull)) {
    const waitMs =
      secondsToMs(read?.retry_after) ??
      retryAfterHeaderMs(headers, nowMs) ??
      (status === 429 ? RATE_LIMIT_DEFAULT_MS : QUEUE_FULL_WAIT_MS);
    return { kind: "rate-limited", retryAfterMs: boundedWaitMs(waitMs), message: said };
  }
  // The wrapper did not speak in these: a redirect, or a proxy that gave up on a request that it may have passed on.
  const isWord = status < 300 || (status >= 400 && status < 500 && status !== 408);
  if (isWord && NO_QUOTA.test(read?.description ?? "")) return refused("OutOfCredit", "has no quota left");
  if (status === 401 || status === 403) return refused("KeyRefused", "refused the key");
  if (status === 402) return refused("OutOfCredit", "has no credit left");
  const refusal = isWord && read ? REFUSALS[read.code] : undefined;
  if (refusal) return refused(...refusal);
  if (isWord && status >= 400 && read === undefined) return refused("ProviderRefused", "refused the request");
  return {
    kind: "unknown",
    message: `The Midjourney wrapper answered the create with status ${status} and code ${read?.code ?? "none"}: ${said}`,
  };
}
