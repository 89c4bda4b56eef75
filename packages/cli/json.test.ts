import { AtelierError, type ErrorName } from "@atelier/core/errors";
import type { OpenOptions } from "@atelier/local/facade";
import { describe, expect, it } from "vitest";
import { atelierInMemory } from "./testing/atelier-in-memory.ts";
import { CapturedStream, captured, documentsOf } from "./testing/captured-run.ts";
import {
  failedImage,
  IMAGE_ID,
  imageNumbered,
  purchaseOf,
  quarantinedImage,
  variation,
} from "./testing/documents.ts";

describe("--json", () => {
  it.each([
    [["plan"], [variation({ occurrence: "sunday_feet@2026-11-22" })]],
    [["plan", "--run"], [imageNumbered(0)]],
    [["generate", "--category", "feet"], [imageNumbered(0)]],
    [["generate", "--category", "feet", "--dry-run"], [variation()]],
    [["custom", "--prompt", "pebbles"], [imageNumbered(0, { template: null })]],
    [["custom", "--prompt", "pebbles", "--dry-run"], [variation({ template: null, category: "custom" })]],
    [["images"], [imageNumbered(0)]],
    [["show", IMAGE_ID], [{ ...imageNumbered(0), purchases: [purchaseOf(imageNumbered(0))] }]],
    [["cancel", IMAGE_ID], [imageNumbered(0, { status: "cancelled" })]],
    [
      ["budget", "verify"],
      [
        {
          scope: "day",
          period: "2026-11-22",
          limit: 10,
          remaining: 9.95,
          spent: 0.05,
          held: 0,
          difference: 0,
          proved: true,
        },
      ],
    ],
    [["resume"], []],
    [
      ["alerts"],
      [
        {
          alarm: "consecutive-failures",
          state: "ringing",
          severity: "critical",
          since: "2026-11-22T05:00:00.000Z",
          provider: "replicate",
          model: "sdxl",
          facts: { failures: 4 },
          runbook: "docs/operations.md#consecutive-failures",
          message: "The last 4 attempts failed.",
        },
      ],
    ],
    [
      ["metrics", "--since", "2026-11-01"],
      [
        {
          provider: "replicate",
          model: "sdxl",
          count: 4,
          success_rate: 0.75,
          seconds_p50: 8,
          seconds_p95: 12.5,
          cost: 0.0252,
          quality: null,
        },
      ],
    ],
    [["templates", "feet_closeup"], [variation()]],
    [
      ["budget"],
      [
        {
          scope: "day",
          period: "2026-11-22",
          limit: 10,
          remaining: 9.95,
          spent: 0.05,
          held: 0,
          resets_at: "2026-11-22T23:00:00.000Z",
        },
      ],
    ],
    [
      ["models"],
      [
        {
          name: "sdxl",
          provider: "replicate",
          version: "0".repeat(64),
          price: { list: 0.05, most: 0.08 },
          offered: true,
          reason: "",
          sizes: "512 to 1024",
          typical_seconds: 6,
          terms: [
            {
              rating: "general",
              allowed: true,
              reason: "",
              date: "2026-11-20",
              source: "https://example.com/terms",
            },
            {
              rating: "nudity",
              allowed: false,
              reason: "the terms are unclear",
              date: "2026-11-20",
              source: "",
            },
          ],
          health: {
            ended: 12,
            success_rate: 0.75,
            p50_seconds: 6.5,
            p95_seconds: 9,
            consecutive_failures: 2,
            spent: 0.6,
            mean_cost: 0.05,
            mean_quality: 81,
            problem: null,
          },
          account: {
            circuit: "half-open",
            open_until: "2026-11-22T05:00:00.000Z",
            day: { used: 80, limit: 100, share: 0.8 },
            month: { used: 80, limit: null, share: null },
            running: 1,
            rest_until: null,
          },
          probed: { served: "available", balance: 12.5, said: "" },
        },
      ],
    ],
    [
      ["audit"],
      [
        {
          audit_id: "a1",
          subject: IMAGE_ID,
          kind: "bought",
          phase: "done",
          attempt_id: `${IMAGE_ID}-1`,
          at: "2026-11-22T05:00:01.000Z",
          by: "cli",
          facts: { model: "sdxl", cost: 0.05, rule: null },
        },
      ],
    ],
  ])("%j: documents and nothing else, on a terminal too", async (words, documents) => {
    for (const columns of [undefined, 80]) {
      const given = columns === undefined ? {} : { columns };
      const { exitCode, stdout } = await captured([...words, "--json"], given);
      expect(exitCode).toBe(0);
      expect(documentsOf(stdout)).toStrictEqual(documents);
    }
  });

  it("lists templates with rating, combinations and price", async () => {
    const documents = documentsOf((await captured(["templates", "--json"])).stdout);
    expect(documents).toHaveLength(6);
    expect(documents[2]).toStrictEqual({
      category: "feet",
      rating: "suggestive",
      template: "feet_closeup",
      description: "what feet_closeup shows",
      combinations: 2,
      price: { list: 0.05, most: 0.08 },
      tags: ["beach"],
      slots: { light: ["noon", "dusk"] },
      parameters: { width: 1024, height: 1024, steps: 50, guidance_scale: 7.5 },
      models: ["sdxl"],
    });
    expect(documents[5]).toMatchObject({
      category: "custom",
      template: null,
      combinations: null,
      price: null,
    });
  });

  it("keeps a refused prompt in its place, and takes the worst exit code", async () => {
    const refused = {
      status: "refused",
      rule: "youth",
      message: "Reword it.",
      error: "PolicyRefused",
    } as const;
    const atelier = atelierInMemory({
      custom: async () => [imageNumbered(0), refused, failedImage(2, "ProviderFailed")],
    });
    const { exitCode, stdout, stderr } = await captured(["custom", "--prompts", "-", "--json"], {
      atelier,
      stdin: `{"prompt":"one"}\n\n{"prompt":"two secret words"}\n{"prompt":"three"}`,
    });
    expect(exitCode).toBe(3);
    expect(documentsOf(stdout)).toStrictEqual([
      imageNumbered(0),
      { status: "refused", rule: "youth", message: "Reword it.", line: 3 },
      failedImage(2, "ProviderFailed"),
    ]);
    expect(stderr).toBe(
      `line 3: refused (youth): Reword it.\n${failedImage(2, "x").image_id}: failed (ProviderFailed): it did not work\n`,
    );
    expect(stdout + stderr).not.toContain("secret");
  });

  it("keeps a refused prompt in its place in a dry run", async () => {
    const refused = {
      status: "refused",
      rule: "youth",
      message: "Reword it.",
      error: "PolicyRefused",
    } as const;
    const ruledOut = variation({ policy: { decision: "refused", rule: "explicit-acts", message: "No." } });
    const atelier = atelierInMemory({ previewCustom: async () => [variation(), refused, ruledOut] });
    const words = ["custom", "--prompt", "pebbles", "--dry-run"];
    const { exitCode, stdout, stderr } = await captured([...words, "--json"], { atelier });
    expect(exitCode).toBe(3);
    expect(stderr).toBe(
      "A prompt: refused (youth): Reword it.\nfeet_closeup: refused (explicit-acts): No.\n",
    );
    expect(documentsOf(stdout)).toStrictEqual([
      variation(),
      { status: "refused", rule: "youth", message: "Reword it." },
      { ...ruledOut, prompt: "", negative_prompt: "" },
    ]);
    const people = await captured(words, { atelier });
    expect(people.exitCode).toBe(3);
    expect(people.stderr).toBe(stderr);
    expect(people.stdout).toContain("2. refused (youth): Reword it.\n");
    expect(people.stdout).toContain("   refused (explicit-acts): No.\n");
  });
});

