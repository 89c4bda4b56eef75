/**
 * @module What the reconciler on AWS measures with each pass for the alarms of the stack: the same quantities, by the same functions,
 * that one machine evaluates at once. Read each minute, so it reads little.
 */
import { failuresInARow } from "./alarm-models.ts";
import { attemptsHeldTooLong, budgetsUsed, longestWait, partsStuck, quotaPercent } from "./alarm-rules.ts";
import { type AlarmDeps, type AlarmView, accountsOf, first, OPEN_MAX } from "./alarm-view.ts";
import type { Attempt } from "./attempt.ts";
import type { ProviderName } from "./catalogue.ts";
import { percentOf } from "./ledger-month.ts";
import { byModel, type Measurement } from "./metrics.ts";
import { localDateOf } from "./schedule.ts";

/** Failures in a row are of the last day and of so many of a provider's newest attempts. */
const RECENT_ATTEMPTS = 40;
const RECENT_MS = 24 * 60 * 60 * 1000;

export interface GaugeDeps
  extends Pick<AlarmDeps, "attempts" | "ledger" | "pacingStore" | "clock" | "timezone"> {
  readonly catalogue: Pick<AlarmDeps["catalogue"], "providers">;
  readonly requests: { readonly parts: Pick<AlarmDeps["requests"]["parts"], "open"> };
  /** Those that are bought from. */
  readonly providers: readonly ProviderName[];
}

export interface AlarmGauges {
  readonly measurements: readonly Measurement[];
  readonly accounts: AlarmView["accounts"];
}

/** @throws AtelierError `StorageUnavailable` */
export async function alarmGauges(deps: GaugeDeps): Promise<AlarmGauges> {
  const nowMs = deps.clock();
  const today = localDateOf(nowMs, deps.timezone);
  const [accounts, recent, open, parts, ledger] = await Promise.all([
    accountsOf(deps.providers, deps),
    Promise.all(
      deps.providers.map((provider) =>
        deps.attempts.ofProvider(provider, nowMs - RECENT_MS, { limit: RECENT_ATTEMPTS }),
      ),
    ),
    first(OPEN_MAX, (page) => deps.attempts.open(page)),
    first(OPEN_MAX, (page) => deps.requests.parts.open(page)),
    deps.ledger.read("real", today.slice(0, 7)),
  ]);
  const waitedMs = longestWait({ open, nowMs })?.waitedMs ?? 0;
  return {
    accounts,
    measurements: [
      ...failures(recent.flatMap(({ items }) => items)),
      ...budgetsUsed({ ledger, today }).map(
        ({ scope, usedMicros, limitMicros }): Measurement => ({
          name: "BudgetShare",
          value: percentOf(usedMicros, limitMicros),
          dimensions: { scope },
        }),
      ),
      ...accounts.flatMap(({ provider, report }): Measurement[] => {
        const quota = quotaPercent(report);
        return quota === null ? [] : [{ name: "QuotaShare", value: quota.percent, dimensions: { provider } }];
      }),
      { name: "HeldTooLong", value: attemptsHeldTooLong({ open, nowMs }).length },
      { name: "PartsStuck", value: partsStuck({ parts, nowMs }).length },
      { name: "ReconcilerLagSeconds", value: waitedMs / 1000 },
    ],
  };
}

/** Zero as well: an alarm that rang must hear that it is over. */
function failures(attempts: readonly Attempt[]): Measurement[] {
  return byModel(attempts).map(({ provider, model, attempts: own }) => ({
    name: "ConsecutiveFailures",
    value: failuresInARow(own).length,
    dimensions: { provider, model },
  }));
}
