/**
 * @module What is known of each model: its price and sizes, what its provider's terms allow, with date and source, whether it is
 * offered, and how it has done lately.
 */
import {
  type Catalogue,
  DEFAULT_PARAMETERS,
  type Model,
  type ModelSizes,
  type ProviderName,
  RATINGS,
  type Rating,
  ratingRank,
  SANDBOX,
} from "./catalogue.ts";
import { healthOf, type ModelHealth, recentAttempts } from "./health.ts";
import type { Clock } from "./ids.ts";
import type { Micros } from "./money.ts";
import type { PacingReport } from "./pacing.ts";
import type { Attempts } from "./ports.ts";
import { priceOf } from "./price.ts";
import type { ModelProbe, Provider } from "./provider.ts";
import type { ProviderOff } from "./routing.ts";
import { type Attestation, termsAllow } from "./terms.ts";

export interface ModelReportDeps {
  readonly catalogue: Catalogue;
  readonly attempts: Pick<Attempts, "ofProvider">;
  readonly clock: Clock;
  /** Whom this installation buys from; null: the best that routing finds. */
  readonly provider: ProviderName | null;
  /** Why providers cannot be bought from. */
  readonly providersOff: ReadonlyMap<ProviderName, ProviderOff>;
  /** What operators gave their word for. */
  readonly termsAttested: () => Promise<readonly Attestation[]>;
  /** yyyy-mm-dd, local. */
  readonly today: () => string;
  /** How a provider's account stands. */
  readonly providerState: (provider: ProviderName) => Promise<PacingReport>;
}

export interface ModelReport {
  readonly name: string;
  readonly provider: ProviderName;
  readonly version: string | null;
  readonly listMicros: Micros | null;
  readonly mostMicros: Micros | null;
  readonly offered: boolean;
  /** Why not, for people; empty when offered. */
  readonly reason: string;
  readonly ratings: readonly {
    readonly rating: Rating;
    readonly allowed: boolean;
    readonly reason: string;
    readonly date: string;
    readonly source: string;
  }[];
  readonly typicalSeconds: number;
  readonly sizes: string;
  /** How it has done in the last 14 days; null without an attempt. */
  readonly health: ModelHealth | null;
  /** What its provider's account may do now; null where nothing was bought yet. */
  readonly account: PacingReport | null;
  /** Null unless it was asked for. */
  readonly probed: ProbedModel | null;
}

/** What the provider itself says about a model, asked just now. */
export interface ProbedModel {
  /** Null: it cannot be asked, or did not answer. */
  readonly served: ModelProbe | null;
  /** What the account has left; null where the provider does not tell. */
  readonly balanceMicros: Micros | null;
  /** Why nothing is known; empty otherwise. */
  readonly said: string;
}

/** @param providerOf asks each provider itself; null: nobody is asked */
export async function modelReports(
  deps: ModelReportDeps,
  providerOf: ((name: ProviderName) => Provider | undefined) | null,
): Promise<ModelReport[]> {
  const { catalogue, clock, providerState } = deps;
  const sellers = [...new Set(catalogue.models.map((model) => sellerOf(model, deps)))];
  const health = healthOf(await recentAttempts(sellers, deps), clock());
  const attestations = await deps.termsAttested();
  const accounts = new Map(
    await Promise.all(sellers.map(async (seller) => [seller, await providerState(seller)] as const)),
  );
  return Promise.all(
    catalogue.models.map(async (model): Promise<ModelReport> => {
      const price = priceOf(model, DEFAULT_PARAMETERS);
      const reason = reasonNotOffered(model, deps);
      const seller = sellerOf(model, deps);
      return {
        name: model.name,
        provider: model.provider,
        version: model.version,
        listMicros: price?.listMicros ?? null,
        mostMicros: price?.mostMicros ?? null,
        offered: reason === "",
        reason,
        ratings: RATINGS.map((rating) => ratingReport(model, rating, attestations, deps)),
        typicalSeconds: model.typicalSeconds,
        sizes: sizesText(model.sizes),
        health: health.find((entry) => entry.model === model.name && entry.provider === seller) ?? null,
        account: accounts.get(seller) ?? null,
        probed: providerOf && reason === "" ? await probed(model, providerOf(model.provider)) : null,
      };
    }),
  );
}

/** Asks the provider itself; what it does not answer is said in words. */
async function probed(model: Model, provider: Provider | undefined): Promise<ProbedModel> {
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

function sellerOf(model: Model, { provider }: Pick<ModelReportDeps, "provider">): string {
  return provider === SANDBOX && model.provider === "replicate" ? SANDBOX : model.provider;
}

function reasonNotOffered(model: Model, { provider, providersOff }: ModelReportDeps): string {
  if (!model.buyable) return model.note || "listed only";
  if (provider === SANDBOX) {
    return model.provider === "replicate" ? "" : "the sandbox imitates Replicate only";
  }
  if (provider !== null && model.provider !== provider) {
    return `sold by ${model.provider}`;
  }
  const off = providersOff.get(model.provider);
  if (off) return off.detail;
  return model.verified
    ? ""
    : `its version is unverified; ${model.fallback ?? "another model"} takes its place`;
}

/** Terms and licence together: both must allow a rating. */
function ratingReport(
  model: Model,
  rating: (typeof RATINGS)[number],
  attestations: readonly Attestation[],
  deps: ModelReportDeps,
): ModelReport["ratings"][number] {
  const { catalogue } = deps;
  const seller = sellerOf(model, deps);
  const terms = termsAllow({
    provider: seller,
    rating,
    providers: catalogue.providers,
    attestations,
    today: deps.today(),
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
