/**
 * @module Accepting what somebody asks for: made a request, previewed, and checked as a whole before anything is bought. The
 * command line and the start function go the same way.
 */
import { type AuditDeps, audited } from "./audit.ts";
import { checkBudget } from "./budget.ts";
import type { Catalogue, CategoryName, Parameters } from "./catalogue.ts";
import { type AtelierError, type ErrorName, isAtelierError } from "./errors.ts";
import { expandRequest } from "./expand.ts";
import type { LedgerOpening } from "./ledger-month.ts";
import type { Micros } from "./money.ts";
import { checkMaxCost, type PreviewedImage, previewImage, priceOrRefuse } from "./preview.ts";
import { checkedPrompt, promptHashOf } from "./prompt.ts";
import type { ImageRequest } from "./request.ts";
import type { Routing } from "./routing.ts";
import { partsOf } from "./start.ts";
import type { RoutingQuery } from "./workflow/steps/validate.ts";

export interface GenerateOptions {
  readonly category: CategoryName;
  /** Null: the category's templates in turn. */
  readonly template: string | null;
  readonly count: number;
  /** Null: drawn. */
  readonly seed: number | null;
  readonly model: string | null;
  readonly maxCostMicros: Micros | null;
  readonly parameters: Partial<Parameters>;
}

export interface CustomPrompt {
  readonly prompt: string;
  readonly negativePrompt: string;
  readonly category: CategoryName;
  readonly parameters: Partial<Parameters>;
  readonly model: string | null;
  readonly seed: number | null;
}

/** Who asks, when, and under which id. */
export type Asking = Pick<
  ImageRequest,
  "requestId" | "source" | "seed" | "wantedProvider" | "localDate" | "createdAtMs"
> &
  Partial<Pick<ImageRequest, "askedBy" | "bodyHash">>;

/** A prompt that was refused before anything was bought; its text is not repeated. */
export interface Refusal {
  readonly status: "refused";
  readonly rule: string;
  readonly message: string;
  readonly error: ErrorName;
}

export interface PreviewDeps {
  readonly catalogue: Catalogue;
  readonly route: (query: RoutingQuery) => Routing;
}

export interface CheckDeps extends LedgerOpening, AuditDeps {
  readonly timezone: string;
  /** yyyy-mm-dd in that time zone. */
  readonly today: () => string;
}

/** @param options.seed is the caller's wish; what counts is `asking.seed` */
export function templateRequest(options: GenerateOptions, asking: Asking): ImageRequest {
  const { category, template, count, parameters, maxCostMicros } = options;
  return {
    ...interactive(asking),
    category,
    template,
    count,
    parameters,
    maxCostMicros,
    freePrompt: false,
    wantedModel: options.model,
    cancelledAtMs: null,
    parts: partsOf(count),
  };
}

/** One picture of a prompt of the caller's own. */
export function promptRequest(
  prompt: CustomPrompt,
  maxCostMicros: Micros | null,
  asking: Asking,
): ImageRequest {
  return {
    ...interactive(asking),
    category: prompt.category,
    template: null,
    count: 1,
    parameters: prompt.parameters,
    maxCostMicros,
    freePrompt: true,
    wantedModel: prompt.model,
    cancelledAtMs: null,
    parts: 1,
  };
}

function interactive(asking: Asking) {
  return {
    askedBy: null,
    bodyHash: null,
    ...asking,
    occurrenceId: null,
    priority: "interactive",
    partsBegun: 0,
  } as const;
}

/** @throws AtelierError `UnknownName` for a category, template or model, `UsageError` for a category without templates */
export function previewRequest(request: ImageRequest, deps: PreviewDeps): PreviewedImage[];
export function previewRequest(
  request: ImageRequest,
  deps: PreviewDeps,
  prompt: CustomPrompt,
): [PreviewedImage];
export function previewRequest(
  request: ImageRequest,
  { catalogue, route }: PreviewDeps,
  prompt?: CustomPrompt,
): PreviewedImage[] {
  return expandRequest({
    request,
    catalogue,
    indexes: Array.from({ length: request.count }, (_, index) => index),
    ...(prompt ? { freePrompts: new Map([[0, prompt]]) } : {}),
  }).map((expanded) => previewImage(expanded, request, route));
}

