/**
 * @module Reviews over real stores and files: what people decide, killed before any write and carried on by whoever comes next.
 */
import { createBlockedPictures, createReviews } from "@atelier/aws/dynamo/reviews";
import { createVersions } from "@atelier/aws/dynamo/versions";
import type { Classifier } from "@atelier/core/classifier";
import type { Image } from "@atelier/core/image";
import { createPictureBlock, type PictureBlock } from "@atelier/core/picture-block";
import { finishReviews, type ReviewDeps, type ReviewInput, review } from "@atelier/core/review";
import { collect } from "@atelier/core/workflow/steps/collect";
import { process } from "@atelier/core/workflow/steps/process";
import { record } from "@atelier/core/workflow/steps/record";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { classifierSaying } from "../builders/classifier.ts";
import { held } from "../builders/flows.ts";
import { type MemoryTables, startMemoryTables } from "../builders/memory-table.ts";
import { startWorld, type World } from "../builders/world.ts";
import { TEST_JOB_MS } from "../simulators/replicate.ts";

let tables: MemoryTables;
let world: World;
let pictureBlock: PictureBlock;
const overviews: string[] = [];
const sealedNote = (text: string) => Buffer.from(`sealed ${text}`).toString("base64");
beforeAll(async () => {
  tables = await startMemoryTables();
  world = await startWorld(await tables.table(), {
    firstLimits: { dayMicros: 20_000_000, monthMicros: 20_000_000 },
  });
  // The same key as the world's `process` has.
  pictureBlock = createPictureBlock(
    createBlockedPictures(world.dynamo),
    Buffer.from("a picture key for tests"),
  );
});
afterAll(async () => {
  await world.close();
  await tables.close();
});

function depsWith(change: Partial<ReviewDeps> = {}): ReviewDeps {
  return {
    ...world.steps,
    reviews: createReviews(world.dynamo),
    versions: createVersions(world.dynamo),
    pictureBlock,
    texts: {
      seal: async (_, text) => sealedNote(text),
      open: async (_, sealed) => Buffer.from(sealed, "base64").toString().slice("sealed ".length),
      reseal: async () => null,
    },
    isFourEyes: false,
    removeOverviews: async (imageId) => void overviews.push(imageId),
    ...change,
  };
}

const DOUBTFUL = classifierSaying({ scores: { suggestive: 0.5, nudity: 0.1, explicit: 0, other: 0 } });
const MINOR = classifierSaying({
  scores: { suggestive: 0.5, nudity: 0, explicit: 0, other: 0 },
  faces: [{ score: 0.9, ageYears: 16 }],
});

let pictures = 0;
/** Buys one picture, and takes it to its end as the classifier says. */
async function made(classifier: Classifier = DOUBTFUL): Promise<Image> {
  const input = await held(world, `req_review${++pictures}`);
  const run = world.generating(input);
  await run.sent;
  await world.advance(TEST_JOB_MS);
  expect(await run.answered).toBe("ok");
  await collect(input, world.steps);
  // Every picture of the simulator looks like the next: only those of a test's own are to be recognised.
  const processed = await process(input, { ...world.steps, classifier, isBlocked: async () => false });
  await record({ ...input, ...processed }, world.steps);
  return world.image(input.imageId);
}

let copies = 0;
/** Another image that stands exactly as this one, without buying it. */
async function copyOf(image: Image): Promise<Image> {
  const name = image.requestId.slice("req_".length);
  const copy = `copy${++copies}`;
  const renamed = (text: string) => text.replaceAll(name, copy);
  const again = <T>(value: T): T => JSON.parse(renamed(JSON.stringify(value)));
  for (const key of await filesOf(image.imageId)) {
    const blob = await world.steps.blobs.get(key);
    if (!blob) throw new Error(`${key} is missing.`);
    const isManifest = key.endsWith("manifest.json");
    const bytes = isManifest ? Buffer.from(renamed(Buffer.from(blob.bytes).toString())) : blob.bytes;
    await world.steps.blobs.put(renamed(key), bytes, blob.head.contentType);
  }
  for (const attempt of await world.steps.attempts.ofImage(image.imageId)) {
    await world.steps.attempts.putIfAbsent(again(attempt));
  }
  await world.steps.images.putIfAbsent(again(image));
  return again(image);
}

