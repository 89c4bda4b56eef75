/**
 * @module validate: everything that can be known before money moves. The prompt is built and judged, candidates are ranked,
 * the attempt gets its number, and the most that it can cost is set aside.
 */
import * as z from "zod";
import { costOf } from "../../alternates.ts";
import { type AnnounceDeps, announceBudgets } from "../../announce.ts";
import { type Attempt, attemptSchema } from "../../attempt.ts";
import { audited } from "../../audit.ts";
import { resetOf } from "../../budget.ts";
import type { Catalogue, Rating } from "../../catalogue.ts";
import { ERRORS } from "../../error-table.ts";
import { AtelierError, type ErrorName, isErrorName } from "../../errors.ts";
import { attemptIdOf, derivedSeed } from "../../ids.ts";
import { type Image, isTerminal, OPEN_STATUSES } from "../../image.ts";
import { type LedgerDeps, settle, takeHold } from "../../ledger.ts";
import { shortfallMessage } from "../../ledger-month.ts";
import { lessonsOf } from "../../lessons.ts";
import type { Micros } from "../../money.ts";
import { chargeOf } from "../../outcome.ts";
import { judgePrompt } from "../../policy.ts";
import type { Images, PromptText, PromptVault, Requests } from "../../ports.ts";
import { JOB_DEADLINE_MS } from "../../price.ts";
import { filledPrompt, promptHashOf } from "../../prompt.ts";
import { type Candidate, type HealthView, noCandidateError, type Routing } from "../../routing.ts";
import { localDateOf } from "../../schedule.ts";
import { endedByItsRequest } from "../cancelled-request.ts";
import { type imageInputSchema, ownedImage, superseded } from "../ownership.ts";

export const validateOutputSchema = z.object({ attemptId: attemptSchema.shape.attemptId });
export type ValidateOutput = z.infer<typeof validateOutputSchema>;
export type ValidateInput = z.infer<typeof imageInputSchema>;

/** First try, two failovers: beyond that something is wrong that buying does not mend. */
export const ATTEMPTS_MAX = 3;

/** What one image asks of routing. */
export interface RoutingQuery {
  readonly rating: Rating;
  readonly parameters: Image["parameters"];
  readonly template: string | null;
  readonly wantedModel: string | null;
  readonly wantedProvider: Image["wantedProvider"];
  readonly prompt: PromptText;
  /** Model and provider of earlier attempts that failed at the provider. */
  readonly tried: readonly { readonly model: string; readonly provider: string }[];
  /** Providers whose own filter rejected it. */
  readonly rejectedBy: readonly string[];
  /** Providers that failed for it as a whole. */
  readonly failedProviders: readonly string[];
  /** What the attempt may cost at most; null: as much as it costs. */
  readonly capMicros: Micros | null;
}

export interface ValidateDeps extends AnnounceDeps, LedgerDeps {
  readonly requests: Pick<Requests, "get">;
  readonly images: Images;
  readonly vault: Pick<PromptVault, "get" | "put">;
  readonly catalogue: Catalogue;
  /** `rankCandidates` with this installation's keys and attestations. */
  readonly route: (query: RoutingQuery, health?: HealthView | null) => Routing;
  /** How providers have done lately. */
  readonly health: () => Promise<HealthView>;
  readonly timezone: string;
  /** For the hash that stands for the prompt. */
  readonly promptKey: Uint8Array;
}

/**
 * @throws AtelierError `PolicyRefused`, `TermsDenied`, `NoCandidate`, `PriceUnknown`, `BudgetExceeded`, `MaxCostExceeded`,
 * `LedgerBusy`, or the failure of the last attempt when no candidate is left
 */
export async function validate(input: ValidateInput, deps: ValidateDeps): Promise<ValidateOutput> {
  const image = await ownedImage(input, deps.images);
  if (isTerminal(image.status)) throw terminal(image.imageId, image.status);
  const earlier = await deps.attempts.ofImage(image.imageId);
  const current = earlier.find((attempt) => attempt.attemptId === image.currentAttemptId);
  if (current && !(await isSpent(current, deps))) {
    if (current.state === "held") await ensureMayBuy(image, deps);
    return hold(image, current, deps);
  }
  await ensureMayBuy(image, deps);

  const prompt = await promptOf(image, deps);
  const rating = await judged(image, prompt, deps);
  if (image.attempts >= ATTEMPTS_MAX && current) throw failureOf(current);
  const query = {
    rating,
    parameters: image.parameters,
    template: image.template,
    wantedModel: image.wantedModel,
    wantedProvider: image.wantedProvider,
    prompt,
    ...lessonsOf(earlier),
    capMicros: await remainingShare(image, deps),
  };
  const routing = deps.route(query, await deps.health());
  const candidate = routing.candidates[0];
  if (!candidate) {
    // What failed before says more than "nothing is left", unless the cap alone stands in the way.
    const isCapped = noCandidateError(routing.excluded) === "MaxCostExceeded";
    throw current && !isCapped ? failureOf(current) : await noCandidate(image, routing, deps);
  }
  const attempt = await createAttempt(image, candidate, { rating, routing, prompt }, deps);
  return hold(image, attempt, deps);
}

