/** @module What is late: pictures that their own run should have kept, and jobs past their deadline. */
import type { Attempt } from "./attempt.ts";
import { isAtelierError } from "./errors.ts";
import { type KeepOutputsDeps, keepOutputs } from "./keep-outputs.ts";
import type { Provider } from "./provider.ts";

/** Providers that take a deadline end a job by themselves; after this grace the others are told to. */
export const OVERDUE_MS = 60 * 1000;

/**
 * Originals are kept within a minute of completion, and on AWS a pass comes once a minute: the first one that sees a picture that
 * its own run has not begun to fetch keeps it. Fetching it twice harms nobody.
 */
export const KEEP_AFTER_MS = 5 * 1000;

/**
 * The run that should have kept the picture has not: it is kept here, well before any provider deletes it. A picture that is
 * kept already stays with whoever works on it.
 */
export async function keepOverdue(attempt: Attempt, deps: KeepOutputsDeps): Promise<void> {
  const { outcome, storedAtMs } = attempt;
  if (outcome?.kind !== "succeeded" || storedAtMs !== null || attempt.stored.length > 0) return;
  if (deps.clock() - outcome.atMs < KEEP_AFTER_MS) return;
  try {
    await keepOutputs(attempt, deps);
  } catch (error) {
    // What cannot be fetched ends the image in its own run, with its reason.
    if (!isAtelierError(error) || error.name.startsWith("Storage")) throw error;
  }
}

/** Time of hardware that nobody waits for any more. Told again at each question, until it has ended. */
export async function stopOverdue(operation: string, provider: Provider): Promise<void> {
  try {
    await provider.cancel?.(operation);
  } catch (error) {
    if (!isAtelierError(error)) throw error;
  }
}