describe("what stops a dry run", () => {
  const excluded = [{ model: "sdxl", provider: "replicate", reason: "size", detail: "makes no 64 x 64" }];
  const impossible = variation({ candidates: [], excluded, price: null });
  const refused = { status: "refused", rule: "youth", message: "No.", error: "PolicyRefused" } as const;

  it.each([[[]], [["--json"]]])("is one line on standard error %j", async (more) => {
    const atelier = atelierInMemory({ previewGenerate: async () => [impossible, variation(), impossible] });
    const words = ["generate", "--category", "feet", "--dry-run", ...more];
    expect(await captured(words, { atelier })).toMatchObject({
      exitCode: 2,
      stderr: "feet_closeup and 1 more: no model can make it: sdxl (makes no 64 x 64)\n",
    });
  });

  it("is said of the calendar and of a template too", async () => {
    const atelier = atelierInMemory({
      previewGenerate: async () => [{ ...impossible, excluded: [] }],
      plan: async () => [
        {
          occurrenceId: "o",
          entry: "sunday_feet",
          scheduledAt: "2026-11-22T05:00:00.000Z",
          action: "generate",
          category: "feet",
          count: 1,
          variations: [impossible],
        },
      ],
    });
    for (const words of [["plan"], ["templates", "feet_closeup"]]) {
      const { exitCode, stderr } = await captured(words, { atelier });
      expect(exitCode).toBe(2);
      expect(stderr).toMatch(/^feet_closeup: no model can make it[^\n]*\n$/);
    }
  });

  it("names so many models that they can be read", async () => {
    const many = ["one", "two", "three", "four"].flatMap((model) =>
      excluded.map((exclusion) => ({ ...exclusion, model, detail: "size" })),
    );
    const atelier = atelierInMemory({ previewGenerate: async () => [{ ...impossible, excluded: many }] });
    const { stderr } = await captured(["templates", "feet_closeup"], { atelier });
    expect(stderr).toBe(
      "feet_closeup: no model can make it: one, two, three (size); `atelier models` tells of the others\n",
    );
  });

  it("names the lines of a file of prompts", async () => {
    const atelier = atelierInMemory({
      previewCustom: async () => [impossible, refused, refused, variation()],
    });
    const words = ["custom", "--prompts", "-", "--dry-run"];
    const given = { atelier, stdin: `\n${`{"prompt":"pebbles"}\n`.repeat(4)}` };
    const people = await captured(words, given);
    const stderr =
      "line 2: no model can make it: sdxl (makes no 64 x 64)\nlines 3, 4: refused (youth): No.\n";
    expect(people).toMatchObject({ exitCode: 2, stderr });
    expect(people.stdout).toContain("2. line 3: refused (youth): No.\n");
    const { stdout } = await captured([...words, "--json"], given);
    expect(documentsOf(stdout).slice(1, 3)).toStrictEqual(
      [3, 4].map((line) => ({ status: "refused", rule: "youth", message: "No.", line })),
    );
  });

  it("names so many lines that they can be read", async () => {
    const atelier = atelierInMemory({ custom: async (prompts) => prompts.map(() => refused) });
    const stdin = `{"prompt":"pebbles"}\n`.repeat(30);
    const { stderr } = await captured(["custom", "--prompts", "-"], { atelier, stdin });
    expect(stderr).toMatch(/^lines 1, 2, [\d, ]+ 20 and 10 more: refused \(youth\): No\.\n$/);
  });
});

