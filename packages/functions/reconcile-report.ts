/** @module A pass of the reconciler on AWS: its times, and what it says about itself. */

import { type AlarmGauges, alarmGauges } from "@atelier/core/alarm-gauges";
import type { Catalogue, ProviderName } from "@atelier/core/catalogue";
import { closedReason } from "@atelier/core/installed-health";
import { bounded, knownNames } from "@atelier/core/metrics";
import type { PacingStore } from "@atelier/core/ports";
import { type ReconcileDeps, type ReconcileReport, reconcile } from "@atelier/core/reconcile";
import { allInTurn } from "@atelier/core/turns";
import { CREATE_TIMEOUT_MS } from "@atelier/providers/stability/provider";
import type { Surroundings } from "./runtime.ts";

/** The function of `generate` is given no more than this by its stack. */
export const GENERATE_TIMEOUT_MS = 150_000;

/** Stability AI answers a create with the picture; with everybody else a create only begins a job. */
export const LONGEST_CREATE_MS = CREATE_TIMEOUT_MS;

const LISTING_LAG_MS = 2 * 60_000;

export const AWS_TIMES: ReconcileDeps["times"] = {
  lostCreateGraceMs: LONGEST_CREATE_MS + GENERATE_TIMEOUT_MS + LISTING_LAG_MS,
  // Webhooks tell within a second; this is for those that are lost. A pass comes once a minute.
  checkIntervalMs: 45_000,
};

/** Images of an earlier release that a pass makes findable: some ten thousand writes. */
const EARLIER_IMAGES = 400;

type ReportDeps = Omit<ReconcileDeps, "times"> &
  Pick<Surroundings, "telemetry"> & {
    readonly providers: readonly ProviderName[];
    readonly offers: Pick<Catalogue, "providers" | "models">;
    readonly pacing: Pick<PacingStore, "read">;
  };

/**
 * The alarms' values come before the pass: what it finds waiting is what it should have come to earlier. Whatever they meet, the
 * pass runs: it is the backstop of money.
 *
 * @throws AtelierError what failed, when each has had its turn
 */
export async function reconcileAndReport(_event: unknown, deps: ReportDeps): Promise<ReconcileReport> {
  const { reconcile: report } = await allInTurn({
    gauges: () => measureGauges(deps),
    reconcile: () => reconcileAndMeasure(deps),
    "earlier images": () => deps.images.indexEarlier(EARLIER_IMAGES),
  });
  return report;
}

async function measureGauges(deps: ReportDeps): Promise<void> {
  const { measurements, accounts } = await alarmGauges({
    ...deps,
    catalogue: deps.offers,
    pacingStore: deps.pacing,
  });
  deps.telemetry.measure(...bounded(measurements, knownNames(deps.offers)));
  reportAccounts(accounts, deps);
}

async function reconcileAndMeasure(deps: ReportDeps): Promise<ReconcileReport> {
  const { telemetry } = deps;
  const report = await reconcile({ ...deps, times: AWS_TIMES });
  const { attempts, parts, ledger } = report;
  telemetry.measure(
    { name: "AttemptsOpen", value: attempts.open },
    { name: "AttemptsLearned", value: attempts.learned },
    { name: "AttemptsGivenUp", value: attempts.givenUp },
    { name: "PartsRestarted", value: parts.started.length },
    { name: "ProvidersUnreachable", value: attempts.unreachable.length },
  );
  if (attempts.unreachable.length > 0) {
    telemetry.warn("providers do not answer", { providers: attempts.unreachable });
  }
  telemetry.info("reconciled", {
    started: parts.started,
    closed: parts.closed,
    owned: parts.owned,
    waiting: parts.waiting,
    ledgerApplied: ledger.applied,
    ledgerGivenBack: ledger.givenBack,
    ledgerSwept: ledger.swept,
  });
  return report;
}

/** Providers that nothing is bought from now: the breaker is open, or a quota is used up. */
function reportAccounts(accounts: AlarmGauges["accounts"], { telemetry }: ReportDeps): void {
  const closed = accounts.flatMap(({ provider, report }) => {
    const reason = closedReason(report);
    return reason === null ? [] : [`${provider}: ${reason}`];
  });
  telemetry.measure({ name: "ProvidersClosed", value: closed.length });
  if (closed.length > 0) telemetry.warn("providers take no creates", { closed });
}
