/**
 * @module Runs several flows at once with one store call at a time, in an order that a seed decides; a call may also be cut
 * off by a crash, lose its answer, fail before it acts, or be repeated as the SDK does it.
 */
import { AtelierError } from "@atelier/core/errors";

export type Mishap = "none" | "crash-before" | "crash-after" | "lost-answer" | "not-reached" | "repeated";

export interface Interleaver {
  /** The same object, whose methods named wait for their turn. */
  gated<T extends object>(store: T, methods: readonly (keyof T & string)[]): T;
  /** Starts the flows; resolves when each has ended or crashed. What a flow throws goes to `onFailure`. */
  run(flows: readonly (() => Promise<unknown>)[], onFailure: (error: unknown) => void): Promise<void>;
  /** Calls made so far, by mishap. */
  readonly calls: Record<Mishap, number>;
}

interface Waiting {
  readonly call: () => Promise<unknown>;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** @param mishapShare of 100 calls, how many meet a mishap */
export function createInterleaver(seed: number, mishapShare: number): Interleaver {
  const random = randomOf(seed);
  const calls: Record<Mishap, number> = {
    none: 0,
    "crash-before": 0,
    "crash-after": 0,
    "lost-answer": 0,
    "not-reached": 0,
    repeated: 0,
  };
  const waiting: Waiting[] = [];
  let crashed = 0;
  let gatesOpen = true;

  function pass(call: () => Promise<unknown>): Promise<unknown> {
    if (gatesOpen) return call();
    return new Promise((resolve, reject) => waiting.push({ call, resolve, reject }));
  }

  function mishap(): Mishap {
    if (random(100) >= mishapShare) return "none";
    return (
      (["crash-before", "crash-after", "lost-answer", "not-reached", "repeated"] as const)[random(5)] ??
      "none"
    );
  }

  async function perform({ call, resolve, reject }: Waiting): Promise<void> {
    const meets = mishap();
    calls[meets]++;
    const unavailable = new AtelierError("StorageUnavailable", "The store did not answer.");
    if (meets === "crash-before") {
      crashed++;
      return;
    }
    if (meets === "not-reached") return reject(unavailable);
    try {
      const answer = await call();
      if (meets === "crash-after") crashed++;
      else if (meets === "lost-answer") reject(unavailable);
      else resolve(meets === "repeated" ? await call() : answer);
    } catch (error) {
      reject(error);
    }
  }

  return {
    calls,
    gated(store, methods) {
      const wrapped = { ...store };
      for (const method of methods) {
        const original = store[method] as (...parameters: unknown[]) => Promise<unknown>;
        Object.assign(wrapped, {
          [method]: (...parameters: unknown[]) => pass(() => original(...parameters)),
        });
      }
      return wrapped;
    },
    async run(flows, onFailure) {
      gatesOpen = false;
      crashed = 0;
      let ended = 0;
      for (const flow of flows) {
        void flow()
          .catch(onFailure)
          .finally(() => {
            ended++;
          });
      }
      for (;;) {
        // Every flow runs on until it waits at a gate, ends, or has crashed.
        await new Promise((resolve) => setImmediate(resolve));
        const [next] = waiting.splice(random(Math.max(1, waiting.length)), 1);
        if (next) await perform(next);
        else if (ended + crashed >= flows.length) break;
      }
      gatesOpen = true;
    },
  };
}

/** Numbers from 0 to below `below`, by a seed. */
export function randomOf(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}
