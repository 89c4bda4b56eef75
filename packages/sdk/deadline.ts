/** @module How long a silence may last, beside the caller's own signal. */

export interface Deadline {
  /** Aborted by the caller's signal, and when a silence lasts too long. */
  readonly signal: AbortSignal;
  /** From now on silence counts, anew. */
  start(): void;
  /** From now on it does not: the other side is not waited for. */
  stop(): void;
  /** Whether a silence lasted too long. */
  isOver(): boolean;
  /** Aborts whatever is still open, and lets go of the caller's signal, which may outlive many calls. */
  end(): void;
}

/** Not started yet. */
export function createDeadline(silenceMs: number, outer: AbortSignal | undefined): Deadline {
  const controller = new AbortController();
  const abort = () => controller.abort(outer?.reason);
  if (outer?.aborted) abort();
  outer?.addEventListener("abort", abort, { once: true });
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isOver = false;
  const stop = () => clearTimeout(timer);
  return {
    signal: controller.signal,
    start() {
      stop();
      timer = setTimeout(() => {
        isOver = true;
        controller.abort();
      }, silenceMs);
    },
    stop,
    isOver: () => isOver,
    end() {
      stop();
      outer?.removeEventListener("abort", abort);
      controller.abort();
    },
  };
}

/** Resolves after the time; rejects with the signal's reason as soon as it is aborted. */
export function wait(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal?.addEventListener("abort", stop, { once: true });
  });
}
