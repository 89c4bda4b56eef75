/** @module How providers and their models have done lately, derived from attempts. Nothing is counted on the side. */
import type { Attempt } from "./attempt.ts";
import type { Clock } from "./ids.ts";
import { all } from "./pages.ts";
import type { Attempts } from "./ports.ts";
import type { HealthView } from "./routing.ts";

/** How far back health looks, and at how many of a provider's newest attempts. */
export const HEALTH_WINDOW_MS = 14 * 24 * 60 * 60 * 1000;
export const HEALTH_ATTEMPTS_MAX = 400;

/** More failures in a row than this, the last of them lately, and a model is passed over while another can be had. */
export const CONSECUTIVE_FAILURES_MAX = 3;
const FAILURES_FORGOTTEN_AFTER_MS = 10 * 60 * 1000;
/** A model or version that is gone is looked for again after a day. */
const GONE_FORGOTTEN_AFTER_MS = 24 * 60 * 60 * 1000;

/** Fewer say nothing about quality, cost or speed. */
const MEASUREMENTS_MIN = 5;

export interface ModelHealth {
  readonly provider: string;
  readonly model: string;
  /** Attempts that ended with a picture or by a fault of the provider. */
  readonly ended: number;
  /** 0 to 1; null before the first has ended. */
  readonly successRate: number | null;
  /** From the create to the outcome, of successes; null with none. */
  readonly p50Seconds: number | null;
  readonly p95Seconds: number | null;
  readonly consecutiveFailures: number;
  /** Settled and corrected, all attempts. */
  readonly spentMicros: number;
  /** Of what was charged for a picture and of its measured quality (0 to 100); null with fewer than five. */
  readonly meanCostMicros: number | null;
  readonly meanQuality: number | null;
  /** Why the model is passed over while another can be had, for people; null: it is well. */
  readonly problem: string | null;
}

/** Ends that say something about the provider; the others are about the prompt, the budget or ourselves. */
const FAULTS: ReadonlySet<string> = new Set([
  "ModelUnavailable",
  "OutcomeUnknown",
  "OutputExpired",
  "OutputInvalid",
  "OutputUnsafe",
  "ProviderAborted",
  "ProviderCancelled",
  "ProviderFailed",
  "ProviderRefused",
]);

/**
 * @param attempts of any providers and models, in any order; those outside the window count for nothing
 * @returns one entry for each provider and model that has attempts, in order of their names
 */
export function healthOf(attempts: readonly Attempt[], nowMs: number): ModelHealth[] {
  const groups = new Map<string, Attempt[]>();
  for (const attempt of attempts) {
    if (nowMs - attempt.createdAtMs > HEALTH_WINDOW_MS || attempt.cancelledAtMs !== null) continue;
    const key = `${attempt.provider} ${attempt.model}`;
    groups.set(key, [...(groups.get(key) ?? []), attempt]);
  }
  return [...groups]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .flatMap(([, group]) => (group[0] ? [healthOfModel(group[0], group, nowMs)] : []));
}

function healthOfModel(
  { provider, model }: Attempt,
  attempts: readonly Attempt[],
  nowMs: number,
): ModelHealth {
  const ended = endedOf(attempts);
  const successes = ended.filter(({ outcome }) => outcome.kind === "succeeded");
  const seconds = successes.map(secondsOf).sort((one, other) => one - other);
  const firstSuccess = ended.findIndex(({ outcome }) => outcome.kind === "succeeded");
  const consecutiveFailures = firstSuccess < 0 ? ended.length : firstSuccess;
  const costs = successes.flatMap(({ attempt }) =>
    attempt.settledMicros === null ? [] : [chargedMicros(attempt)],
  );
  const qualities = successes.flatMap(({ attempt }) => (attempt.quality === null ? [] : [attempt.quality]));
  return {
    provider,
    model,
    ended: ended.length,
    successRate: ended.length === 0 ? null : successes.length / ended.length,
    p50Seconds: percentile(seconds, 0.5),
    p95Seconds: percentile(seconds, 0.95),
    consecutiveFailures,
    spentMicros: attempts.reduce((sum, attempt) => sum + chargedMicros(attempt), 0),
    meanCostMicros: meanOfEnough(costs),
    meanQuality: meanOfEnough(qualities),
    problem: problemOf(ended[0]?.outcome, consecutiveFailures, nowMs),
  };
}

