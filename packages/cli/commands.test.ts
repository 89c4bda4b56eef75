import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AtelierError } from "@atelier/core/errors";
import { derivedSeed } from "@atelier/core/ids";
import { describe, expect, it } from "vitest";
import { atelierInMemory } from "./testing/atelier-in-memory.ts";
import { captured } from "./testing/captured-run.ts";
import { IMAGE_ID, imageNumbered } from "./testing/documents.ts";

/** Words, and everything that Atelier is asked because of them, except to draw the contact sheet and to close. */
const ASKED: readonly [words: readonly string[], calls: readonly (readonly unknown[])[]][] = [
  [["plan"], [["today"], ["plan", "2026-11-22"]]],
  [["plan", "--date", "2028-02-29"], [["plan", "2028-02-29"]]],
  [
    ["plan", "--run"],
    [["today"], ["runPlan", "2026-11-22"]],
  ],
  [
    ["generate", "--category", "feet"],
    [
      [
        "generate",
        {
          category: "feet",
          template: null,
          count: 1,
          seed: null,
          model: null,
          maxCostMicros: null,
          parameters: {},
        },
      ],
    ],
  ],
  [
    "generate --category feet --template feet_closeup --variations 3 --seed 7 --model sdxl --max-cost 0.5 --width 512 --height 768 --steps 20 --guidance 5.5 --dry-run".split(
      " ",
    ),
    [
      [
        "previewGenerate",
        {
          category: "feet",
          template: "feet_closeup",
          count: 3,
          seed: 7,
          model: "sdxl",
          maxCostMicros: 500_000,
          parameters: { width: 512, height: 768, steps: 20, guidanceScale: 5.5 },
        },
      ],
    ],
  ],
  [
    ["custom", "--prompt", " two pebbles ", "--negative", "text", "--category", "feet", "--max-cost", "2"],
    [
      [
        "custom",
        [
          {
            prompt: "two pebbles",
            negativePrompt: "text",
            category: "feet",
            parameters: {},
            model: null,
            seed: null,
          },
        ],
        { maxCostMicros: 2_000_000 },
      ],
    ],
  ],
  [
    ["custom", "--prompt", "pebbles", "--seed", "9", "--dry-run"],
    [
      [
        "previewCustom",
        [{ prompt: "pebbles", negativePrompt: "", category: "custom", parameters: {}, model: null, seed: 9 }],
      ],
    ],
  ],
  [["images"], [["images", { limit: 50 }]]],
  [
    "images --category feet --status completed --tag beach --since 2026-11-01 --limit 5".split(" "),
    [["images", { category: "feet", status: "completed", tag: "beach", since: "2026-11-01", limit: 5 }]],
  ],
  [["show", IMAGE_ID], [["show", IMAGE_ID]]],
  [["templates"], []],
  [
    ["templates", "feet_closeup"],
    [
      [
        "previewGenerate",
        {
          category: "feet",
          template: "feet_closeup",
          count: 5,
          seed: 1,
          model: null,
          maxCostMicros: null,
          parameters: {},
        },
      ],
    ],
  ],
  [["models"], [["models", { probe: false }]]],
  [["models", "--probe"], [["models", { probe: true }]]],
  [["cancel", IMAGE_ID], [["cancel", IMAGE_ID]]],
  [["budget", "verify"], [["proveBudget"]]],
  [["budget"], [["budget"]]],
  [
    "budget set --day 5 --month 100.25 --cap provider:replicate=50 --cap category:feet=none".split(" "),
    [
      ["setBudget", "day", 5_000_000],
      ["setBudget", "month", 100_250_000],
      ["setBudget", "provider:replicate", 50_000_000],
      ["setBudget", "category:feet", null],
      ["budget"],
    ],
  ],
  [["audit"], [["audit", null, 50]]],
  [["audit", IMAGE_ID, "--limit", "3"], [["audit", IMAGE_ID, 3]]],
  [["resume"], [["resume"]]],
];

describe("what each command asks of Atelier", () => {
  it.each(ASKED)("%j", async (words, calls) => {
    const atelier = atelierInMemory();
    const { exitCode, stderr } = await captured(words, { atelier });
    expect({ exitCode, stderr }).toStrictEqual({ exitCode: 0, stderr: "" });
    // What comes at the end of every run: its contact sheet, and a look at what is left.
    const asked = atelier.calls.filter(
      ([name]) => name !== "contactSheet" && name !== "close" && (name !== "budget" || words[0] === "budget"),
    );
    expect(asked).toStrictEqual(calls);
  });

  it("closes what it opened, also after a failure", async () => {
    const atelier = atelierInMemory({
      budget: async () => {
        throw new AtelierError("StorageUnavailable", "The store does not answer.");
      },
    });
    const { exitCode, stderr } = await captured(["budget"], { atelier });
    expect({ exitCode, stderr }).toStrictEqual({ exitCode: 1, stderr: "The store does not answer.\n" });
    expect(atelier.calls.map(([name]) => name)).toStrictEqual(["budget", "close"]);
  });
});