describe("a refused command", () => {
  const refusing = (name: ErrorName, data: Record<string, unknown> = {}) =>
    atelierInMemory({
      generate: async () => {
        throw new AtelierError(name, "Not like\nthis.", { data });
      },
    });
  const words = ["generate", "--category", "feet"];

  it.each<[ErrorName, Record<string, unknown>, string, number]>([
    ["PolicyRefused", { rule: "youth" }, "youth", 3],
    ["TermsDenied", {}, "TermsDenied", 3],
    ["BudgetExceeded", {}, "BudgetExceeded", 4],
    ["MaxCostExceeded", { rule: 5 }, "MaxCostExceeded", 4],
    ["NoCandidate", {}, "NoCandidate", 2],
    ["PriceUnknown", {}, "PriceUnknown", 2],
  ])("%s: one document and one line", async (name, data, rule, exitCode) => {
    const run = await captured([...words, "--json"], { atelier: refusing(name, data) });
    expect(documentsOf(run.stdout)).toStrictEqual([{ status: "refused", rule, message: "Not like\nthis." }]);
    expect({ exitCode: run.exitCode, stderr: run.stderr }).toStrictEqual({
      exitCode,
      stderr: "Not like this.\n",
    });
  });

  it("is one line for people", async () => {
    const run = await captured(words, { atelier: refusing("PolicyRefused", { rule: "youth" }) });
    expect(run).toMatchObject({ exitCode: 3, stdout: "", stderr: "Not like this.\n" });
  });

  it("is no document when a fault ended the command", async () => {
    const run = await captured([...words, "--json"], { atelier: refusing("StorageFull") });
    expect(run).toMatchObject({ exitCode: 2, stdout: "", stderr: "Not like this.\n" });
  });

  it("shows no stack of what nobody foresaw", async () => {
    const atelier = atelierInMemory({
      generate: async () => {
        throw new TypeError("x is not a function");
      },
    });
    expect(await captured(words, { atelier })).toMatchObject({
      exitCode: 1,
      stdout: "",
      stderr: "Something happened that nobody foresaw. x is not a function (please report this)\n",
    });
  });
});

