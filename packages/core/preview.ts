/** @module What a request would make and cost, before anything is made: dry runs, plans and the check before a purchase. */
import type { CategoryName, Parameters } from "./catalogue.ts";
import type { VariationDocument } from "./document.ts";
import { AtelierError } from "./errors.ts";
import type { ExpandedImage } from "./expand.ts";
import { formatUsd, type Micros, usdFromMicros } from "./money.ts";
import type { Routing } from "./routing.ts";
import { type RoutingQuery, routingRefusal } from "./workflow/steps/validate.ts";

export interface PreviewedImage {
  readonly expanded: ExpandedImage;
  readonly routing: Routing;
}

/** @param wanted what the caller insists on */
export function previewImage(
  expanded: ExpandedImage,
  wanted: Pick<RoutingQuery, "wantedModel" | "wantedProvider">,
  route: (query: RoutingQuery) => Routing,
): PreviewedImage {
  const routing = route({
    ...wanted,
    rating: expanded.judgement.rating,
    parameters: expanded.parameters,
    template: expanded.template,
    prompt: { prompt: expanded.prompt, negativePrompt: expanded.negativePrompt },
    tried: [],
    rejectedBy: [],
    failedProviders: [],
    capMicros: null,
  });
  return { expanded, routing };
}

/**
 * What must hold before a request is started.
 *
 * @throws AtelierError `PolicyRefused`, `TermsDenied`, `NoCandidate`, `PriceUnknown`, each with `data.rule`
 * @returns the most that the image can cost, and from whom it would be bought
 */
export function priceOrRefuse(image: PreviewedImage): {
  provider: Routing["candidates"][number]["provider"];
  amountMicros: Micros;
} {
  const { judgement } = image.expanded;
  if (judgement.decision === "refused") {
    throw new AtelierError("PolicyRefused", judgement.message, { data: { rule: judgement.rule } });
  }
  const candidate = image.routing.candidates[0];
  if (!candidate) {
    const refusal = routingRefusal(image.routing);
    throw new AtelierError(refusal.name, refusal.message, { data: { rule: refusal.rule } });
  }
  return { provider: candidate.provider, amountMicros: candidate.mostMicros };
}

/** @throws AtelierError `MaxCostExceeded` when the command's own cap does not cover the whole of it */
export function checkMaxCost(totalMicros: Micros, maxCostMicros: Micros | null): void {
  if (maxCostMicros === null || totalMicros <= maxCostMicros) return;
  throw new AtelierError(
    "MaxCostExceeded",
    `This can cost ${formatUsd(totalMicros)}, more than --max-cost ${formatUsd(maxCostMicros)}; raise it or ask for fewer pictures.`,
    { data: { neededMicros: totalMicros, maxCostMicros } },
  );
}

/** @param occurrence the occurrence that asks for it, in a plan */
export function variationDocument(
  category: CategoryName,
  { expanded, routing }: PreviewedImage,
  occurrence: string | null,
): VariationDocument {
  const candidates = routing.candidates.map((candidate) => ({
    model: candidate.model,
    provider: candidate.provider,
    price: priceDocument(candidate),
    terms: { date: candidate.termsDate, source: candidate.termsSource },
    warnings: [...candidate.warnings],
  }));
  const { judgement } = expanded;
  return {
    category,
    template: expanded.template,
    prompt: expanded.prompt,
    negative_prompt: expanded.negativePrompt,
    seed: expanded.seed,
    rating: judgement.rating,
    tags: [...expanded.tags],
    parameters: parametersDocument(expanded.parameters, expanded.seed),
    candidates,
    excluded: [...routing.excluded],
    price: candidates[0]?.price ?? null,
    policy:
      judgement.decision === "refused"
        ? { decision: "refused", rule: judgement.rule, message: judgement.message }
        : { decision: "allowed", rule: null, message: null },
    occurrence,
  };
}

function parametersDocument({ width, height, steps, guidanceScale }: Parameters, seed: number) {
  return { width, height, steps, guidance_scale: guidanceScale, seed };
}

function priceDocument(price: { listMicros: Micros; mostMicros: Micros }) {
  return { list: usdFromMicros(price.listMicros), most: usdFromMicros(price.mostMicros) };
}
