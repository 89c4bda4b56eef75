import { cp, mkdtemp, readFile, rm, unlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { statesAdultAge } from "@atelier/core/age";
import { CATEGORY_NAMES, type Catalogue, DEFAULT_PARAMETERS, type Rating } from "@atelier/core/catalogue";
import { isAtelierError } from "@atelier/core/errors";
import { expandRequest } from "@atelier/core/expand";
import { isRated, judgePrompt } from "@atelier/core/policy";
import { rankCandidates } from "@atelier/core/routing";
import { occurrencesOn } from "@atelier/core/schedule";
import { combinationsOf } from "@atelier/core/template";
import { parseAttestations } from "@atelier/core/terms";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { loadCatalogue, serialiseCatalogue } from "./templates.ts";
import { writeShortTemplates } from "./testing/short-templates.ts";

const shipped = join(import.meta.dirname, "../../templates");
let catalogue: Catalogue;
beforeAll(async () => {
  catalogue = await loadCatalogue(shipped);
});

describe("what is shipped", () => {
  test("has the categories, templates and ratings that the product is about", () => {
    expect(
      catalogue.categories.map(({ name, rating, templates }) => [
        name,
        rating,
        templates.map((one) => one.name),
      ]),
    ).toStrictEqual([
      ["lingerie", "suggestive", ["lingerie_black_lace", "lingerie_red_satin"]],
      ["feet", "suggestive", ["feet_closeup"]],
      ["artistic_nude", "nudity", ["artistic_nude"]],
      ["weekend_special", "general", ["weekend_breakfast", "weekend_autumn_city"]],
      ["custom", "general", []],
    ]);
    for (const template of catalogue.categories.flatMap((category) => category.templates)) {
      expect(template.parameters).toStrictEqual(DEFAULT_PARAMETERS);
      expect(template.models[0]).toBe("sdxl");
      expect(combinationsOf(template)).toBeGreaterThan(5_000n);
    }
  });

  test("gives allowed prompts within the category's rating, with an adult age where it is rated", () => {
    for (const category of catalogue.categories.filter(({ templates }) => templates.length > 0)) {
      const request = {
        category: category.name,
        template: null,
        freePrompt: false,
        seed: 11,
        parameters: {},
      };
      const indexes = Array.from({ length: 60 }, (_, index) => index);
      const images = expandRequest({ request, catalogue, indexes });
      expect(new Set(images.map((image) => image.prompt)).size).toBe(60);
      for (const image of images) {
        expect(image.judgement).toMatchObject({ decision: "allowed", rating: category.rating });
        expect(statesAdultAge(image.prompt)).toBe(isRated(category.rating));
      }
    }
  });

  test("has the calendar of both plans", () => {
    const plan = (active: string) =>
      ["2026-11-23", "2026-11-24", "2026-11-25", "2026-11-26", "2026-11-27", "2026-11-28", "2026-11-29"].map(
        (date) =>
          occurrencesOn(date, { ...catalogue.schedule, active }).map(({ action, count, scheduledAtMs }) =>
            [
              new Date(scheduledAtMs).toISOString().slice(11, 16),
              action.kind === "generate" ? action.category : action.kind,
              count,
            ].join(" "),
          ),
      );
    expect(catalogue.schedule).toMatchObject({ timezone: "Europe/Paris", active: "weekly" });
    expect(plan("weekly").flat()).toStrictEqual([
      "05:00 lingerie 5",
      "05:00 feet 3",
      "05:00 artistic_nude 3",
      "05:00 lingerie 5",
      "05:00 feet 3",
      "05:00 weekend_special 3",
      "05:00 least-stock 1",
    ]);
    for (const day of plan("daily")) {
      expect(day.join(", ")).toMatch(
        /^05:00 lingerie [23], 05:30 feet [12], 06:00 artistic_nude [12], 06:30 reconcile-and-report 0$/,
      );
    }
  });

  const route = (rating: Rating, provider: "sandbox" | "replicate", terms = "", width = 1024) =>
    rankCandidates({
      ...catalogue,
      wanted: { model: null, provider },
      templateModels: ["sdxl", "realistic-vision-v6"],
      rating,
      parameters: { ...DEFAULT_PARAMETERS, width, height: width },
      promptCharacters: 300,
      negativePrompt: true,
      attestations: parseAttestations(terms, "ada", "2026-11-22", ["replicate"]),
      on: ["replicate"],
      off: new Map(),
      rejectedBy: [],
      failedProviders: [],
      capMicros: null,
      health: null,
      tried: [],
      today: "2026-11-22",
    });

  test("buys from the sandbox at every rating, sdxl first", () => {
    for (const rating of ["general", "suggestive", "nudity"] as const) {
      expect(route(rating, "sandbox").candidates[0]).toMatchObject({
        model: "sdxl",
        provider: "sandbox",
        warnings: [],
      });
    }
  });

  test("sends rated prompts to Replicate only with an attestation and a licence", () => {
    expect(route("suggestive", "replicate").candidates).toStrictEqual([]);
    expect(route("suggestive", "replicate", "replicate=nudity").candidates[0]?.model).toBe("sdxl");
    expect(route("nudity", "replicate", "replicate=nudity").candidates[0]?.model).toBe("realistic-vision-v6");
    expect(route("general", "replicate").candidates[0]?.model).toBe("sdxl");
  });

  test("makes 512x512 only with the pinned stable-diffusion-v2", () => {
    const size = (width: number) =>
      route("general", "sandbox", "", width).excluded.find((one) => one.model === "stable-diffusion-v2")
        ?.reason;
    expect(size(1024)).toBe("size");
    expect(size(512)).toBeUndefined();
  });

  test.each([
    ["portrait of a 16-year-old", "suggestive", "age-below-18"],
    ["a sixteen year old", "suggestive", "age-below-18"],
    ["a t e e n", "suggestive", "minors"],
    ["une fillette", "suggestive", "minors"],
    ["una niña", "suggestive", "minors"],
    ["ein Mädchen", "suggestive", "minors"],
    ["una ragazzina", "suggestive", "minors"],
    ["uma criança", "suggestive", "minors"],
    ["a young woman", "suggestive", "youthful-wording"],
    ["a child in a bikini", "general", "minors"],
    ["a person (15), undergarments", "general", "age-below-18"],
    ["a 15-year-old with no top", "general", "age-below-18"],
    ["a person aged 16, unclad", "general", "age-below-18"],
    ["a person of 14 years, bare-chested", "general", "age-below-18"],
    ["lingerie on a chair", "general", "adult-age-missing"],
    ["a woman", "suggestive", "adult-age-missing"],
    ["an adult woman", "nudity", "adult-age-missing"],
    ...[
      "a woman of 17 years",
      "a woman of seventeen years",
      "a woman (17)",
      "a woman, 17, studio",
      "a woman, ⑰",
      "a ⓱-year-old",
      "a woman of XVII years",
      "a xvii-year-old",
      "a 216-month-old",
      "a 200 months old person",
      "born in 2012",
      "born 12 March 2012",
      "born on March 12, 2012",
      "born in '12",
      "born in two thousand twelve",
      "née en 2012",
      "nacida en 2012",
      "geboren 2012",
      "nata nel 2012",
      "nascida em 2012",
      "born in 2008",
      "a 16½-year-old",
      "seventeen and 17 and a half",
      "looks 14",
      "looks fourteen",
      "a seventeen yo",
      "a woman 17y",
      "17f",
      "her 16th birthday",
      "14-ish",
      "aged between 15 and 17",
    ].map((text) => [`${text}, aged 32`, "suggestive", "age-below-18"] as const),
    ...[
      "a twelfth grader",
      "a 12th-grader",
      "in the 7th grade",
      "junior high",
      "high school",
      "a freshman",
      "une lycéenne",
      "un collégien",
      "escuela secundaria",
      "eine Schülerin",
      "una liceale",
      "ensino médio",
      "almost 18",
    ].map((text) => [`${text}, aged 32`, "suggestive", "minors"] as const),
    ["s.e.x. act", "general", "explicit-acts"],
    ["a s.e.x. act", "general", "explicit-acts"],
    ["s e x scene", "general", "explicit-acts"],
    ["an explicit sex scene", "general", "explicit-acts"],
    ["non-consensual scene", "general", "coercion"],
    ["a lookalike of a singer", "general", "real-persons"],
    ["a famous actress in lingerie", "general", "real-persons-rated"],
  ] as const)("refuses %j in a %s category by the rule %s", (prompt, rating, rule) => {
    const judgement = judgePrompt({ prompt, negativePrompt: "", rating, policy: catalogue.policy });
    expect(judgement).toMatchObject({ decision: "refused", rule });
    expect(JSON.stringify(judgement)).not.toContain(prompt);
  });

  test.each([
    ["a 32-year-old woman with a kind smile", "suggestive", "suggestive"],
    ["a thirty-two-year-old man, f/2.8", "nudity", "nudity"],
    ["forced perspective of a bridge, a 32-year-old man", "suggestive", "suggestive"],
    ["baby blue silk, an al fresco table, aged 32", "suggestive", "suggestive"],
    ["a 32-year-old woman, f/1.8, 35mm lens, 17th-century room", "suggestive", "suggestive"],
    ["a 32-year-old woman with seventeen candles and 12 oranges", "suggestive", "suggestive"],
    ["a 32-year-old woman with a class of architects at 17:00", "suggestive", "suggestive"],
    ["a 32-year-old woman born in 1994, twelve years ago", "suggestive", "suggestive"],
    ["a 32-year-old, les bras croises", "suggestive", "suggestive"],
    ["une femme de 32 ans, lingerie", "general", "suggestive"],
    ["17th-century room", "general", "general"],
    ["35mm lens", "general", "general"],
    ["seventeen candles", "general", "general"],
    ["a still life with 12 oranges", "general", "general"],
    ["class of architects", "general", "general"],
    ["a table with nothing on it, les bras du fleuve", "general", "general"],
    ["a high school building, born in 2012", "general", "general"],
    ["no top light, bare chest of drawers, clothes off the rack", "general", "general"],
    ["a 32-year-old woman, f11, f16", "suggestive", "suggestive"],
    ["a mountain top, a desk without drawers, no shadows", "general", "general"],
    ["children at a breakfast table, whisky aged 12 years", "general", "general"],
    ["a mother and her 5-year-old son", "general", "general"],
    ["nude lipstick on a marble shelf", "general", "general"],
    ["a 32-year-old woman in black lingerie", "general", "suggestive"],
    ["a 32-year-old woman in undergarments", "general", "suggestive"],
    ["a 32-year-old man, shirtless", "general", "suggestive"],
    ["a 32-year-old woman with no top", "general", "nudity"],
    ["an unclad 32-year-old", "general", "nudity"],
    ["a 32-year-old, bare-chested", "general", "nudity"],
    ["a 32-year-old without any clothes", "general", "nudity"],
    ["an artistic nude of a 40-year-old dancer", "general", "nudity"],
  ] as const)("allows %j in a %s category as %s", (prompt, category, rating) => {
    const judgement = judgePrompt({ prompt, negativePrompt: "", rating: category, policy: catalogue.policy });
    expect(judgement).toMatchObject({ decision: "allowed", rating });
  });

  test("compiles to JSON that says the same", () => {
    expect(JSON.parse(serialiseCatalogue(catalogue))).toStrictEqual(catalogue);
  });
});

describe("a mistake is reported with file, line, expected and found", () => {
  const folders: string[] = [];
  let short = "";
  beforeAll(async () => {
    short = await mkdtemp(join(tmpdir(), "atelier-templates-"));
    await writeShortTemplates(short, "feet");
    await expect(loadCatalogue(short)).resolves.toBeDefined();
  });
  afterAll(() => rm(short, { recursive: true }));
  afterEach(async () => {
    for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
  });

  /** The message after one piece of a shipped file was replaced, and the line where that piece stands. */
  async function problemsAfter(
    file: string,
    from: string,
    to: string,
  ): Promise<{ message: string; line: number }> {
    const parent = await mkdtemp(join(tmpdir(), "atelier-templates-"));
    folders.push(parent);
    const folder = join(parent, "templates");
    await cp(short, folder, { recursive: true });
    const text = await readFile(join(folder, file), "utf8");
    const at = text.indexOf(from);
    expect(at).toBeGreaterThanOrEqual(0);
    await writeFile(join(folder, file), text.slice(0, at) + to + text.slice(at + from.length));
    return { message: await messageOf(folder), line: text.slice(0, at).split("\n").length };
  }

  async function messageOf(folder: string): Promise<string> {
    const error: unknown = await loadCatalogue(folder).catch((thrown: unknown) => thrown);
    expect(isAtelierError(error, "CatalogueInvalid")).toBe(true);
    return error instanceof Error ? error.message : "";
  }

  const feet = "categories/feet.yaml";
  test.each([
    // Shapes and keys
    [
      feet,
      "    negative_prompt:",
      "    negativ_prompt:",
      "expected `negative_prompt`, found the unknown key `negativ_prompt`",
    ],
    [
      feet,
      "    negative_prompt:",
      "    negativePrompt:",
      "expected `negative_prompt`, found `negativePrompt`",
    ],
    [
      feet,
      "guidance_scale: 7.5",
      "guidance: 7.5",
      "expected only width, height, steps, guidance_scale, found the unknown key `guidance`",
    ],
    [feet, "steps: 50", "steps: many", 'expected a number, found "many"'],
    [feet, "steps: 50", "steps: 50.5", "expected a whole number, found 50.5"],
    [feet, "steps: 50", "steps: 500", "expected at most 150, found 500"],
    [feet, "width: 1024", "width: 1023", "expected a multiple of 8, found 1023"],
    [
      feet,
      "rating: suggestive",
      "rating: sugestive",
      'expected one of general, suggestive, nudity (did you mean `suggestive`?), found "sugestive"',
    ],
    [feet, "rating: suggestive\n", "", "expected one of general, suggestive, nudity, found nothing"],
    [feet, '{ text: "27" }', "{ text: 27 }", "expected text (quote it if it looks like a number), found 27"],
    [
      feet,
      "name: feet_closeup",
      "name: Feet",
      'expected a name of lower-case letters, digits and _, found "Feet"',
    ],
    ["schedule.yaml", 'at: "06:00"', 'at: "6:00"', 'expected a local time such as 06:00, found "6:00"'],
    [
      "schedule.yaml",
      "days: [mon]",
      "days: [monday]",
      'expected one of mon, tue, wed, thu, fri, sat, sun, found "monday"',
    ],
    [
      "schedule.yaml",
      "kind: generate",
      "kind: generat",
      'expected one of generate, reconcile-and-report (did you mean `generate`?), found "generat"',
    ],
    ["schedule.yaml", "count: 5", "count: lots", 'expected a number or a mapping, found "lots"'],
    ["schedule.yaml", "from: 2", "form: 2", "expected `from`, found the unknown key `form`"],
    [
      "models.yaml",
      "kind: range",
      "kind: rang",
      'expected one of range, dimensions, aspect (did you mean `range`?), found "rang"',
    ],
    ["models.yaml", "usd: 0.003 }", "usd: free }", 'expected a number, found "free"'],
    // YAML itself
    [
      feet,
      "name: feet\n",
      "name: feet\nname: feet\n",
      "expected each key once, found a key for the second time",
    ],
    [
      feet,
      "  - name: feet_closeup",
      "\t- name: feet_closeup",
      "expected blanks for indentation, found a tab",
    ],
    [feet, "rating: suggestive", "rating: [suggestive", "expected YAML, found"],
    [
      "models.yaml",
      "values: *flux_sizes",
      "values: *fluxsizes",
      "expected an anchor above, found the alias `*fluxsizes`",
    ],
    // References
    [feet, "models: [sdxl,", "models: [sdlx,", "expected one of sdxl, flux-schnell"],
    [
      feet,
      "{pose}",
      "{poze}",
      "expected a slot for every place: one of age, pose, detail, setting, light, colour, lens, mood (did you mean `pose`?), found `{poze}`",
    ],
    [feet, "name: feet\n", "name: custom\n", 'expected the name of the file, found "custom"'],
    [
      feet,
      "name: feet_closeup",
      "name: lingerie_red_satin",
      'expected a name that no other template has, found "lingerie_red_satin", as in templates/categories/lingerie.yaml',
    ],
    [
      "models.yaml",
      "fallback: realistic-vision-v2-mcai",
      "fallback: realistic-vision-v2-mca",
      "(did you mean `realistic-vision-v2-mcai`?)",
    ],
    ["models.yaml", "list: 0.05 }", "list: 5 }", "expected at most what is held, 0.2925, found 5"],
    ["models.yaml", "name: flux-schnell", "name: sdxl", 'expected each model once, found "sdxl" again'],
    [
      "schedule.yaml",
      "timezone: Europe/Paris",
      "timezone: Europe/Pari",
      'expected a time zone such as Europe/Paris, found "Europe/Pari"',
    ],
    [
      "schedule.yaml",
      "active: weekly",
      "active: weekley",
      'expected one of weekly, daily (did you mean `weekly`?), found "weekley"',
    ],
    ["schedule.yaml", "category: lingerie", "category: custom", "expected a category with templates"],
    ["schedule.yaml", "from: 2, to: 3", "from: 4, to: 3", "expected at most 3, found 4"],
    [
      "schedule.yaml",
      "name: daily_feet",
      "name: weekly_monday",
      'expected a name that no other entry has, found "weekly_monday"',
    ],
    ["policy.yaml", "concept: youth", "concept: yuth", "(did you mean"],
    ["policy.yaml", "'\\bforced to\\b'", "'\\b(forced to'", "expected a regular expression, found"],
    // Content
    [
      feet,
      '{ text: "27" }',
      '{ text: "16" }',
      "expected words that the policy allows, found what the rule age-below-18 refuses",
    ],
    [feet, '{ text: "27" }', '{ text: "some" }', "expected an adult age for every choice of values"],
    [feet, "text: fresh,", "text: youthful,", "found what the rule youthful-wording refuses"],
    [feet, "text: fresh,", "text: relaxed,", 'expected each value once, found "relaxed" again'],
  ])("%s: %j instead of %j", async (file, from, to, expected) => {
    const { message } = await problemsAfter(file, from, to);
    expect(message).toContain(expected);
    expect(message).toMatch(new RegExp(`^templates/${file}:\\d+: expected `));
    expect(message).not.toContain("\n");
  });

  test.each([
    [feet, "steps: 50", "steps: many"],
    [feet, "text: on tiptoe", "text: 7"],
    ["models.yaml", "typical_seconds: 60", "typical_second: 60"],
    ["schedule.yaml", "days: [wed]", "days: [wedd]"],
  ] as const)("%s: the line of %j is given", async (file, from, to) => {
    const { message, line } = await problemsAfter(file, from, to);
    expect(message.split("; ")[0]).toContain(`templates/${file}:${line}: `);
  });

  test("a misspelt key is one mistake, not two", async () => {
    const { message } = await problemsAfter(feet, "    prompt: >-", "    promt: >-");
    expect(message).toBe(
      "templates/categories/feet.yaml:7: expected `prompt`, found the unknown key `promt`",
    );
  });

  test("all mistakes of all files are listed, as data too", async () => {
    const parent = await mkdtemp(join(tmpdir(), "atelier-templates-"));
    folders.push(parent);
    const folder = join(parent, "templates");
    await cp(shipped, folder, { recursive: true });
    await unlink(join(folder, "categories/custom.yaml"));
    await writeFile(join(folder, "categories/fet.yaml"), "name: feet\n");
    await writeFile(join(folder, "schedule.yaml"), "timezone: Europe/Paris\nactive: weekly\n");
    const error: unknown = await loadCatalogue(folder).catch((thrown: unknown) => thrown);
    expect(isAtelierError(error) ? error.data.problems : []).toStrictEqual([
      {
        file: "templates/categories/fet.yaml",
        line: 1,
        expected: `one of ${CATEGORY_NAMES.map((name) => `${name}.yaml`).join(", ")} (did you mean \`feet.yaml\`?)`,
        found: "a file of another name",
      },
      {
        file: "templates/categories/custom.yaml",
        line: 1,
        expected: "a file that can be read",
        found: "none",
      },
      { file: "templates/schedule.yaml", line: 1, expected: "a mapping", found: "nothing" },
    ]);
  });

  test("a folder that is not there lists every file", async () => {
    expect(await messageOf(join(tmpdir(), "atelier-no-such-folder"))).toContain(
      "atelier-no-such-folder/policy.yaml:1: expected a file that can be read, found none",
    );
  });
});