describe("--max-cost in a dry run", () => {
  it.each([
    [
      "0.07",
      4,
      "This can cost up to $0.08, which --max-cost $0.07 does not cover; raise it or ask for fewer images.\n",
    ],
    ["0.08", 0, ""],
  ])("%s", async (cap, exitCode, stderr) => {
    const run = await captured(["generate", "--category", "feet", "--dry-run", "--json", "--max-cost", cap]);
    expect({ exitCode: run.exitCode, stderr: run.stderr }).toStrictEqual({ exitCode, stderr });
    expect(documentsOf(run.stdout)).toStrictEqual([variation()]);
  });
});

describe("notices", () => {
  it("tells about quarantine and failure on standard error, once for each cause", async () => {
    const atelier = atelierInMemory({
      runPlan: async () => [
        quarantinedImage(0),
        quarantinedImage(1),
        failedImage(2, "BudgetExceeded", "The day's limit is reached."),
        imageNumbered(3, { status: "unknown" }),
      ],
    });
    const { exitCode, stderr } = await captured(["plan", "--run", "--json"], { atelier });
    expect(exitCode).toBe(4);
    expect(stderr.split("\n")).toStrictEqual([
      `${imageNumbered(0).image_id} and 1 more: in quarantine until a person has looked: no classifier exists`,
      `${imageNumbered(2).image_id}: failed (BudgetExceeded): The day's limit is reached.`,
      `${imageNumbered(3).image_id}: still open (unknown); \`atelier resume\` goes on with it`,
      "",
    ]);
  });

  it("counts quarantined as done", async () => {
    const atelier = atelierInMemory({ runPlan: async () => [quarantinedImage(0)] });
    expect((await captured(["plan", "--run"], { atelier })).exitCode).toBe(0);
  });
});

describe("faults in the background", () => {
  const tell = ({ onFault }: OpenOptions) => {
    for (const message of ["one", "one", "two", "one"]) onFault?.(new Error(message));
  };

  it("are told on standard error, each once", async () => {
    expect(await captured(["plan", "--run", "--json"], { onOpening: tell })).toMatchObject({
      exitCode: 0,
      stderr: "Warning: one\nWarning: two\n",
    });
  });

  it("are not told of a run that was stopped", async () => {
    let interrupt: (exitCode: number) => void = () => {};
    const run = await captured(["plan", "--run"], {
      onListening: (listener) => {
        interrupt = listener;
      },
      onOpening: (options) => {
        interrupt(130);
        tell(options);
      },
    });
    expect(run.exitCode).toBe(130);
    expect(run.stderr).toMatch(/^Stopping[^\n]+\n$/);
  });
});

describe("a reader that goes away", () => {
  it("ends the listing without noise", async () => {
    const stdout = new CapturedStream();
    let asked = 0;
    const atelier = atelierInMemory({
      async *images() {
        for (asked = 1; asked <= 1000; asked++) {
          if (asked === 2) stdout.emit("error", Object.assign(new Error("write EPIPE"), { code: "EPIPE" }));
          yield imageNumbered(0);
        }
      },
    });
    const run = await captured(["images", "--json", "--limit", "1000"], { atelier, stdout });
    expect({ exitCode: run.exitCode, stderr: run.stderr, asked }).toStrictEqual({
      exitCode: 0,
      stderr: "",
      asked: 2,
    });
    expect(documentsOf(run.stdout)).toHaveLength(1);
  });

  it.each([[["--help"]], [["--version"]], [["help", "plan"]], [[]]])(
    "is another thing than a disk that is full %j",
    async (words) => {
      const stdout = new CapturedStream();
      stdout.write = () => {
        setImmediate(() =>
          stdout.emit("error", Object.assign(new Error("no space left"), { code: "ENOSPC" })),
        );
      };
      expect(await captured(words, { stdout })).toMatchObject({
        exitCode: 2,
        stderr: "Standard output cannot be written: no space left.\n",
      });
    },
  );

  it("is another thing than a disk that is full, in a command", async () => {
    const stdout = new CapturedStream();
    const atelier = atelierInMemory({
      budget: async () => {
        stdout.emit("error", Object.assign(new Error("no space left"), { code: "ENOSPC" }));
        return [];
      },
    });
    const run = await captured(["budget"], { atelier, stdout });
    expect(run).toMatchObject({ exitCode: 2, stderr: "Standard output cannot be written: no space left.\n" });
  });
});
