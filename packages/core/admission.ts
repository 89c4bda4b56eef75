/**
 * @module Accepting a request of any size: checked as a whole, written once, started once. The API and the start function go this way;
 * 100,000 pictures cost them as much as a single one.
 *
 *     put request (with a prompt, sealed; open in the index, IF absent) ──> start the execution of part 0 ──> plan puts the part, its images, the next part
 *
 * Whoever dies after the put leaves an open request, which the reconciler starts.
 */
import {
  type CheckDeps,
  type CustomPrompt,
  type PreviewDeps,
  previewRequest,
  promptRequest,
  refusalFrom,
  templateRequest,
} from "./accept.ts";
import type { AskedFor } from "./asking.ts";
import { wishHash } from "./asking.ts";
import { type AuditFacts, audited } from "./audit.ts";
import { checkBudget } from "./budget.ts";
import { type ProviderName, SANDBOX } from "./catalogue.ts";
import { unknownName } from "./closest.ts";
import { AtelierError, type ErrorName, isAtelierError } from "./errors.ts";
import { derivedSeed, imageIdOf, keyedRequestId, newRequestId, type RandomBytes } from "./ids.ts";
import { monthToBe } from "./ledger-month.ts";
import type { LedgerRow, LedgerStore } from "./ledger-store.ts";
import type { PromptText, PromptVault } from "./ports.ts";
import { checkMaxCost, priceOrRefuse } from "./preview.ts";
import { admitCaller, type Callers, countRefusals, isRestraint } from "./probing.ts";
import { checkedPrompt, promptHashOf } from "./prompt.ts";
import { hasPartsToBegin, type ImageRequest } from "./request.ts";
import { type Amount, boundOf } from "./request-bound.ts";
import { ensureSame, type StartDeps, startFirstPart } from "./start.ts";

export interface Who {
  /** Whose refusals are counted; null: nobody is restrained. */
  readonly caller: string | null;
  /** Whose images they become; null: the installation's own. */
  readonly askedBy: string | null;
  /** The same key and wish again are the same request; null: each call is a new one. */
  readonly idempotencyKey: string | null;
  /** For those who choose the id themselves: it stands in place of the key's. */
  readonly requestId?: string;
}

export interface AdmissionDeps extends PreviewDeps, CheckDeps, StartDeps {
  readonly randomBytes: RandomBytes;
  readonly vault: Pick<PromptVault, "seal">;
  readonly callers: Callers;
  /** Whom the installation buys from; null: whom the caller names, else the best that routing finds. */
  readonly provider: ProviderName | null;
  /** For the hashes that stand for wishes and prompts. */
  readonly promptKey: Uint8Array;
}

export interface Accepted {
  readonly request: ImageRequest;
  /** False: it stood already, as the same wish under the same key; it may have ended. */
  readonly isNew: boolean;
}

/**
 * Writes: the request, with the sealed text of a free one, and the start of its first execution. Reads: none, but once a second for the
 * month's ledger and the caller's record.
 *
 * @throws AtelierError `RequestConflict` for the same key with another wish, `PolicyRefused` (with `data.retryAfterMs` for a caller
 * who has to wait), `TermsDenied`, `NoCandidate`, `PriceUnknown`, `MaxCostExceeded`, `BudgetExceeded`, `UnknownName`, `UsageError`; a
 * request that stands is answered whatever would be said to it now
 */
export async function acceptRequest(asked: AskedFor, who: Who, deps: AdmissionDeps): Promise<Accepted> {
  const request = requestOf(asked, who, deps);
  const prompt = asked.prompt && checkedPrompt(asked.prompt);
  try {
    if (who.caller !== null) await admit(who.caller, deps);
    await check(request, prompt, deps);
  } catch (error) {
    if (!isAtelierError(error) || !REFUSALS.has(error.name)) throw error;
    const standing = isRepeatable(who) ? await deps.requests.get(request.requestId) : undefined;
    if (standing) return { request: ensureSame(standing, request), isNew: false };
    await noteRefusal(error, { request, prompt, caller: who.caller }, deps);
    throw error;
  }
  return written(request, prompt, deps);
}

/** What was looked up for many requests is looked up again after this. */
const KEPT_MS = 1_000;
const CALLERS_KEPT_MAX = 10_000;

