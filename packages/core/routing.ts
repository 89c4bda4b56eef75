/**
 * @module Which models can make a picture, the best first, and why each of the others cannot. Pure: by the catalogue,
 * the settings, what was tried and, unless it is a dry run, how providers have done lately. A dry run leaves health out and
 * so says the same on every machine.
 */
import type { Model, ModelSizes, Parameters, ProviderEntry, ProviderName, Rating } from "./catalogue.ts";
import { ratingRank } from "./catalogue.ts";
import { unknownName } from "./closest.ts";
import type { ErrorName } from "./errors.ts";
import type { ModelHealth } from "./health.ts";
import type { Exclusion } from "./image.ts";
import { formatUsd, type Micros } from "./money.ts";
import { priceOf } from "./price.ts";
import { type Attestation, isExpired, type TermsDecision, termsAllow } from "./terms.ts";

export const EXCLUSION_REASONS = [
  "other-model-wanted",
  "not-buyable",
  "other-provider",
  "already-tried",
  "unverified",
  "price-unknown",
  "size",
  "prompt-too-long",
  "terms",
  "licence",
  "content-rejected",
  "disabled",
  "no-key",
  "price-cap",
  "unhealthy",
] as const;
export type ExclusionReason = (typeof EXCLUSION_REASONS)[number];

export interface Candidate {
  /** Catalogue name. */
  readonly model: string;
  /** Who is asked: the sandbox when it stands in for the model's own provider. */
  readonly provider: ProviderName;
  readonly listMicros: Micros;
  /** What is held. At the sandbox, which charges the list price and no more, the same as `listMicros`. */
  readonly mostMicros: Micros;
  /** What of the request the model cannot do, and what is done instead; one sentence each. */
  readonly warnings: readonly string[];
  /** When the terms that allow the rating were read or attested (yyyy-mm-dd), and where. */
  readonly termsDate: string;
  readonly termsSource: string;
}

export interface RoutedExclusion extends Exclusion {
  readonly reason: ExclusionReason;
}

export interface Routing {
  readonly candidates: readonly Candidate[];
  /** Every model that is no candidate, once, with the first reason in the order of `EXCLUSION_REASONS`. */
  readonly excluded: readonly RoutedExclusion[];
}

/** Why a provider is not to be had here: nobody switched it on, or its key or address is missing. */
export interface ProviderOff {
  readonly reason: "disabled" | "no-key";
  readonly detail: string;
}

/** How providers have done lately. */
export interface HealthView {
  readonly models: readonly ModelHealth[];
  /** Providers that take no create now, with the reason: an open breaker, a quota that is used up. */
  readonly closed: ReadonlyMap<ProviderName, string>;
}

export interface RoutingInput {
  readonly models: readonly Model[];
  readonly providers: readonly ProviderEntry[];
  /** What the caller insists on. `provider: "sandbox"`: it imitates every model of Replicate. */
  readonly wanted: { readonly model: string | null; readonly provider: ProviderName | null };
  /** The template's models, the best first; the others follow by price. */
  readonly templateModels: readonly string[];
  /** The effective rating. */
  readonly rating: Rating;
  readonly parameters: Parameters;
  /** Of the filled prompt, in code points. */
  readonly promptCharacters: number;
  /** Whether a negative prompt was asked for. */
  readonly negativePrompt: boolean;
  readonly attestations: readonly Attestation[];
  /** Providers that are configured and switched on; the sandbox needs neither. */
  readonly on: readonly ProviderName[];
  /** Why others are not. */
  readonly off: ReadonlyMap<ProviderName, ProviderOff>;
  readonly tried: readonly { readonly model: string; readonly provider: string }[];
  /** Providers whose own filter rejected this image: none of their models is asked again. */
  readonly rejectedBy: readonly ProviderName[];
  /** Providers that failed for this image as a whole (unreachable, account refused): others are asked first. */
  readonly failedProviders: readonly ProviderName[];
  /** What the attempt may cost at most; null: as much as it costs. */
  readonly capMicros: Micros | null;
  /** Null in a dry run. */
  readonly health: HealthView | null;
  /** yyyy-mm-dd */
  readonly today: string;
  readonly termsExpireAfterDays: number;
}

/**
 * Candidates in the order of the template's models (the request's wish); then by measured quality for the money, with a middling
 * quality and the list price where nothing was measured; then by speed; then by name.
 *
 * A model that fails, or whose provider takes no create just now, is passed over only while another can be had: with nothing
 * else it stays a candidate, with a warning.
 *
 * A model whose version was never seen among published ones is not bought from: its fallback, an entry of its own, takes
 * its place in the template's order. When the caller insists on the unverified model by name nothing takes its place; it
 * is excluded, and the detail names the fallback. The sandbox imitates it all the same, with a warning.
 *
 * @throws AtelierError `UnknownName` when the wanted model is not in the catalogue
 */
