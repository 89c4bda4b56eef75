/** @module Requests of the command line: previewed without a trace, checked as a whole, then started and waited for. */
import {
  type Asking,
  auditRefusal,
  type CustomPrompt,
  checkRequests,
  type GenerateOptions,
  previewRequest,
  promptRequest,
  type Refusal,
  refusalOf,
  templateRequest,
} from "@atelier/core/accept";
import type { VariationDocument } from "@atelier/core/document";
import { AtelierError } from "@atelier/core/errors";
import { derivedSeed, imageIdOf, newRequestId } from "@atelier/core/ids";
import type { Image } from "@atelier/core/image";
import { type PreviewedImage, variationDocument } from "@atelier/core/preview";
import { admitCaller, countRefusals, type ProbingDeps } from "@atelier/core/probing";
import { checkedPrompt } from "@atelier/core/prompt";
import type { ImageRequest } from "@atelier/core/request";
import { finishReviews } from "@atelier/core/review";
import { startRequest } from "@atelier/core/start";
import type { RunOptions } from "./facade.ts";
import type { Installation } from "./installation.ts";
import { reviewing } from "./review-desk.ts";
import { executionsEnded, requestsEnded } from "./runs.ts";

/** A dry run without `--seed` is the same everywhere, too. */
const PREVIEW_SEED = 1;

/** @throws AtelierError `UnknownName` for a category, template or model, `UsageError` for a category without templates */
export function previewGenerate(options: GenerateOptions, installation: Installation): VariationDocument[] {
  const request = templateRequest(options, asking("req_preview", options.seed ?? PREVIEW_SEED, installation));
  return previewRequest(request, installation.steps).map((image) =>
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
  await admitted(installation);
  const requestId = newRequestId(clock, randomBytes);
  const request = templateRequest(
    options,
    asking(requestId, options.seed ?? derivedSeed(requestId), installation),
  );
  await checkRequests(
    [{ request, images: previewRequest(request, installation.steps) }],
    options.maxCostMicros,
    checking(installation),
  );
  return startAndWait([request], run, installation);
}

export function previewCustom(
  prompts: readonly CustomPrompt[],
  installation: Installation,
): (VariationDocument | Refusal)[] {
  return prompts.map((prompt) => {
    const request = promptRequest(
      prompt,
      null,
      asking("req_preview", prompt.seed ?? PREVIEW_SEED, installation),
    );
    const [image] = previewRequest(request, installation.steps, prompt);
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
  await admitted(installation);
  const answers: (Refusal | string)[] = [];
  const accepted: { request: ImageRequest; images: [PreviewedImage]; prompt: CustomPrompt }[] = [];
  for (const prompt of prompts) {
    const requestId = newRequestId(clock, randomBytes);
    const share = limits.maxCostMicros === null ? null : Math.floor(limits.maxCostMicros / prompts.length);
    const request = promptRequest(
      prompt,
      share,
      asking(requestId, prompt.seed ?? derivedSeed(requestId), installation),
    );
    const images = previewRequest(request, installation.steps, prompt);
    const refused = refusalOf(images[0]);
    if (refused) await auditRefusal(requestId, prompt, refused, installation.steps);
    else accepted.push({ request, images, prompt });
    answers.push(refused ?? requestId);
  }
  await countRefusals(installation.steps.actor, refusalsOfPolicy(answers), probing(installation));
  await checkRequests(accepted, limits.maxCostMicros, checking(installation));
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
  const images = await requestsEnded(
    requests.map(({ requestId }) => requestId),
    false,
    installation,
    run.signal,
  );
  // A picture that was removed before has come again: its files go at once.
  if (!run.signal?.aborted) await finishReviews(reviewing(installation), installation.onFault);
  return images;
}

function asking(requestId: string, seed: number, installation: Installation): Asking {
  return {
    requestId,
    source: "command",
    seed,
    wantedProvider: installation.configuration.provider,
    localDate: installation.today(),
    createdAtMs: installation.clock(),
  };
}

/**
 * The caller is the operating system's user.
 *
 * @throws AtelierError `PolicyRefused` for one who has to wait, or is suspended
 */
async function admitted(installation: Installation): Promise<void> {
  await admitCaller(installation.steps.actor, probing(installation));
  await installation.gate.refresh();
}

function probing({ steps, gate }: Installation): ProbingDeps {
  return { ...steps, callers: gate.callers };
}

function refusalsOfPolicy(answers: readonly (Refusal | string)[]): number {
  return answers.filter((answer) => typeof answer !== "string" && answer.error === "PolicyRefused").length;
}

/** What budgets are checked with. */
export function checking({ steps, today }: Pick<Installation, "steps" | "today">) {
  return { ...steps, today };
}

function refusalOfPolicy(image: PreviewedImage): Refusal | null {
  const refused = refusalOf(image);
  return refused?.error === "PolicyRefused" ? refused : null;
}