/**
 * Nothing is set aside for a request that is cancelled. Money of another day's budget is not spent, and yesterday's plan not made,
 * because a run was taken up late.
 */
async function ensureMayBuy(image: Image, deps: ValidateDeps): Promise<void> {
  if (await endedByItsRequest(image, deps)) throw terminal(image.imageId, "cancelled");
  if (deps.clock() < image.deadlineAtMs) return;
  throw new AtelierError(
    "DeadlineExceeded",
    `The time of ${image.imageId} was over on ${new Date(image.deadlineAtMs).toISOString()}, before it was bought; ask again.`,
  );
}

function terminal(imageId: string, status: Image["status"]): AtelierError {
  return new AtelierError("ImageTerminal", `${imageId} is ${status} already.`);
}

/** Attempts are read again: the last one has only just been settled. */
async function remainingShare(image: Image, deps: ValidateDeps): Promise<Micros | null> {
  if (image.maxCostMicros === null) return null;
  return Math.max(0, image.maxCostMicros - (await costOf(image.imageId, deps.attempts)));
}

/** True when the attempt failed at the provider and another may follow; settles it first. */
async function isSpent(attempt: Attempt, deps: ValidateDeps): Promise<boolean> {
  if (attempt.state === "unknown" && !attempt.outcome) {
    throw new AtelierError(
      "OutcomeUnknown",
      `What became of ${attempt.attemptId} is not known; it is not bought again.`,
    );
  }
  if (attempt.outcome?.kind !== "failed") return false;
  await settle(attempt.attemptId, chargeOf(attempt, attempt.outcome), deps);
  const { name } = attempt.outcome;
  if (!isErrorName(name) || ERRORS[name].route !== "fail-over") throw failureOf(attempt);
  return true;
}

function failureOf(attempt: Attempt): AtelierError {
  const outcome = attempt.outcome;
  if (outcome?.kind !== "failed")
    return new AtelierError("Unexpected", `Attempt ${attempt.attemptId} has no failure.`);
  return new AtelierError(isErrorName(outcome.name) ? outcome.name : "ProviderFailed", outcome.message);
}

/** As it was planned; images of the first release have it built here, once. */
async function promptOf(image: Image, deps: ValidateDeps): Promise<PromptText> {
  const kept = await deps.vault.get(image.imageId);
  if (kept) return kept;
  const template = deps.catalogue.categories
    .find((category) => category.name === image.category)
    ?.templates.find((candidate) => candidate.name === image.template);
  if (!template) {
    throw new AtelierError(
      "UnknownName",
      `The template ${image.template} of ${image.imageId} is not in the catalogue any more.`,
    );
  }
  const prompt = filledPrompt(template, image.slots);
  await deps.vault.put(image.imageId, prompt, image.rating);
  return prompt;
}

/** The effective rating, or a refusal that names its rule and never the text. */
async function judged(image: Image, prompt: PromptText, deps: ValidateDeps): Promise<Rating> {
  const { rating, localDate: today } = image;
  const judgement = judgePrompt({ ...prompt, rating, policy: deps.catalogue.policy, today });
  const promptHash = promptHashOf(prompt, deps.promptKey);
  if (judgement.decision === "allowed") return judgement.rating;
  await note(image, "PolicyRefused", judgement.message, judgement.rule, { promptHash }, deps);
  throw new AtelierError("PolicyRefused", judgement.message, { data: { rule: judgement.rule } });
}

async function noCandidate(image: Image, routing: Routing, deps: ValidateDeps): Promise<AtelierError> {
  const refusal = routingRefusal(routing);
  await note(image, refusal.name, refusal.message, refusal.rule, { exclusions: [...routing.excluded] }, deps);
  return new AtelierError(refusal.name, refusal.message, { data: { rule: refusal.rule } });
}

/** Why nothing can be bought, in one sentence, with the reason of each model that was meant. */
export function routingRefusal(routing: Routing): { name: ErrorName; message: string; rule: string } {
  const meant = routing.excluded.filter(({ reason }) => !NOT_MEANT.has(reason));
  const reasons = meant.length > 0 ? meant : routing.excluded;
  const list = reasons.map(({ model, detail }) => `${model}: ${detail}`).join("; ");
  return {
    name: noCandidateError(routing.excluded),
    rule: reasons[0]?.reason ?? "no-models",
    message: `No model can make this picture (${list || "the catalogue lists none"}).`,
  };
}

/** Exclusions that only say "you asked for something else". */
const NOT_MEANT: ReadonlySet<string> = new Set([
  "other-model-wanted",
  "other-provider",
  "not-buyable",
  "disabled",
]);

async function note(
  image: Image,
  name: ErrorName,
  message: string,
  rule: string,
  more: Partial<Image>,
  deps: ValidateDeps,
): Promise<void> {
  await deps.images.patch(image.imageId, {
    set: { failure: { name, message, rule }, ...more },
    when: [{ field: "generation", is: "equals", value: image.generation }],
  });
}

