/**
 * @module Versions over real stores and files: asked for, made by a process that is killed before any of its writes, made current,
 * and gone with their picture.
 */
import { createPromptVault } from "@atelier/aws/dynamo/prompts";
import { createBlockedPictures, createReviews } from "@atelier/aws/dynamo/reviews";
import { createVersions } from "@atelier/aws/dynamo/versions";
import type { Image } from "@atelier/core/image";
import { versionFolder } from "@atelier/core/manifest";
import { createPictureBlock } from "@atelier/core/picture-block";
import type { OpenPicture } from "@atelier/core/pictures";
import { eraseSubject, type PrivacyDeps } from "@atelier/core/privacy";
import { findSubject } from "@atelier/core/privacy-subject";
import { type ReviewDeps, type ReviewInput, review } from "@atelier/core/review";
import { type Version, type VersionRecipe, versionIdOf } from "@atelier/core/version";
import { finishVersions, type MakeVersionDeps, makeVersion } from "@atelier/core/version-make";
import { makeCurrent, requestVersion, versionsOf } from "@atelier/core/version-request";
import { linkFor, openLink } from "@atelier/core/viewing";
import { collect } from "@atelier/core/workflow/steps/collect";
import { process } from "@atelier/core/workflow/steps/process";
import { record } from "@atelier/core/workflow/steps/record";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { classifierSaying } from "../builders/classifier.ts";
import { held } from "../builders/flows.ts";
import { type MemoryTables, startMemoryTables } from "../builders/memory-table.ts";
import { TEXT_VAULT } from "../builders/text-vault.ts";
import { startWorld, type World } from "../builders/world.ts";
import { TEST_JOB_MS } from "../simulators/replicate.ts";

let tables: MemoryTables;
let world: World;
beforeAll(async () => {
  tables = await startMemoryTables();
  world = await startWorld(await tables.table(), {
    firstLimits: { dayMicros: 20_000_000, monthMicros: 20_000_000 },
  });
});
afterAll(async () => {
  await world.close();
  await tables.close();
});

const alive = new Set(["ours"]);
function depsOf(name = "ours"): MakeVersionDeps {
  return {
    ...world.steps,
    versions: createVersions(world.dynamo),
    maker: {
      name,
      isMaking: async ({ maker }) => maker !== null && maker !== name && alive.has(maker),
    },
  };
}
function reviewing(): ReviewDeps {
  return {
    ...world.steps,
    versions: createVersions(world.dynamo),
    reviews: createReviews(world.dynamo),
    pictureBlock: createPictureBlock(
      createBlockedPictures(world.dynamo),
      Buffer.from("another key than the world's, so that the next picture is not known"),
    ),
    texts: TEXT_VAULT,
    isFourEyes: false,
    removeOverviews: async () => undefined,
  };
}
const said = (image: Image, action: ReviewInput["action"]): ReviewInput => ({
  imageId: image.imageId,
  action,
  rating: "nudity",
  reason: "an adult, as asked for",
  reviewer: "ada",
});

let pictures = 0;
/** Buys one picture, and takes it to its end. */
async function bought(): Promise<Image> {
  const input = await held(world, `req_versions${++pictures}`);
  const run = world.generating(input);
  await run.sent;
  await world.advance(TEST_JOB_MS);
  expect(await run.answered).toBe("ok");
  await collect(input, world.steps);
  const steps = { ...world.steps, classifier: classifierSaying(), isBlocked: async () => false };
  await record({ ...input, ...(await process(input, steps)) }, world.steps);
  const image = await world.image(input.imageId);
  expect(image).toMatchObject({ status: "completed", version: 1 });
  return image;
}
const asked = ({ imageId }: Image, recipe: VersionRecipe) => requestVersion(imageId, recipe, "ada", depsOf());
async function ready(image: Image, recipe: VersionRecipe): Promise<Version> {
  const version = await makeVersion(versionIdOf(await asked(image, recipe)), depsOf());
  if (version?.state !== "ready") throw new Error(`It is ${version?.state}: ${version?.failure?.message}`);
  return version;
}
async function keysBelow(...folders: string[]): Promise<string[]> {
  const keys: string[] = [];
  for (const folder of folders) for await (const { key } of world.steps.blobs.list(folder)) keys.push(key);
  return keys.sort();
}
const filesOf = async ({ imageId }: Image) =>
  (await keysBelow("incoming/", "originals/", "content/", "quarantine/")).filter((key) =>
    key.includes(imageId),
  );
