/**
 * @module Running to the end on one machine: waits for executions, answers tokens whose outcome another process wrote, asks
 * providers whose webhook does not come, and takes over what a dead process left.
 */
import { setTimeout as wait } from "node:timers/promises";
import type { Execution } from "@atelier/aws/dynamo/executions";
import type { AtelierError } from "@atelier/core/errors";
import type { Image } from "@atelier/core/image";
import { answerIfBoth } from "@atelier/core/outcome";
import { all } from "@atelier/core/pages";
import { reconcileLedgers } from "@atelier/core/reconcile";
import { reconcileAttempts } from "@atelier/core/reconcile-attempts";
import { reconcileParts } from "@atelier/core/reconcile-parts";
import { partIdOf } from "@atelier/core/request";
import { finishReviews } from "@atelier/core/review";
import { allInTurn, failureOf, startTurns, throwFailures, together } from "@atelier/core/turns";
import type { Installation } from "./installation.ts";
import { reviewing } from "./review-desk.ts";

/** How often tokens and providers are looked at while something runs: only what webhooks missed waits for it. */
const ROUND_MS = 500;

/** `resume` waits this long for providers to tell about jobs that nobody works on any more. */
const RESUME_PATIENCE_MS = 20 * 60 * 1000;

/** Runs the backstop beside some work, for as long as it takes. */
export async function withBackstop<T>(installation: Installation, work: Promise<T>): Promise<T> {
  const stop = new AbortController();
  const rounds = backstop(installation, stop.signal);
  try {
    return await work;
  } finally {
    stop.abort();
    await rounds;
  }
}

async function backstop(installation: Installation, stop: AbortSignal): Promise<void> {
  const { machine, steps, reconciling, onFault } = installation;
  let pauseMs = ROUND_MS;
  while (!stop.aborted) {
    await wait(pauseMs, undefined, { signal: stop }).catch(() => undefined);
    if (stop.aborted) return;
    const beganAtMs = performance.now();
    const turns = startTurns();
    for (const { attemptId } of machine.waiting()) {
      await turns.give(attemptId, async () => {
        const attempt = await steps.attempts.get(attemptId);
        if (attempt) await answerIfBoth(attempt, { attempts: steps.attempts, workflow: machine });
      });
    }
    if (machine.waiting().length > 0) await turns.give("attempts", () => reconcileAttempts(reconciling));
    // The next round tries again.
    if (turns.failures.length > 0 && !stop.aborted) onFault(together(turns.failures));
    // With hundreds of jobs under way, asking about them must leave the machine to their work.
    pauseMs = Math.max(ROUND_MS, 4 * (performance.now() - beganAtMs));
  }
}

/** Resolves when the executions have ended, whatever came of their images; at once when the signal aborts. */
export async function executionsEnded(
  names: readonly string[],
  installation: Installation,
  signal: AbortSignal | undefined,
): Promise<void> {
  const ended = Promise.allSettled(names.map((name) => installation.machine.ended(name)));
  if (!signal) {
    await ended;
    return;
  }
  const aborted = new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
  await Promise.race([ended, aborted]);
  if (signal.aborted) await installation.machine.stop();
}

/**
 * Waits until nobody works on the requests any more; when another process that did dies, takes its parts over.
 *
 * @param takeOver whether parts without a living owner are taken up at once: yes for what an earlier run left, no after an
 * own execution, which leaves an image open only when trying again now would not help
 */
export async function requestsEnded(
  requestIds: readonly string[],
  takeOver: boolean,
  installation: Installation,
  signal: AbortSignal | undefined,
): Promise<Image[]> {
  const tried = new Set<string>();
  let isStuck = false;
  for (let restart = takeOver; !signal?.aborted; restart = !isStuck) {
    const parts = await reconcileParts({ only: requestIds, restart }, installation.reconciling);
    await executionsEnded(parts.started, installation, signal);
    throwFailures(parts.failed);
    // Further parts of a large request are begun by a pass that may start something.
    if (parts.started.length === 0 && parts.owned === 0 && (restart || parts.unbegun === 0)) break;
    // A part that is started a second time is not getting on by being started.
    isStuck ||= parts.started.some((name) => tried.has(partOf(name)));
    for (const name of parts.started) tried.add(partOf(name));
    if (parts.started.length === 0) await wait(ROUND_MS);
  }
  return imagesOf(requestIds, installation);
}

/**
 * Settles what interrupted runs left open.
 *
 * @returns the images of every part that was taken up or found finished
 * @throws AtelierError what failed, when all else is done
 */
