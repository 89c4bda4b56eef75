/** @module What `atelier models` shows: each model's price, sizes, and what its provider's terms allow, with date and source. */
import { type Model, type ModelSizes, RATINGS, ratingRank } from "@atelier/core/catalogue";
import { priceOf } from "@atelier/core/price";
import { termsAllow } from "@atelier/core/terms";
import type { ModelReport } from "./facade.ts";
import type { Installation } from "./installation.ts";

export function modelReports(installation: Installation): ModelReport[] {
  return installation.catalogue.models.map((model) => {
    const price = priceOf(model);
    const reason = reasonNotOffered(model, installation);
    return {
      name: model.name,
      provider: model.provider,
      version: model.version,
      listMicros: price?.listMicros ?? null,
      mostMicros: price?.mostMicros ?? null,
      offered: reason === "",
      reason,
      ratings: RATINGS.map((rating) => ratingReport(model, rating, installation)),
      typicalSeconds: model.typicalSeconds,
      sizes: sizesText(model.sizes),
    };
  });
}

function reasonNotOffered(model: Model, { configuration }: Installation): string {
  if (!model.buyable) return model.note || "listed only";
  if (configuration.provider === "sandbox")
    return model.provider === "replicate" ? "" : "the sandbox imitates Replicate only";
  if (model.provider !== configuration.provider) return `sold by ${model.provider}`;
  return model.verified
    ? ""
    : `its version is unverified; ${model.fallback ?? "another model"} takes its place`;
}

/** Terms and licence together: both must allow a rating. */
function ratingReport(model: Model, rating: (typeof RATINGS)[number], installation: Installation) {
  const { catalogue, configuration } = installation;
  const seller =
    configuration.provider === "sandbox" && model.provider === "replicate" ? "sandbox" : model.provider;
  const terms = termsAllow({
    provider: seller,
    rating,
    providers: catalogue.providers,
    attestations: configuration.attestations,
    today: installation.today(),
    termsExpireAfterDays: catalogue.termsExpireAfterDays,
  });
  const licensed = seller === "sandbox" || ratingRank(model.licence.rating) >= ratingRank(rating);
  const licence = model.licence;
  return terms.allowed && !licensed
    ? {
        rating,
        allowed: false,
        reason: `the licence allows ${licence.rating}`,
        date: licence.reviewed,
        source: licence.source,
      }
    : {
        rating,
        allowed: terms.allowed,
        reason: terms.reason,
        date: terms.date ?? "",
        source: terms.source ?? "",
      };
}

function sizesText(sizes: ModelSizes): string {
  if (sizes.kind === "range") return `${sizes.min}-${sizes.max} px`;
  return sizes.kind === "dimensions" ? sizes.values.join(" ") : Object.keys(sizes.values).join(" ");
}
