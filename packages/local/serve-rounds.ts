/**
 * @module The reconciler of a process that serves: what an earlier process left is taken up at the start, calls whose outcome
 * nobody knows are asked about, finished parts closed and the next ones begun every few seconds, and the books are gone
 * through every half minute. Any number of processes may do so at once.
 */
import { setTimeout as wait } from "node:timers/promises";
import { reconcileLedgers } from "@atelier/core/reconcile";
import { reconcileAttempts } from "@atelier/core/reconcile-attempts";
import { reconcileParts } from "@atelier/core/reconcile-parts";
import { finishReviews } from "@atelier/core/review";
import { failureOf, throwFailures } from "@atelier/core/turns";
import { alertDepsOf, lookAtAlarms } from "./alerts.ts";
import type { Installation } from "./installation.ts";
import { reviewing } from "./review-desk.ts";
import { refireOccurrences, withBackstop } from "./runs.ts";

/** Between two looks at what is open. */
export const OPEN_MS = 2_000;

/** Between two looks at everything, and between two tries of a part that does not get on. */
export const BOOKS_MS = 30_000;

/** After a long look so much of its own time passes before the next, but not more than this: what is open must not wait. */
const PAUSE_SHARE = 4;
const PAUSE_MAX_MS = 10_000;

export interface Rounds {
  /** Resolves when the round under way has ended. */
  stop(): Promise<void>;
}

export function startRounds(installation: Installation, onFault: (error: unknown) => void): Rounds {
  const stop = new AbortController();
  const { signal } = stop;
  const stopped = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
  const progress = { learned: false };
  const ended = Promise.all([
    withBackstop(installation, stopped),
    repeated({ attempts: attemptsRound(installation, progress) }, OPEN_MS, signal, onFault),
    repeated({ parts: partsRound(installation, progress) }, OPEN_MS, signal, onFault),
    repeated(booksRound(installation), BOOKS_MS, signal, onFault),
  ]);
  return {
    async stop() {
      stop.abort();
      await ended;
    },
  };
}

/**
 * All works in turn, at once, and again whenever so much time has passed since they ended, until the signal.
 *
 * @param onFault told of each work that failed, with its name; the others have their turn
 */
export async function repeated(
  works: Readonly<Record<string, () => Promise<unknown>>>,
  everyMs: number,
  signal: AbortSignal,
  onFault: (error: unknown) => void,
): Promise<void> {
  while (!signal.aborted) {
    const beganAtMs = performance.now();
    for (const [work, run] of Object.entries(works)) {
      if (signal.aborted) return;
      try {
        await run();
      } catch (error) {
        // The next round tries again.
        if (!signal.aborted) onFault(failureOf(work, error));
      }
    }
    const tookMs = performance.now() - beganAtMs;
    const pauseMs = Math.max(everyMs, Math.min(PAUSE_SHARE * tookMs, PAUSE_MAX_MS));
    await wait(pauseMs, undefined, { signal }).catch(() => undefined);
  }
}

/** Whether an outcome became known since the parts were last looked at: then there is something to go on with. */
interface Progress {
  learned: boolean;
}

/** Beside the parts: a provider that does not answer must hold up nothing else. */
function attemptsRound({ reconciling }: Installation, progress: Progress): () => Promise<void> {
  return async () => {
    const { learned } = await reconcileAttempts(reconciling);
    progress.learned ||= learned > 0;
  };
}

/** Parts without a living owner are begun at the start, after progress, and else as seldom as the books are looked at. */
function partsRound({ reconciling }: Installation, progress: Progress): () => Promise<void> {
  let restartAtMs = Number.NEGATIVE_INFINITY;
  return async () => {
    const nowMs = performance.now();
    const restart = progress.learned || nowMs >= restartAtMs;
    progress.learned = false;
    const { closed, failed } = await reconcileParts({ only: null, restart }, reconciling);
    if (closed.length > 0) restartAtMs = nowMs;
    else if (restart) restartAtMs = nowMs + BOOKS_MS;
    throwFailures(failed);
  };
}

/** Each has its turn: whatever fails for long must not keep reviews from being carried out, or alarms from ringing. */
function booksRound(installation: Installation): Readonly<Record<string, () => Promise<unknown>>> {
  const { reconciling, gate, versionWork } = installation;
  return {
    settings: () => gate.refresh(),
    occurrences: async () => throwFailures((await refireOccurrences(installation)).failed),
    ledgers: () => reconcileLedgers(reconciling),
    reviews: () => finishReviews(reviewing(installation), installation.onFault),
    versions: () => versionWork.finishAll(),
    alarms: () => lookAtAlarms(alertDepsOf(installation)),
  };
}