const openWork = async () => (await createVersions(world.dynamo).open({ limit: 100 })).items;
const opened = async (key: string) => {
  const blob = await world.steps.blobs.get(key);
  if (!blob) throw new Error(`${key} is missing.`);
  return world.steps.imaging.open(blob.bytes);
};

/** Of the pixels of two pictures of one size, 0 to 255. */
function meanDifference(one: OpenPicture, other: OpenPicture): number {
  expect(other.pixels.length).toBe(one.pixels.length);
  const sum = one.pixels.reduce((total, value, at) => total + Math.abs(value - (other.pixels[at] ?? 0)), 0);
  return sum / one.pixels.length;
}

describe("an enlarged version", () => {
  test("is of the same picture, complete, and changes the image only when it is made current", async () => {
    const image = await bought();
    const version = await ready(image, { upscale: 2 });
    expect(version).toMatchObject({
      version: 2,
      state: "ready",
      recipeName: "test-1+2x",
      tries: 1,
      maker: null,
    });
    expect(await world.image(image.imageId)).toStrictEqual({ ...image, lastVersion: 2 });
    const sizes = ({ renditions }: Pick<Version, "renditions">) =>
      renditions.map((each) => [each.name, each.width]);
    const [[, width = 0] = []] = sizes(image) as [string, number][];
    expect(sizes(version)).toStrictEqual([
      ["full", 2 * width],
      ["thumbnail", 64],
    ]);
    const [before, after] = [image.renditions[1]?.path ?? "", version.renditions[1]?.path ?? ""];
    // Of 255: sharp stripes, enlarged and made small again, differ by four or five at their edges.
    expect(meanDifference(await opened(before), await opened(after))).toBeLessThan(8);
    expect(await keysBelow(versionFolder("content", image, 2))).toStrictEqual(
      [...version.renditions.map(({ path }) => path), version.manifestKey].sort(),
    );

    const viewer = { name: "ada", mayReview: false, ageAttestedUntilMs: null };
    const viewing = {
      images: world.steps.images,
      attestations: { age: async () => undefined },
      linkKey: Buffer.from("a link key for tests"),
    };
    const link = await linkFor(image.imageId, "full", viewer, world.clock(), viewing);
    if (link.kind !== "link") throw new Error(link.message);
    const current = await makeCurrent(image.imageId, 2, "ada", 1, depsOf());
    const { manifestKey, renditions } = version;
    expect(current).toStrictEqual({
      ...image,
      lastVersion: 2,
      baseVersion: 1,
      version: 2,
      manifestKey,
      renditions,
    });
    expect(await openLink(link.link, world.clock(), viewing)).toMatchObject({
      kind: "refused",
      rule: "expired",
    });
    expect(
      (await versionsOf(image.imageId, depsOf())).map(({ version: number, isCurrent }) => [
        number,
        isCurrent,
      ]),
    ).toStrictEqual([
      [1, false],
      [2, true],
    ]);
    const back = await makeCurrent(image.imageId, 1, "ada", null, depsOf());
    expect(back).toStrictEqual({ ...image, lastVersion: 2, baseVersion: 1 });
    const entries = (await world.audit.ofSubject(image.imageId)).filter(({ by }) => by === "ada");
    expect(entries.map(({ kind, phase, facts }) => [kind, phase, facts.version])).toStrictEqual([
      ["reprocessed", "intended", 2],
      ["reprocessed", "done", 2],
      ["version-chosen", "intended", 2],
      ["version-chosen", "done", 2],
      ["version-chosen", "intended", 1],
      ["version-chosen", "done", 1],
    ]);
  });

  test("is one, however often and by however many it is asked for and made", async () => {
    const image = await bought();
    const wanted = await Promise.all([1, 2, 3].map(() => asked(image, { upscale: 2, enhance: "none" })));
    const numbers = new Set(wanted.map(({ version }) => version));
    expect(numbers.size).toBe(1);
    // What the installation does anyway is no other recipe, and the picture as it was filed is none.
    expect(await asked(image, { upscale: 2 })).toStrictEqual(wanted[0]);
    expect(await asked(image, {})).toMatchObject({ version: 1, state: "ready" });
    alive.add("theirs");
    const id = versionIdOf(wanted[0] as Version);
    await Promise.all([makeVersion(id, depsOf()), makeVersion(id, depsOf("theirs"))]);
    const standing = await depsOf().versions.get(id);
    expect(standing).toMatchObject({ state: "ready", tries: 1 });
    expect(await keysBelow(versionFolder("content", image, standing?.version ?? 0))).toHaveLength(3);
    expect(await makeVersion(id, depsOf())).toStrictEqual(standing);
    const other = await asked(image, { upscale: 4 });
    expect(other.version).toBeGreaterThan(standing?.version ?? 0);
    await finishVersions(depsOf(), () => true, fail);
  });
});