export function rankCandidates(input: RoutingInput): Routing {
  const names = input.models.map((model) => model.name);
  if (input.wanted.model !== null && !names.includes(input.wanted.model)) {
    throw unknownName("model", input.wanted.model, names);
  }
  const found: Candidate[] = [];
  const excluded: RoutedExclusion[] = [];
  for (const model of input.models) {
    const result = consider(model, input);
    if ("reason" in result) excluded.push({ ...result, model: model.name });
    else found.push(result);
  }
  const { candidates, passedOver } = byHealth(found, input);
  return { candidates: ranked(candidates, input), excluded: [...excluded, ...passedOver] };
}

function byHealth(
  found: readonly Candidate[],
  { health, failedProviders }: Pick<RoutingInput, "health" | "failedProviders">,
): { candidates: readonly Candidate[]; passedOver: readonly RoutedExclusion[] } {
  const problems = found.map((candidate) => ({
    candidate,
    problem: problemOf(candidate, health, failedProviders),
  }));
  const well = problems.filter(({ problem }) => problem === null);
  if (well.length === 0) {
    const candidates = problems.map(({ candidate, problem }) => ({
      ...candidate,
      warnings: [...candidate.warnings, `${candidate.model}: ${problem}; nothing else can make the picture`],
    }));
    return { candidates, passedOver: [] };
  }
  const passedOver = problems.flatMap(({ candidate: { model, provider }, problem }) =>
    problem === null ? [] : [{ model, provider, reason: "unhealthy" as const, detail: problem }],
  );
  return { candidates: well.map(({ candidate }) => candidate), passedOver };
}

function problemOf(
  { model, provider }: Candidate,
  health: HealthView | null,
  failedProviders: readonly ProviderName[],
): string | null {
  if (failedProviders.includes(provider)) return `${provider} has failed for this picture just now`;
  return health?.closed.get(provider) ?? healthOfModel(model, provider, health)?.problem ?? null;
}

function healthOfModel(model: string, provider: string, health: HealthView | null): ModelHealth | undefined {
  return health?.models.find((entry) => entry.model === model && entry.provider === provider);
}

/** Taken for models that nobody has measured yet: between a poor picture and a flawless one. */
const QUALITY_UNMEASURED = 70;

function ranked(candidates: readonly Candidate[], input: RoutingInput): Candidate[] {
  const place = placesOfModels(input);
  const measures = candidates.map((candidate) => {
    const health = healthOfModel(candidate.model, candidate.provider, input.health);
    const model = input.models.find(({ name }) => name === candidate.model);
    const costMicros = health?.meanCostMicros ?? candidate.listMicros;
    return {
      candidate,
      place: place(candidate.model),
      // One's own machine costs nothing: a micro-dollar keeps the order among several of them by quality.
      value: (health?.meanQuality ?? QUALITY_UNMEASURED) / Math.max(1, costMicros),
      seconds: health?.p50Seconds ?? model?.typicalSeconds ?? 0,
    };
  });
  measures.sort(
    (one, other) =>
      one.place - other.place ||
      other.value - one.value ||
      one.seconds - other.seconds ||
      (one.candidate.model < other.candidate.model ? -1 : 1),
  );
  return measures.map(({ candidate }) => candidate);
}

/**
 * The error for a routing without a candidate: `MaxCostExceeded` where some model only costs too much, `TermsDenied` where only
 * terms or a licence stand in the way, `ContentRejected` where every provider that may make it has rejected it,
 * `PriceUnknown` where only the price does, otherwise `NoCandidate`. A missing key does not hide that terms deny.
 */
export function noCandidateError(
  excluded: readonly Pick<Exclusion, "reason">[],
): Extract<
  ErrorName,
  "TermsDenied" | "PriceUnknown" | "MaxCostExceeded" | "ContentRejected" | "NoCandidate"
> {
  const reasons = new Set<string>(excluded.map((exclusion) => exclusion.reason));
  if (reasons.has("price-cap")) return "MaxCostExceeded";
  if (reasons.has("terms") || reasons.has("licence")) return "TermsDenied";
  if (reasons.has("content-rejected")) return "ContentRejected";
  if (reasons.has("price-unknown") && !reasons.has("no-key")) return "PriceUnknown";
  return "NoCandidate";
}

/** Whether the model can make a picture of exactly this size. */
export function sizeFits(sizes: ModelSizes, width: number, height: number): boolean {
  if (sizes.kind === "range") {
    return [width, height].every(
      (side) => side >= sizes.min && side <= sizes.max && side % sizes.multipleOf === 0,
    );
  }
  const values = sizes.kind === "dimensions" ? sizes.values : Object.values(sizes.values);
  return values.includes(`${width}x${height}`);
}

type Refusal = Omit<RoutedExclusion, "model">;

