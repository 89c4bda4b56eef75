/** @module The content gate on one machine, through the facade: real files, a real folder, the sandbox. */
import { randomBytes } from "node:crypto";
import * as files from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ImageDocument } from "@atelier/core/document";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { prepareDataFolder } from "./data-folder.ts";
import type { Atelier } from "./facade.ts";
import { openAtelier } from "./index.ts";
import { changeSettings } from "./settings.ts";

let root: string;
let atelier: Atelier;
const faults: unknown[] = [];
beforeAll(async () => {
  root = await files.mkdtemp(join(tmpdir(), "atelier-gate-"));
  const folder = await prepareDataFolder({ path: join(root, "data"), clock: Date.now, randomBytes });
  await changeSettings({ folder, randomBytes }, { review_four_eyes: true });
  atelier = await openAtelier({
    dataFolder: folder.path,
    provider: null,
    environment: { ATELIER_BACKUP: join(root, "backup") },
    onFault: (error) => faults.push(error),
  });
}, 60_000);
afterAll(async () => {
  await atelier.close();
  await files.rm(root, { recursive: true, force: true });
  expect(faults).toStrictEqual([]);
});

const OPTIONS = {
  category: "weekend_special",
  template: null,
  count: 1,
  seed: 7,
  model: null,
  maxCostMicros: null,
  parameters: { width: 512, height: 512 },
} as const;
const made = async (): Promise<ImageDocument> => {
  const [image] = await atelier.generate(OPTIONS, {});
  if (!image) throw new Error("Nothing was made.");
  return image;
};
/** Files anywhere in folder or backup whose path names the image. */
async function filesOf(imageId: string): Promise<string[]> {
  const names = await files.readdir(root, { recursive: true, withFileTypes: true });
  return names
    .filter((entry) => entry.isFile() && join(entry.parentPath, entry.name).includes(imageId))
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1));
}

