/** @module What no single file of `templates/` can know by itself: names that must meet, and what templates may say. */
import {
  CATEGORY_NAMES,
  type Category,
  higherRating,
  type Model,
  type modelsFileSchema,
  type Policy,
  PROMPT_CHARACTERS_MAX,
  type Schedule,
  type Template,
} from "@atelier/core/catalogue";
import { isRated, judgePrompt, policyProblems } from "@atelier/core/policy";
import { JOB_DEADLINE_MS } from "@atelier/core/price";
import { alwaysStatesAdultAge, charactersOf, placesOf, promptWithOnly } from "@atelier/core/prompt";
import { isTimezone } from "@atelier/core/schedule";
import type * as z from "zod";
import { oneOf, shown } from "./template-issues.ts";
import type { ValuePath } from "./template-keys.ts";
import { type Problem, problemAt, type Source } from "./template-source.ts";

type ModelsFile = z.infer<typeof modelsFileSchema>;
type Report = (path: ValuePath, expected: string, found: string) => void;

/** A file that could not be parsed is undefined; what depends on it is left unchecked, since it is reported already. */
export interface Sources {
  readonly categories: readonly Source<Category>[];
  readonly models: Source<ModelsFile> | undefined;
  readonly schedule: Source<Schedule> | undefined;
  readonly policy: Source<Policy> | undefined;
}

export function crossProblems(sources: Sources): Problem[] {
  const problems: Problem[] = [];
  const reportTo =
    (source: Source<unknown>): Report =>
    (path, expected, found) =>
      problems.push(problemAt(source, path, expected, found));

  const { models, schedule, policy } = sources;
  const inPolicy = policy === undefined ? [] : policyProblems(policy.value);
  if (models !== undefined) checkModels(models.value, reportTo(models));
  if (schedule !== undefined) checkSchedule(schedule.value, sources.categories, reportTo(schedule));
  if (policy !== undefined) {
    for (const { path, expected, found } of inPolicy) reportTo(policy)(path, expected, found);
  }
  const usablePolicy = inPolicy.length === 0 ? policy?.value : undefined;
  const modelNames = models?.value.models.map((model) => model.name);
  const templateFiles = new Map<string, string>();
  for (const source of sources.categories) {
    const report = reportTo(source);
    const { name, templates } = source.value;
    if (!source.file.endsWith(`/${name}.yaml`)) {
      report(["name"], "the name of the file", shown(name));
    }
    templates.forEach((template, at) => {
      const first = templateFiles.get(template.name);
      if (first !== undefined) {
        report(
          ["templates", at, "name"],
          "a name that no other template has",
          `${shown(template.name)}, as in ${first}`,
        );
      }
      templateFiles.set(template.name, source.file);
      const here: Report = (path, expected, found) => report(["templates", at, ...path], expected, found);
      checkTemplate(template, here);
      checkModelNames(template, modelNames, here);
      if (usablePolicy !== undefined) checkContent(source.value, template, usablePolicy, here);
    });
  }
  return problems;
}

function checkTemplate(template: Template, report: Report): void {
  const slots = Object.keys(template.slots);
  const places = placesOf(template.prompt);
  for (const place of places.filter((name) => !slots.includes(name))) {
    report(["prompt"], `a slot for every place: ${oneOf(slots, place)}`, `\`{${place}}\``);
  }
  for (const slot of slots.filter((name) => !places.includes(name))) {
    report(["slots", slot], `a place \`{${slot}}\` in the prompt`, "none");
  }
  if (/[{}]/.test(template.prompt.replace(/\{[^{}]*\}/g, ""))) {
    report(["prompt"], "braces only around the names of slots", "a single brace");
  }
  if (/[{}]/.test(template.negativePrompt)) {
    report(["negativePrompt"], "no places (slots belong to the prompt)", "a brace");
  }
  let longest = charactersOf(promptWithOnly(template.prompt.replace(/\{[^{}]*\}/g, ""), null, ""));
  for (const [slot, values] of Object.entries(template.slots)) {
    values.forEach((value, at) => {
      if (/[{}]/.test(value.text)) report(["slots", slot, at], "text without braces", shown(value.text));
      if (values.findIndex((other) => other.text === value.text) < at) {
        report(["slots", slot, at], "each value once", `${shown(value.text)} again`);
      }
    });
    longest += Math.max(...values.map((value) => charactersOf(value.text)));
  }
  if (longest > PROMPT_CHARACTERS_MAX) {
    report(
      ["prompt"],
      `at most ${PROMPT_CHARACTERS_MAX} characters with the longest values`,
      String(longest),
    );
  }
}

function checkModelNames(template: Template, names: readonly string[] | undefined, report: Report): void {
  template.models.forEach((model, at) => {
    if (names !== undefined && !names.includes(model))
      report(["models", at], oneOf(names, model), shown(model));
    if (template.models.indexOf(model) < at)
      report(["models", at], "each model once", `${shown(model)} again`);
  });
}