const fail = (error: unknown): never => {
  throw error;
};

describe("refused", () => {
  test("what is not completed, what is unknown, and what would be too large", async () => {
    const image = await bought();
    const asking = (imageId: string, recipe: VersionRecipe) =>
      requestVersion(imageId, recipe, "ada", depsOf());
    await expect(asking("img_none_00000", {})).rejects.toMatchObject({ name: "UnknownName" });
    await expect(makeCurrent(image.imageId, 7, "ada", null, depsOf())).rejects.toMatchObject({
      name: "UnknownName",
      message: `${image.imageId} has no version 7; there are 1.`,
    });
    await expect(makeCurrent(image.imageId, 1, "ada", 3, depsOf())).rejects.toMatchObject({
      name: "PreconditionFailed",
    });
    const waiting = await asked(image, { upscale: 2 });
    await expect(makeCurrent(image.imageId, waiting.version, "ada", null, depsOf())).rejects.toMatchObject({
      name: "UsageError",
      message: `Version 2 of ${image.imageId} is making.`,
    });
    await review(said(image, "rate"), reviewing());
    await expect(asking(image.imageId, { upscale: 4 })).rejects.toMatchObject({
      name: "UsageError",
      message: `${image.imageId} is quarantined; a reviewer has to release it first. Versions are of completed images.`,
    });
    await review(said(image, "reject"), reviewing());
    await expect(asking(image.imageId, {})).rejects.toMatchObject({ name: "PolicyRefused" });
    expect(await openWork()).toStrictEqual([]);
  });

  test("an original that is not what was bought fails the version, which can be asked for again", async () => {
    const image = await bought();
    const wanted = await asked(image, { upscale: 2 });
    const { blobs } = world.steps;
    const damaged: MakeVersionDeps = {
      ...depsOf(),
      imaging: {
        open: async () => {
          throw Object.assign(new Error("It is no picture."), { name: "OutputInvalid" });
        },
      },
    };
    expect(await makeVersion(versionIdOf(wanted), damaged)).toMatchObject({
      state: "failed",
      failure: { name: "OutputInvalid", message: "It is no picture." },
    });
    expect(await keysBelow(versionFolder("content", image, wanted.version))).toStrictEqual([]);
    const missing: MakeVersionDeps = {
      ...depsOf(),
      blobs: { ...blobs, get: async (key) => (key.endsWith(".png") ? undefined : blobs.get(key)) },
    };
    expect(await asked(image, { upscale: 2 })).toMatchObject({ state: "making", version: wanted.version });
    // A store that does not answer is asked again, and not for ever.
    for (let time = 1; time < 3; time++) {
      await expect(makeVersion(versionIdOf(wanted), missing)).rejects.toMatchObject({
        name: "StorageUnavailable",
      });
    }
    expect(await makeVersion(versionIdOf(wanted), missing)).toMatchObject({ state: "failed", tries: 3 });
    await asked(image, { upscale: 2 });
    expect(await makeVersion(versionIdOf(wanted), depsOf())).toMatchObject({
      state: "ready",
      version: wanted.version,
    });
  });
});

