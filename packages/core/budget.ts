/** @module Budgets for people and programs: what is left in each scope, when it resets, and whether a request fits. */
import type { Attempt } from "./attempt.ts";
import { type AuditDeps, audited } from "./audit.ts";
import { CATEGORY_NAMES, type Catalogue, type CategoryName } from "./catalogue.ts";
import { unknownName } from "./closest.ts";
import type { BudgetDocument } from "./document.ts";
import { AtelierError } from "./errors.ts";
import type { LedgerDeps } from "./ledger.ts";
import {
  type Account,
  countersOf,
  openMonth,
  remainingOf,
  scopeOf,
  shortfall,
  shortfallMessage,
} from "./ledger-month.ts";
import type { LedgerCounter, LedgerRow } from "./ledger-store.ts";
import { type Micros, usdFromMicros } from "./money.ts";
import { instantOf } from "./schedule.ts";

/** What a new ledger starts with where nothing is configured. */
export const DEFAULT_DAY_USD = 10;
export const DEFAULT_MONTH_USD = 200;

/** When a scope starts afresh: the next local midnight, or the first of the next month. RFC 3339 in UTC. */
export function resetOf(scope: string, localDate: string, timezone: string): string {
  const [year = 0, month = 1, day = 1] = localDate.split("-").map(Number);
  const next =
    scope === "day" ? new Date(Date.UTC(year, month - 1, day + 1)) : new Date(Date.UTC(year, month, 1));
  return new Date(instantOf(next.toISOString().slice(0, 10), "00:00", timezone)).toISOString();
}

/**
 * Checks a request as a whole before anything is bought.
 *
 * @param amounts the most that each image can cost, by the provider it would be bought from
 * @param monthOf finds the month's ledger; by default it is opened
 * @throws AtelierError `BudgetExceeded` naming the scope, what is left and when it resets
 */
export async function checkBudget(
  request: {
    readonly account: Account;
    readonly localDate: string;
    readonly category: CategoryName;
    readonly amounts: readonly { readonly provider: Attempt["provider"]; readonly amountMicros: Micros }[];
  },
  deps: Omit<LedgerDeps, "attempts"> & { readonly timezone: string },
  monthOf: typeof openMonth = openMonth,
): Promise<void> {
  const row = await monthOf(request.account, request.localDate.slice(0, 7), deps);
  const total = request.amounts.reduce((sum, { amountMicros }) => sum + amountMicros, 0);
  for (const provider of new Set(request.amounts.map((amount) => amount.provider))) {
    const counters = countersOf({ budgetDay: request.localDate, provider, category: request.category });
    const ofProvider = request.amounts
      .filter((amount) => amount.provider === provider)
      .reduce((sum, { amountMicros }) => sum + amountMicros, 0);
    const isProviders = (counter: LedgerCounter) => counter.limit.startsWith("p.");
    const refused =
      shortfall(row, counters.filter(isProviders), ofProvider) ??
      shortfall(
        row,
        counters.filter((counter) => !isProviders(counter)),
        total,
      );
    if (!refused) continue;
    const resetsAt = resetOf(refused.scope, request.localDate, deps.timezone);
    throw new AtelierError("BudgetExceeded", shortfallMessage(refused, resetsAt), {
      data: { ...refused, resetsAt },
    });
  }
}

/** A document per scope that has a limit: the day, the month, then caps by name. */
export async function budgetReport(
  account: Account,
  localDate: string,
  deps: LedgerDeps & { readonly timezone: string },
): Promise<BudgetDocument[]> {
  const row = await openMonth(account, localDate.slice(0, 7), deps);
  const holds = await openHoldsOf(row, deps);
  return limitsInOrder(row).map((limit) => {
    const counter = limit === "d" ? `d.${localDate}` : limit;
    const limitMicros = row.limits[limit] ?? 0;
    const remainingMicros = remainingOf(row, { counter, limit }) ?? 0;
    const heldMicros = holds
      .filter(({ attempt }) => countersOf(attempt).some((taken) => taken.counter === counter))
      .reduce((sum, { amountMicros }) => sum + amountMicros, 0);
    const scope = scopeOf(limit);
    return {
      scope,
      period: scope === "day" ? localDate : row.month,
      limit: usdFromMicros(limitMicros),
      remaining: usdFromMicros(remainingMicros),
      spent: usdFromMicros(limitMicros - remainingMicros - heldMicros),
      held: usdFromMicros(heldMicros),
      resets_at: resetOf(scope, localDate, deps.timezone),
    };
  });
}

