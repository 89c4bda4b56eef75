import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { captured } from "./testing/captured-run.ts";

const WHOLE = "must be a whole number from";
const KNOWN_COMMANDS =
  "plan, generate, custom, images, show, requests, templates, models, metrics, alerts, budget, audit, versions, review, attest, attest-age, privacy, resume, cancel, serve, verify, export, import";
const CATEGORIES = "lingerie, feet, artistic_nude, weekend_special, custom";
const STATUSES =
  "planned, held, generating, processing, completed, quarantined, rejected, failed, unknown, cancelled";
const MONEY = "must be an amount in US dollars from 0 with at most six decimals, such as 2.50.";
const DAY = "must be a day of the calendar such as 2026-11-22.";
const EXAMPLE = `{"prompt": "…", "category": "custom", "parameters": {"width": 512}}`;
const FEET = ["generate", "--category", "feet"];
const PEBBLES = ["custom", "--prompt", "pebbles"];

/** Words of the command line, and the one sentence that comes back. */
const BAD_INPUT: readonly [words: readonly string[], sentence: string][] = [
  [["generat"], `There is no command "generat". Did you mean "generate"? Known: ${KNOWN_COMMANDS}.`],
  [
    ["generat", "--help"],
    `There is no command "generat". Did you mean "generate"? Known: ${KNOWN_COMMANDS}.`,
  ],
  [["help", "pln"], `There is no command "pln". Did you mean "plan"? Known: ${KNOWN_COMMANDS}.`],
  [["paint"], `There is no command "paint". Known: ${KNOWN_COMMANDS}.`],
  [["budget", "sett"], `There is no command of budget "sett". Did you mean "set"? Known: verify, set.`],
  [["--json"], "A command is missing; see `atelier help`."],
  [["plan", "--dat", "x"], "There is no option --dat (did you mean --date?); see `atelier help plan`."],
  [["images", "--jsn"], "There is no option --jsn (did you mean --json?); see `atelier help images`."],
  [
    ["custom", "--pormpt=secret words"],
    "There is no option --pormpt (did you mean --prompt?); see `atelier help custom`.",
  ],
  [["resume", "--qqqq"], "There is no option --qqqq; see `atelier help resume`."],
  [
    ["budget", "set", "--dy", "1"],
    "There is no option --dy (did you mean --day?); see `atelier help budget set`.",
  ],
  [["plan", "--date"], "The option --date <day> needs a value; see `atelier help plan`."],
  [["show"], "`atelier show` needs IMAGE; see `atelier help show`."],
  [["verify"], "`atelier verify` needs FILE; see `atelier help verify`."],
  [
    ["custom", "--prompt", "two", "words"],
    "There are too many words after `atelier custom`; put quotes around a text with blanks, and see `atelier help custom`.",
  ],
  [
    ["show", "one", "two"],
    "There are too many words after `atelier show`; put quotes around a text with blanks, and see `atelier help show`.",
  ],

  [["images", "--data", ""], "--data is empty; give a folder."],

  [["generate"], `--category is missing; choose one of ${CATEGORIES}.`],
  [
    ["generate", "--category", "lingeri"],
    `There is no category "lingeri". Did you mean "lingerie"? Known: ${CATEGORIES}.`,
  ],
  [
    ["generate", "--category", "custom"],
    "The category custom has no templates; write the prompt yourself with `atelier custom --prompt`.",
  ],
  [
    [...FEET, "--template", "feet_closup"],
    `There is no template "feet_closup". Did you mean "feet_closeup"? Known: feet_closeup.`,
  ],
  [
    [...FEET, "--template", "lingerie_red_satin"],
    "The template lingerie_red_satin belongs to lingerie; give --category lingerie with it.",
  ],
  [
    [...FEET, "--model", "sdlx"],
    `There is no model "sdlx". Did you mean "sdxl"? Known: sdxl, stable-diffusion-v2.`,
  ],
  ...["0", "1001", "-1", "1.5", "NaN", "Infinity", "1e2", "", " 1", "0x10", "ten"].map(
    (text): [string[], string] => [
      [...FEET, "--variations", text],
      `--variations is "${text}", but ${WHOLE} 1 to 1000.`,
    ],
  ),
  ...["0", "2147483647", "-5", "99999999999999999999"].map((text): [string[], string] => [
    [...FEET, "--seed", text],
    `--seed is "${text}", but ${WHOLE} 1 to 2147483646.`,
  ]),
  ...["NaN", "-1", "1e3", "Infinity", "", "0.0000001", "1,5", "$5"].map((text): [string[], string] => [
    [...FEET, "--max-cost", text],
    `--max-cost is "${text}", but ${MONEY}`,
  ]),
  [[...FEET, "--width", "1000.5"], `--width is "1000.5", but must be a multiple of 8 from 64 to 2048.`],
  [[...FEET, "--width", "100"], `--width is "100", but must be a multiple of 8 from 64 to 2048.`],
  [[...FEET, "--height", "4096"], `--height is "4096", but must be a multiple of 8 from 64 to 2048.`],
  [[...FEET, "--height", "NaN"], `--height is "NaN", but must be a multiple of 8 from 64 to 2048.`],
  [[...PEBBLES, "--steps", "0"], `--steps is "0", but must be a whole number from 1 to 150.`],
  [[...PEBBLES, "--steps", "151"], `--steps is "151", but must be a whole number from 1 to 150.`],
  [[...PEBBLES, "--guidance", "50.1"], `--guidance is "50.1", but must be a number from 0 to 50.`],
  [[...PEBBLES, "--guidance", "-1"], `--guidance is "-1", but must be a number from 0 to 50.`],
  [
    [...PEBBLES, "--category", "fet"],
    `There is no category "fet". Did you mean "feet"? Known: ${CATEGORIES}.`,
  ],
  [[...PEBBLES, "--model", "dall-e"], `There is no model "dall-e". Known: sdxl, stable-diffusion-v2.`],

  [["custom"], "There is nothing to make: give --prompt with a text or --prompts with a file."],
  [
    ["custom", "--prompt", "a", "--prompts", "b"],
    "--prompt and --prompts exclude each other; give one of them.",
  ],
  [["custom", "--prompt", ""], "The prompt is empty; write what the picture shows."],
  [["custom", "--prompt", " \t "], "The prompt is empty; write what the picture shows."],
  [
    ["custom", "--prompt", "p".repeat(2001)],
    "The prompt has 2001 characters, but at most 2000 are taken; shorten it.",
  ],
  [
    [...PEBBLES, "--negative", "n".repeat(2001)],
    "The negative prompt has 2001 characters, but at most 2000 are taken; shorten it.",
  ],

  ...["2026-02-30", "2025-02-29", "2026-13-01", "2026-1-1", "22.11.2026", "today", "", "0000-00-00"].map(
    (text): [string[], string] => [["plan", "--date", text], `--date is "${text}", but ${DAY}`],
  ),
  [["images", "--since", "yesterday"], `--since is "yesterday", but ${DAY}`],
  [
    ["images", "--status", "complete"],
    `There is no status "complete". Did you mean "completed"? Known: ${STATUSES}.`,
  ],
  [
    ["images", "--category", "feets"],
    `There is no category "feets". Did you mean "feet"? Known: ${CATEGORIES}.`,
  ],
  ...["0", "10001", "all"].map((text): [string[], string] => [
    ["images", "--limit", text],
    `--limit is "${text}", but ${WHOLE} 1 to 10000.`,
  ]),
  ...["%", "a", ""].map((text): [string[], string] => [
    ["images", "--text", text],
    `The text "${text}" has no word to search by; give one of two letters or more that is not as common as "the".`,
  ]),
  [["audit", "--limit", "0"], `--limit is "0", but ${WHOLE} 1 to 10000.`],
  [
    ["templates", "lingerie_black_lce"],
    `There is no template "lingerie_black_lce". Did you mean "lingerie_black_lace"? Known: lingerie_black_lace, lingerie_red_satin, feet_closeup, artistic_nude, weekend_breakfast.`,
  ],
  [["templates", "--variations", "0"], `--variations is "0", but ${WHOLE} 1 to 1000.`],
  [["show", "img_nowhere"], "There is no such image."],

  [["budget", "set"], "There is nothing to set: give --day, --month or --cap."],
  [["budget", "set", "--day", "-1"], `--day is "-1", but ${MONEY}`],
  [["budget", "set", "--month", "many"], `--month is "many", but ${MONEY}`],
  [["budget", "set", "--day", "none"], `--day is "none", but ${MONEY}`],
  [
    ["budget", "set", "--cap", "feet=1"],
    `--cap is "feet=1", but must be such as provider:replicate=50, category:feet=20 or category:feet=none.`,
  ],
  [
    ["budget", "set", "--cap", "category:fete=1"],
    `There is no category "fete". Did you mean "feet"? Known: ${CATEGORIES}.`,
  ],
  [["budget", "set", "--cap", "category:feet=1e3"], `--cap category:feet is "1e3", but ${MONEY}`],
];

