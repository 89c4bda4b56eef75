/** @module collect: fetches what the attempt produced and keeps it, before anything else can fail. */
import type { Attempt } from "../../attempt.ts";
import type { Model } from "../../catalogue.ts";
import { AtelierError, isAtelierError } from "../../errors.ts";
import type { Clock } from "../../ids.ts";
import type { StoredOutput } from "../../image.ts";
import { keepOutput } from "../../outcome.ts";
import type { Attempts, Blobs, Images, OutputFetcher } from "../../ports.ts";
import type { OutputData, Provider } from "../../provider.ts";
import { type AttemptInput, advance, ownedAttempt } from "../ownership.ts";

export interface CollectDeps {
  readonly images: Images;
  readonly attempts: Attempts;
  readonly blobs: Blobs;
  readonly fetcher: OutputFetcher;
  readonly providerOf: (name: Attempt["provider"]) => Provider | undefined;
  readonly modelOf: (name: string) => Model | undefined;
  readonly clock: Clock;
}

/**
 * @throws AtelierError `OutputUnavailable` (fetched again by the engine), `OutputExpired`, `OutputInvalid`, `OutputUnsafe`
 * when not one output could be kept
 */
export async function collect(input: AttemptInput, deps: CollectDeps): Promise<void> {
  const attempt = await ownedAttempt(input, deps.attempts);
  const { outcome } = attempt;
  if (outcome?.kind !== "succeeded") {
    throw new AtelierError("Unexpected", `Attempt ${attempt.attemptId} has no outputs to collect.`);
  }
  if (await allKept(attempt.stored, deps.blobs)) return;

  const stored: StoredOutput[] = [];
  const failures: unknown[] = [];
  for (const [index, reference] of outcome.outputs.entries()) {
    try {
      stored.push(
        reference.kind === "stored"
          ? await verified(reference.stored, deps.blobs)
          : await keepOutput(
              attempt,
              index,
              await fetchOrRenew(attempt, reference.url, index, deps),
              deps.blobs,
            ),
      );
    } catch (error) {
      // One address that does not answer must not cost the others; a store that is full must be told at once.
      if (!isAtelierError(error) || error.name.startsWith("Storage")) throw error;
      failures.push(error);
    }
  }
  if (stored.length === 0) throw failures[0];
  await deps.attempts.patch(attempt.attemptId, {
    set: { stored },
    when: [{ field: "generation", is: "equals", value: input.generation }],
  });
  await advance(input, "processing", deps.images);
}

/**
 * A dead address is asked for once more: `check` answers a fresh one while the provider still has the picture. So is one that
 * may not be fetched: a provider on this machine may have moved to another port. What comes back is checked again.
 */
async function fetchOrRenew(attempt: Attempt, url: string, index: number, deps: CollectDeps) {
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