/** The number is claimed by condition on the image; the attempt itself is put-if-absent under it. */
async function createAttempt(
  image: Image,
  candidate: Candidate,
  decided: { rating: Rating; routing: Routing; prompt: PromptText },
  deps: ValidateDeps,
): Promise<Attempt> {
  const nowMs = deps.clock();
  // A run that died between number and attempt left a number without one: it is used up first.
  const numberIsFree =
    image.currentAttemptId === attemptIdOf(image.imageId, image.attempts) &&
    !(await deps.attempts.get(image.currentAttemptId));
  const number = numberIsFree ? image.attempts : image.attempts + 1;
  const attemptId = attemptIdOf(image.imageId, number);
  const rated = { ...image, rating: decided.rating };
  const isRatedAnew = rated.rating !== image.rating;
  if (isRatedAnew) await deps.images.index(rated, image);
  const claimed = await deps.images.patch(image.imageId, {
    set: {
      attempts: number,
      currentAttemptId: attemptId,
      status: "held",
      rating: decided.rating,
      promptHash: promptHashOf(decided.prompt, deps.promptKey),
      exclusions: [...decided.routing.excluded],
      warnings: [...candidate.warnings],
    },
    when: [
      { field: "generation", is: "equals", value: image.generation },
      { field: "attempts", is: "equals", value: image.attempts },
      { field: "status", is: "one-of", values: OPEN_STATUSES },
    ],
  });
  // The condition also fails on our own update whose answer was lost.
  if (claimed.record?.currentAttemptId !== attemptId || claimed.record.generation !== image.generation) {
    throw superseded(image.imageId);
  }
  if (isRatedAnew) await deps.images.unindex(image, rated);
  const localDate = localDateOf(nowMs, deps.timezone);
  const attempt: Attempt = {
    attemptId,
    imageId: image.imageId,
    requestId: image.requestId,
    number,
    generation: image.generation,
    provider: candidate.provider,
    model: candidate.model,
    version: deps.catalogue.models.find((model) => model.name === candidate.model)?.version ?? null,
    seed: number === 1 ? image.seed : derivedSeed(attemptId, image.seed),
    state: "held",
    account: candidate.provider === "sandbox" ? "sandbox" : "real",
    budgetMonth: localDate.slice(0, 7),
    budgetDay: localDate,
    category: image.category,
    holdMicros: candidate.mostMicros,
    listMicros: candidate.listMicros,
    createdAtMs: nowMs,
    deadlineAtMs: nowMs + JOB_DEADLINE_MS,
    nonce: null,
    submittingAtMs: null,
    submitter: null,
    webhookUrl: null,
    submittedAtMs: null,
    operation: null,
    followUpAtMs: null,
    checkedAtMs: null,
    token: null,
    outcome: null,
    stored: [],
    storedAtMs: null,
    cancelledAtMs: null,
    quality: null,
    settledMicros: null,
    correctionMicros: null,
    ledgerApplied: false,
    correctionApplied: false,
  };
  await deps.attempts.putIfAbsent(attempt);
  await audited(
    {
      subject: image.imageId,
      kind: "decided",
      phase: "done",
      attemptId,
      facts: {
        model: attempt.model,
        provider: attempt.provider,
        rating: decided.rating,
        termsDate: candidate.termsDate,
        termsSource: candidate.termsSource,
        holdMicros: attempt.holdMicros,
        promptHash: promptHashOf(decided.prompt, deps.promptKey),
      },
    },
    deps,
  );
  return (await deps.attempts.get(attemptId)) ?? attempt;
}

/** An owner that was overtaken while it made the attempt left it behind: it belongs to whoever owns the image. */
async function takenOver(image: Image, attempt: Attempt, deps: ValidateDeps): Promise<Attempt> {
  const { generation } = image;
  const patched = await deps.attempts.patch(attempt.attemptId, {
    set: { generation },
    when: [{ field: "generation", is: "below", value: generation }],
  });
  if (!patched.record) throw superseded(image.imageId);
  return patched.record;
}

/** Takes the hold again however often it is asked to: an attempt is only sent while its money is set aside. */
async function hold(image: Image, attempt: Attempt, deps: ValidateDeps): Promise<ValidateOutput> {
  if (attempt.generation !== image.generation) {
    if (attempt.generation > image.generation) throw superseded(image.imageId);
    return hold(image, await takenOver(image, attempt, deps), deps);
  }
  if (attempt.state !== "held") return { attemptId: attempt.attemptId };
  const held = await takeHold(attempt, deps);
  if (held.kind === "refused") {
    const resetsAt = resetOf(held.scope, attempt.budgetDay, deps.timezone);
    throw new AtelierError("BudgetExceeded", shortfallMessage(held, resetsAt), {
      data: { ...held, resetsAt },
    });
  }
  if (held.kind === "applied") throw superseded(image.imageId);
  await announceBudgets(attempt.account, held.crossed ?? [], deps);
  return { attemptId: attempt.attemptId };
}