/** When callers were found to be free to ask. One who is held back is looked up each time. */
const admitted = new WeakMap<Callers, Map<string, number>>();

/** A second late at most: refusals that another process counted in it. Those of this process are seen at once. */
async function admit(caller: string, deps: Pick<AdmissionDeps, "callers" | "clock">): Promise<void> {
  const known = admitted.get(deps.callers) ?? new Map<string, number>();
  admitted.set(deps.callers, known);
  const nowMs = deps.clock();
  if (isFresh(known.get(caller), nowMs)) return;
  known.delete(caller);
  await admitCaller(caller, deps);
  if (known.size >= CALLERS_KEPT_MAX) known.clear();
  known.set(caller, nowMs);
}

function isFresh(atMs: number | undefined, nowMs: number): boolean {
  return atMs !== undefined && nowMs >= atMs && nowMs < atMs + KEPT_MS;
}

/** Refusals of what was asked for, rather than of how it was written. */
const REFUSALS: ReadonlySet<ErrorName> = new Set([
  "PolicyRefused",
  "TermsDenied",
  "NoCandidate",
  "PriceUnknown",
  "MaxCostExceeded",
  "BudgetExceeded",
]);

function isRepeatable(who: Who): boolean {
  return who.requestId !== undefined || who.idempotencyKey !== null;
}

function requestOf(asked: AskedFor, who: Who, deps: AdmissionDeps): ImageRequest {
  const { category, template, count, seed, model, maxCostMicros, parameters } = asked;
  const requestId = who.requestId ?? idFor(who, deps);
  const asking = {
    requestId,
    source: "api",
    seed: seed ?? derivedSeed(requestId),
    wantedProvider: providerFor(asked, deps),
    localDate: deps.today(),
    createdAtMs: deps.clock(),
    askedBy: who.askedBy,
    bodyHash: wishHash(asked, deps.promptKey),
  } as const;
  return asked.prompt
    ? promptRequest({ ...asked, ...asked.prompt }, maxCostMicros, asking)
    : templateRequest({ category, template, count, seed, model, maxCostMicros, parameters }, asking);
}

function idFor({ askedBy, caller, idempotencyKey }: Who, { clock, randomBytes }: AdmissionDeps): string {
  return idempotencyKey === null
    ? newRequestId(clock, randomBytes)
    : keyedRequestId(askedBy ?? caller ?? "", idempotencyKey);
}

/** @throws AtelierError `UsageError` for another than the installation's, `UnknownName` */
export function providerFor(
  { provider }: Pick<AskedFor, "provider">,
  deps: Pick<AdmissionDeps, "provider" | "catalogue">,
): ProviderName | null {
  if (provider === null || provider === deps.provider) return deps.provider;
  if (deps.provider !== null) {
    throw new AtelierError(
      "UsageError",
      `This installation buys from ${deps.provider}; leave provider out, or say ${deps.provider}.`,
    );
  }
  const names = deps.catalogue.providers.map(({ name }) => name);
  if (!names.includes(provider)) throw unknownName("provider", provider, names);
  return provider;
}

/**
 * Whether the request would be accepted as it stands: the same checks, without a trace.
 *
 * @throws AtelierError as `acceptRequest`, but neither `RequestConflict` nor for a caller who has to wait
 */
export function checkTrial(
  request: ImageRequest,
  prompt: PromptText | null,
  deps: PreviewDeps & CheckDeps,
): Promise<void> {
  return checkCosts(request, prompt, deps, (account, { category, localDate }, amounts) =>
    checkBudget({ account, localDate, category, amounts }, deps, monthToBe),
  );
}

function check(request: ImageRequest, prompt: PromptText | null, deps: AdmissionDeps): Promise<void> {
  return checkCosts(request, prompt, deps, (...month) => checkMonth(...month, deps));
}

