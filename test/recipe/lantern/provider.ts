/** @module The adapter of Lantern: a job is made, asked about, and found again by the attempt's id that went along. */
import { AtelierError } from "@atelier/core/errors";
import type { OperationStatus, Provider, ProviderFailureName, Submission } from "@atelier/core/provider";
import type { ProviderDeps } from "@atelier/providers/definition";
import { fetchTransport } from "@atelier/providers/fetch-transport";
import { type HttpAnswer, readJson, redact, sendOnce } from "@atelier/providers/http";
import { modelInput } from "@atelier/providers/model-input";
import { isLoopbackHost } from "@atelier/providers/public-address";
import { boundedWaitMs, retryAfterHeaderMs } from "@atelier/providers/retry-after";
import * as z from "zod";

const CREATE_TIMEOUT_MS = 30_000;
const READ_TIMEOUT_MS = 15_000;
const RATE_LIMIT_DEFAULT_MS = 10_000;

/** Loose: only what is used, and what may be missing may be anything. */
const jobSchema = z.object({
  id: z.string().regex(/^[\w-]{1,64}$/),
  reference: z.string().nullish().catch(null),
  state: z.string().nullish().catch(null),
  image: z.string().nullish().catch(null),
  reason: z.string().nullish().catch(null),
  charged_usd: z.number().nonnegative().nullish().catch(null),
});
type Job = z.infer<typeof jobSchema>;
const listSchema = z.object({ jobs: z.array(jobSchema) });

const REFUSALS: Readonly<Record<number, ProviderFailureName>> = {
  401: "KeyRefused",
  402: "OutOfCredit",
  404: "ModelUnavailable",
  451: "ContentRejected",
};

export function createLanternProvider(
  { baseUrl, apiKey }: { readonly baseUrl: string; readonly apiKey: string },
  { clock, transport = fetchTransport }: Pick<ProviderDeps, "clock" | "transport">,
): Provider {
  const headers = { "x-api-key": apiKey, "content-type": "application/json" };
  const read = (path: string) =>
    sendOnce(transport, {
      method: "GET",
      url: `${baseUrl}${path}`,
      headers,
      body: null,
      timeoutMs: READ_TIMEOUT_MS,
    });

  return {
    name: "lantern",
    trustedOrigin: isLoopbackHost(new URL(baseUrl).hostname) ? new URL(baseUrl).origin : null,

    async submit(request, { attemptId }) {
      const body = { model: request.model.model, reference: attemptId, ...modelInput(request) };
      const answer = await sendOnce(transport, {
        method: "POST",
        url: `${baseUrl}/jobs`,
        headers,
        body: JSON.stringify(body),
        timeoutMs: CREATE_TIMEOUT_MS,
      });
      const job = isSuccess(answer) ? readJson(jobSchema, answer.text) : undefined;
      if (job !== undefined) return { kind: "accepted", operation: job.id };
      return submissionFrom(answer, [apiKey, request.prompt, request.negativePrompt], clock());
    },

    async check(operation) {
      const answer = await read(`/jobs/${operation}`);
      const job = isSuccess(answer) ? readJson(jobSchema, answer.text) : undefined;
      if (job?.id === operation) return statusOf(job);
      throw new AtelierError("ProviderUnavailable", `Lantern did not tell about a job: ${wordsOf(answer)}`);
    },

    async find({ attemptId }) {
      const answer = await read(`/jobs?reference=${encodeURIComponent(attemptId)}`);
      const list = isSuccess(answer) ? readJson(listSchema, answer.text) : undefined;
      if (list === undefined) return { kind: "unknown" };
      const job = list.jobs.find(({ reference }) => reference === attemptId);
      return job === undefined ? { kind: "none" } : { kind: "found", operation: job.id };
    },
  };
}

/** Anything but a job. Only a 4xx of the service's own says for certain that nothing was made. */
function submissionFrom(answer: HttpAnswer, secrets: readonly string[], nowMs: number): Submission {
  const message = redact(wordsOf(answer), secrets);
  if (answer.kind === "not-sent") return { kind: "refused", name: "ProviderAborted", message };
  if (answer.kind === "lost") return { kind: "unknown", message };
  const { status, headers } = answer;
  if (status === 429) {
    const waitMs = retryAfterHeaderMs(headers, nowMs) ?? RATE_LIMIT_DEFAULT_MS;
    return { kind: "rate-limited", retryAfterMs: boundedWaitMs(waitMs), message };
  }
  if (status < 400 || status === 408 || status >= 500) return { kind: "unknown", message };
  return { kind: "refused", name: REFUSALS[status] ?? "ProviderRefused", message };
}

function statusOf({ state, image, reason, charged_usd }: Job): OperationStatus {
  const costMicros = typeof charged_usd === "number" ? Math.round(charged_usd * 1_000_000) : null;
  if (state === "done" && image) {
    return { kind: "succeeded", outputs: [{ kind: "url", url: image }], costMicros };
  }
  if (state !== "done" && state !== "failed") return { kind: "pending" };
  const name = reason === "content" ? "ContentRejected" : "ProviderFailed";
  return { kind: "failed", name, message: `Lantern failed: ${reason ?? state}`, charged: true, costMicros };
}

function isSuccess(answer: HttpAnswer): answer is Extract<HttpAnswer, { kind: "answered" }> {
  return answer.kind === "answered" && answer.status >= 200 && answer.status < 300;
}

function wordsOf(answer: HttpAnswer): string {
  return answer.kind === "answered" ? `status ${answer.status} ${answer.text ?? ""}` : answer.message;
}
