/** @module What a request would make and cost; nothing is made of it but the count of a caller's refused prompts. */
import { type CustomPrompt, type PreviewDeps, promptRequest, templateRequest } from "@atelier/core/accept";
import { checkTrial, providerFor } from "@atelier/core/admission";
import { type AskedFor, wishHash } from "@atelier/core/asking";
import type { VariationDocument } from "@atelier/core/document";
import { pricedSchema } from "@atelier/core/document-fields";
import { AtelierError } from "@atelier/core/errors";
import { categoryNamed, expandRequest, templatesInTurn } from "@atelier/core/expand";
import { usdFromMicros } from "@atelier/core/money";
import { type PreviewedImage, previewImage, variationDocument } from "@atelier/core/preview";
import { admitCaller, countRefusals } from "@atelier/core/probing";
import { checkedPrompt } from "@atelier/core/prompt";
import type { ImageRequest } from "@atelier/core/request";
import * as z from "zod";
import type { ApiDeps } from "./deps.ts";
import { variationSchema } from "./variation-view.ts";

/** So many are shown; the price is for all. */
export const VARIATIONS_SHOWN_MAX = 50;

/** Without a seed every dry run shows the same. */
const SEED_DEFAULT = 1;

export const dryRunSchema = z
  .object({
    items: z
      .array(variationSchema)
      .meta({ description: `What each image would be; the first ${VARIATIONS_SHOWN_MAX} at most.` }),
    price: pricedSchema
      .nullable()
      .meta({ description: "For the whole request, in US dollars; null when some of it cannot be made." }),
  })
  .meta({ id: "DryRun", description: "What a request would make, and what it would cost; nothing is made." });

export interface DryRun {
  readonly items: readonly VariationDocument[];
  readonly price: { readonly list: number; readonly most: number } | null;
}

/**
 * @param caller whose refused prompts are counted: a trial is a probe as well
 * @throws AtelierError what the request itself would be refused with; where some of its templates cannot be made, the items say so
 */
export async function dryRun(asked: AskedFor, caller: string, deps: ApiDeps): Promise<DryRun> {
  await admitCaller(caller, deps);
  const request = requestOf(asked, deps);
  const previews = previewed(request, asked, deps);
  const [first] = previews;
  if (asked.prompt && first?.expanded.judgement.decision === "refused") {
    const { message, rule } = first.expanded.judgement;
    await countRefusals(caller, 1, deps);
    throw new AtelierError("PolicyRefused", message, { data: { rule } });
  }
  const price = priceOf(request, previews, deps);
  // Without a price the items say why it cannot be made.
  if (price) await checkTrial(request, asked.prompt && checkedPrompt(asked.prompt), deps);
  return { items: previews.map((image) => variationDocument(request.category, image, null)), price };
}

function requestOf(asked: AskedFor, deps: ApiDeps): ImageRequest {
  const asking = {
    requestId: "req_preview",
    source: "api",
    seed: asked.seed ?? SEED_DEFAULT,
    wantedProvider: providerFor(asked, deps),
    localDate: deps.today(),
    createdAtMs: deps.clock(),
    bodyHash: wishHash(asked, deps.promptKey),
  } as const;
  const { maxCostMicros } = asked;
  return asked.prompt
    ? promptRequest(customOf(asked, asked.prompt), maxCostMicros, asking)
    : templateRequest(asked, asking);
}

function customOf(asked: AskedFor, prompt: NonNullable<AskedFor["prompt"]>): CustomPrompt {
  const { category, parameters, model, seed } = asked;
  return { ...prompt, category, parameters, model, seed };
}

function previewed(
  request: ImageRequest,
  { prompt }: AskedFor,
  { catalogue, route }: PreviewDeps,
): PreviewedImage[] {
  const shown = Math.min(request.count, VARIATIONS_SHOWN_MAX);
  return expandRequest({
    request,
    catalogue,
    indexes: Array.from({ length: shown }, (_, index) => index),
    ...(prompt && { freePrompts: new Map([[0, checkedPrompt(prompt)]]) }),
  }).map((expanded) => previewImage(expanded, request, route));
}

/** What is not shown costs as much as the variation of the same template that is. */
function priceOf(
  request: ImageRequest,
  previews: readonly PreviewedImage[],
  { catalogue }: PreviewDeps,
): DryRun["price"] {
  const turns = request.freePrompt
    ? 1
    : templatesInTurn(categoryNamed(catalogue, request.category), request.template).length;
  let [listMicros, mostMicros] = [0, 0];
  for (let index = 0; index < request.count; index++) {
    const candidate = (previews[index] ?? previews[index % turns])?.routing.candidates[0];
    if (!candidate) return null;
    listMicros += candidate.listMicros;
    mostMicros += candidate.mostMicros;
  }
  const isRefused = previews.some(({ expanded }) => expanded.judgement.decision === "refused");
  return isRefused ? null : { list: usdFromMicros(listMicros), most: usdFromMicros(mostMicros) };
}
