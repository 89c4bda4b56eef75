/** @module When a model fails again and again, or is slower than it usually is: from its attempts, in whatever order they came. */
import type { Finding } from "./alarm-rules.ts";
import type { AlarmView } from "./alarm-view.ts";
import type { Attempt } from "./attempt.ts";
import { CONSECUTIVE_FAILURES_MAX, type EndedAttempt, endedOf, secondsOf } from "./health.ts";
import { byModel } from "./metrics.ts";

/** What happened to a provider longer ago than this is history, not an alarm. */
const FORGOTTEN_AFTER_MS = 24 * 60 * 60 * 1000;

/** The newest pictures of a model are held against those before them; fewer say nothing. */
export const RECENT_PICTURES = 5;
export const USUAL_PICTURES_MIN = 20;
/** Deviations beyond the usual, and by how much a model must be slower at least: a steady one has hardly any spread. */
const SLOW_DEVIATIONS = 4;
const SLOW_FACTOR_MIN = 1.5;
/** Of the normal distribution: from the median deviation to the standard one. */
const DEVIATION_OF_MAD = 1.4826;

/** Failures since the last success, the newest first. */
export function failuresInARow(attempts: readonly Attempt[]): EndedAttempt[] {
  const ended = endedOf(attempts);
  const success = ended.findIndex(({ outcome }) => outcome.kind === "succeeded");
  return success < 0 ? ended : ended.slice(0, success);
}

export function consecutiveFailures({ attempts, nowMs }: AlarmView): Finding[] {
  return byModel(attempts).flatMap(({ provider, model, attempts: own }) => {
    const failures = failuresInARow(own);
    const last = failures[0]?.outcome;
    if (failures.length <= CONSECUTIVE_FAILURES_MAX || last?.kind !== "failed") return [];
    if (nowMs - last.atMs > FORGOTTEN_AFTER_MS) return [];
    // The first one that was too many.
    const first = failures[failures.length - 1 - CONSECUTIVE_FAILURES_MAX];
    return [
      {
        provider,
        model,
        sinceMs: first?.outcome.atMs ?? null,
        facts: { failures: failures.length, last: last.name },
        message: `The last ${failures.length} attempts at ${model} of ${provider} failed, the newest by ${last.name}.`,
      },
    ];
  });
}

export function slowModels({ attempts, nowMs }: AlarmView): Finding[] {
  return byModel(attempts).flatMap(({ provider, model, attempts: own }) => {
    const pictures = endedOf(own).filter(({ outcome }) => outcome.kind === "succeeded");
    const recent = pictures.slice(0, RECENT_PICTURES);
    const usual = pictures.slice(RECENT_PICTURES);
    const newest = recent[0];
    const oldest = recent.at(-1);
    if (!newest || !oldest || usual.length < USUAL_PICTURES_MIN) return [];
    if (nowMs - oldest.outcome.atMs > FORGOTTEN_AFTER_MS) return [];
    const seconds = medianOf(recent.map(secondsOf));
    const usualSeconds = medianOf(usual.map(secondsOf));
    const spreadSeconds =
      DEVIATION_OF_MAD * medianOf(usual.map((each) => Math.abs(secondsOf(each) - usualSeconds)));
    const mostSeconds = Math.max(
      usualSeconds + SLOW_DEVIATIONS * spreadSeconds,
      usualSeconds * SLOW_FACTOR_MIN,
    );
    if (seconds <= mostSeconds) return [];
    return [
      {
        provider,
        model,
        sinceMs: oldest.outcome.atMs,
        facts: {
          seconds,
          usual_seconds: usualSeconds,
          spread_seconds: spreadSeconds,
          pictures: usual.length,
        },
        message: `${model} of ${provider} takes ${seconds.toFixed(1)} s for a picture; usual are ${usualSeconds.toFixed(1)} s.`,
      },
    ];
  });
}

function medianOf(values: readonly number[]): number {
  const ascending = values.toSorted((one, other) => one - other);
  const middle = Math.floor(ascending.length / 2);
  const upper = ascending[middle] ?? 0;
  return ascending.length % 2 === 1 ? upper : ((ascending[middle - 1] ?? 0) + upper) / 2;
}