class Killed extends Error {}

/** Throws from the given write on, as a process that is no more. */
function killedAt(write: number, deps: MakeVersionDeps): { deps: MakeVersionDeps; writes: () => number } {
  let writes = 0;
  const dying = <T extends object>(store: T, ...methods: (keyof T & string)[]): T =>
    new Proxy(store, {
      get(target, name, receiver) {
        const member: unknown = Reflect.get(target, name, receiver);
        if (typeof member !== "function") return member;
        if (!methods.some((method) => method === name)) return member.bind(target);
        return (...given: unknown[]) => {
          if (++writes >= write) throw new Killed(`before write ${write}: ${String(name)}`);
          return member.apply(target, given);
        };
      },
    });
  return {
    writes: () => writes,
    deps: {
      ...deps,
      versions: dying(deps.versions, "patch", "putIfAbsent", "remove"),
      blobs: dying(deps.blobs, "put", "remove"),
      audit: dying(deps.audit, "write"),
    },
  };
}

test("killed before any of its writes, a version is made by whoever comes next, whole", async () => {
  const image = await bought();
  let last = Number.POSITIVE_INFINITY;
  const recipes = [{ upscale: 2 }, { upscale: 4 }, { enhance: "strong" }, { enhance: "standard" }] as const;
  const more = [
    { upscale: 2, enhance: "strong" },
    { upscale: 2, enhance: "standard" },
    { upscale: 4, enhance: "strong" },
    { upscale: 4, enhance: "standard" },
  ] as const;
  const all = [...recipes, ...more];
  for (let write = 1; write <= last; write++) {
    const wanted = await asked(image, all[write - 1] as VersionRecipe);
    const name = `dead ${write}`;
    const killed = killedAt(write, depsOf(name));
    const outcome: unknown = await makeVersion(versionIdOf(wanted), killed.deps).catch(
      (error: unknown) => error,
    );
    if (!(outcome instanceof Killed)) {
      expect(outcome).toMatchObject({ state: "ready" });
      last = killed.writes();
    }
    await finishVersions(depsOf(), () => true, fail);
    const made = await depsOf().versions.get(versionIdOf(wanted));
    expect(made, name).toMatchObject({ state: "ready", failure: null, maker: null });
    expect(await keysBelow(versionFolder("content", image, wanted.version)), name).toStrictEqual(
      [...(made?.renditions ?? []).map(({ path }) => path), made?.manifestKey].sort(),
    );
    expect(await openWork()).toStrictEqual([]);
  }
  expect(last).toBe(6);
});

test("whose makers all die is given up after three", async () => {
  const image = await bought();
  const id = versionIdOf(await asked(image, { upscale: 2 }));
  for (const name of ["one", "two", "three"]) {
    await expect(makeVersion(id, killedAt(2, depsOf(name)).deps)).rejects.toThrow(Killed);
  }
  expect(await makeVersion(id, depsOf())).toMatchObject({
    state: "failed",
    failure: { name: "Unexpected", message: "Whoever made it was stopped 3 times." },
  });
});

