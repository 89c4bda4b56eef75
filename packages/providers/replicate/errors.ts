/** @module Every answer to a create that is not "accepted", as a value. */
import type { ProviderFailureName, Submission } from "@atelier/core/provider";
import * as z from "zod";
import { type HttpAnswer, readJson, redact } from "../http.ts";
import { boundedWaitMs, retryAfterHeaderMs, secondsToMs } from "../retry-after.ts";

/** RFC 9457 as Replicate fills it in; `retry_after` in seconds. What does not fit counts as not said. */
const problemSchema = z.object({
  title: z.string().nullish().catch(null),
  detail: z.string().nullish().catch(null),
  retry_after: z
    .union([z.number(), z.string().regex(/^\d+$/).transform(Number)])
    .nullish()
    .catch(null),
  invalid_fields: z.array(z.unknown()).nullish().catch(null),
});
type Problem = z.infer<typeof problemSchema>;

/** The provider's own filter, in the words of stable diffusion, flux and the partners' models. */
const MODERATION = /nsfw|flagged as sensitive|\(E005\)/i;

export function isModeration(text: string): boolean {
  return MODERATION.test(text);
}

/** Waited when a 429 names no time: a tenth of the documented window of a minute, 600 creates. */
const RATE_LIMIT_DEFAULT_MS = 6_000;

/**
 * @param secrets texts that no message may repeat: the token and the prompts
 * @param nowMs for a `Retry-After` that is a date
 */
export function submissionFrom(
  answer: HttpAnswer,
  secrets: readonly string[],
  nowMs: number,
): Exclude<Submission, { kind: "done" | "accepted" }> {
  if (answer.kind === "not-sent") {
    return {
      kind: "refused",
      name: "ProviderAborted",
      message: `Nothing was sent to Replicate: ${answer.message}`,
    };
  }
  if (answer.kind === "lost") return { kind: "unknown", message: answer.message };

  const { status } = answer;
  const problem = readJson(problemSchema, answer.text) ?? {};
  const said = redact(problemText(problem) || (answer.text ?? ""), secrets);
  // Replicate did not speak in these: a redirect, or a proxy that gave up on a request that it may have passed on.
  if (status < 400 || status === 408 || status >= 500) {
    return {
      kind: "unknown",
      message: `Replicate answered the create with status ${status}. ${said}`.trim(),
    };
  }
  if (status === 429) {
    return {
      kind: "rate-limited",
      retryAfterMs: retryAfterMs(problem, answer.headers, nowMs),
      message: said,
    };
  }
  const message = `Replicate refused the create with status ${status}: ${said || "no reason given"}`;
  return { kind: "refused", name: refusalName(status, problem), message };
}

/** Body, then header, then the sentence for people; measured in that order of reliability. */
export function retryAfterMs(problem: Problem, headers: Headers, nowMs: number): number {
  return boundedWaitMs(
    secondsToMs(problem.retry_after) ??
      retryAfterHeaderMs(headers, nowMs) ??
      secondsToMs(Number(/(\d+)\s*s(?:ec|\b)/i.exec(problem.detail ?? "")?.[1])) ??
      RATE_LIMIT_DEFAULT_MS,
  );
}

function refusalName(status: number, problem: Problem): ProviderFailureName {
  const text = problemText(problem);
  const aboutFields =
    (problem.invalid_fields ?? []).length > 0 || /input validation/i.test(problem.title ?? "");
  if (!aboutFields && isModeration(text)) return "ContentRejected";
  switch (status) {
    case 401:
    case 403:
      return "KeyRefused";
    case 402:
      return "OutOfCredit";
    case 422:
      return !aboutFields && /version|not permitted/i.test(text) ? "ModelUnavailable" : "ProviderRefused";
    default:
      return "ProviderRefused";
  }
}

function problemText(problem: Problem): string {
  return [problem.title, problem.detail].filter((part) => part).join(": ");
}