export interface BudgetChange {
  readonly account: Account;
  /** yyyy-mm-dd: of the day or month that is changed. */
  readonly localDate: string;
  /** `day`, `month`, `provider:replicate`, `category:feet` */
  readonly scope: string;
  /** Null removes a provider's or category's cap. */
  readonly limitMicros: Micros | null;
  /** The limit as the caller read it (null: none); left out: whatever it is. */
  readonly expectedMicros?: Micros | null;
}

/**
 * Changes a limit in somebody's name: checked, audited, changed. What is refused leaves nothing in the audit.
 *
 * @throws AtelierError as `setBudget`; `UnknownName` for a provider or category that the catalogue does not list
 */
export async function changeBudget(
  change: BudgetChange,
  deps: Omit<LedgerDeps, "attempts"> & AuditDeps & { readonly catalogue: Pick<Catalogue, "providers"> },
): Promise<void> {
  const { account, localDate, scope, limitMicros } = change;
  checkNamed(
    "provider",
    scope,
    deps.catalogue.providers.map(({ name }) => name),
  );
  checkNamed("category", scope, CATEGORY_NAMES);
  checkExpected(changedLimit(change), await openMonth(account, localDate.slice(0, 7), deps), change);
  const entry = {
    subject: `budget:${scope}`,
    kind: "limit-changed",
    occasion: String(deps.clock()),
    facts: { account, limitMicros },
  } as const;
  await audited({ ...entry, phase: "intended" }, deps);
  await setBudget(change, deps);
  await audited({ ...entry, phase: "done" }, deps);
}

function checkNamed(kind: "provider" | "category", scope: string, names: readonly string[]): void {
  const name = scope.startsWith(`${kind}:`) ? scope.slice(kind.length + 1) : null;
  if (name !== null && !names.includes(name)) throw unknownName(kind, name, names);
}

/**
 * Changes a limit; the counter moves by the difference.
 *
 * @throws AtelierError `UsageError` for a scope that is none, or a day or month without a limit; `PreconditionFailed` when the limit
 *   is not the expected one
 */
export async function setBudget(change: BudgetChange, deps: Omit<LedgerDeps, "attempts">): Promise<void> {
  const name = changedLimit(change);
  const counter = name === "d" ? `d.${change.localDate}` : name;
  for (let round = 0; round < 64; round++) {
    const row = await openMonth(change.account, change.localDate.slice(0, 7), deps);
    if ((row.limits[name] ?? null) === change.limitMicros) return;
    checkExpected(name, row, change);
    if (await deps.ledger.setLimit(row, { name, counter, limitMicros: change.limitMicros })) return;
  }
  throw new AtelierError(
    "LedgerBusy",
    "The ledger is busy with other changes; the same call can be made again.",
  );
}

function checkExpected(name: string, row: LedgerRow, change: BudgetChange): void {
  const { scope, limitMicros, expectedMicros } = change;
  const standing = row.limits[name] ?? null;
  // As it is wanted already: the same call again.
  if (expectedMicros === undefined || standing === expectedMicros || standing === limitMicros) return;
  throw new AtelierError(
    "PreconditionFailed",
    `The ${scope} budget is not the expected one any more; read it again and decide anew.`,
  );
}

function changedLimit({ scope, limitMicros }: BudgetChange): string {
  const name = limitNameOf(scope);
  if (name === null) {
    throw new AtelierError(
      "UsageError",
      `"${scope}" is no budget; take day, month, provider:NAME or category:NAME.`,
    );
  }
  if (limitMicros === null && (name === "m" || name === "d")) {
    throw new AtelierError("UsageError", `The ${scope} budget cannot be removed; give it an amount.`);
  }
  return name;
}

function limitNameOf(scope: string): string | null {
  if (scope === "day") return "d";
  if (scope === "month") return "m";
  const match = /^(provider|category):([a-z0-9_]+)$/.exec(scope);
  return match ? `${match[1]?.slice(0, 1)}.${match[2]}` : null;
}

function limitsInOrder(row: LedgerRow): string[] {
  const order = ["d", "m"];
  const caps = Object.keys(row.limits).filter((limit) => !order.includes(limit));
  return [...order.filter((limit) => limit in row.limits), ...caps.sort()];
}

async function openHoldsOf(row: LedgerRow, deps: LedgerDeps) {
  const holds: { attempt: Attempt; amountMicros: number }[] = [];
  for (const [attemptId, amountMicros] of Object.entries(row.holds)) {
    const attempt = amountMicros > 0 ? await deps.attempts.get(attemptId) : undefined;
    if (attempt) holds.push({ attempt, amountMicros });
  }
  return holds;
}
