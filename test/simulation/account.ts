/** @module What the simulation knows of a provider's account: the adapter, faults by the seed, and what was bought there. */
import type { Model } from "@atelier/core/catalogue";
import type { Provider, ProviderRequest } from "@atelier/core/provider";
import type { Transport } from "@atelier/providers/http";
import { createPool } from "@atelier/providers/pool";

/** One create that took effect. */
export interface Bought {
  /** The attempt's id; or its seed where that is all that the provider saw. */
  readonly attempt: string | number;
  /** What the provider charged; null where it does not tell, and what it is worth at most is `listMicros`. */
  readonly chargedMicros: number | null;
  /** True when a whole picture was made that could be had for as long as providers keep them. */
  readonly hasPicture: boolean;
}

export type Occasion = "submit" | "check" | "find" | "cancel" | "followUp" | "fetch";

export interface Account {
  readonly name: string;
  readonly provider: Provider;
  /** Whether the provider can be asked again about a create whose answer was lost. */
  readonly canBeAsked: boolean;
  /** Scripts what goes wrong with the call that comes next; null: nothing. */
  spoil(occasion: Occasion, call: SpoiltCall): Spoilt | null;
  /** Lets time pass at the provider: webhooks that are due are sent. */
  tick(): Promise<void>;
  bought(): readonly Bought[];
  close(): Promise<void>;
}

export interface SpoiltCall {
  /** Numbers from 0 to below a bound, by the seed. */
  readonly random: (below: number) => number;
  readonly create?: { readonly request: ProviderRequest; readonly attemptId: string };
}

export interface Spoilt {
  /** For the count of faults by kind. */
  readonly fault: string;
  /** Whoever asks waits until it gives up. */
  readonly isSlow: boolean;
}

export interface AccountDeps {
  /** Moves with the simulation's ticks alone, so that no timer of a simulator finds anything to do in between. */
  readonly clock: () => number;
  readonly models: readonly Model[];
  /** Faults in a thousand calls. */
  readonly faultsPerThousand: number;
  /** How long a job takes at Replicate and in the sandbox. Default: two seconds. */
  readonly jobMs?: number;
}

/** Every so often one of the faults; none for the rest. */
export function drawn<T>(
  faults: readonly T[],
  perThousand: number,
  random: (below: number) => number,
): T | undefined {
  return random(1_000) < perThousand ? faults[random(faults.length)] : undefined;
}

/** Loopback answers in a few milliseconds: only what never answers waits for its time-out, and that is scripted. */
const PATIENT_MS = 20_000;
export const IMPATIENT_MS = 120;
/** When an answer comes that nobody waits for any more. */
export const LATE_MS = 180;

/** The product's transport, which waits no longer than needed where a fault is known to keep it waiting. */
export function createWire() {
  const pool = createPool();
  let isHopeless = false;
  const transport: Transport = (request) =>
    pool({ ...request, timeoutMs: Math.min(request.timeoutMs, isHopeless ? IMPATIENT_MS : PATIENT_MS) });
  return {
    transport,
    expectSilence(expected: boolean): void {
      isHopeless = expected;
    },
  };
}