export async function resumeAll(
  installation: Installation,
  signal: AbortSignal | undefined,
): Promise<Image[]> {
  const { reconciling, clock, onFault } = installation;
  const touched = new Set<string>();
  const fired = await refireOccurrences(installation);
  await executionsEnded(fired.started, installation, signal);
  for (const name of fired.started) {
    const part = await partOfOccurrence(name, installation);
    if (part) touched.add(part.requestId);
  }
  const until = clock() + RESUME_PATIENCE_MS;
  const started = new Set<string>();
  let failedParts: readonly AtelierError[] = [];
  while (!signal?.aborted && clock() < until) {
    // Thrown by the books in the end, if it fails still.
    await reconcileAttempts(reconciling).catch((error: unknown) => onFault(failureOf("attempts", error)));
    const parts = await reconcileParts({ only: null, restart: true }, reconciling);
    failedParts = parts.failed;
    for (const requestId of [...parts.started.map(requestIdOf), ...parts.closed]) touched.add(requestId);
    await executionsEnded(parts.started, installation, signal);
    // A part that would be started a second time is not getting on by being started.
    const fresh = parts.started.filter((name) => !started.has(partOf(name)));
    for (const name of parts.started) started.add(partOf(name));
    // Parts that were begun by the plan of another, in this process.
    const own = await ownOpenParts(installation);
    for (const name of own) touched.add(requestIdOf(name));
    await executionsEnded(own, installation, signal);
    if (own.length > 0) continue;
    if (fresh.length === 0 && (parts.started.length > 0 || parts.waiting === 0)) break;
    if (parts.started.length === 0) await wait(ROUND_MS);
  }
  if (!signal?.aborted) {
    await allInTurn({
      occurrences: async () => throwFailures(fired.failed),
      parts: async () => throwFailures(failedParts),
      books: () => settleBooks(installation),
      versions: () => installation.versionWork.finishAll(),
    });
  }
  return imagesOf([...touched], installation);
}

/** Executions of this process that run and own a part. */
async function ownOpenParts({ steps, executions }: Installation): Promise<string[]> {
  const names: string[] = [];
  for await (const { owner } of all((page) => steps.requests.parts.open(page))) {
    const execution = owner === null ? undefined : await executions.get(owner);
    if (execution?.status === "running" && execution.owner === steps.submitter) names.push(execution.name);
  }
  return names;
}

/**
 * Closes finished parts, brings the ledger up to date, carries out what reviewers decided; starts nothing.
 *
 * @throws AtelierError what failed, when each has had its turn
 */
export async function settleBooks(installation: Installation): Promise<void> {
  const { reconciling, onFault } = installation;
  await allInTurn({
    attempts: () => reconcileAttempts(reconciling),
    parts: async () =>
      throwFailures((await reconcileParts({ only: null, restart: false }, reconciling)).failed),
    ledgers: () => reconcileLedgers(reconciling),
    reviews: () => finishReviews(reviewing(installation), onFault),
  });
}

/**
 * A process that died between starting an occurrence and writing its request left only the execution: fired again.
 *
 * @returns the executions that do so, and what failed; the others have had their turn
 */
export async function refireOccurrences(
  installation: Installation,
): Promise<{ readonly started: readonly string[]; readonly failed: readonly AtelierError[] }> {
  const { machine, executions } = installation;
  const started: string[] = [];
  const turns = startTurns();

  async function refireIfLost(execution: Execution): Promise<void> {
    if ((await machine.describe(execution.name)) !== "ended") return;
    if ("entry" in execution.input && !(await partOfOccurrence(execution.name, installation))) {
      const name = firingName(occurrenceIdOfFiring(execution.name), installation);
      await machine.start(name, execution.input);
      started.push(name);
    }
    // Afterwards, so that a firing that could not be started is tried again.
    await executions.patch(execution.name, {
      set: { status: "ended", endedAtMs: installation.clock() },
      when: [],
    });
  }

  for (const execution of (await executions.running({ limit: 1000 })).items) {
    await turns.give(execution.name, () => refireIfLost(execution));
  }
  return { started, failed: turns.failures };
}

/** The name of an execution that fires an occurrence: random, as the cloud's scheduler has it. */
export function firingName(occurrenceId: string, installation: Pick<Installation, "steps">): string {
  return `${occurrenceId}~${Buffer.from(installation.steps.randomBytes(6)).toString("hex")}`;
}

function occurrenceIdOfFiring(name: string): string {
  return name.slice(0, name.lastIndexOf("~"));
}

async function partOfOccurrence(firing: string, installation: Installation) {
  const occurrence = await installation.steps.requests.occurrences.get(occurrenceIdOfFiring(firing));
  if (!occurrence?.requestId) return undefined;
  return installation.steps.requests.parts.get(partIdOf({ requestId: occurrence.requestId, part: 0 }));
}

export async function imagesOf(requestIds: readonly string[], installation: Installation): Promise<Image[]> {
  const lists = await Promise.all(
    requestIds.map((requestId) => installation.steps.images.ofRequest(requestId)),
  );
  return lists.flat();
}

/** `{requestId}.{part}` of an execution's name. */
function partOf(executionName: string): string {
  return executionName.slice(0, executionName.lastIndexOf("-"));
}

function requestIdOf(executionName: string): string {
  return executionName.slice(0, executionName.indexOf("."));
}
