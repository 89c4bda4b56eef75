import { describe, expect, it } from "vitest";
import { atelierInMemory } from "./testing/atelier-in-memory.ts";
import { captured } from "./testing/captured-run.ts";
import { failedImage, IMAGE_ID, imageNumbered, quarantinedImage } from "./testing/documents.ts";

const ESCAPE = "\u001b";
const run = atelierInMemory({
  runPlan: async () => [imageNumbered(0), quarantinedImage(1), failedImage(2, "ProviderFailed")],
});

describe("colours", () => {
  it.each<[string, number | undefined, Record<string, string>, boolean]>([
    ["a terminal", 80, {}, true],
    ["a pipe", undefined, {}, false],
    ["NO_COLOR on a terminal", 80, { NO_COLOR: "1" }, false],
    ["an empty NO_COLOR", 80, { NO_COLOR: "" }, true],
    ["FORCE_COLOR on a pipe", undefined, { FORCE_COLOR: "1" }, true],
    ["FORCE_COLOR over NO_COLOR", undefined, { FORCE_COLOR: "1", NO_COLOR: "1" }, true],
    ["FORCE_COLOR=0 on a terminal", 80, { FORCE_COLOR: "0" }, false],
    ["a dumb terminal", 80, { TERM: "dumb" }, false],
  ])("%s", async (_, columns, environment, coloured) => {
    const given = columns === undefined ? { environment } : { environment, columns };
    const { stdout } = await captured(["budget"], given);
    expect(stdout.includes(ESCAPE)).toBe(coloured);
  });

  it("are never in a document", async () => {
    const { stdout } = await captured(["plan", "--json"], { environment: { FORCE_COLOR: "1" }, columns: 80 });
    expect(stdout).not.toContain(ESCAPE);
  });
});