describe("where it works", () => {
  const opened = async (words: readonly string[], environment: Record<string, string> = {}) => {
    const run = await captured(words, { environment, workingFolder: "/home/someone" });
    return run.opened.map(({ dataFolder, provider }) => ({ dataFolder, provider }));
  };

  it("takes .atelier, else ATELIER_DATA, else --data, from the working folder", async () => {
    const environment = { ATELIER_DATA: "kept" };
    expect(await opened(["budget"])).toStrictEqual([
      { dataFolder: "/home/someone/.atelier", provider: null },
    ]);
    expect(await opened(["budget"], environment)).toStrictEqual([
      { dataFolder: "/home/someone/kept", provider: null },
    ]);
    expect(await opened(["budget", "--data", "/else"], environment)).toStrictEqual([
      { dataFolder: "/else", provider: null },
    ]);
  });

  it("takes the shared options before the command as well as after it", async () => {
    const expected = [{ dataFolder: "/d", provider: "sandbox" }];
    expect(await opened(["--data", "/d", "--provider", "sandbox", "budget"])).toStrictEqual(expected);
    expect(await opened(["budget", "--provider", "sandbox", "--data", "/d"])).toStrictEqual(expected);
  });
});

describe("a data folder that is not there", () => {
  it.each([[["images"]], [["show", IMAGE_ID]], [["audit"]], [["budget"]], [["images", "--json"]]])(
    "is not made by %j",
    async (words) => {
      const run = await captured(words, { unmade: true });
      expect(run).toMatchObject({ exitCode: 2, stdout: "", opened: [] });
      expect(run.stderr).toBe(
        "There is no data folder /home/someone/.atelier; `atelier plan --run` makes one, or give another with --data.\n",
      );
    },
  );

  it.each([
    [["plan"]],
    [["plan", "--run"]],
    [["generate", "--category", "feet"]],
    [["custom", "--prompt", "pebbles"]],
    [["resume"]],
    [["models"]],
    [["templates", "feet_closeup"]],
    [["budget", "set", "--day", "5"]],
  ])("is made by %j", async (words) => {
    const run = await captured(words, { unmade: true });
    expect(run).toMatchObject({ exitCode: 0, opened: [{ dataFolder: "/home/someone/.atelier" }] });
  });
});

describe("--prompts", () => {
  const LINES = [
    `\uFEFF{"prompt":"one"}`,
    "",
    `{"prompt":"two","negative_prompt":"","category":"feet","parameters":{"width":512,"guidance_scale":3}}\r`,
    `{"prompt":"three","parameters":{"seed":77}}`,
  ].join("\n");
  const words = ["--negative", "text", "--width", "640", "--seed", "9"];
  const expected = [
    {
      prompt: "one",
      negativePrompt: "text",
      category: "custom",
      parameters: { width: 640 },
      model: null,
      seed: 9,
    },
    {
      prompt: "two",
      negativePrompt: "",
      category: "feet",
      parameters: { width: 512, guidanceScale: 3 },
      model: null,
      seed: derivedSeed(9, 1),
    },
    {
      prompt: "three",
      negativePrompt: "text",
      category: "custom",
      parameters: { width: 640 },
      model: null,
      seed: 77,
    },
  ];

  it("takes a file: each line changes what the options say", async () => {
    const folder = await mkdtemp(join(tmpdir(), "atelier-prompts-"));
    try {
      await writeFile(join(folder, "prompts.jsonl"), LINES);
      const atelier = atelierInMemory();
      const given = { atelier, workingFolder: folder };
      const { exitCode } = await captured(["custom", "--prompts", "prompts.jsonl", ...words], given);
      expect(exitCode).toBe(0);
      expect(atelier.calls[0]).toStrictEqual(["custom", expected, { maxCostMicros: null }]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("takes standard input", async () => {
    const atelier = atelierInMemory();
    await captured(["custom", "--prompts", "-", "--dry-run", ...words], { atelier, stdin: LINES });
    expect(atelier.calls[0]).toStrictEqual(["previewCustom", expected]);
  });
});

describe("images --tag", () => {
  const nothing = atelierInMemory({ async *images() {} });

  it("knows the tags of templates and slots even when no image has them yet", async () => {
    const { exitCode, stdout } = await captured(["images", "--tag", "bright"], { atelier: nothing });
    expect({ exitCode, stdout }).toStrictEqual({ exitCode: 0, stdout: "There are no such images.\n" });
  });

  it("refuses a tag that neither a template nor an image has", async () => {
    const { exitCode, stderr } = await captured(["images", "--tag", "brigth"], { atelier: nothing });
    expect(stderr).toBe(`There is no tag "brigth". Did you mean "bright"? Known: beach, bright.\n`);
    expect(exitCode).toBe(2);
  });

  it("lets a tag pass that some image has, though not one of that status", async () => {
    const atelier = atelierInMemory({
      async *images({ status }) {
        if (status === undefined) yield imageNumbered(0, { tags: ["deep_red"] });
      },
    });
    const words = ["images", "--tag", "deep_red", "--status", "failed"];
    expect((await captured(words, { atelier })).exitCode).toBe(0);
  });
});