async function filesOf(imageId: string): Promise<string[]> {
  const keys: string[] = [];
  for (const shelf of ["incoming/", "originals/", "content/", "quarantine/"]) {
    for await (const { key } of world.steps.blobs.list(shelf)) if (key.includes(imageId)) keys.push(key);
  }
  return keys.sort();
}
const shelvesOf = async (imageId: string) => [
  ...new Set(
    (await filesOf(imageId)).map((key) => `${key.split("/")[0]} ${/\/(v\d+)\//.exec(key)?.[1] ?? ""}`.trim()),
  ),
];
const said = (image: Image, action: ReviewInput["action"], more: Partial<ReviewInput> = {}): ReviewInput => ({
  imageId: image.imageId,
  action,
  reason: "an adult, as asked for",
  reviewer: "ada",
  ...more,
});

describe("a picture in quarantine", () => {
  test("is released: its files move to content/ as a new version, whole, under the rating that was seen", async () => {
    const before = await made();
    expect(before).toMatchObject({ status: "quarantined", rating: "general", version: 1 });
    expect(await shelvesOf(before.imageId)).toStrictEqual(["incoming", "originals", "quarantine v1"]);

    const outcome = await review(said(before, "release"), depsWith());
    expect(outcome.kind).toBe("done");
    const image = await world.image(before.imageId);
    expect(image).toMatchObject({
      status: "completed",
      version: 2,
      rating: "suggestive",
      verdict: { decision: "released", basis: "review", rating: "suggestive", reason: "Released by ada." },
    });
    expect(await shelvesOf(image.imageId)).toStrictEqual(["content v2", "incoming", "originals"]);
    for (const { path, sha256 } of image.renditions) {
      expect((await world.steps.blobs.get(path))?.head.sha256).toBe(sha256);
    }
    // It counts as stock, and is found where it belongs now.
    const listed = await world.steps.images.list({ status: "completed" }, { limit: 100 });
    expect(listed.items.map(({ imageId }) => imageId)).toContain(image.imageId);
    const entries = (await world.audit.ofSubject(image.imageId)).filter(({ kind }) => kind === "reviewed");
    expect(entries.map(({ phase, facts }) => [phase, facts.action, facts.reviewer])).toStrictEqual([
      ["intended", "release", "ada"],
      ["done", "release", "ada"],
    ]);
    expect(JSON.stringify(entries)).not.toContain("an adult");
    expect(
      world.events.filter(({ detail }) => "image_id" in detail && detail.image_id === image.imageId).at(-1),
    ).toMatchObject({
      type: "image-released",
    });
    // Again: done is done.
    expect(await review(said(before, "release"), depsWith())).toMatchObject({
      kind: "done",
      image: { version: 2 },
    });
  });

  test("is not released without a reason, nor what is not in quarantine", async () => {
    const image = await made();
    await expect(review(said(image, "release", { reason: " " }), depsWith())).rejects.toMatchObject({
      name: "UsageError",
    });
    await expect(review(said(image, "unseal"), depsWith())).rejects.toMatchObject({ name: "UsageError" });
    await expect(
      review(said(image, "release", { imageId: "img_none_00000" }), depsWith()),
    ).rejects.toMatchObject({ name: "UnknownName" });
    const [planned] = await world.planned({ requestId: "req_planned" });
    if (!planned) throw new Error("Nothing was planned.");
    await expect(review(said(planned, "reject"), depsWith())).rejects.toThrow("there is no picture");
  });

  test("is removed from everywhere, and the same picture is recognised when it comes again", async () => {
    const image = await made();
    const { fingerprint } = image;
    if (!fingerprint) throw new Error("There is no fingerprint.");
    const deps = depsWith();
    await review(said(image, "reject", { reason: "" }), deps);
    expect(await filesOf(image.imageId)).toStrictEqual([]);
    const removed = await world.image(image.imageId);
    expect(removed).toMatchObject({
      status: "rejected",
      renditions: [],
      originals: [],
      manifestKey: null,
      fingerprint: null,
      verdict: { decision: "rejected", basis: "review" },
      failure: { name: "ContentRejected" },
    });
    const known = await world.steps.images.fingerprints(image.category, "img_none_00000", 500);
    expect(known.map(({ imageId }) => imageId)).not.toContain(image.imageId);
    expect(JSON.stringify(removed)).not.toContain(fingerprint.dhash);
    expect(overviews).toContain(image.imageId);
    expect(await world.steps.isBlocked(fingerprint)).toBe(true);

    // The same prompt and seed give the same picture.
    const input = await held(world, image.requestId.replace(/\d+$/, "again"));
    const run = world.generating(input);
    await run.sent;
    await world.advance(TEST_JOB_MS);
    await run.answered;
    await collect(input, world.steps);
    const processed = await process(input, { ...world.steps, isBlocked: async () => true });
    await record({ ...input, ...processed }, { ...world.steps, reviews: deps.reviews });
    expect(await world.image(input.imageId)).toMatchObject({
      status: "rejected",
      fingerprint: null,
      verdict: { decision: "rejected", basis: "known-picture" },
    });
    expect(await shelvesOf(input.imageId)).toStrictEqual(["incoming", "quarantine v1"]);
    // Its files go as well, without anybody being asked again.
    await finishReviews(deps);
    expect(await filesOf(input.imageId)).toStrictEqual([]);
  });
});