describe("what a person sees", () => {
  it("is a table, the totals, the folder and the contact sheet", async () => {
    const { stdout, stderr } = await captured(["plan", "--run"], { atelier: run });
    expect(stdout).toMatchInlineSnapshot(`
      "image                                 template      model  seconds   cost  quality  verdict      file
      img_01jd8v3m6w9qk2x7r5t0ybhc4f_00000  feet_closeup  sdxl       1.3  $0.05       71  released     content/feet/2026/11/img_01jd8v3m6w9qk2x7r5t0ybhc4f_00000/v1/full-0a1b2c3d.jpg
      img_01jd8v3m6w9qk2x7r5t0ybhc4f_00001  feet_closeup  sdxl       1.3  $0.05       71  quarantined  content/feet/2026/11/img_01jd8v3m6w9qk2x7r5t0ybhc4f_00001/v1/full-0a1b2c3d.jpg
      img_01jd8v3m6w9qk2x7r5t0ybhc4f_00002  feet_closeup  -          1.3  $0.05       71  failed       -

      3 images (1 completed, 1 quarantined, 1 failed), $0.15, 1.5 s
      Folder: /data/content/feet/2026/11
      Contact sheet: /data/content/contact-sheet.jpg
      "
    `);
    expect(stderr).toMatchInlineSnapshot(`
      "img_01jd8v3m6w9qk2x7r5t0ybhc4f_00001: in quarantine until a person has looked: no classifier exists
      img_01jd8v3m6w9qk2x7r5t0ybhc4f_00002: failed (ProviderFailed): it did not work
      "
    `);
  });

  it("fits a terminal of 80 columns", async () => {
    const { stdout } = await captured(["plan", "--run"], {
      atelier: run,
      columns: 80,
      environment: { NO_COLOR: "1" },
    });
    expect(stdout).toMatchInlineSnapshot(`
      "image       template    model  seconds   cost  quality  verdict      file
      …c4f_00000  feet_clos…  sdxl       1.3  $0.05       71  released     …1b2c3d.jpg
      …c4f_00001  feet_clos…  sdxl       1.3  $0.05       71  quarantined  …1b2c3d.jpg
      …c4f_00002  feet_clos…  -          1.3  $0.05       71  failed       -

      3 images (1 completed, 1 quarantined, 1 failed), $0.15, 1.5 s
      Folder: /data/content/feet/2026/11
      Contact sheet: /data/content/contact-sheet.jpg
      "
    `);
    for (const line of stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
  });

  it.each([
    [["plan"]],
    [["templates", "feet_closeup"]],
    [["templates"]],
    [["images"]],
    [["show", IMAGE_ID]],
    [["models"]],
    [["budget"]],
    [["audit"]],
    [["resume"]],
  ])("%j", async (words) => {
    expect((await captured(words)).stdout).toMatchSnapshot();
  });

  it("is told when the calendar asks for nothing", async () => {
    const atelier = atelierInMemory({ plan: async () => [], runPlan: async () => [] });
    const { stdout } = await captured(["plan", "--date", "2026-11-24"], { atelier });
    expect(stdout).toBe("The calendar asks for nothing on 2026-11-24.\n");
    expect((await captured(["plan", "--run"], { atelier })).stdout).toBe(
      "The calendar asks for no images on 2026-11-22.\n",
    );
  });

  it("is told when there is no contact sheet, and the run is no failure for that", async () => {
    const { AtelierError } = await import("@atelier/core/errors");
    const atelier = atelierInMemory({
      contactSheet: async () => {
        throw new AtelierError("StorageFull", "There is no space left.");
      },
    });
    const { exitCode, stderr } = await captured(["plan", "--run"], { atelier });
    expect({ exitCode, stderr }).toStrictEqual({
      exitCode: 0,
      stderr: "There is no contact sheet: There is no space left.\n",
    });
  });

  it("is a line for each mistake in the templates", async () => {
    const { AtelierError } = await import("@atelier/core/errors");
    const problems = [
      { file: "templates/models.yaml", line: 3, expected: "a number", found: '"many"' },
      { file: "templates/policy.yaml", line: 9, expected: "a list", found: "nothing" },
    ];
    const refusing = (found: typeof problems) =>
      atelierInMemory({
        models: async () => {
          throw new AtelierError("CatalogueInvalid", "first; second", { data: { problems: found } });
        },
      });
    const people = await captured(["models"], { atelier: refusing(problems) });
    expect(people).toMatchObject({ exitCode: 2, stdout: "" });
    expect(people.stderr.split("\n")).toStrictEqual([
      "There are 2 mistakes in the templates; correct them:",
      'templates/models.yaml:3: expected a number, found "many"',
      "templates/policy.yaml:9: expected a list, found nothing",
      "",
    ]);
    const program = await captured(["models", "--json"], { atelier: refusing(problems) });
    expect(program).toMatchObject({ exitCode: 2, stdout: "", stderr: "first; second\n" });
    const single = await captured(["models"], { atelier: refusing(problems.slice(1)) });
    expect(single.stderr).toBe("first; second\n");
  });

  it("warns of a budget that is nearly used up, to people only", async () => {
    const day = {
      scope: "day",
      period: "2026-11-22",
      limit: 10,
      held: 0.5,
      resets_at: "2026-11-22T23:00:00.000Z",
    };
    const atelier = atelierInMemory({
      budget: async () => [
        { ...day, spent: 7.5, remaining: 2 },
        { ...day, scope: "month", spent: 7.4, remaining: 2.1 },
      ],
    });
    const words = ["generate", "--category", "feet"];
    expect((await captured(words, { atelier })).stderr).toContain(
      "The day budget is used to 80 %: $2.00 of $10.00 left; it resets at 2026-11-22T23:00:00.000Z.\n",
    );
    expect((await captured(words, { atelier })).stderr).not.toContain("month");
    expect((await captured([...words, "--json"], { atelier })).stderr).toBe("");
  });

  it("is never steered by a text from outside", async () => {
    const atelier = atelierInMemory({
      show: async () => ({
        ...imageNumbered(0, { prompt: "one\u001b[2J\u0007two\nthree" }),
        purchases: [],
      }),
    });
    const { stdout } = await captured(["show", IMAGE_ID], { atelier });
    expect(stdout).toContain("prompt      one two three\n");
  });

  it("has bars on a terminal only", async () => {
    const atelier = atelierInMemory({
      async runPlan(_, { onProgress }) {
        onProgress?.({ kind: "planned", images: 1 });
        onProgress?.({ kind: "image", document: imageNumbered(0) });
        return [imageNumbered(0)];
      },
    });
    expect((await captured(["plan", "--run"], { atelier, columns: 80 })).stderr).toContain("█ 1/1");
    expect((await captured(["plan", "--run"], { atelier })).stderr).toBe("");
  });
});
