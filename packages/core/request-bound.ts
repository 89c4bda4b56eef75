/**
 * @module The most that a request of templates can cost, without expanding it: each template that takes turns is judged and priced
 * once, for all of its variations.
 *
 * Words that raise a rating stand in the template's own text, in one value, or across the border of two values that touch; each of
 * these is judged in its place, as the loader of templates does. `validate` judges each picture's own prompt again before anything is
 * bought, and the ledger holds each price: what is known here only spares those who ask from being refused later.
 */
import type { PreviewDeps } from "./accept.ts";
import {
  type Catalogue,
  type Category,
  higherRating,
  type Policy,
  RATINGS,
  type Rating,
  ratingRank,
  type Template,
} from "./catalogue.ts";
import { AtelierError } from "./errors.ts";
import { categoryNamed, definedOnly, templatesInTurn, turnOf } from "./expand.ts";
import type { Clock } from "./ids.ts";
import type { Micros } from "./money.ts";
import { judgePrompt } from "./policy.ts";
import { charactersOf, filledPrompt, placesOf, promptWithOnly } from "./prompt.ts";
import type { ImageRequest } from "./request.ts";
import { routingRefusal } from "./workflow/steps/validate.ts";

/** What one picture can cost at most, and from whom it would be bought. */
export interface Amount {
  readonly provider: string;
  readonly amountMicros: Micros;
}

type Wish = Pick<
  ImageRequest,
  "category" | "template" | "seed" | "count" | "parameters" | "wantedModel" | "wantedProvider"
>;

/** A price is looked up again after this: terms expire by the day, and operators attest now and then. */
const PRICES_KEPT_MS = 1_000;
const PRICES_KEPT_MAX = 1_000;

interface Kept {
  readonly amounts: readonly Amount[];
  readonly untilMs: number;
}

/** By the routing that priced it. A refusal is never kept: whoever mends its cause and asks again is heard at once. */
const prices = new WeakMap<PreviewDeps["route"], Map<string, Kept>>();

/**
 * @returns for each template that takes turns, what its pictures of the request can cost at most, all together
 * @throws AtelierError `UnknownName`, `UsageError`, `PolicyRefused`, `TermsDenied`, `NoCandidate`, `PriceUnknown`
 */
export function boundOf(request: Wish, deps: PreviewDeps & { readonly clock: Clock }): Amount[] {
  const amounts = pricesOf(request, deps);
  const pictures = picturesByTurn(request, amounts.length);
  return amounts.map(({ provider, amountMicros }, turn) => ({
    provider,
    amountMicros: amountMicros * (pictures[turn] ?? 0),
  }));
}

/** How many pictures each template makes: the turns go round from the one that the seed picks. */
function picturesByTurn({ count, seed }: Pick<Wish, "count" | "seed">, templates: number): number[] {
  const pictures = new Array<number>(templates).fill(Math.floor(count / templates));
  for (let index = 0; index < count % templates; index++) {
    const turn = turnOf(index, seed, templates);
    pictures[turn] = (pictures[turn] ?? 0) + 1;
  }
  return pictures;
}

function pricesOf(request: Wish, deps: PreviewDeps & { readonly clock: Clock }): readonly Amount[] {
  const { category, template, wantedModel, wantedProvider, parameters } = request;
  const { width, height, steps, guidanceScale } = parameters;
  const key = [category, template, wantedModel, wantedProvider, width, height, steps, guidanceScale].join(
    " ",
  );
  const nowMs = deps.clock();
  const known = kept(deps.route);
  const standing = known.get(key);
  if (standing && nowMs < standing.untilMs) return standing.amounts;
  const found = categoryNamed(deps.catalogue, category);
  const amounts = templatesInTurn(found, template).map((one) => priceOfTemplate(one, found, request, deps));
  if (known.size >= PRICES_KEPT_MAX) known.clear();
  known.set(key, { amounts, untilMs: nowMs + PRICES_KEPT_MS });
  return amounts;
}

function kept(route: PreviewDeps["route"]): Map<string, Kept> {
  const known = prices.get(route) ?? new Map<string, Kept>();
  prices.set(route, known);
  return known;
}

/**
 * Which model comes first can turn on the rating and on the length of the prompt: the dearest of all that can come first. No
 * candidate for the highest rating or the longest prompt refuses, as it would in an expanded request.
 */
