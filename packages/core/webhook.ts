/**
 * @module The webhook receiver: one function for the local server and for Lambda. It never submits anything; it writes an
 * outcome, and the outcome answers the token.
 */
import { timingSafeEqual } from "node:crypto";
import type { Attempt, Outcome } from "./attempt.ts";
import type { Model, ProviderName } from "./catalogue.ts";
import { isAtelierError } from "./errors.ts";
import { type Clock, signId } from "./ids.ts";
import { askForOutcome } from "./learn.ts";
import { noteCharge } from "./ledger.ts";
import { type OutcomeDeps, outcomeOf, recordOutcome } from "./outcome.ts";
import type { Blobs } from "./ports.ts";
import type { OperationStatus, Provider } from "./provider.ts";

/** Larger than any real notification, which carries addresses; smaller than what would hurt. */
export const WEBHOOK_BYTES_MAX = 1024 * 1024;

export interface WebhookDeps extends OutcomeDeps {
  readonly blobs: Blobs;
  readonly providerOf: (name: Attempt["provider"]) => Provider | undefined;
  readonly modelOf: (name: string) => Model | undefined;
  /** Signs the attempt's id in the URL. */
  readonly webhookKey: Uint8Array;
  readonly clock: Clock;
}

export interface WebhookCall {
  /** From the path `/webhooks/{provider}/{attemptId}/{signature}`. */
  readonly provider: string;
  readonly attemptId: string;
  readonly signature: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** As received, decoded from base64 where a gateway encoded it. */
  readonly rawBody: Uint8Array;
}

/** The HTTP status to answer with. Everything but 2xx makes a provider send it again. */
export interface WebhookAnswer {
  readonly status: 200 | 400 | 401 | 404 | 413;
  readonly message: string;
}

/** The path of the URL that a provider is given for an attempt. */
export function webhookPath(provider: ProviderName, attemptId: string, webhookKey: Uint8Array): string {
  return `/webhooks/${provider}/${attemptId}/${signId(attemptId, webhookKey)}`;
}

/** Reads what `webhookPath` wrote; null for any other path. */
export function readWebhookPath(
  path: string,
): Pick<WebhookCall, "provider" | "attemptId" | "signature"> | null {
  const match = /^\/webhooks\/([a-z0-9]+)\/([A-Za-z0-9_-]+)\/([A-Za-z0-9_-]+)$/.exec(path);
  if (!match) return null;
  const [, provider = "", attemptId = "", signature = ""] = match;
  return { provider, attemptId, signature };
}

/** Signatures first: nothing is looked up for a caller who cannot prove that we gave out the URL. */
export async function receiveWebhook(call: WebhookCall, deps: WebhookDeps): Promise<WebhookAnswer> {
  if (!sameText(call.signature, signId(call.attemptId, deps.webhookKey))) {
    return { status: 401, message: "The address is not one that we gave out." };
  }
  if (call.rawBody.byteLength > WEBHOOK_BYTES_MAX) return { status: 413, message: "The body is too large." };
  const attempt = await deps.attempts.get(call.attemptId);
  const provider =
    attempt && attempt.provider === call.provider ? deps.providerOf(attempt.provider) : undefined;
  const model = attempt && deps.modelOf(attempt.model);
  if (!attempt || !provider?.parseWebhook || !model)
    return { status: 404, message: "There is no such attempt here." };

  const reading = provider.parseWebhook(call.headers, call.rawBody, deps.clock(), model);
  if (reading.kind === "refused") {
    return { status: reading.reason === "body" ? 400 : 401, message: reading.message };
  }
  if (reading.kind === "hint") return takeHint(attempt, provider, model, deps);
  if (attempt.outcome !== null) {
    await noteLateCharge(attempt, reading.status, deps);
    return { status: 200, message: "Known already." };
  }
  if (!(await claim(attempt, reading.operation, deps))) {
    return { status: 404, message: "The job belongs to another attempt." };
  }
  const outcome = await outcomeOf(attempt, reading.status, deps.clock(), deps.blobs);
  if (outcome) await recordOutcome(attempt.attemptId, outcome, deps);
  return { status: 200, message: outcome ? "Taken in." : "Still running." };
}

/**
 * Whoever wrote it could not prove to be the provider: it is asked. A job that we do not know by its operation yet is left to
 * the reconciler, which looks for it.
 */
async function takeHint(
  attempt: Attempt,
  provider: Provider,
  model: Model,
  deps: WebhookDeps,
): Promise<WebhookAnswer> {
  if (attempt.outcome !== null) return { status: 200, message: "Known already." };
  const { operation } = attempt;
  if (operation === null) return { status: 200, message: "Noted." };
  let outcome: Outcome | null;
  try {
    outcome = await askForOutcome({ ...attempt, operation }, provider, model, deps);
  } catch (error) {
    if (!isAtelierError(error, "ProviderUnavailable")) throw error;
    // Due at once for the reconciler, whenever somebody asked last.
    await deps.attempts.patch(attempt.attemptId, {
      set: { checkedAtMs: 0 },
      when: [{ field: "outcome", is: "absent" }],
    });
    return { status: 200, message: "Noted: the provider did not answer, and is asked again later." };
  }
  if (outcome) await recordOutcome(attempt.attemptId, outcome, deps);
  return { status: 200, message: outcome ? "Taken in." : "Still running." };
}

/** The first outcome stands; but what a provider charged after all (for a create that was thought lost) must not be lost. */
async function noteLateCharge(attempt: Attempt, status: OperationStatus, deps: WebhookDeps): Promise<void> {
  const known = attempt.outcome;
  if (status.kind === "pending" || known === null || known.kind === "succeeded" || known.charged) return;
  const chargedMicros =
    status.costMicros ?? (status.kind === "succeeded" || status.charged ? attempt.listMicros : 0);
  if (chargedMicros > 0) await noteCharge(attempt, chargedMicros, deps.attempts);
}

/** A create whose answer was lost learns its operation here; one that has its own takes no other. */
async function claim(attempt: Attempt, operation: string, deps: WebhookDeps): Promise<boolean> {
  // Noted by whoever created it, who claims it too: nobody else has an attempt that it would fit.
  if (attempt.operation !== null) return attempt.operation === operation;
  if (!(await deps.attempts.claimOperation(attempt.provider, operation, attempt.attemptId))) return false;
  const patched = await deps.attempts.patch(attempt.attemptId, {
    set: { operation },
    when: [{ field: "operation", is: "absent-or-equals", value: operation }],
  });
  return patched.ok;
}

function sameText(one: string, other: string): boolean {
  const left = Buffer.from(one);
  const right = Buffer.from(other);
  return left.length === right.length && timingSafeEqual(left, right);
}
