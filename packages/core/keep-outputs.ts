/**
 * @module Keeping what an attempt produced, before anything else can fail. The collect step does it at once; the reconciler does
 * it for a run that died, because providers delete their pictures.
 */
import type { Attempt } from "./attempt.ts";
import type { Model } from "./catalogue.ts";
import { AtelierError, isAtelierError } from "./errors.ts";
import type { Clock } from "./ids.ts";
import type { StoredOutput } from "./image.ts";
import { keepOutput } from "./outcome.ts";
import type { Attempts, Blobs, OutputFetcher } from "./ports.ts";
import type { OutputData, Provider } from "./provider.ts";

export interface KeepOutputsDeps {
  readonly attempts: Attempts;
  readonly blobs: Blobs;
  readonly fetcher: OutputFetcher;
  readonly providerOf: (name: Attempt["provider"]) => Provider | undefined;
  readonly modelOf: (name: string) => Model | undefined;
  readonly clock: Clock;
}

/** After this what could not be fetched is done without, as long as something was. */
const MISSING_OUTPUTS_MS = 2 * 60 * 1000;

/**
 * Fetches the outputs and notes them on the attempt; those that are kept already are verified.
 *
 * @throws AtelierError `OutputUnavailable` (worth trying again), `OutputExpired`, `OutputInvalid`, `OutputUnsafe` when not one
 * output could be kept, `Unexpected` for an attempt without a success
 */
export async function keepOutputs(attempt: Attempt, deps: KeepOutputsDeps): Promise<void> {
  const { outcome } = attempt;
  if (outcome?.kind !== "succeeded") {
    throw new AtelierError("Unexpected", `Attempt ${attempt.attemptId} has no outputs to collect.`);
  }
  const isPatient = deps.clock() - outcome.atMs < MISSING_OUTPUTS_MS;
  const enough = isPatient ? outcome.outputs.length : 1;
  if (attempt.stored.length >= enough && (await allKept(attempt.stored, deps.blobs))) return;

  const stored: StoredOutput[] = [];
  const failures: unknown[] = [];
  for (const [index, reference] of outcome.outputs.entries()) {
    try {
      if (reference.kind === "stored") {
        stored.push(await verified(reference.stored, deps.blobs));
      } else {
        const fetched = await fetchOrRenew(attempt, reference.url, index, deps);
        const output = { bytes: fetched.bytes, ...(reference.layout && { layout: reference.layout }) };
        stored.push(await keepOutput(attempt, index, output, deps.blobs));
      }
    } catch (error) {
      // One address that does not answer must not cost the others; a store that is full must be told at once.
      if (!isAtelierError(error) || error.name.startsWith("Storage")) throw error;
      failures.push(error);
    }
  }
  if (stored.length === 0) throw failures[0];
  // Whoever keeps them keeps the same bytes under the same keys: no generation guards this.
  await deps.attempts.patch(attempt.attemptId, { set: { stored, storedAtMs: deps.clock() }, when: [] });
  // All were paid for: one that only did not answer just now is asked again, while there is time.
  const passing = failures.find((error) => isAtelierError(error, "OutputUnavailable"));
  if (passing && isPatient) throw passing;
}

/**
 * A dead address is asked for once more: `check` answers a fresh one while the provider still has the picture. So is one that
 * may not be fetched: a provider on this machine may have moved to another port. What comes back is checked again.
 */
async function fetchOrRenew(attempt: Attempt, url: string, index: number, deps: KeepOutputsDeps) {
  const provider = deps.providerOf(attempt.provider);
  const trustedOrigin = provider?.trustedOrigin ?? null;
  try {
    return await deps.fetcher.fetch(url, trustedOrigin);
  } catch (error) {
    const model = deps.modelOf(attempt.model);
    const isRenewable = isAtelierError(error, "OutputExpired") || isAtelierError(error, "OutputUnsafe");
    if (!isRenewable || !provider || !model || attempt.operation === null) throw error;
    const status = await provider.check(attempt.operation, model);
    const renewed = status.kind === "succeeded" ? status.outputs[index] : undefined;
    if (!renewed) throw error;
    return bytesOf(renewed, trustedOrigin, deps.fetcher);
  }
}

async function bytesOf(output: OutputData, trustedOrigin: string | null, fetcher: OutputFetcher) {
  return output.kind === "bytes" ? output : fetcher.fetch(output.url, trustedOrigin);
}

async function verified(output: StoredOutput, blobs: Blobs): Promise<StoredOutput> {
  const blob = await blobs.get(output.key);
  if (blob?.head.sha256 !== output.sha256) {
    throw new AtelierError("OutputInvalid", `The stored output ${output.key} is missing or damaged.`);
  }
  return output;
}

async function allKept(stored: readonly StoredOutput[], blobs: Blobs): Promise<boolean> {
  const heads = await Promise.all(stored.map((output) => blobs.head(output.key)));
  return stored.length > 0 && heads.every((head, index) => head?.sha256 === stored[index]?.sha256);
}
