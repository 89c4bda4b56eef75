/**
 * @module Runs everything that a simulation consists of, one outside call at a time, in an order and with mishaps that a seed
 * decides, on a clock that jumps. Between two turns all code runs until it waits for a call, an hour or an answer; so the same
 * seed gives the same run, however long a call really takes.
 */
import { AtelierError } from "@atelier/core/errors";
import { randomOf } from "../builders/interleaver.ts";

/** Something that may die: a process of one's own machine with all that it runs, or one invocation of a function. */
export interface Life {
  readonly name: string;
  readonly kind: "machine" | "function" | "cloud";
  isDead: boolean;
  /** True when it died in the middle of something; a function that has returned is dead, and was not cut. */
  wasCut: boolean;
  /** Told once. */
  onDeath: () => void;
}

export function newLife(name: string, kind: Life["kind"], onDeath: () => void = () => undefined): Life {
  return { name, kind, isDead: false, wasCut: false, onDeath };
}

/** Out of a hundred thousand calls, how many meet each mishap. */
export interface MishapRates {
  /** The process or the function ends before the call, or right after it took effect. */
  readonly death: Readonly<Record<Life["kind"], number>>;
  /** A store does not answer: before it acted, or after. */
  readonly notReached: number;
  readonly lostAnswer: number;
  /** The client sends it again because the answer was lost. */
  readonly repeated: number;
  /** The caller stands still for longer than a create's right lasts. */
  readonly stalled: number;
}

export const NO_MISHAPS: MishapRates = {
  death: { machine: 0, function: 0, cloud: 0 },
  notReached: 0,
  lostAnswer: 0,
  repeated: 0,
  stalled: 0,
};

export interface CallKind {
  /** `table.update`, `replicate.submit` */
  readonly label: string;
  /** Stores may fail and be asked again; a provider's create may not be sent twice by anybody. */
  readonly isStore: boolean;
  /** Virtual milliseconds until the answer arrives, at least and at most; asked once the call was made. */
  readonly tookMs: () => readonly [number, number];
}

interface Turn {
  readonly life: Life;
  readonly run: () => Promise<void>;
}

interface Timer {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void | Promise<void>;
}

export class Scheduler {
  readonly random: (below: number) => number;
  /** Mishap to number. */
  readonly mishaps: Record<string, number> = {};
  /** Label to deaths there. */
  readonly deaths: Record<string, number> = {};
  /** Deaths between and inside steps, by the place that the interpreter gives. */
  readonly boundaries = new Map<string, number>();
  rates: MishapRates;
  /** How long a call takes at least and at most, instead of what its kind says; undefined: as that. */
  tookMsOf: (label: string) => readonly [number, number] | undefined = () => undefined;
  /** Told of every outside call that is made. */
  onCall: (life: Life, label: string) => void = () => undefined;
  turns = 0;
  #nowMs: number;
  readonly #ready: Turn[] = [];
  readonly #timers: Timer[] = [];
  #order = 0;

  constructor(seed: number, startMs: number, rates: MishapRates) {
    this.random = randomOf(seed);
    this.#nowMs = startMs;
    this.rates = rates;
  }

  nowMs = (): number => this.#nowMs;

  between([least, most]: readonly [number, number]): number {
    return least + this.random(most - least + 1);
  }

  /** True as often as told, out of a hundred thousand. */
  happens(rate: number): boolean {
    return rate > 0 && this.random(100_000) < rate;
  }

  count(what: string, times = 1): void {
    this.mishaps[what] = (this.mishaps[what] ?? 0) + times;
  }

  kill(life: Life, label: string): void {
    if (life.isDead) return;
    life.isDead = true;
    life.wasCut = true;
    this.deaths[label] = (this.deaths[label] ?? 0) + 1;
    this.count(`${life.kind} died`);
    life.onDeath();
  }

  /** Never resolves for whoever is dead by then. */
  sleep(life: Life, forMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.after(forMs, () => {
        if (!life.isDead) resolve();
      });
    });
  }

  after(forMs: number, run: () => void | Promise<void>): void {
    const timer = { atMs: this.#nowMs + Math.max(0, Math.ceil(forMs)), order: this.#order++, run };
    const timers = this.#timers;
    // The next one last; who came first goes first.
    let [low, high] = [0, timers.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((timers[middle]?.atMs ?? 0) > timer.atMs) low = middle + 1;
      else high = middle;
    }
    timers.splice(low, 0, timer);
  }

  /** An outside call: made when its turn comes, met by mishaps, answered when its time has passed. */
  call<T>(life: Life, kind: CallKind, make: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      if (life.isDead) return;
      const run = () => this.#perform(life, kind, make, resolve, reject);
      if (!this.happens(this.rates.stalled)) {
        this.#ready.push({ life, run });
        return;
      }
      this.count("stalled");
      this.after(3_500 + this.random(8_000), () => {
        this.#ready.push({ life, run });
      });
    });
  }

  async #perform<T>(
    life: Life,
    { label, isStore, tookMs }: CallKind,
    make: () => Promise<T>,
    resolve: (value: T) => void,
    reject: (error: unknown) => void,
  ): Promise<void> {
    const { rates } = this;
    const dies = this.happens(rates.death[life.kind]);
    if (dies && this.random(2) === 0) return this.kill(life, `${label} before`);
    const unavailable = () => new AtelierError("StorageUnavailable", "The store did not answer.");
    if (isStore && this.happens(rates.notReached)) {
      this.count("store not reached");
      return reject(unavailable());
    }
    const answerIn = (settle: () => void) =>
      this.after(this.between(this.tookMsOf(label) ?? tookMs()), () => {
        if (!life.isDead) settle();
      });
    this.onCall(life, label);
    try {
      let answer = await make();
      if (isStore && this.happens(rates.repeated)) {
        this.count("store call repeated");
        answer = await make();
      }
      if (dies) return this.kill(life, `${label} after`);
      if (isStore && this.happens(rates.lostAnswer)) {
        this.count("store answer lost");
        return answerIn(() => reject(unavailable()));
      }
      answerIn(() => resolve(answer));
    } catch (error) {
      answerIn(() => reject(error));
    }
  }

  /** Goes on until nothing is left to do, or `isOver` says so between two turns. */
  async run(isOver: () => boolean): Promise<void> {
    for (;;) {
      // All code runs until it waits for one of us.
      await new Promise((resolve) => setImmediate(resolve));
      if (isOver()) return;
      if (this.#ready.length > 0) {
        const at = this.random(this.#ready.length);
        const turn = this.#ready[at];
        const last = this.#ready.pop();
        if (last && last !== turn) this.#ready[at] = last;
        this.turns++;
        if (turn && !turn.life.isDead) await turn.run();
        continue;
      }
      const timer = this.#timers.pop();
      if (!timer) return;
      this.#nowMs = timer.atMs;
      await timer.run();
    }
  }
}