function priceOfTemplate(
  template: Template,
  category: Category,
  request: Wish,
  { catalogue, route }: PreviewDeps,
): Amount {
  const { rating, shortest, longest } = extentOf(template, category, catalogue);
  const limits = catalogue.models.map(({ prompt }) => prompt.charactersMax);
  const lengths = [longest, shortest, ...limits.filter((limit) => limit > shortest && limit < longest)];
  const ratings = RATINGS.filter(
    (one) => ratingRank(one) >= ratingRank(category.rating) && ratingRank(one) <= ratingRank(rating),
  );
  let most: Amount | undefined;
  for (const length of new Set(lengths)) {
    for (const one of ratings) {
      const routing = route({
        rating: one,
        parameters: { ...template.parameters, ...definedOnly(request.parameters) },
        template: template.name,
        wantedModel: request.wantedModel,
        wantedProvider: request.wantedProvider,
        prompt: { prompt: "x".repeat(length), negativePrompt: template.negativePrompt },
        tried: [],
        rejectedBy: [],
        failedProviders: [],
        capMicros: null,
      });
      const [first] = routing.candidates;
      if (!first) {
        const { name, message, rule } = routingRefusal(routing);
        throw new AtelierError(name, message, { data: { rule } });
      }
      if (!most || first.mostMicros > most.amountMicros) {
        most = { provider: first.provider, amountMicros: first.mostMicros };
      }
    }
  }
  if (!most) throw new AtelierError("Unexpected", `The template ${template.name} has no rating.`);
  return most;
}

/** What a template's variations can be like. */
export interface TemplateExtent {
  /** The highest effective rating. */
  readonly rating: Rating;
  /** Characters of a filled prompt. */
  readonly shortest: number;
  readonly longest: number;
}

/** A catalogue never changes while a process runs; another one has templates of its own. */
const extents = new WeakMap<Template, { readonly policy: Policy; readonly extent: TemplateExtent }>();

/** @throws AtelierError `PolicyRefused` for a template that no loader has checked */
export function extentOf(
  template: Template,
  category: Category,
  { policy }: Pick<Catalogue, "policy">,
): TemplateExtent {
  const known = extents.get(template);
  if (known?.policy === policy) return known.extent;
  let rating = category.rating;
  for (const prompt of new Set(placedValues(template))) {
    const judgement = judgePrompt({
      prompt,
      negativePrompt: template.negativePrompt,
      rating: category.rating,
      policy,
      hasOpenPlaces: true,
    });
    if (judgement.decision === "refused") {
      throw new AtelierError("PolicyRefused", judgement.message, { data: { rule: judgement.rule } });
    }
    rating = higherRating(rating, judgement.rating);
  }
  const extent = {
    rating,
    shortest: lengthWith(template, (one, other) => one < other),
    longest: lengthWith(template, (one, other) => one > other),
  };
  extents.set(template, { policy, extent });
  return extent;
}

/** The prompt with each value in its place, and with each pair of values that touch. */
function* placedValues(template: Template): Generator<string> {
  const { prompt, slots } = template;
  yield promptWithOnly(prompt, null, "");
  const names = placesOf(prompt);
  for (const [at, name] of names.entries()) {
    const next = names[at + 1];
    const touches = next !== undefined && TOUCHING.test(between(prompt, name, next));
    for (const { text } of slots[name] ?? []) {
      yield promptWithOnly(prompt, name, text);
      if (!touches) continue;
      const filled = prompt.replaceAll(`{${name}}`, text);
      for (const other of slots[next] ?? []) yield promptWithOnly(filled, next, other.text);
    }
  }
}

/** No letter and no digit: a phrase could go over it. */
const TOUCHING = /^[^\p{L}\p{N}]*$/u;

function between(prompt: string, name: string, next: string): string {
  const start = prompt.indexOf(`{${name}}`) + name.length + 2;
  return prompt.slice(start, Math.max(start, prompt.indexOf(`{${next}}`)));
}

function lengthWith(template: Template, isBetter: (one: number, other: number) => boolean): number {
  const chosen = Object.entries(template.slots).map(([name, values]) => [
    name,
    values.reduce((best, value) =>
      isBetter(charactersOf(value.text), charactersOf(best.text)) ? value : best,
    ).text,
  ]);
  return charactersOf(filledPrompt(template, Object.fromEntries(chosen)).prompt);
}
