/** @module Requests of the command line: previewed without a trace, checked as a whole, then started and waited for. */
import { audited } from "@atelier/core/audit";
import { checkBudget } from "@atelier/core/budget";
import type { VariationDocument } from "@atelier/core/document";
import { AtelierError, type ErrorName, isAtelierError } from "@atelier/core/errors";
import { expandRequest } from "@atelier/core/expand";
import { derivedSeed, imageIdOf, newRequestId } from "@atelier/core/ids";
import type { Image } from "@atelier/core/image";
import {
  checkMaxCost,
  type PreviewedImage,
  previewImage,
  priceOrRefuse,
  variationDocument,
} from "@atelier/core/preview";
import { checkedPrompt, promptHashOf } from "@atelier/core/prompt";
import type { ImageRequest } from "@atelier/core/request";
import { partsOf, startRequest } from "@atelier/core/start";
import type { CustomPrompt, GenerateOptions, RunOptions } from "./facade.ts";
import type { Installation } from "./installation.ts";
import { executionsEnded, requestsEnded } from "./runs.ts";

/** A prompt that was refused before anything was bought; its text is not repeated. */
export interface Refusal {
  readonly status: "refused";
  readonly rule: string;
  readonly message: string;
  readonly error: ErrorName;
}

/** A dry run without `--seed` is the same everywhere, too. */
const PREVIEW_SEED = 1;

/** @throws AtelierError `UnknownName` for a category, template or model, `UsageError` for a category without templates */
export function previewGenerate(options: GenerateOptions, installation: Installation): VariationDocument[] {
  const request = generateRequest(options, "req_preview", options.seed ?? PREVIEW_SEED, installation);
  return previewRequest(request, installation).map((image) =>
    variationDocument(request.category, image, null),
  );
}

/**
 * @throws AtelierError as `previewGenerate`, and `PolicyRefused`, `TermsDenied`, `NoCandidate`, `PriceUnknown`, `MaxCostExceeded`,
 * `BudgetExceeded` before anything is bought
 */
export async function produceGenerate(
  options: GenerateOptions,
  run: RunOptions,
  installation: Installation,
): Promise<readonly Image[]> {
  const { clock, randomBytes } = installation.steps;
  const requestId = newRequestId(clock, randomBytes);
  const request = generateRequest(options, requestId, options.seed ?? derivedSeed(requestId), installation);
  await checkRequests(
    [{ request, images: previewRequest(request, installation) }],
    options.maxCostMicros,
    installation,
  );
  return startAndWait([request], run, installation);
}

export function previewCustom(
  prompts: readonly CustomPrompt[],
  installation: Installation,
): (VariationDocument | Refusal)[] {
  return prompts.map((prompt) => {
    const request = customRequest(prompt, "req_preview", prompt.seed ?? PREVIEW_SEED, null, installation);
    const [image] = previewRequest(request, installation, prompt);
    const refused = refusalOfPolicy(image);
    return refused ?? variationDocument(request.category, image, null);
  });
}

/** One answer for each prompt, in order: an image, or why that prompt was refused. */
export async function produceCustom(
  prompts: readonly CustomPrompt[],
  limits: { readonly maxCostMicros: number | null },
  run: RunOptions,
  installation: Installation,
): Promise<(Image | Refusal)[]> {
  const { clock, randomBytes, vault } = installation.steps;
  const answers: (Refusal | string)[] = [];
  const accepted: { request: ImageRequest; images: [PreviewedImage]; prompt: CustomPrompt }[] = [];
  for (const prompt of prompts) {
    const requestId = newRequestId(clock, randomBytes);
    const share = limits.maxCostMicros === null ? null : Math.floor(limits.maxCostMicros / prompts.length);
    const request = customRequest(
      prompt,
      requestId,
      prompt.seed ?? derivedSeed(requestId),
      share,
      installation,
    );
    const images = previewRequest(request, installation, prompt);
    const refused = refusalOf(images[0]);
    if (refused) await auditRefusal(requestId, prompt, refused, installation);
    else accepted.push({ request, images, prompt });
    answers.push(refused ?? requestId);
  }
  await checkRequests(accepted, limits.maxCostMicros, installation);
  for (const { request, prompt } of accepted) {
    await vault.put(imageIdOf(request.requestId, 0), checkedPrompt(prompt));
  }
  const images = await startAndWait(
    accepted.map(({ request }) => request),
    run,
    installation,
  );
  return answers.map((answer) => {
    const image =
      typeof answer === "string" ? images.find((candidate) => candidate.requestId === answer) : answer;
    if (image) return image;
    throw new AtelierError(
      "Cancelled",
      "The run was stopped before every prompt was begun; `atelier resume` goes on.",
    );
  });
}