async function checkCosts(
  request: ImageRequest,
  prompt: PromptText | null,
  deps: PreviewDeps & CheckDeps,
  fits: (account: LedgerRow["account"], request: ImageRequest, amounts: readonly Amount[]) => Promise<void>,
): Promise<void> {
  const amounts = prompt ? [amountOf(request, prompt, deps)] : boundOf(request, deps);
  const totalMicros = amounts.reduce((sum, { amountMicros }) => sum + amountMicros, 0);
  checkMaxCost(totalMicros, request.maxCostMicros);
  // One's own machine costs nothing: no budget can refuse it.
  if (totalMicros === 0) return;
  for (const account of ["sandbox", "real"] as const) {
    const ofAccount = amounts.filter(({ provider }) => (provider === SANDBOX) === (account === "sandbox"));
    if (ofAccount.length > 0) await fits(account, request, ofAccount);
  }
}

/** A prompt of one's own is judged as it stands, and its one picture priced. */
function amountOf(request: ImageRequest, { prompt, negativePrompt }: PromptText, deps: PreviewDeps): Amount {
  const { category, parameters, wantedModel: model, seed } = request;
  const custom: CustomPrompt = { prompt, negativePrompt, category, parameters, model, seed };
  const [image] = previewRequest(request, deps, custom);
  return priceOrRefuse(image);
}

const months = new WeakMap<LedgerStore, Map<string, { readonly row: LedgerRow; readonly atMs: number }>>();

/**
 * What is left is looked up once a second at most, however many requests come: the check only spares callers a request that fails
 * later, since nothing is bought without a hold in the ledger itself. Before anybody is refused it is looked up anew.
 */
async function checkMonth(
  account: LedgerRow["account"],
  { category, localDate }: Pick<ImageRequest, "category" | "localDate">,
  amounts: readonly Amount[],
  deps: AdmissionDeps,
): Promise<void> {
  const { ledger, clock } = deps;
  const known = months.get(ledger) ?? new Map<string, { row: LedgerRow; atMs: number }>();
  months.set(ledger, known);
  const asked = { account, localDate, category, amounts };
  const kept = known.get(`${account} ${localDate.slice(0, 7)}`);
  if (kept && isFresh(kept.atMs, clock())) {
    try {
      return await checkBudget(asked, { ...deps, ledger: { ...ledger, read: async () => kept.row } });
    } catch (error) {
      if (!isAtelierError(error, "BudgetExceeded")) throw error;
    }
  }
  const keeping: LedgerStore["read"] = async (...of) => {
    const row = await ledger.read(...of);
    if (row) known.set(of.join(" "), { row, atMs: clock() });
    return row;
  };
  await checkBudget(asked, { ...deps, ledger: { ...ledger, read: keeping } });
}

/** Audited under the id that the request would have had, with the hash of a prompt and never its text. */
async function noteRefusal(
  error: AtelierError & { name: ErrorName },
  asked: { request: ImageRequest; prompt: PromptText | null; caller: string | null },
  deps: AdmissionDeps,
): Promise<void> {
  const { request, prompt, caller } = asked;
  const { rule } = refusalFrom(error);
  const about: AuditFacts["facts"] = prompt
    ? { promptHash: promptHashOf(prompt, deps.promptKey) }
    : { category: request.category, count: request.count };
  await audited(
    {
      subject: request.requestId,
      kind: "refused",
      phase: "done",
      facts: { reason: error.name, rule, ...about },
    },
    deps,
  );
  if (caller !== null && error.name === "PolicyRefused" && !isRestraint(rule)) {
    await countRefusals(caller, 1, deps);
    admitted.get(deps.callers)?.delete(caller);
  }
}

async function written(
  asked: ImageRequest,
  prompt: PromptText | null,
  deps: AdmissionDeps,
): Promise<Accepted> {
  const imageId = imageIdOf(asked.requestId, 0);
  // In the request itself, so that its text is nobody else's, and a wish that is not taken leaves none anywhere.
  const request = prompt ? { ...asked, sealedPrompt: await deps.vault.seal(imageId, prompt) } : asked;
  if (!(await deps.requests.putIfAbsent(request))) {
    const standing = await deps.requests.get(request.requestId);
    if (!standing)
      throw new AtelierError("StorageUnavailable", `The request ${request.requestId} is not to be read.`);
    ensureSame(standing, request);
    // Whoever put it may have died before the start.
    if (standing.partsBegun === 0 && hasPartsToBegin(standing)) await startFirstPart(standing, deps);
    return { request: standing, isNew: false };
  }
  await startFirstPart(request, deps);
  return { request, isNew: true };
}
