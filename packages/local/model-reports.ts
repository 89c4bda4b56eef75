/**
 * @module What `atelier models` shows: each model's price and sizes, what its provider's terms allow, with date and source, whether
 * it is offered, and how it has done lately.
 */
import {
  DEFAULT_PARAMETERS,
  type Model,
  type ModelSizes,
  RATINGS,
  ratingRank,
  SANDBOX,
} from "@atelier/core/catalogue";
import { healthOf, recentAttempts } from "@atelier/core/health";
import { priceOf } from "@atelier/core/price";
import { termsAllow } from "@atelier/core/terms";
import type { ModelReport, ProbedModel } from "./facade.ts";
import type { Installation } from "./installation.ts";

export async function modelReports(
  options: { readonly probe: boolean },
  installation: Installation,
): Promise<ModelReport[]> {
  const { catalogue, steps, clock, providerState } = installation;
  const sellers = [...new Set(catalogue.models.map((model) => sellerOf(model, installation)))];
  const health = healthOf(await recentAttempts(sellers, { attempts: steps.attempts, clock }), clock());
  const accounts = new Map(
    await Promise.all(sellers.map(async (seller) => [seller, await providerState(seller)] as const)),
  );
  return Promise.all(
    catalogue.models.map(async (model): Promise<ModelReport> => {
      const price = priceOf(model, DEFAULT_PARAMETERS);
      const reason = reasonNotOffered(model, installation);
      const seller = sellerOf(model, installation);
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
        health: health.find((entry) => entry.model === model.name && entry.provider === seller) ?? null,
        account: accounts.get(seller) ?? null,
        probed: options.probe && reason === "" ? await probed(model, installation) : null,
      };
    }),
  );
}

/** Asks the provider itself; what it does not answer is said in words. */
async function probed(model: Model, { steps }: Installation): Promise<ProbedModel> {
  const provider = steps.providerOf(model.provider);
  if (!provider) return { served: null, balanceMicros: null, said: "nothing is configured to ask" };
  try {
    const served = (await provider.probe?.(model)) ?? null;
    const balance = (await provider.balance?.()) ?? null;
    return { served, balanceMicros: balance?.amountMicros ?? null, said: "" };
  } catch (error) {
    return {
      served: null,
      balanceMicros: null,
      said: error instanceof Error ? error.message : String(error),
    };
  }
}

function sellerOf(model: Model, { configuration }: Installation): string {
  return configuration.provider === SANDBOX && model.provider === "replicate" ? SANDBOX : model.provider;
}

function reasonNotOffered(model: Model, { configuration }: Installation): string {
  if (!model.buyable) return model.note || "listed only";
  if (configuration.provider === SANDBOX) {
    return model.provider === "replicate" ? "" : "the sandbox imitates Replicate only";
  }
  if (configuration.provider !== null && model.provider !== configuration.provider) {
    return `sold by ${model.provider}`;
  }
  const off = configuration.providers.off.get(model.provider);
  if (off) return off.detail;
  return model.verified
    ? ""
    : `its version is unverified; ${model.fallback ?? "another model"} takes its place`;
}

/** Terms and licence together: both must allow a rating. */
function ratingReport(model: Model, rating: (typeof RATINGS)[number], installation: Installation) {
  const { catalogue, gate } = installation;
  const seller = sellerOf(model, installation);
  const terms = termsAllow({
    provider: seller,
    rating,
    providers: catalogue.providers,
    attestations: gate.termsAttested(),
    today: installation.today(),
    termsExpireAfterDays: catalogue.termsExpireAfterDays,
  });
  const licensed = seller === SANDBOX || ratingRank(model.licence.rating) >= ratingRank(rating);
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