/** Budgets and the command's own cap, for everything together, before anything is bought. */
async function checkRequests(
  requests: readonly { readonly request: ImageRequest; readonly images: readonly PreviewedImage[] }[],
  maxCostMicros: number | null,
  installation: Installation,
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
    await checkAmounts(category, amounts, installation);
  }
  // Categories may share the day's money: once more for all of them together.
  const [first] = priced;
  if (first && priced.length > 1) {
    await checkAmounts(
      first.request.category,
      priced.flatMap((one) => one.amounts),
      installation,
    );
  }
}

export async function checkAmounts(
  category: ImageRequest["category"],
  amounts: readonly ReturnType<typeof priceOrRefuse>[],
  installation: Installation,
): Promise<void> {
  for (const account of ["sandbox", "real"] as const) {
    const ofAccount = amounts.filter(({ provider }) => (provider === "sandbox") === (account === "sandbox"));
    if (ofAccount.length === 0) continue;
    await checkBudget(
      { account, localDate: installation.today(), category, amounts: ofAccount },
      installation.steps,
    );
  }
}

async function startAndWait(
  requests: readonly ImageRequest[],
  run: RunOptions,
  installation: Installation,
): Promise<readonly Image[]> {
  const { steps, machine, clock } = installation;
  const names: string[] = [];
  for (const request of requests) {
    if (run.signal?.aborted) break;
    names.push(...(await startRequest(request, { requests: steps.requests, workflow: machine, clock })));
  }
  await executionsEnded(names, installation, run.signal);
  return requestsEnded(
    requests.map(({ requestId }) => requestId),
    false,
    installation,
    run.signal,
  );
}

export function previewRequest(request: ImageRequest, installation: Installation): PreviewedImage[];
export function previewRequest(
  request: ImageRequest,
  installation: Installation,
  prompt: CustomPrompt,
): [PreviewedImage];
export function previewRequest(
  request: ImageRequest,
  { catalogue, steps }: Installation,
  prompt?: CustomPrompt,
): PreviewedImage[] {
  return expandRequest({
    request,
    catalogue,
    indexes: Array.from({ length: request.count }, (_, index) => index),
    ...(prompt ? { freePrompts: new Map([[0, prompt]]) } : {}),
  }).map((expanded) => previewImage(expanded, request, steps.route));
}

function generateRequest(
  options: GenerateOptions,
  requestId: string,
  seed: number,
  installation: Installation,
): ImageRequest {
  const { category, template, count, parameters, maxCostMicros } = options;
  return {
    ...commandRequest(requestId, seed, installation),
    category,
    template,
    count,
    parameters,
    maxCostMicros,
    freePrompt: false,
    wantedModel: options.model,
    parts: partsOf(count),
  };
}

function customRequest(
  prompt: CustomPrompt,
  requestId: string,
  seed: number,
  maxCostMicros: number | null,
  installation: Installation,
): ImageRequest {
  return {
    ...commandRequest(requestId, seed, installation),
    category: prompt.category,
    template: null,
    count: 1,
    parameters: prompt.parameters,
    maxCostMicros,
    freePrompt: true,
    wantedModel: prompt.model,
    parts: 1,
  };
}

function commandRequest(requestId: string, seed: number, installation: Installation) {
  return {
    requestId,
    source: "command",
    occurrenceId: null,
    seed,
    priority: "interactive",
    wantedProvider: installation.configuration.provider,
    localDate: installation.today(),
    createdAtMs: installation.clock(),
  } as const;
}

function refusalOf(image: PreviewedImage): Refusal | null {
  try {
    priceOrRefuse(image);
    return null;
  } catch (error) {
    if (!isAtelierError(error)) throw error;
    return { status: "refused", rule: ruleOf(error), message: error.message, error: error.name };
  }
}

function refusalOfPolicy(image: PreviewedImage): Refusal | null {
  const refused = refusalOf(image);
  return refused?.error === "PolicyRefused" ? refused : null;
}

function ruleOf(error: AtelierError): string {
  return typeof error.data.rule === "string" ? error.data.rule : error.name;
}

/** Refusals are audited with the hash of what was asked for, never its text. */
async function auditRefusal(
  requestId: string,
  prompt: CustomPrompt,
  refused: Refusal,
  { steps }: Installation,
): Promise<void> {
  const promptHash = promptHashOf(checkedPrompt(prompt), steps.promptKey);
  await audited(
    {
      subject: requestId,
      kind: "refused",
      phase: "done",
      facts: { reason: refused.error, rule: refused.rule, promptHash },
    },
    steps,
  );
}