test("what could not be carried on is told, even where the list of what is open breaks off", async () => {
  const deps = depsWith();
  const away = { imageId: "img_away", createdAtMs: 0, revision: 1, votes: [], pending: null, decided: [] };
  const list = [
    () => Promise.resolve({ items: [away], cursor: "more" }),
    () => Promise.reject(new Error("no more")),
  ];
  const reviews = {
    ...deps.reviews,
    open: () => list.shift()?.() ?? Promise.reject(new Error("asked again")),
    get: () => Promise.reject(new Error("not to be read")),
  };
  const told: unknown[] = [];
  const carriedOn = finishReviews({ ...deps, reviews }, (error) => told.push(error));
  await expect(carriedOn).rejects.toThrow("no more");
  expect(told).toMatchObject([{ message: "img_away: Error: not to be read" }]);
});

describe("a rating that was wrong", () => {
  test("goes up without a reason, and what was out goes back into quarantine", async () => {
    const before = await made(classifierSaying());
    expect(before.status).toBe("completed");
    await review(said(before, "rate", { rating: "nudity", reason: "" }), depsWith());
    const image = await world.image(before.imageId);
    expect(image).toMatchObject({ status: "quarantined", rating: "nudity", version: 2 });
    expect(await shelvesOf(image.imageId)).toStrictEqual(["incoming", "originals", "quarantine v2"]);
    expect(image.renditions.map(({ name }) => name)).toStrictEqual(before.renditions.map(({ name }) => name));
    // It was made again: files of a general picture may carry the provider's words.
    expect(image.renditions[0]?.path).not.toBe(before.renditions[0]?.path.replace("content", "quarantine"));
  });

  test("goes down with a reason alone, and stays where it is", async () => {
    const before = await made();
    await review(said(before, "release"), depsWith());
    const down = said(before, "rate", { rating: "general" });
    await expect(review({ ...down, reason: "" }, depsWith())).rejects.toMatchObject({ name: "UsageError" });
    await review(down, depsWith());
    expect(await world.image(before.imageId)).toMatchObject({
      status: "completed",
      rating: "general",
      version: 3,
      verdict: { rating: "general" },
    });
    expect(await shelvesOf(before.imageId)).toStrictEqual(["content v3", "incoming", "originals"]);
  });
});

