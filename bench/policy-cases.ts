/** @module The evaluation set of the prompt gate (`test/fixtures/policy/`) as single cases; its README says how it is written. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Catalogue, RATINGS, type Rating } from "@atelier/core/catalogue";
import { expandRequest } from "@atelier/core/expand";
import type { judgePrompt } from "@atelier/core/policy";
import { parse } from "yaml";
import * as z from "zod";

const FOLDER = fileURLToPath(new URL("../test/fixtures/policy", import.meta.url));

export const LANGUAGES = ["en", "fr", "es", "de", "it", "pt"] as const;
export type Language = (typeof LANGUAGES)[number];

export interface PolicyCase {
  readonly rule: string;
  readonly language: Language;
  readonly expected: "refused" | "allowed";
  /** The category's. */
  readonly rating: Rating;
  readonly prompt: string;
  readonly negativePrompt: string;
  /** What is to be found in the text, where a phrase was put into a frame. */
  readonly phrase: string | null;
}

const byLanguage = <T extends z.ZodType>(value: T) => z.partialRecord(z.enum(LANGUAGES), z.array(value));
const allowedSchema = z.union([
  z.string(),
  z.strictObject({
    general: z.string().optional(),
    suggestive: z.string().optional(),
    nudity: z.string().optional(),
    negative: z.string().default(""),
  }),
]);
const fileSchema = z.strictObject({
  rule: z.string(),
  /** The phrases are judged as they are, in the general category. */
  bare: z.boolean().default(false),
  /** The phrases are negative prompts. */
  negative: z.boolean().default(false),
  refused: byLanguage(z.string()).default({}),
  allowed: byLanguage(allowedSchema),
});
const framesSchema = z.strictObject({
  rated: z.record(z.enum(LANGUAGES), z.string()),
  paired: z.record(z.enum(LANGUAGES), z.string()),
});
type Frames = z.infer<typeof framesSchema>;

/** Every case of the folder, in the order of file names. */
export async function readPolicyCases(): Promise<PolicyCase[]> {
  const names = (await readdir(FOLDER))
    .filter((name) => name.endsWith(".yaml") && name !== "frames.yaml")
    .sort();
  const read = async (name: string): Promise<unknown> => parse(await readFile(join(FOLDER, name), "utf8"));
  const frames = framesSchema.parse(await read("frames.yaml"));
  const files = await Promise.all(names.map(async (name) => fileSchema.parse(await read(name))));
  return files.flatMap((file) =>
    LANGUAGES.flatMap((language) => [
      ...(file.refused[language] ?? []).flatMap((phrase) => refusedCases(file, language, phrase, frames)),
      ...(file.allowed[language] ?? []).map((written): PolicyCase => {
        const given = typeof written === "string" ? { general: written, negative: "" } : written;
        const rating = RATINGS.find((name) => given[name] !== undefined) ?? "general";
        const common = { rule: file.rule, language, expected: "allowed", phrase: null } as const;
        return { ...common, rating, prompt: given[rating] ?? "", negativePrompt: given.negative };
      }),
    ]),
  );
}

function refusedCases(
  file: z.infer<typeof fileSchema>,
  language: Language,
  phrase: string,
  frames: Frames,
): PolicyCase[] {
  const common = { rule: file.rule, language, expected: "refused", phrase } as const;
  if (file.bare) return [{ ...common, rating: "general", prompt: phrase, negativePrompt: "" }];
  if (file.negative) {
    const prompt = framed(frames.rated[language], "lingerie");
    return [{ ...common, rating: "suggestive", prompt, negativePrompt: phrase }];
  }
  return [
    { ...common, rating: "suggestive", prompt: framed(frames.rated[language], phrase), negativePrompt: "" },
    { ...common, rating: "general", prompt: framed(frames.paired[language], phrase), negativePrompt: "" },
  ];
}

function framed(frame: string, phrase: string): string {
  return frame.replace("{}", () => phrase);
}

/** Every shipped template, filled in several ways: none may be refused. */
export function templateCases(catalogue: Catalogue, variations: number): PolicyCase[] {
  const indexes = Array.from({ length: variations }, (_, index) => index);
  return catalogue.categories.flatMap((category) =>
    category.templates.flatMap((template) => {
      const request = {
        category: category.name,
        template: template.name,
        freePrompt: false,
        seed: 7,
        parameters: {},
      };
      return expandRequest({ request, catalogue, indexes }).map(
        ({ prompt, negativePrompt, rating }): PolicyCase => ({
          ...{ rule: "none", language: "en", expected: "allowed", phrase: null },
          ...{ rating, prompt, negativePrompt },
        }),
      );
    }),
  );
}

/** Whether a case was caught: a missing adult age does not count, unless that is what it is about. */
export function isCaught(
  { rule }: Pick<PolicyCase, "rule">,
  judgement: ReturnType<typeof judgePrompt>,
): boolean {
  return (
    judgement.decision === "refused" &&
    (judgement.rule !== "adult-age-missing" || rule === "adult-age-missing")
  );
}