describe("bad input", () => {
  it.each(BAD_INPUT)("%j: one sentence, exit 2", async (words, sentence) => {
    const { exitCode, stdout, stderr } = await captured(words);
    expect({ exitCode, stdout, stderr }).toStrictEqual({ exitCode: 2, stdout: "", stderr: `${sentence}\n` });
  });

  it("opens no engine before the words are understood", async () => {
    const needingEngine = new Set(["show"]);
    for (const [words] of BAD_INPUT) {
      const { opened } = await captured(words);
      if (!needingEngine.has(words[0] ?? "")) expect({ words, opened }).toStrictEqual({ words, opened: [] });
    }
  });

  it("writes nothing on standard output for a usage error with --json", async () => {
    const { exitCode, stdout } = await captured(["plan", "--date", "2026-02-30", "--json"]);
    expect({ exitCode, stdout }).toStrictEqual({ exitCode: 2, stdout: "" });
  });
});

describe("--prompts", () => {
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "atelier-prompts-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  const GOOD = `{"prompt":"pebbles"}`;
  const BAD_FILES: readonly [name: string, text: string, sentence: string][] = [
    ["nothing", "", `There is no prompt in nothing; write one JSON object a line, such as ${EXAMPLE}.`],
    ["blank", "\n \n", `There is no prompt in blank; write one JSON object a line, such as ${EXAMPLE}.`],
    [
      "broken",
      `${GOOD}\n{"prompt":"secret`,
      `Line 2 of broken is not JSON; write an object such as ${EXAMPLE}.`,
    ],
    ["list", `["secret"]`, `Line 1 of list is not an object; write one such as ${EXAMPLE}.`],
    [
      "key",
      `${GOOD}\n\n{"prompt":"pebbles","promt":"x"}`,
      `Line 3 of key has the unknown key "promt"; known are prompt, negative_prompt, category, parameters.`,
    ],
    ["none", `{"category":"feet"}`, `Line 1 of none has no text under "prompt"; add one.`],
    ["number", `{"prompt":5}`, `Line 1 of number has no text under "prompt"; add one.`],
    ["empty", `{"prompt":" "}`, "Line 1 of empty: The prompt is empty; write what the picture shows."],
    [
      "long",
      `{"prompt":"${"p".repeat(2001)}"}`,
      "Line 1 of long: The prompt has 2001 characters, but at most 2000 are taken; shorten it.",
    ],
    [
      "negative",
      `{"prompt":"pebbles","negative_prompt":1}`,
      `Line 1 of negative has something else than a text under "negative_prompt"; write it in quotes.`,
    ],
    [
      "category",
      `{"prompt":"pebbles","category":"fet"}`,
      `Line 1 of category: There is no category "fet". Did you mean "feet"? Known: ${CATEGORIES}.`,
    ],
    [
      "width",
      `{"prompt":"pebbles","parameters":{"width":100}}`,
      `"width" in line 1 of width is "100", but must be a multiple of 8 from 64 to 2048.`,
    ],
    [
      "text",
      `{"prompt":"pebbles","parameters":{"steps":"20"}}`,
      `"steps" in line 1 of text is "20", but must be a whole number from 1 to 150.`,
    ],
    [
      "seed",
      `{"prompt":"pebbles","parameters":{"seed":0}}`,
      `"seed" in line 1 of seed is 0, but must be a whole number from 1 to 2147483646.`,
    ],
    [
      "guidance",
      `{"prompt":"pebbles","parameters":{"guidance":7}}`,
      `"parameters" in line 1 of guidance has the unknown key "guidance"; known are width, height, steps, guidance_scale, seed.`,
    ],
    [
      "parameters",
      `{"prompt":"pebbles","parameters":[]}`,
      `Line 1 of parameters has something else than an object under "parameters"; write {"width": 512}.`,
    ],
  ];

  it.each(BAD_FILES)(
    "%s: one sentence with the line, exit 2, nothing asked for",
    async (name, text, sentence) => {
      await writeFile(join(folder, name), text);
      const { exitCode, stdout, stderr, opened } = await captured(["custom", "--prompts", name], {
        workingFolder: folder,
      });
      expect({ exitCode, stdout, stderr, opened }).toStrictEqual({
        exitCode: 2,
        stdout: "",
        stderr: `${sentence}\n`,
        opened: [],
      });
    },
  );

  it.runIf(process.platform === "linux")("reads no further than its limit of bytes", async () => {
    const { exitCode, stdout, stderr } = await captured(["custom", "--prompts", "/dev/zero"]);
    expect({ exitCode, stdout, stderr }).toStrictEqual({
      exitCode: 2,
      stdout: "",
      stderr: "There are more than 16 MiB in /dev/zero; divide it into several files.\n",
    });
  });

  it("reads no further than its limit of lines", async () => {
    let read = 0;
    const endless = async function* () {
      for (;;) yield `${GOOD}\n`.repeat(++read && 1000);
    };
    const { exitCode, stderr } = await captured(["custom", "--prompts", "-"], { stdin: endless() });
    expect({ exitCode, stderr, read }).toStrictEqual({
      exitCode: 2,
      stderr: "There are more than 10,000 lines in standard input; divide it into several files.\n",
      read: 11,
    });
  });

  it.each([
    [`${GOOD}\n`.repeat(10_000), 0],
    [`${GOOD}\n`.repeat(10_000) + GOOD, 2],
  ])("takes 10,000 lines and not one more", async (stdin, exitCode) => {
    expect((await captured(["custom", "--prompts", "-", "--dry-run", "--json"], { stdin })).exitCode).toBe(
      exitCode,
    );
  });

  it("says that a file is missing", async () => {
    const { exitCode, stderr } = await captured(["custom", "--prompts", "absent"], { workingFolder: folder });
    expect(stderr).toBe("--prompts absent cannot be read (ENOENT); give a file of JSON lines.\n");
    expect(exitCode).toBe(2);
  });

  it("names standard input", async () => {
    const { stderr } = await captured(["custom", "--prompts", "-"], { stdin: "{" });
    expect(stderr).toBe(`Line 1 of standard input is not JSON; write an object such as ${EXAMPLE}.\n`);
  });
});
