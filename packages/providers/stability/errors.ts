/** @module Every answer to a create that is no success, as a value; and a read that failed, as an error. */
import { AtelierError } from "@atelier/core/errors";
import type { ProviderFailureName, Submission } from "@atelier/core/provider";
import * as z from "zod";
import { type HttpAnswer, type HttpBytesAnswer, readJson, redact } from "../http.ts";
import { boundedWaitMs, retryAfterHeaderMs, secondsToMs } from "../retry-after.ts";

/** v1 says `{ id, name, message }`, v2beta `{ id, name, errors }`; a field of another kind must not hide the others. */
const refusalSchema = z.object({
  name: z.string().optional().catch(undefined),
  message: z.string().optional().catch(undefined),
  errors: z.array(z.unknown()).optional().catch(undefined),
});
type Refusal = z.infer<typeof refusalSchema>;

/** Names say more than a status: 429 is a limit of speed or an empty account, 403 a bad key or a refused prompt. */
const NAMES: Readonly<Record<string, ProviderFailureName>> = {
  content_moderation: "ContentRejected",
  invalid_prompts: "ContentRejected",
  insufficient_balance: "OutOfCredit",
  payment_required: "OutOfCredit",
  not_found: "ModelUnavailable",
  unauthorized: "KeyRefused",
  permission_denied: "KeyRefused",
  bad_request: "ProviderRefused",
  invalid_samples: "ProviderRefused",
  invalid_sdxl_v1_dimensions: "ProviderRefused",
};

/** What older and newer versions say without such a name. */
const TEXTS: readonly (readonly [RegExp, ProviderFailureName])[] = [
  [/content moderation/i, "ContentRejected"],
  [/not have enough balance|insufficient (balance|credit)/i, "OutOfCredit"],
];

const STATUSES: Readonly<Record<number, ProviderFailureName>> = {
  401: "KeyRefused",
  402: "OutOfCredit",
  403: "KeyRefused",
  404: "ModelUnavailable",
  410: "ModelUnavailable",
};

/** How a 429 words its penalty. */
const PENALTY = /timed out for (\d+)\s*s/i;
/** Waited when a 429 names no time: more than 150 creates in ten seconds are reported to be answered with a minute's penalty. */
export const RATE_LIMIT_DEFAULT_MS = 60_000;

/**
 * @param answer anything but an answered 2xx
 * @param secrets texts that no message may repeat: the key and the prompts
 * @param nowMs for a `Retry-After` that is a date
 */
export function submissionFrom(
  answer: HttpBytesAnswer,
  secrets: readonly string[],
  nowMs: number,
): Extract<Submission, { kind: "refused" | "rate-limited" | "unknown" }> {
  if (answer.kind === "not-sent") {
    const message = `Nothing was sent to Stability AI: ${answer.message}`;
    return { kind: "refused", name: "ProviderAborted", message };
  }
  if (answer.kind === "lost") return { kind: "unknown", message: answer.message };

  const { status, headers, bytes } = answer;
  const refusal = readJson(refusalSchema, bytes && Buffer.from(bytes).toString("utf8")) ?? {};
  const said = redact(textOf(refusal), secrets) || "no reason given";
  // Stability did not speak in these, or not for certain: a redirect, or something between that gave up on a request that it may
  // have passed on. No word in the body makes such a create one that costs nothing.
  if (status < 400 || status === 408 || status >= 500) {
    return { kind: "unknown", message: `Stability AI answered the create with status ${status}: ${said}` };
  }
  const name = nameIn(refusal.name, said);
  if (name === undefined && status === 429) {
    const waitMs = retryAfterHeaderMs(headers, nowMs) ?? secondsToMs(Number(PENALTY.exec(said)?.[1]));
    const retryAfterMs = boundedWaitMs(waitMs ?? RATE_LIMIT_DEFAULT_MS);
    return { kind: "rate-limited", retryAfterMs, message: said };
  }
  return {
    kind: "refused",
    name: name ?? STATUSES[status] ?? "ProviderRefused",
    message: `Stability AI refused the create with status ${status}: ${said}`,
  };
}

/** `KeyRefused` where the key was, otherwise `ProviderUnavailable`. */
export function readFailure(answer: HttpAnswer, apiKey: string, nowMs: number): AtelierError {
  if (answer.kind !== "answered") return new AtelierError("ProviderUnavailable", answer.message);
  const { status, headers, text } = answer;
  const name = status === 401 || status === 403 ? "KeyRefused" : "ProviderUnavailable";
  const said = status < 300 ? "with something unexpected" : redact(text ?? "", [apiKey]);
  const retryAfterMs = retryAfterHeaderMs(headers, nowMs) ?? RATE_LIMIT_DEFAULT_MS;
  return new AtelierError(name, `Stability AI answered a read with status ${status} ${said}`.trim(), {
    data: { status, ...(status === 429 ? { retryAfterMs: boundedWaitMs(retryAfterMs) } : {}) },
  });
}

/** @param said without the prompt: its words must not decide */
function nameIn(name: string | undefined, said: string): ProviderFailureName | undefined {
  if (name !== undefined && Object.hasOwn(NAMES, name)) return NAMES[name];
  return TEXTS.find(([pattern]) => pattern.test(said))?.[1];
}

/** Only what was decoded: a prompt that is quoted within undecoded JSON would not be recognised as one. */
function textOf({ name, message, errors }: Refusal): string {
  return [name, message, ...stringsIn(errors)].filter(Boolean).join(": ");
}

function stringsIn(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(stringsIn) : [];
}