/** An attempt that ended with a picture or by a fault of its provider. */
export interface EndedAttempt {
  readonly attempt: Attempt;
  readonly outcome: NonNullable<Attempt["outcome"]>;
}

/** Attempts whose end says something about their provider, the newest end first, in whatever order they come. */
export function endedOf(attempts: readonly Attempt[]): EndedAttempt[] {
  return attempts
    .flatMap((attempt) =>
      attempt.outcome && attempt.cancelledAtMs === null ? [{ attempt, outcome: attempt.outcome }] : [],
    )
    .filter(({ outcome }) => outcome.kind === "succeeded" || FAULTS.has(outcome.name))
    .sort(
      (one, other) =>
        other.outcome.atMs - one.outcome.atMs || (one.attempt.attemptId < other.attempt.attemptId ? 1 : -1),
    );
}

/** From the create to the outcome. */
export function secondsOf({ attempt, outcome }: EndedAttempt): number {
  return (outcome.atMs - (attempt.submittingAtMs ?? attempt.createdAtMs)) / 1000;
}

function problemOf(
  last: NonNullable<Attempt["outcome"]> | undefined,
  consecutiveFailures: number,
  nowMs: number,
): string | null {
  if (last?.kind !== "failed") return null;
  const ageMs = nowMs - last.atMs;
  if (last.name === "ModelUnavailable" && ageMs < GONE_FORGOTTEN_AFTER_MS) {
    return "the provider said lately that it does not serve it any more";
  }
  return consecutiveFailures > CONSECUTIVE_FAILURES_MAX && ageMs < FAILURES_FORGOTTEN_AFTER_MS
    ? `its last ${consecutiveFailures} attempts failed`
    : null;
}

/** Settled, and what came to light afterwards. */
export function chargedMicros(attempt: Attempt): number {
  return (attempt.settledMicros ?? 0) + (attempt.correctionMicros ?? 0);
}

/** Nearest rank: the smallest value that so large a share does not exceed. */
export function percentile(ascending: readonly number[], share: number): number | null {
  return ascending[Math.max(0, Math.ceil(share * ascending.length) - 1)] ?? null;
}

function meanOfEnough(values: readonly number[]): number | null {
  if (values.length < MEASUREMENTS_MIN) return null;
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The newest attempts of the providers, as far as health looks. */
export async function recentAttempts(
  providers: readonly string[],
  deps: { readonly attempts: Pick<Attempts, "ofProvider">; readonly clock: Clock },
): Promise<Attempt[]> {
  const sinceMs = deps.clock() - HEALTH_WINDOW_MS;
  const lists = await Promise.all(
    providers.map(async (provider) => {
      const newest: Attempt[] = [];
      for await (const attempt of all((page) => deps.attempts.ofProvider(provider, sinceMs, page))) {
        newest.push(attempt);
        if (newest.length >= HEALTH_ATTEMPTS_MAX) break;
      }
      return newest;
    }),
  );
  return lists.flat();
}

/** How long what attempts tell is taken for current: an image costs more than what a fresher one could save. */
const HEALTH_TTL_MS = 30_000;

/**
 * The health of providers as routing takes it: of models read anew every half minute, of closed accounts each time. An image
 * whose provider has just refused the account would otherwise spend all of its attempts on it.
 *
 * @param deps.providers those that may be bought from
 * @param deps.closed why a provider takes no create now, or null: an open breaker, a quota that is used up
 */
export function createHealth(deps: {
  readonly providers: readonly string[];
  readonly attempts: Pick<Attempts, "ofProvider">;
  readonly closed: (provider: string) => Promise<string | null>;
  readonly clock: Clock;
}): () => Promise<HealthView> {
  let models: Promise<ModelHealth[]> | undefined;
  let readAtMs = 0;
  const readModels = async () => healthOf(await recentAttempts(deps.providers, deps), deps.clock());
  const readClosed = async (): Promise<HealthView["closed"]> => {
    const reasons = await Promise.all(
      deps.providers.map(async (provider) => [provider, await deps.closed(provider)] as const),
    );
    return new Map(reasons.flatMap(([provider, reason]) => (reason === null ? [] : [[provider, reason]])));
  };
  return async () => {
    if (models === undefined || deps.clock() - readAtMs > HEALTH_TTL_MS) {
      readAtMs = deps.clock();
      models = readModels();
      // The next caller reads anew.
      models.catch(() => {
        models = undefined;
      });
    }
    const [known, closed] = await Promise.all([models, readClosed()]);
    return { models: known, closed };
  };
}