/** Each value is judged in its place, so that words on both sides count; and whatever comes out, an age is stated. */
function checkContent(category: Category, template: Template, policy: Policy, report: Report): void {
  let rating = category.rating;
  const judge = (slot: string | null, value: string, path: ValuePath) => {
    const judgement = judgePrompt({
      prompt: promptWithOnly(template.prompt, slot, value),
      negativePrompt: template.negativePrompt,
      rating: category.rating,
      policy,
      hasOpenPlaces: true,
    });
    rating = higherRating(rating, judgement.rating);
    if (judgement.decision === "refused") {
      report(
        path,
        "words that the policy allows",
        `what the rule ${judgement.rule} refuses (${judgement.message})`,
      );
    }
    return judgement.decision;
  };
  if (judge(null, "", ["prompt"]) === "allowed") {
    for (const [slot, values] of Object.entries(template.slots)) {
      values.forEach((value, at) => {
        judge(slot, value.text, ["slots", slot, at]);
      });
    }
  }
  if (isRated(rating) && !alwaysStatesAdultAge(template)) {
    report(
      ["prompt"],
      `an adult age for every choice of values, such as "a 32-year-old woman" (the rating is ${rating})`,
      "a choice without one",
    );
  }
}

function checkModels(file: ModelsFile, report: Report): void {
  const providers = file.providers.map((provider) => provider.name);
  file.providers.forEach((provider, at) => {
    if (providers.indexOf(provider.name) < at) {
      report(["providers", at, "name"], "each provider once", `${shown(provider.name)} again`);
    }
  });
  const names = file.models.map((model) => model.name);
  file.models.forEach((model, at) => {
    const here: Report = (path, expected, found) => report(["models", at, ...path], expected, found);
    if (names.indexOf(model.name) < at) here(["name"], "each model once", `${shown(model.name)} again`);
    if (!providers.includes(model.provider)) {
      here(["provider"], oneOf(providers, model.provider), shown(model.provider));
    }
    const fallback = file.models.find((candidate) => candidate.name === model.fallback);
    if (model.fallback !== null && fallback === undefined) {
      here(["fallback"], oneOf(names, model.fallback), shown(model.fallback));
    } else if (fallback !== undefined && !fallback.verified) {
      here(["fallback"], "a model that is verified", shown(model.fallback));
    }
    if (model.buyable && !model.verified && model.fallback === null) {
      here(["verified"], "a fallback for a model that is not verified", "none");
    }
    checkPrice(model, here);
    if (!model.buyable && model.note === "") here(["note"], "the reason why it is not buyable", "nothing");
    if (model.sizes.kind === "range" && model.sizes.min > model.sizes.max) {
      here(["sizes", "min"], `at most ${model.sizes.max}`, shown(model.sizes.min));
    }
    for (const name of ["steps", "guidanceScale"] as const) {
      const range = model[name];
      if (range !== null && range.min > range.max)
        here([name, "min"], `at most ${range.max}`, shown(range.min));
    }
  });
}

function checkPrice({ price }: Model, report: Report): void {
  if (price?.per === "second") {
    const mostUsd = (price.usd * JOB_DEADLINE_MS) / 1000;
    if (price.list !== null && price.list > mostUsd) {
      report(["price", "list"], `at most what is held, ${mostUsd}`, shown(price.list));
    }
  }
  const steps =
    price?.per === "image"
      ? price.sizes.map(({ megapixelsMax }) => megapixelsMax)
      : price?.per === "credit"
        ? price.steps.map(({ stepsMax }) => stepsMax)
        : [];
  const disordered = steps.findIndex((value, at) => at > 0 && value <= (steps[at - 1] ?? 0));
  if (disordered > 0) {
    report(
      ["price", price?.per === "image" ? "sizes" : "steps", disordered],
      "ascending limits",
      shown(steps[disordered]),
    );
  }
}

function checkSchedule(schedule: Schedule, categories: readonly Source<Category>[], report: Report): void {
  if (!isTimezone(schedule.timezone)) {
    report(["timezone"], "a time zone such as Europe/Paris", shown(schedule.timezone));
  }
  const plans = Object.keys(schedule.plans);
  if (!plans.includes(schedule.active))
    report(["active"], oneOf(plans, schedule.active), shown(schedule.active));
  const producing = CATEGORY_NAMES.filter(
    (name) => categories.find((source) => source.value.name === name)?.value.templates.length !== 0,
  );
  const seen = new Set<string>();
  for (const [plan, entries] of Object.entries(schedule.plans)) {
    entries.forEach((entry, at) => {
      const here: Report = (path, expected, found) => report(["plans", plan, at, ...path], expected, found);
      // Across plans as well: an occurrence is known by its entry and date, whichever plan is active.
      if (seen.has(entry.name)) here(["name"], "a name that no other entry has", shown(entry.name));
      seen.add(entry.name);
      entry.days.forEach((day, position) => {
        if (entry.days.indexOf(day) < position)
          here(["days", position], "each day once", `${shown(day)} again`);
      });
      const { action } = entry;
      if (action.kind !== "generate") return;
      if (typeof action.count !== "number" && action.count.from > action.count.to) {
        here(["action", "count", "from"], `at most ${action.count.to}`, shown(action.count.from));
      }
      if (action.category === "least-stock") {
        if (action.among.length === 0)
          here(["action", "category"], "the categories that compete under `among`", "none");
        action.among.forEach((name, position) => {
          if (!producing.includes(name)) {
            here(
              ["action", "among", position],
              `a category with templates: ${oneOf(producing)}`,
              shown(name),
            );
          }
        });
      } else if (!producing.includes(action.category)) {
        here(
          ["action", "category"],
          `a category with templates: ${oneOf(producing)}`,
          shown(action.category),
        );
      }
    });
  }
}