describe("with four eyes", () => {
  const deps = () => depsWith({ isFourEyes: true });

  test("a rated picture is let out by two different reviewers who say the same about the same version", async () => {
    const image = await made();
    expect(await review(said(image, "release"), deps())).toMatchObject({
      kind: "awaiting",
      reviewers: ["ada"],
    });
    // The same person twice is one.
    expect(await review(said(image, "release"), deps())).toMatchObject({ kind: "awaiting" });
    expect((await world.image(image.imageId)).status).toBe("quarantined");
    // A way around: rated down first, it would be general.
    const down = said(image, "rate", { rating: "general", reviewer: "ada" });
    expect(await review(down, deps())).toMatchObject({ kind: "awaiting" });
    expect((await world.image(image.imageId)).rating).toBe("general");
    expect(await review(said(image, "release", { reviewer: "bob" }), deps())).toMatchObject({
      kind: "awaiting",
    });
    // The careful direction needs one, and voids what was said of the earlier version.
    await review(said(image, "rate", { rating: "nudity", reviewer: "eve" }), deps());
    expect(await review(said(image, "release", { reviewer: "ada" }), deps())).toMatchObject({
      kind: "awaiting",
    });
    const outcome = await review(said(image, "release", { reviewer: "bob" }), deps());
    expect(outcome).toMatchObject({ kind: "done", image: { status: "completed", rating: "nudity" } });
    const last = (await deps().reviews.get(image.imageId))?.decided.at(-1);
    expect(last?.votes.map(({ by }) => by)).toStrictEqual(["ada", "bob"]);
  });

  test("one is enough to remove, and for what is general", async () => {
    const rated = await made();
    expect(await review(said(rated, "reject"), deps())).toMatchObject({ kind: "done" });
    const general = await made(
      classifierSaying({ scores: { suggestive: 0, nudity: 0, explicit: 0, other: 0.5 } }),
    );
    expect(general).toMatchObject({ status: "quarantined", verdict: { rating: "general" } });
    expect(await review(said(general, "release"), deps())).toMatchObject({ kind: "done" });
  });
});

describe("a suspected minor", () => {
  test("is copied nowhere, told to the operator, and not to be released, rated or unsealed by one", async () => {
    const image = await made(MINOR);
    expect(image).toMatchObject({ status: "quarantined", verdict: { sealed: true }, renditions: [] });
    expect(await shelvesOf(image.imageId)).toStrictEqual(["incoming", "quarantine v1"]);
    expect(await filesOf(image.imageId)).toHaveLength(2);
    expect(
      world.events
        .filter(({ detail }) => "image_id" in detail && detail.image_id === image.imageId)
        .map(({ type }) => type),
    ).toContain("suspected-minor");
    for (const action of ["release", "rate"] as const) {
      await expect(review(said(image, action, { rating: "nudity" }), depsWith())).rejects.toMatchObject({
        name: "PolicyRefused",
        data: { rule: "sealed" },
      });
    }
    expect(await review(said(image, "unseal"), depsWith())).toMatchObject({ kind: "awaiting" });
    expect(await review(said(image, "unseal"), depsWith())).toMatchObject({ kind: "awaiting" });
    expect((await world.image(image.imageId)).verdict?.sealed).toBe(true);
    await review(said(image, "unseal", { reviewer: "bob" }), depsWith());
    const unsealed = await world.image(image.imageId);
    expect(unsealed).toMatchObject({ status: "quarantined", version: 2, verdict: { sealed: false } });
    expect(unsealed.renditions.length).toBeGreaterThan(0);
    expect(await shelvesOf(image.imageId)).toStrictEqual(["incoming", "originals", "quarantine v2"]);
  });

  test("that was rejected at once can only be removed", async () => {
    const image = await made(
      classifierSaying({
        scores: { suggestive: 0.5, nudity: 0, explicit: 0, other: 0 },
        faces: [{ score: 0.97, ageYears: 12 }],
      }),
    );
    expect(image).toMatchObject({ status: "rejected", verdict: { sealed: true } });
    expect(await shelvesOf(image.imageId)).toStrictEqual(["incoming", "quarantine v1"]);
    for (const action of ["release", "rate", "unseal"] as const) {
      await expect(review(said(image, action, { rating: "nudity" }), depsWith())).rejects.toMatchObject({
        name: "PolicyRefused",
      });
    }
    await review(said(image, "reject"), depsWith());
    expect(await filesOf(image.imageId)).toStrictEqual([]);
  });
});