/**
 * Budgets and the caller's own cap, for everything together, before anything is bought. A refusal is audited.
 *
 * @throws AtelierError `PolicyRefused`, `TermsDenied`, `NoCandidate`, `PriceUnknown`, `MaxCostExceeded`, `BudgetExceeded`
 */
export async function checkRequests(
  requests: readonly { readonly request: ImageRequest; readonly images: readonly PreviewedImage[] }[],
  maxCostMicros: Micros | null,
  deps: CheckDeps,
): Promise<void> {
  try {
    await checkTogether(requests, maxCostMicros, deps);
  } catch (error) {
    const [first] = requests;
    if (first && isAtelierError(error)) {
      const { requestId, category, count } = first.request;
      const facts = {
        reason: error.name,
        rule: refusalFrom(error).rule,
        category,
        count,
        requests: requests.length,
      };
      await audited({ subject: requestId, kind: "refused", phase: "done", facts }, deps);
    }
    throw error;
  }
}

async function checkTogether(
  requests: readonly { readonly request: ImageRequest; readonly images: readonly PreviewedImage[] }[],
  maxCostMicros: Micros | null,
  deps: CheckDeps,
): Promise<void> {
  const priced = requests.map(({ request, images }) => ({ request, amounts: images.map(priceOrRefuse) }));
  const totalMicros = priced
    .flatMap(({ amounts }) => amounts)
    .reduce((sum, { amountMicros }) => sum + amountMicros, 0);
  checkMaxCost(totalMicros, maxCostMicros);
  for (const category of new Set(priced.map(({ request }) => request.category))) {
    const amounts = priced
      .filter(({ request }) => request.category === category)
      .flatMap((one) => one.amounts);
    await checkAmounts(category, amounts, deps);
  }
  // Categories may share the day's money: once more for all of them together.
  const [first] = priced;
  if (first && priced.length > 1) {
    await checkAmounts(
      first.request.category,
      priced.flatMap((one) => one.amounts),
      deps,
    );
  }
}

async function checkAmounts(
  category: CategoryName,
  amounts: readonly ReturnType<typeof priceOrRefuse>[],
  deps: CheckDeps,
): Promise<void> {
  for (const account of ["sandbox", "real"] as const) {
    const ofAccount = amounts.filter(({ provider }) => (provider === "sandbox") === (account === "sandbox"));
    if (ofAccount.length === 0) continue;
    await checkBudget({ account, localDate: deps.today(), category, amounts: ofAccount }, deps);
  }
}

/** Why a previewed image would not be bought; null when it would be. */
export function refusalOf(image: PreviewedImage): Refusal | null {
  try {
    priceOrRefuse(image);
    return null;
  } catch (error) {
    if (!isAtelierError(error)) throw error;
    return refusalFrom(error);
  }
}

export function refusalFrom(error: AtelierError & { name: ErrorName }): Refusal {
  const rule = typeof error.data.rule === "string" ? error.data.rule : error.name;
  return { status: "refused", rule, message: error.message, error: error.name };
}

/** Refusals are audited with the hash of what was asked for, never its text. */
export async function auditRefusal(
  requestId: string,
  prompt: CustomPrompt,
  refused: Refusal,
  deps: AuditDeps & { readonly promptKey: Uint8Array },
): Promise<void> {
  const promptHash = promptHashOf(checkedPrompt(prompt), deps.promptKey);
  await audited(
    {
      subject: requestId,
      kind: "refused",
      phase: "done",
      facts: { reason: refused.error, rule: refused.rule, promptHash },
    },
    deps,
  );
}
