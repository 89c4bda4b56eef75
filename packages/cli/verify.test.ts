import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createImaging } from "@atelier/imaging/open";
import { DEFAULT_RECIPE } from "@atelier/imaging/renditions";
import { openProvenanceSigner } from "@atelier/local/provenance-key";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { captured, documentsOf } from "./testing/captured-run.ts";

const PHOTO = join(import.meta.dirname, "../../test/fixtures/photos/coffee.png");
const SOURCE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia";
const PROVENANCE = {
  imageId: "img_01_00000",
  model: "sdxl",
  modelVersion: "1.0",
  createdAtMs: Date.UTC(2026, 10, 23, 5),
  title: "feet 2026-11-23",
  keywords: [],
};

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "atelier-verify-"));
  const signer = await openProvenanceSigner({
    folder: { keys: folder },
    clock: () => Date.UTC(2026, 10, 22),
    randomBytes: (size) => new Uint8Array(size).fill(3),
  });
  const picture = await createImaging({ concurrency: 1, signer }).open(await readFile(PHOTO));
  for await (const { name, data } of picture.develop(DEFAULT_RECIPE, PROVENANCE)) {
    await writeFile(join(folder, name), data);
    if (name !== "full") continue;
    const altered = Uint8Array.from(data);
    altered[20_000] = (altered[20_000] ?? 0) ^ 1;
    await writeFile(join(folder, "altered"), altered);
  }
  const plain = await createImaging({ concurrency: 1 }).open(await readFile(PHOTO));
  for await (const { name, data } of plain.develop(DEFAULT_RECIPE, PROVENANCE)) {
    await writeFile(join(folder, `unsigned-${name}`), data);
  }
  await writeFile(join(folder, "text"), "hello");
});
afterAll(() => rm(folder, { recursive: true }));

const verify = (...words: string[]) => captured(["verify", ...words], { workingFolder: folder });

describe("verify", () => {
  it("says of a file of ours who made it, when and how, and that it is unaltered", async () => {
    const { exitCode, stdout, stderr, opened } = await verify("thumbnail");
    expect({ exitCode, stderr, opened }).toStrictEqual({ exitCode: 0, stderr: "", opened: [] });
    expect(stdout).toBe(
      [
        "thumbnail: marked and unaltered",
        "   WEBP, 256 x 171, made by a model (trainedAlgorithmicMedia)",
        "   Manifest: valid, the picture is the one that was signed.",
        '   Certificate of "Atelier local test certificate, not trusted": untrusted, nobody known vouches for it.',
        "   Made by Atelier 0.1.0, created 2026-11-23T05:00:00.000Z.",
        "   Actions: created (sdxl 1.0), enhanced, resized, transcoded.",
        "   XMP: trainedAlgorithmicMedia, model sdxl 1.0, by Atelier, 2026-11-23T05:00:00.000Z, img_01_00000.",
        "",
      ].join("\n"),
    );
  });

  it("says of an altered one why, exit 1", async () => {
    const { exitCode, stdout } = await verify("altered");
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/^altered: altered\n/);
    expect(stdout).toContain(
      "Manifest: does not belong to this picture as it is now: the picture was changed after it was signed.\n",
    );
  });

  it("says of one with XMP alone that nobody signed it", async () => {
    const { exitCode, stdout } = await verify("unsigned-web");
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^unsigned-web: marked, but not signed\n/);
    expect(stdout).toContain("Manifest: none; whether the picture was altered cannot be told.\n");
  });

  it("says of one without a mark that it has none, exit 1", async () => {
    const { exitCode, stdout } = await verify(PHOTO);
    expect(exitCode).toBe(1);
    expect(stdout).toBe(
      [
        `${PHOTO}: unmarked`,
        "   PNG, 600 x 400, origin not stated",
        "   Manifest: none; whether the picture was altered cannot be told.",
        "   XMP: none.",
        "",
      ].join("\n"),
    );
  });

  it("says of rubbish in one sentence what it is, exit 2", async () => {
    for (const [word, sentence] of [
      ["text", "text is text, but must be one PNG, JPEG, WebP or AVIF picture."],
      ["nowhere", "nowhere is not there; check the path."],
      [".", ". is a folder; give the files in it."],
      ["", '"" is a folder; give the files in it.'],
    ] as const) {
      expect(await verify(word)).toMatchObject({ exitCode: 2, stdout: "", stderr: `${sentence}\n` });
    }
  });

  it("goes on to the last file; the exit code is the worst", async () => {
    const { exitCode, stdout, stderr } = await verify("text", "altered", "full");
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/^text is text/);
    expect(stdout).toMatch(/^altered: altered\n.*\nfull: marked and unaltered\n/s);
    expect((await verify("full", "altered")).exitCode).toBe(1);
    expect((await verify("full", "web", "preview", "thumbnail")).exitCode).toBe(0);
  });

  it("with --json gives a document a file, and nothing else", async () => {
    const { exitCode, stdout, stderr } = await verify("full", "text", "unsigned-full", "--json");
    expect({ exitCode, stderr }).toStrictEqual({ exitCode: 2, stderr: "" });
    const xmp = {
      digital_source_type: SOURCE,
      creator_tool: "Atelier",
      created_at: "2026-11-23T05:00:00.000Z",
      ai_system: "sdxl",
      ai_system_version: "1.0",
      identifier: "img_01_00000",
      title: "feet 2026-11-23",
    };
    const picture = { status: "marked", format: "jpeg", width: 600, height: 400, synthetic: true, xmp };
    expect(documentsOf(stdout)).toStrictEqual([
      {
        file: "full",
        ...picture,
        manifest: {
          status: "valid",
          trusted: false,
          problems: [],
          claim_generator: "Atelier 0.1.0",
          signed_by: {
            organisation: "Atelier local test, not trusted",
            name: "Atelier local test certificate, not trusted",
          },
          signed_at: null,
          created_at: "2026-11-23T05:00:00.000Z",
          digital_source_type: SOURCE,
          actions: [
            { action: "c2pa.created", software_agent: "sdxl 1.0" },
            { action: "c2pa.enhanced", software_agent: null },
            { action: "c2pa.transcoded", software_agent: null },
          ],
          ingredients: [],
        },
      },
      {
        file: "text",
        status: "unreadable",
        message: "text is text, but must be one PNG, JPEG, WebP or AVIF picture.",
      },
      { file: "unsigned-full", ...picture, manifest: null },
    ]);
  });

  it("makes no data folder", async () => {
    await verify("full");
    expect(await readdir(folder)).not.toContain(".atelier");
  });

  it("does not let a file's name steer the terminal", async () => {
    await writeFile(join(folder, "\u001b[2Jx"), "hello");
    expect((await verify("\u001b[2Jx")).stderr).toBe(
      "x is text, but must be one PNG, JPEG, WebP or AVIF picture.\n",
    );
  });
});