describe("a picture of this folder", () => {
  test("that was erased waits for nobody, and nothing can be decided about it", async () => {
    const { image_id: imageId } = await made();
    await atelier.review.decide({
      imageId,
      action: "rate",
      rating: "suggestive",
      reason: "",
      reviewer: null,
    });
    expect(await atelier.review.list(10)).toMatchObject([{ image_id: imageId }]);
    await atelier.privacy.erase(imageId);
    expect(await atelier.review.list(10)).toStrictEqual([]);
    for (const action of ["release", "reject"] as const) {
      const decision = { imageId, action, reason: "an adult", reviewer: null };
      await expect(atelier.review.decide(decision)).rejects.toThrow("was erased");
    }
    // The folder goes on.
    expect(await made()).toMatchObject({ status: "completed" });
  });

  test("goes back into quarantine, out again by two people, and for good, with backup and contact sheet", async () => {
    const image = await made();
    expect(image).toMatchObject({ status: "completed", rating: "general" });
    const requests: string[] = [];
    for await (const one of atelier.requests({ status: "completed", limit: 10 }))
      requests.push(one.request_id);
    expect(requests).toContain(image.request_id);
    for await (const one of atelier.requests({ status: "running", limit: 10 })) expect(one).toBeUndefined();
    const sheet = await atelier.contactSheet([image]);
    expect(sheet).not.toBeNull();

    const { image_id: imageId } = image;
    const rate = { imageId, action: "rate", rating: "nudity", reason: "", reviewer: null } as const;
    await atelier.review.decide(rate);
    const [waiting] = await atelier.review.list(10);
    expect(waiting).toMatchObject({ image_id: imageId, status: "quarantined", rating: "nudity" });
    expect(waiting?.preview).toMatch(/^quarantine\//);
    // Backed up is what is out; the sheet showed it as it was.
    expect((await filesOf(imageId)).filter((path) => /backup.*\/content\//.test(path))).toStrictEqual([]);
    await expect(files.access(join(root, "data", sheet ?? ""))).rejects.toThrow("ENOENT");

    const release = {
      imageId,
      action: "release",
      reason: "an adult; for ada's eyes",
      reviewer: "ada",
    } as const;
    expect(await atelier.review.decide(release)).toMatchObject({ isAwaiting: true });
    expect(await atelier.review.decide({ ...release, reviewer: "bob" })).toMatchObject({
      isAwaiting: false,
      image: { status: "completed" },
    });
    const shown = await atelier.review.show(imageId);
    expect(
      shown.history.map(({ action, said }) => [action, said.map(({ by, reason }) => `${by}: ${reason}`)]),
    ).toStrictEqual([
      ["rate", [expect.stringMatching(/: $/)]],
      ["release", ["ada: an adult; for ada's eyes", "bob: an adult; for ada's eyes"]],
    ]);
    expect((await filesOf(imageId)).some((path) => /backup.*\/content\//.test(path))).toBe(true);

    await atelier.review.decide({ imageId, action: "reject", reason: "", reviewer: null });
    expect(await filesOf(imageId)).toStrictEqual([]);
    expect(await atelier.show(imageId)).toMatchObject({
      status: "rejected",
      renditions: [],
      file_path: null,
    });
  }, 60_000);

  test("that was removed is recognised, rejected at once and removed again", async () => {
    const again = await made();
    expect(again).toMatchObject({ status: "rejected", verdict: { basis: "known-picture" } });
    expect(await filesOf(again.image_id)).toStrictEqual([]);
    expect(await atelier.review.list(10)).toStrictEqual([]);
  }, 60_000);

  test("leaves no reason of a reviewer in plain text anywhere", async () => {
    const names = await files.readdir(root, { recursive: true, withFileTypes: true });
    for (const entry of names.filter((one) => one.isFile())) {
      const text = await files.readFile(join(entry.parentPath, entry.name), "latin1");
      expect(text.includes("for ada's eyes"), entry.name).toBe(false);
    }
  });
});

describe("attestations", () => {
  test("decide at once, are shown by `models`, and are taken back", async () => {
    const a1111 = async () =>
      (await atelier.models({ probe: false })).find(({ provider }) => provider === "a1111");
    const suggestive = async () => (await a1111())?.ratings.find(({ rating }) => rating === "suggestive");
    expect((await suggestive())?.allowed).toBe(false);
    await atelier.attest.terms({ provider: "a1111", rating: "suggestive", how: "my machine" });
    expect(await suggestive()).toMatchObject({ allowed: true, date: atelier.today() });
    expect(await atelier.attest.list()).toMatchObject([{ kind: "terms", how: "my machine" }]);
    expect(await atelier.attest.withdrawTerms({ provider: "a1111", rating: "suggestive" })).toBe(true);
    expect((await suggestive())?.allowed).toBe(false);
    expect(await atelier.attest.expiring()).toStrictEqual([]);
  });

  test("of an age end on the day that was said", async () => {
    const until = new Date(Date.now() + 40 * 86_400_000).toISOString().slice(0, 10);
    expect(await atelier.attest.age({ viewer: "ada", how: "seen", until })).toMatchObject({ valid: true });
    expect(await atelier.attest.withdrawAge("ada")).toBe(true);
    await expect(atelier.attest.age({ viewer: null, how: "x", until: "2020-01-01" })).rejects.toMatchObject({
      name: "UsageError",
    });
  });
});

describe("whoever probes on this machine", () => {
  const refused = {
    prompt: "A nude teenager",
    negativePrompt: "",
    category: "custom",
    parameters: {},
    model: null,
    seed: null,
  } as const;

  test("is told when to ask again, and let go by an operator", async () => {
    for (let time = 0; time < 3; time++) {
      const [answer] = await atelier.custom([refused], { maxCostMicros: null }, {});
      expect(answer).toMatchObject({ status: "refused", error: "PolicyRefused" });
    }
    // A dry run buys nothing and is the same everywhere: it counts for nothing.
    await atelier.previewCustom([refused]);
    const [caller] = await atelier.review.callers();
    expect(caller).toMatchObject({ state: "admitted", refusals: 3 });
    const many = Array.from({ length: 5 }, () => refused);
    await atelier.custom(many, { maxCostMicros: null }, {});
    await expect(atelier.custom([refused], { maxCostMicros: null }, {})).rejects.toMatchObject({
      name: "PolicyRefused",
      data: { rule: "probing-wait", retryAfterMs: expect.any(Number) },
    });
    await expect(atelier.generate(OPTIONS, {})).rejects.toThrow(/ask again in \d s/);
    const name = caller?.caller ?? "";
    await atelier.review.lift({ caller: name, by: null, reason: "was trying out wording" });
    expect(await atelier.review.callers()).toMatchObject([{ state: "admitted", refusals: 0 }]);
    await expect(atelier.review.lift({ caller: name, by: null, reason: "x" })).rejects.toMatchObject({
      name: "UnknownName",
    });
  }, 60_000);
});