function consider(model: Model, input: RoutingInput): Candidate | Refusal {
  const sandbox = input.wanted.provider === "sandbox";
  const provider: ProviderName = sandbox && model.provider === "replicate" ? "sandbox" : model.provider;
  const no = (reason: ExclusionReason, detail: string): Refusal => ({ provider, reason, detail });

  if (input.wanted.model !== null && input.wanted.model !== model.name) {
    return no("other-model-wanted", `${input.wanted.model} was asked for`);
  }
  const entry = input.providers.find((candidate) => candidate.name === provider);
  if (!model.buyable || entry?.buyable !== true) {
    return no("not-buyable", model.note || `nothing can be bought from ${provider} yet`);
  }
  if (input.wanted.provider !== null && input.wanted.provider !== provider) {
    return no("other-provider", `${input.wanted.provider} was asked for`);
  }
  if (input.tried.some((attempt) => attempt.model === model.name && attempt.provider === provider)) {
    return no("already-tried", "it has failed for this image");
  }
  if (!model.verified && !sandbox) {
    const fallback = model.fallback === null ? "" : `; its fallback is ${model.fallback}`;
    return no("unverified", `this version was not found among published models${fallback}`);
  }
  const price = priceOf(model, input.parameters);
  if (price === null) return no("price-unknown", "models.yaml gives no price, so nothing can be held");
  const { width, height } = input.parameters;
  if (!sizeFits(model.sizes, width, height)) {
    return no("size", `${width}x${height} is not among its sizes (${sizesInWords(model.sizes)})`);
  }
  if (input.promptCharacters > model.prompt.charactersMax) {
    return no(
      "prompt-too-long",
      `the prompt has ${input.promptCharacters} characters; at most ${model.prompt.charactersMax} are taken`,
    );
  }
  const terms = termsAllow({ ...input, provider });
  if (!allows(terms)) return no("terms", terms.reason);
  // No model runs in the sandbox, so no model's licence is used there.
  if (!sandbox) {
    const licence = licenceProblem(model, input);
    if (licence !== null) return no("licence", licence);
    if (input.rejectedBy.includes(provider)) {
      return no("content-rejected", `the filter of ${provider} has rejected this picture`);
    }
    if (!input.on.includes(provider)) {
      const off = input.off.get(provider);
      return off ? no(off.reason, off.detail) : no("no-key", `no key or address is set for ${provider}`);
    }
  }
  const mostMicros = sandbox ? price.listMicros : price.mostMicros;
  if (input.capMicros !== null && mostMicros > input.capMicros) {
    return no(
      "price-cap",
      `it can cost ${formatUsd(mostMicros)}, more than the ${formatUsd(input.capMicros)} allowed`,
    );
  }
  return {
    model: model.name,
    provider,
    listMicros: price.listMicros,
    mostMicros,
    warnings: warningsFor(model, input),
    termsDate: terms.date,
    termsSource: terms.source,
  };
}

function allows(terms: TermsDecision): terms is TermsDecision & { date: string; source: string } {
  return terms.allowed && terms.date !== null && terms.source !== null;
}

function licenceProblem(model: Model, input: RoutingInput): string | null {
  const { rating, reviewed } = model.licence;
  if (isExpired(reviewed, input.today, input.termsExpireAfterDays)) {
    return `the licence of ${model.name} was read on ${reviewed}, which is too long ago`;
  }
  if (ratingRank(rating) < ratingRank(input.rating)) {
    return `the licence of ${model.name} is taken to allow ${rating} at most (${reviewed})`;
  }
  return null;
}

function warningsFor(model: Model, input: RoutingInput): string[] {
  const warnings: string[] = [];
  if (!model.verified) warnings.push(`the version of ${model.name} was not found among published models`);
  if (input.negativePrompt && model.negativePrompt === null) {
    warnings.push(`${model.name} takes no negative prompt; it is left out`);
  }
  for (const [word, range, asked] of [
    ["steps", model.steps, input.parameters.steps],
    ["guidance", model.guidanceScale, input.parameters.guidanceScale],
  ] as const) {
    if (range === null) {
      warnings.push(`${model.name} takes no ${word}; it is left out`);
    } else if (asked < range.min || asked > range.max) {
      const sent = Math.min(range.max, Math.max(range.min, asked));
      warnings.push(
        `${model.name} takes ${word} from ${range.min} to ${range.max}; ${sent} is sent, not ${asked}`,
      );
    }
  }
  return warnings;
}

function sizesInWords(sizes: ModelSizes): string {
  if (sizes.kind === "range") return `${sizes.min} to ${sizes.max} in steps of ${sizes.multipleOf}`;
  return (sizes.kind === "dimensions" ? sizes.values : Object.values(sizes.values)).join(", ");
}

/** A model's place in the template's order; an unverified model's fallback shares its place. */
function placesOfModels(input: RoutingInput): (name: string) => number {
  const places = new Map<string, number>();
  input.templateModels.forEach((name, at) => {
    const model = input.models.find((candidate) => candidate.name === name);
    if (!places.has(name)) places.set(name, at);
    if (model?.verified === false && model.fallback !== null && !places.has(model.fallback)) {
      places.set(model.fallback, at + 0.5);
    }
  });
  return (name) => places.get(name) ?? input.templateModels.length;
}
