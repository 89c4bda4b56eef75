/**
 * @module Outcome meets token. Both are attributes of one attempt item: the first outcome stands, the last token stands,
 * and whoever sees both after its own write answers the token.
 */
import type { Attempt, Outcome, OutputReference } from "./attempt.ts";
import { ERRORS } from "./error-table.ts";
import { AtelierError, isErrorName } from "./errors.ts";
import { sha256Hex } from "./ids.ts";
import type { StoredOutput } from "./image.ts";
import { extensionOf, MEDIA_TYPES, sniffMediaType } from "./media-type.ts";
import { withoutPromptText } from "./png-text.ts";
import type { Attempts, BlobHead, Blobs, TokenAnswer, Workflow } from "./ports.ts";
import type { OperationStatus, OutputData, OutputLayout } from "./provider.ts";

export interface OutcomeDeps {
  readonly attempts: Attempts;
  readonly workflow: Pick<Workflow, "answer">;
}

/** Writes an outcome unless one stands, then answers the token if there is one. */
export async function recordOutcome(
  attemptId: string,
  outcome: Outcome,
  deps: OutcomeDeps,
): Promise<Attempt> {
  const patched = await deps.attempts.patch(attemptId, {
    set: { outcome, state: outcome.kind },
    when: [{ field: "outcome", is: "absent" }],
  });
  if (!patched.record) throw new AtelierError("UnknownName", `There is no attempt ${attemptId}.`);
  await answerIfBoth(patched.record, deps);
  return patched.record;
}

/**
 * Answers the token when token and outcome are both there. A token that is gone may have been replaced meanwhile by a
 * newer run: then that one is answered.
 */
export async function answerIfBoth(attempt: Attempt, deps: OutcomeDeps): Promise<void> {
  for (let current = attempt; current.token !== null && current.outcome !== null; ) {
    const answered = await deps.workflow.answer(current.token, answerTo(current.outcome));
    if (answered !== "gone") return;
    const fresh = await deps.attempts.get(current.attemptId);
    if (!fresh || fresh.token === current.token) return;
    current = fresh;
  }
}

/** Success carries nothing: outputs stand on the attempt. Provider faults all become `FailOver`, with the cause. */
export function answerTo(outcome: Outcome): TokenAnswer {
  if (outcome.kind === "succeeded") return { ok: true };
  const failsOver = isErrorName(outcome.name) && ERRORS[outcome.name].route === "fail-over";
  return {
    ok: false,
    error: failsOver ? "FailOver" : outcome.name,
    cause: JSON.stringify({ errorType: outcome.name, errorMessage: outcome.message }),
  };
}

/** Where an output of an attempt is kept until it is recorded. */
export function incomingKey(
  attempt: Pick<Attempt, "attemptId" | "imageId">,
  /** `0`, or `0q2` for the third quarter of a grid. */
  index: number | string,
  contentType: string,
): string {
  return `incoming/${attempt.imageId}/${attempt.attemptId}-${index}.${extensionOf(contentType)}`;
}

/** Keeps bytes under the attempt's key; the type is what the bytes say, not what a header says. */
export async function keepOutput(
  attempt: Pick<Attempt, "attemptId" | "imageId">,
  index: number | string,
  output: { readonly bytes: Uint8Array; readonly layout?: OutputLayout },
  blobs: Blobs,
): Promise<StoredOutput> {
  const bytes = withoutPromptText(output.bytes);
  const contentType = sniffMediaType(bytes) ?? "application/octet-stream";
  const head = await blobs.put(incomingKey(attempt, index, contentType), bytes, contentType);
  return {
    key: head.key,
    sha256: sha256Hex(bytes),
    bytes: bytes.byteLength,
    contentType,
    ...(output.layout && { layout: output.layout }),
  };
}

/**
 * Turns a provider's outputs into references that fit into an item. Bytes are stored first: nothing that was paid for
 * depends on a later write.
 */
export async function referencesTo(
  attempt: Pick<Attempt, "attemptId" | "imageId">,
  outputs: readonly OutputData[],
  blobs: Blobs,
): Promise<OutputReference[]> {
  const references: OutputReference[] = [];
  for (const [index, output] of outputs.entries()) {
    references.push(
      output.kind === "url"
        ? { kind: "url", url: output.url, ...(output.layout && { layout: output.layout }) }
        : { kind: "stored", stored: await keepOutput(attempt, index, output, blobs) },
    );
  }
  return references;
}

/**
 * What lies under the attempt's keys already, in order: of a call that was answered with bytes and whose caller died before it
 * could note them.
 */
export async function keptOutputs(
  attempt: Pick<Attempt, "attemptId" | "imageId">,
  blobs: Blobs,
): Promise<StoredOutput[]> {
  const kept: StoredOutput[] = [];
  for (;;) {
    const head = await firstHead(
      KEPT_TYPES.map((contentType) => incomingKey(attempt, kept.length, contentType)),
      blobs,
    );
    if (!head) return kept;
    const { key, sha256, bytes, contentType } = head;
    kept.push({ key, sha256, bytes, contentType });
  }
}

const KEPT_TYPES = [...MEDIA_TYPES, "application/octet-stream"];

async function firstHead(keys: readonly string[], blobs: Blobs): Promise<BlobHead | undefined> {
  for (const key of keys) {
    const head = await blobs.head(key);
    if (head) return head;
  }
  return undefined;
}

/** The outcome that a status tells, or null while it is pending. */
export async function outcomeOf(
  attempt: Pick<Attempt, "attemptId" | "imageId">,
  status: OperationStatus,
  nowMs: number,
  blobs: Blobs,
): Promise<Outcome | null> {
  if (status.kind === "pending") return null;
  if (status.kind === "failed") {
    const { name, message, charged, costMicros } = status;
    return { kind: "failed", name, message, charged, costMicros, atMs: nowMs };
  }
  const outputs = await referencesTo(attempt, status.outputs, blobs);
  if (outputs.length === 0) {
    return {
      kind: "failed",
      name: "OutputInvalid",
      message: "The provider says it succeeded but delivered no picture.",
      charged: true,
      costMicros: status.costMicros,
      atMs: nowMs,
    };
  }
  return { kind: "succeeded", outputs, costMicros: status.costMicros, atMs: nowMs };
}

/** What an outcome cost: what the provider told, else the list price of anything charged. */
export function chargeOf(attempt: Pick<Attempt, "listMicros">, outcome: Outcome): number {
  if (outcome.kind === "failed" && !outcome.charged) return outcome.costMicros ?? 0;
  return outcome.costMicros ?? attempt.listMicros;
}
