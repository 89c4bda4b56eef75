/**
 * @module Which models can make a picture, the best first, and why each of the others cannot. Pure: by the catalogue,
 * the settings and what was tried, without health or history, so that a dry run says the same on every machine.
 */
import type { Model, ModelSizes, Parameters, ProviderEntry, ProviderName, Rating } from "./catalogue.ts";
import { ratingRank } from "./catalogue.ts";
import { unknownName } from "./closest.ts";
import type { ErrorName } from "./errors.ts";
import type { Exclusion } from "./image.ts";
import { type Micros, microsFromUsd } from "./money.ts";
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
  "no-key",
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
  /** Providers that a key or address is configured for; the sandbox needs none. */
  readonly keysPresent: readonly ProviderName[];
  readonly tried: readonly { readonly model: string; readonly provider: string }[];
  /** yyyy-mm-dd */
  readonly today: string;
  readonly termsExpireAfterDays: number;
}

/**
 * Candidates in the order of the template's models, then by list price, then by name.
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
  const candidates: Candidate[] = [];
  const excluded: RoutedExclusion[] = [];
  for (const model of input.models) {
    const result = consider(model, input);
    if ("reason" in result) excluded.push({ ...result, model: model.name });
    else candidates.push(result);
  }
  const place = placesOfModels(input);
  candidates.sort(
    (one, other) =>
      place(one.model) - place(other.model) ||
      one.listMicros - other.listMicros ||
      (one.model < other.model ? -1 : 1),
  );
  return { candidates, excluded };
}

/**
 * The error for a routing without a candidate: `TermsDenied` where only terms or a licence stand in the way of some
 * model, `PriceUnknown` where only the price does, otherwise `NoCandidate`. A missing key does not hide that terms deny.
 */
export function noCandidateError(
  excluded: readonly Pick<Exclusion, "reason">[],
): Extract<ErrorName, "TermsDenied" | "PriceUnknown" | "NoCandidate"> {
  const reasons = new Set<string>(excluded.map((exclusion) => exclusion.reason));
  if (reasons.has("terms") || reasons.has("licence")) return "TermsDenied";
  if (reasons.has("price-unknown") && !reasons.has("no-key")) return "PriceUnknown";
  return "NoCandidate";
}

/** What the provider's list says for one picture of the model, and the most that it can cost; null when not known. */
export function priceOf(
  model: Pick<Model, "name" | "priceUsd">,
): { listMicros: Micros; mostMicros: Micros } | null {
  if (model.priceUsd === null) return null;
  const where = `the price of ${model.name}`;
  return {
    listMicros: microsFromUsd(model.priceUsd.list, where),
    mostMicros: microsFromUsd(model.priceUsd.most, where),
  };
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
  const price = priceOf(model);
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
    if (!input.keysPresent.includes(provider))
      return no("no-key", `no key or address is set for ${provider}`);
  }
  return {
    model: model.name,
    provider,
    listMicros: price.listMicros,
    mostMicros: sandbox ? price.listMicros : price.mostMicros,
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
