/** @module What alarms are evaluated from: read at once, bounded, without a scan. */
import type { Attempt } from "./attempt.ts";
import { type Catalogue, type ProviderName, SANDBOX, type Schedule } from "./catalogue.ts";
import { recentAttempts } from "./health.ts";
import type { Clock } from "./ids.ts";
import type { Image } from "./image.ts";
import { accountReport } from "./installed-health.ts";
import type { Account } from "./ledger-month.ts";
import type { LedgerRow, LedgerStore } from "./ledger-store.ts";
import type { PacingReport } from "./pacing.ts";
import { all } from "./pages.ts";
import type { Attempts, Images, PacingStore, Requests } from "./ports.ts";
import type { Part } from "./request.ts";
import { localDateOf, occurrencesOn, type ScheduledOccurrence, shiftedDate } from "./schedule.ts";

export interface AlarmDeps {
  readonly catalogue: Pick<Catalogue, "providers" | "schedule">;
  /** Whose money and which providers: the sandbox's, or everybody else's. */
  readonly account: Account;
  readonly attempts: Pick<Attempts, "ofProvider" | "open">;
  readonly requests: Pick<Requests, "get"> & {
    readonly occurrences: Pick<Requests["occurrences"], "get">;
  } & {
    readonly parts: Pick<Requests["parts"], "open">;
  };
  readonly images: Pick<Images, "ofRequest" | "list">;
  readonly ledger: Pick<LedgerStore, "read">;
  readonly pacingStore: Pick<PacingStore, "read">;
  readonly clock: Clock;
  readonly timezone: string;
}

/** Of attempts and parts that are open: the oldest are what alarms are about. */
export const OPEN_MAX = 200;
const FAILED_IMAGES_MAX = 50;
/** A calendar that has not fired for longer counts as one that nobody uses. */
const USE_LOOKED_BACK_DAYS = 60;
const DAY_MS = 24 * 60 * 60 * 1000;

/** An occurrence of today or yesterday whose time has come. */
export interface DueOccurrence {
  readonly occurrenceId: string;
  readonly scheduledAtMs: number;
  /** Null: it has not fired. */
  readonly images: readonly Pick<Image, "status">[] | null;
}

export interface AlarmView {
  readonly nowMs: number;
  /** Local. */
  readonly today: string;
  /** Of the last 14 days, the newest 400 of each provider, in any order. */
  readonly attempts: readonly Attempt[];
  /** Oldest first. */
  readonly open: readonly Attempt[];
  readonly parts: readonly Part[];
  /** The current month's ledger; undefined before anything was bought. */
  readonly ledger: LedgerRow | undefined;
  readonly accounts: readonly { readonly provider: string; readonly report: PacingReport }[];
  readonly due: readonly DueOccurrence[];
  /**
   * When the calendar is known to have fired: before the first of `due` that has not fired, where there was such a time, else the
   * earliest. Null: never.
   */
  readonly calendarUsedAtMs: number | null;
  /** Made within the last day. */
  readonly failedImages: readonly Pick<Image, "finishedAtMs" | "failure">[];
}

export async function readAlarmView(deps: AlarmDeps): Promise<AlarmView> {
  const nowMs = deps.clock();
  const today = localDateOf(nowMs, deps.timezone);
  const providers = deps.catalogue.providers
    .map(({ name }) => name)
    .filter((name) => (name === SANDBOX) === (deps.account === "sandbox"));
  const [attempts, open, parts, ledger, accounts, due, failed] = await Promise.all([
    recentAttempts(providers, deps),
    first(OPEN_MAX, (page) => deps.attempts.open(page)),
    first(OPEN_MAX, (page) => deps.requests.parts.open(page)),
    deps.ledger.read(deps.account, today.slice(0, 7)),
    accountsOf(providers, deps),
    dueOccurrences(deps.catalogue.schedule, nowMs, deps),
    deps.images.list({ status: "failed", sinceMs: nowMs - DAY_MS }, { limit: FAILED_IMAGES_MAX }),
  ]);
  const ofAccount = open.filter(({ account }) => account === deps.account);
  return {
    nowMs,
    today,
    attempts,
    open: ofAccount,
    parts,
    ledger,
    accounts,
    ...due,
    failedImages: failed.items,
  };
}

export function accountsOf(
  providers: readonly ProviderName[],
  deps: Pick<AlarmDeps, "pacingStore" | "clock" | "timezone"> & {
    readonly catalogue: Pick<Catalogue, "providers">;
  },
): Promise<AlarmView["accounts"]> {
  return Promise.all(
    providers.map(async (provider) => ({ provider, report: await accountReport(provider, deps) })),
  );
}

type CalendarDeps = Pick<AlarmDeps, "requests" | "images" | "timezone">;

async function dueOccurrences(
  schedule: Schedule,
  nowMs: number,
  deps: CalendarDeps,
): Promise<Pick<AlarmView, "due" | "calendarUsedAtMs">> {
  const local = { ...schedule, timezone: deps.timezone };
  const [yesterday, today] = [localDateOf(nowMs - DAY_MS, deps.timezone), localDateOf(nowMs, deps.timezone)];
  const occurrences = [...new Set([yesterday, today])].flatMap((date) => occurrencesOn(date, local));
  const due = await Promise.all(
    occurrences
      .filter(({ action, scheduledAtMs }) => action.kind === "generate" && scheduledAtMs <= nowMs)
      .map(async ({ occurrenceId, scheduledAtMs }) => {
        const fired = await deps.requests.occurrences.get(occurrenceId);
        const images = fired?.requestId ? await deps.images.ofRequest(fired.requestId) : fired ? [] : null;
        return { occurrenceId, scheduledAtMs, images };
      }),
  );
  const missing = due.filter(({ images }) => images === null).map(({ scheduledAtMs }) => scheduledAtMs);
  if (missing.length === 0) return { due, calendarUsedAtMs: null };

  // Found at once where the calendar runs; each day that it has stood still costs a few reads.
  const beforeMs = Math.min(...missing);
  let usedAtMs = await firstFiringOf(occurrences, deps);
  for (let back = 1; back <= USE_LOOKED_BACK_DAYS && (usedAtMs ?? beforeMs) >= beforeMs; back++) {
    const earlier = await firstFiringOf(occurrencesOn(shiftedDate(yesterday, -back), local), deps);
    if (earlier !== null) usedAtMs = Math.min(earlier, usedAtMs ?? earlier);
  }
  return { due, calendarUsedAtMs: usedAtMs };
}

/** When the first of them fired, which may be long after its time; reports fire as well. */
async function firstFiringOf(
  occurrences: readonly ScheduledOccurrence[],
  { requests }: CalendarDeps,
): Promise<number | null> {
  const times = await Promise.all(
    occurrences.map(async ({ occurrenceId }) => {
      const fired = await requests.occurrences.get(occurrenceId);
      if (!fired) return [];
      const request = fired.requestId === null ? undefined : await requests.get(fired.requestId);
      return [request?.createdAtMs ?? fired.scheduledAtMs];
    }),
  );
  return times.flat().reduce<number | null>((first, atMs) => Math.min(atMs, first ?? atMs), null);
}

export async function first<T>(count: number, read: Parameters<typeof all<T>>[0]): Promise<T[]> {
  const found: T[] = [];
  for await (const each of all(read)) {
    found.push(each);
    if (found.length === count) break;
  }
  return found;
}
