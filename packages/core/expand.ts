/** @module From a request to its pictures: template, slot values, seed, prompt and judgement of each index. */
import type { Catalogue, Category, Parameters, Rating, Template } from "./catalogue.ts";
import { DEFAULT_PARAMETERS } from "./catalogue.ts";
import { unknownName } from "./closest.ts";
import { AtelierError } from "./errors.ts";
import { judgePrompt, type PolicyJudgement } from "./policy.ts";
import type { PromptText } from "./ports.ts";
import { checkedPrompt, filledPrompt } from "./prompt.ts";
import type { ImageRequest } from "./request.ts";
import { imageSeedAt, variationAt } from "./template.ts";

export interface ExpandedImage {
  readonly index: number;
  /** Null for a free prompt. */
  readonly template: string | null;
  readonly slots: Readonly<Record<string, string>>;
  /** Unique in the request. */
  readonly seed: number;
  readonly tags: readonly string[];
  /** The category's; `judgement.rating` is the effective one. */
  readonly rating: Rating;
  readonly parameters: Parameters;
  readonly prompt: string;
  readonly negativePrompt: string;
  readonly judgement: PolicyJudgement;
  /** What the template prefers, the best first; empty for a free prompt. */
  readonly models: readonly string[];
}

interface Expansion {
  readonly request: Pick<ImageRequest, "category" | "template" | "freePrompt" | "seed" | "parameters">;
  readonly catalogue: Pick<Catalogue, "categories" | "policy">;
  readonly indexes: readonly number[];
  /** Index to text, needed for a request with `freePrompt`. */
  readonly freePrompts?: ReadonlyMap<number, PromptText>;
}

/**
 * Expands some indexes of a request and judges each prompt. Pure: the same request, catalogue and index always give the same image,
 * whatever other indexes are asked for with it.
 *
 * Without a template named, the category's templates take turns, beginning with one that the request's seed picks.
 *
 * @throws AtelierError `UnknownName` for an unknown category or template, `UsageError` for a category without templates
 *   or an unusable free prompt
 */
export function expandRequest(expansion: Expansion): ExpandedImage[] {
  const { policy } = expansion.catalogue;
  return variationsOf(expansion).map((variation) => ({
    ...variation,
    judgement: judgePrompt({
      prompt: variation.prompt,
      negativePrompt: variation.negativePrompt,
      rating: variation.rating,
      policy,
    }),
  }));
}

/** As `expandRequest`, for those who leave the judgement to `validate`, which judges every image before it is bought. */
export function variationsOf(expansion: Expansion): Omit<ExpandedImage, "judgement">[] {
  const { request, catalogue, freePrompts } = expansion;
  const category = categoryNamed(catalogue, request.category);
  const choose = request.freePrompt
    ? (index: number) => freeImage(index, request.seed, freePrompts)
    : templateChooser(category, request.template, request.seed);
  return expansion.indexes.map((index) => {
    const { parameters, ...chosen } = choose(index);
    return {
      ...chosen,
      index,
      seed: imageSeedAt(request.seed, index),
      rating: category.rating,
      parameters: { ...parameters, ...definedOnly(request.parameters) },
    };
  });
}

/** @throws AtelierError `UnknownName` */
export function categoryNamed(catalogue: Pick<Catalogue, "categories">, name: string): Category {
  const category = catalogue.categories.find((candidate) => candidate.name === name);
  if (category !== undefined) return category;
  throw unknownName(
    "category",
    name,
    catalogue.categories.map((candidate) => candidate.name),
  );
}

/**
 * A template and its category.
 *
 * @throws AtelierError `UnknownName`
 */
export function templateNamed(
  catalogue: Pick<Catalogue, "categories">,
  name: string,
): { category: Category; template: Template } {
  for (const category of catalogue.categories) {
    const template = category.templates.find((candidate) => candidate.name === name);
    if (template !== undefined) return { category, template };
  }
  throw unknownName(
    "template",
    name,
    catalogue.categories.flatMap((category) => category.templates.map((template) => template.name)),
  );
}

type Chosen = Pick<
  ExpandedImage,
  "template" | "slots" | "tags" | "parameters" | "prompt" | "negativePrompt" | "models"
>;

function templateChooser(category: Category, wanted: string | null, seed: number): (index: number) => Chosen {
  const templates = templatesInTurn(category, wanted);
  return (index) => {
    const template = templates[turnOf(index, seed, templates.length)] as Template;
    const { slots, tags } = variationAt(template, seed, Math.floor(index / templates.length));
    const { name, parameters, models } = template;
    return { template: name, slots, tags, parameters, models, ...filledPrompt(template, slots) };
  };
}

/**
 * The templates that a request's pictures are made of, by turns.
 *
 * @param wanted one of them alone
 * @throws AtelierError `UnknownName` for an unknown template, `UsageError` for a category without templates
 */
export function templatesInTurn(category: Category, wanted: string | null): readonly Template[] {
  const templates = category.templates.filter((template) => wanted === null || template.name === wanted);
  if (templates.length === 0 && wanted !== null) {
    throw unknownName(
      `template of ${category.name}`,
      wanted,
      category.templates.map((template) => template.name),
    );
  }
  if (templates.length === 0) {
    throw new AtelierError(
      "UsageError",
      `The category ${category.name} has no templates; give a prompt, or choose another category.`,
    );
  }
  return templates;
}

/** Which of the templates makes the picture at an index. */
export function turnOf(index: number, seed: number, templates: number): number {
  return (index + seed) % templates;
}

function freeImage(
  index: number,
  seed: number,
  prompts: ReadonlyMap<number, PromptText> | undefined,
): Chosen {
  const text = prompts?.get(index);
  if (text === undefined) {
    throw new AtelierError("Unexpected", `Picture ${index} of the request with seed ${seed} has no prompt.`);
  }
  return {
    template: null,
    slots: {},
    tags: [],
    parameters: DEFAULT_PARAMETERS,
    models: [],
    ...checkedPrompt(text),
  };
}

/** An override that is left undefined must not erase the template's value. */
export function definedOnly(parameters: ImageRequest["parameters"]): Partial<Parameters> {
  return Object.fromEntries(Object.entries(parameters).filter(([, value]) => value !== undefined));
}