describe("with its picture", () => {
  /** A picture with a version that is shown, one that is ready, and one that somebody is in the middle of making. */
  async function busy() {
    const image = await bought();
    const shown = await ready(image, { upscale: 2 });
    await ready(image, { enhance: "strong" });
    await makeCurrent(image.imageId, shown.version, "ada", null, depsOf());
    const making = await asked(image, { upscale: 4 });
    let meanwhile: () => Promise<unknown> = async () => undefined;
    const { blobs } = world.steps;
    alive.add("theirs");
    const theirs: MakeVersionDeps = {
      ...depsOf("theirs"),
      blobs: {
        ...blobs,
        async put(...given) {
          if (given[0].endsWith("manifest.json")) await meanwhile();
          return blobs.put(...given);
        },
      },
    };
    return {
      image,
      madeBy: (own: Partial<MakeVersionDeps["blobs"]>) =>
        makeVersion(versionIdOf(making), { ...depsOf("theirs"), blobs: { ...blobs, ...own } }),
      /** Something happens just before the version is committed. */
      made: (during: () => Promise<unknown>) => {
        meanwhile = during;
        return makeVersion(versionIdOf(making), theirs);
      },
    };
  }

  test("it leaves content/ when a reviewer rates the picture up, and the picture is what was judged", async () => {
    const { image, made } = await busy();
    expect(await made(() => review(said(image, "rate"), reviewing()))).toBeUndefined();
    const after = await world.image(image.imageId);
    expect(after).toMatchObject({ status: "quarantined", rating: "nudity" });
    expect(after.renditions.map(({ width }) => width)).toStrictEqual(
      image.renditions.map(({ width }) => width),
    );
    const folder = versionFolder("quarantine", image, after.version ?? 0);
    const shown = (await filesOf(image)).filter((key) => /^(content|quarantine)/.test(key));
    expect(shown.every((key) => key.startsWith(folder))).toBe(true);
    expect(shown).toHaveLength(3);
    expect(await depsOf().versions.ofImage(image.imageId)).toStrictEqual([]);

    await review(said(image, "release"), reviewing());
    const again = await ready(after, { upscale: 2 });
    const released = await world.image(image.imageId);
    expect(again.version).toBeGreaterThan(released.version ?? 0);
    expect(await makeCurrent(image.imageId, again.version, "ada", null, depsOf())).toMatchObject({
      status: "completed",
      rating: "nudity",
    });
    expect(await openWork()).toStrictEqual([]);
  });

  test("it is removed when a reviewer removes the picture", async () => {
    const { image, made } = await busy();
    expect(await made(() => review(said(image, "reject"), reviewing()))).toBeUndefined();
    expect(await filesOf(image)).toStrictEqual([]);
    expect(await depsOf().versions.ofImage(image.imageId)).toStrictEqual([]);
    expect(await world.image(image.imageId)).toMatchObject({ status: "rejected", renditions: [] });
  });

  test("it is erased, and what is in the middle of being made removes itself, or is removed for who died", async () => {
    const erasing: PrivacyDeps = {
      ...depsOf(),
      images: world.steps.images,
      attempts: world.steps.attempts,
      requests: world.steps.requests,
      vault: createPromptVault(world.dynamo, TEXT_VAULT),
      audit: world.audit,
      places: [{ name: "here", blobs: world.steps.blobs }],
      reviews: createReviews(world.dynamo),
      removeOverviews: async () => undefined,
    };
    const erase = async ({ imageId }: Image) => eraseSubject(await findSubject(imageId, erasing), erasing);
    const { image, made } = await busy();
    let left: readonly string[] = [];
    const during = async () => {
      ({ left } = await erase(image));
    };
    expect(await made(during)).toBeUndefined();
    expect(left).toStrictEqual([`version 4 of ${image.imageId}, which is being made`]);
    expect(await filesOf(image)).toStrictEqual([]);
    expect(await depsOf().versions.ofImage(image.imageId)).toStrictEqual([]);
    await expect(asked(image, {})).rejects.toMatchObject({ name: "UsageError" });

    const written: string[] = [];
    const first = await busy();
    const early = first.madeBy({
      async put(...given) {
        written.push(given[0]);
        await erase(first.image);
        return world.steps.blobs.put(...given);
      },
    });
    expect(await early).toBeUndefined();
    expect(written).toHaveLength(1);
    expect(await filesOf(first.image)).toStrictEqual([]);
    expect(await depsOf().versions.ofImage(first.image.imageId)).toStrictEqual([]);

    const other = await busy();
    const killed = async () => {
      await erase(other.image);
      throw new Killed();
    };
    await other.made(killed).catch(() => undefined);
    alive.delete("theirs");
    await finishVersions(depsOf(), () => true, fail);
    expect(await filesOf(other.image)).toStrictEqual([]);
    expect(await depsOf().versions.ofImage(other.image.imageId)).toStrictEqual([]);
    expect(await openWork()).toStrictEqual([]);
  });
});
