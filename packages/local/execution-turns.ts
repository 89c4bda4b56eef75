/**
 * @module How many executions one process has in work at once, and whose turn is next. A thousand requests at the same moment
 * would otherwise be a thousand running state machines with all their pictures in memory.
 */

export interface Turns {
  /**
   * Runs the work when its turn comes. The next turn is the group's that has the fewest at work, of several the one that has
   * waited longest: a large request does not hold up a small one.
   */
  take<T>(group: string, work: () => Promise<T>): Promise<T>;
  /** What waits now never gets its turn: its promise stays pending. */
  close(): void;
}

interface Waiting {
  readonly group: string;
  begin(): void;
}

export function createTurns(atOnceMax: number): Turns {
  const atWork = new Map<string, number>();
  const waiting = new Set<Waiting>();
  let taken = 0;
  let closed = false;

  function next(): void {
    if (closed || taken >= atOnceMax) return;
    let chosen: Waiting | undefined;
    let least = Number.POSITIVE_INFINITY;
    for (const candidate of waiting) {
      const busy = atWork.get(candidate.group) ?? 0;
      if (busy < least) [chosen, least] = [candidate, busy];
      if (least === 0) break;
    }
    if (!chosen) return;
    waiting.delete(chosen);
    chosen.begin();
  }

  return {
    async take(group, work) {
      await new Promise<void>((begin) => {
        waiting.add({
          group,
          begin: () => {
            taken++;
            atWork.set(group, (atWork.get(group) ?? 0) + 1);
            begin();
          },
        });
        next();
      });
      try {
        return await work();
      } finally {
        taken--;
        const left = (atWork.get(group) ?? 1) - 1;
        if (left === 0) atWork.delete(group);
        else atWork.set(group, left);
        next();
      }
    },
    close() {
      closed = true;
      waiting.clear();
    },
  };
}