class Killed extends Error {}

/** Throws before the given write of the run, counted over all stores. */
function killedAt(write: number, deps: ReviewDeps): { deps: ReviewDeps; writes: () => number } {
  let writes = 0;
  const dying = <T extends object>(store: T, ...methods: (keyof T & string)[]): T =>
    new Proxy(store, {
      get(target, name, receiver) {
        const member: unknown = Reflect.get(target, name, receiver);
        if (typeof member !== "function") return member;
        if (!methods.some((method) => method === name)) return member.bind(target);
        return (...given: unknown[]) => {
          if (++writes === write) throw new Killed(`before write ${write}: ${String(name)}`);
          return member.apply(target, given);
        };
      },
    });
  return {
    writes: () => writes,
    deps: {
      ...deps,
      images: dying(deps.images, "patch", "removeFingerprint"),
      reviews: dying(deps.reviews, "patch", "putIfAbsent"),
      blobs: dying(deps.blobs, "put", "copy", "remove"),
      audit: dying(deps.audit, "write"),
      events: dying(deps.events, "publish"),
      pictureBlock: dying(deps.pictureBlock, "block"),
    },
  };
}

describe("killed before any of its writes", () => {
  const ways = [
    {
      name: "a release",
      action: "release",
      start: DOUBTFUL,
      shelves: ["content v2", "incoming", "originals"],
    },
    { name: "a removal", action: "reject", start: DOUBTFUL, shelves: [] },
    {
      name: "a rating that goes up",
      action: "rate",
      start: classifierSaying(),
      shelves: ["incoming", "originals", "quarantine v2"],
    },
    {
      name: "an unsealing",
      action: "unseal",
      start: MINOR,
      shelves: ["incoming", "originals", "quarantine v2"],
    },
  ] as const;

  test.each(ways)("$name is carried on to the same end", async ({ action, start, shelves }) => {
    const original = await made(start);
    let last = Number.POSITIVE_INFINITY;
    for (let write = 1; write <= last; write++) {
      const image = await copyOf(original);
      const input = said(image, action, { rating: "nudity" });
      if (action === "unseal") await review({ ...input, reviewer: "bob" }, depsWith());
      const killed = killedAt(write, depsWith());
      const failure: unknown = await review(input, killed.deps).catch((error: unknown) => error);
      if (!(failure instanceof Killed)) {
        expect(failure).toMatchObject({ kind: "done" });
        last = killed.writes();
      }
      // By whoever comes next; or, killed before anything was decided, by the reviewer saying it again.
      await finishReviews(depsWith());
      expect(await review(input, depsWith())).toMatchObject({ kind: "done" });
      const label = `killed before write ${write}`;
      // A number that was taken for a decision which was never written is left out.
      const version = action === "reject" ? 1 : write === 2 ? 3 : 2;
      const found = shelves.map((shelf) => shelf.replace("v2", `v${version}`));
      expect(await shelvesOf(image.imageId), label).toStrictEqual(found);
      const ended = await world.image(image.imageId);
      expect(ended.version, label).toBe(version);
      for (const { path } of ended.renditions) expect(await world.steps.blobs.head(path), path).toBeDefined();
      const standing = await depsWith().reviews.get(image.imageId);
      expect(standing, label).toMatchObject({ pending: null, votes: [] });
      expect(
        standing?.decided.map((decision) => decision.action),
        label,
      ).toStrictEqual([action]);
      const phases = (await world.audit.ofSubject(image.imageId))
        .filter(({ kind, facts }) => kind === "reviewed" && facts.reviewer !== "bob")
        .map(({ phase }) => phase);
      expect(phases, label).toStrictEqual(["intended", "done"]);
      // The next one's files are looked for among those that stand.
      for (const key of await filesOf(image.imageId)) await world.steps.blobs.remove(key);
    }
    expect(last).toBeGreaterThan(5);
    expect((await depsWith().reviews.open({ limit: 10 })).items).toStrictEqual([]);
  });
});
