import { describe, expect, it } from "vitest";
import { atelierInMemory, versionNumbered } from "./testing/atelier-in-memory.ts";
import { captured, documentsOf } from "./testing/captured-run.ts";
import { imageNumbered } from "./testing/documents.ts";

const IMAGE = imageNumbered(0).image_id;

describe("versions", () => {
  it("lists what there is, with the current one marked", async () => {
    const { exitCode, stdout, stderr } = await captured(["versions", IMAGE]);
    expect({ exitCode, stderr }).toStrictEqual({ exitCode: 0, stderr: "" });
    expect(stdout).toMatch(/1 \(current\) +ready +as filed/);
    expect(stdout).toMatch(/2 +ready +2 times larger/);
    const documents = documentsOf((await captured(["versions", IMAGE, "--json"])).stdout);
    expect(documents).toStrictEqual([versionNumbered(1, { current: true }), versionNumbered(2)]);
  });

  it("makes one by a recipe", async () => {
    const asked: unknown[] = [];
    const plain = atelierInMemory();
    const atelier = atelierInMemory({
      versions: {
        ...plain.versions,
        make: async (...given) => {
          asked.push(given);
          return plain.versions.make(...given);
        },
      },
    });
    const words = ["versions", IMAGE, "--make", "--upscale", "4", "--enhance", "strong"];
    expect(await captured(words, { atelier })).toMatchObject({ exitCode: 0, stderr: "" });
    await captured(["versions", IMAGE, "--make"], { atelier });
    expect(asked).toStrictEqual([
      [IMAGE, { upscale: 4, enhance: "strong" }],
      [IMAGE, {}],
    ]);
  });

  it("that failed says why, and exits with 1", async () => {
    const failure = { name: "StorageUnavailable", message: "The original is gone." };
    const failed = versionNumbered(2, { state: "failed", failure, renditions: [] });
    const atelier = atelierInMemory({
      versions: { ...atelierInMemory().versions, make: async () => failed },
    });
    const { exitCode, stdout } = await captured(["versions", IMAGE, "--make"], { atelier });
    expect({ exitCode, stdout }).toStrictEqual({
      exitCode: 1,
      stdout: `Version 2 of ${IMAGE} failed: The original is gone.\n`,
    });
  });

  it("makes another one current", async () => {
    const words = ["versions", IMAGE, "--current", "2"];
    expect((await captured(words)).stdout).toMatch(/shows version 2: /);
    const [document] = documentsOf((await captured([...words, "--json"])).stdout);
    expect(document).toMatchObject({ image_id: IMAGE, version: 2, status: "completed" });
  });

  it.each([
    [["--upscale", "2"], "add --make"],
    [["--make", "--upscale", "3"], 'no factor "3"'],
    [["--make", "--enhance", "much"], 'no enhancement "much"'],
    [["--make", "--current", "2"], "do not go together"],
    [["--current", "0"], "--current"],
  ])("%j is bad usage", async (words, part) => {
    const { exitCode, stderr, opened } = await captured(["versions", IMAGE, ...words]);
    expect({ exitCode, opened }).toStrictEqual({ exitCode: 2, opened: [] });
    expect(stderr).toContain(part);
  });
});
