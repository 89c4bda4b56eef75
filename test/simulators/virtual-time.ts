/** @module A clock that jumps to whatever happens next: minutes of waiting in milliseconds, always in the same order. */

export interface VirtualTime {
  nowMs(): number;
  /** Resolves when the clock has come that far. */
  sleep(forMs: number): Promise<void>;
  /** Moves the clock on until nobody sleeps any more. */
  run(): Promise<void>;
}

interface Sleeper {
  readonly untilMs: number;
  readonly wake: () => void;
}

export function createVirtualTime(startMs: number): VirtualTime {
  let nowMs = startMs;
  /** The next one last. */
  const sleepers: Sleeper[] = [];
  return {
    nowMs: () => nowMs,
    sleep(forMs) {
      return new Promise((wake) => {
        const untilMs = nowMs + Math.max(0, forMs);
        // Who came first wakes first: equal times are kept in order.
        let at = sleepers.length;
        while (at > 0 && (sleepers[at - 1]?.untilMs ?? 0) <= untilMs) at--;
        sleepers.splice(at, 0, { untilMs, wake });
      });
    },
    async run() {
      for (;;) {
        // Whoever was woken runs on until it sleeps again.
        await new Promise((resolve) => setImmediate(resolve));
        const next = sleepers.pop();
        if (!next) return;
        nowMs = next.untilMs;
        next.wake();
      }
    },
  };
}
