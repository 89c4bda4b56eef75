import { createAttempts } from "@atelier/aws/dynamo/attempts";
import { createAudit } from "@atelier/aws/dynamo/audit";
import type { Dynamo } from "@atelier/aws/dynamo/client";
import { createImages } from "@atelier/aws/dynamo/images";
import { promptKey } from "@atelier/aws/dynamo/keys";
import { createPromptVault } from "@atelier/aws/dynamo/prompts";
import { createRequests } from "@atelier/aws/dynamo/requests";
import { createReviews } from "@atelier/aws/dynamo/reviews";
import { createVersions } from "@atelier/aws/dynamo/versions";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type MemoryTables, startMemoryTables } from "../../test/builders/memory-table.ts";
import { TEXT_VAULT } from "../../test/builders/text-vault.ts";
import { someAttempt, someImage, someRequest } from "../../test/contract/table-fixtures.ts";
import { createMemoryBlobs } from "../../test/simulation/memory-blobs.ts";
import { audited } from "./audit.ts";
import { verifyChain } from "./audit-chain.ts";
import { imageIdOf } from "./ids.ts";
import { type Image, verdictSchema } from "./image.ts";
import { imageFolder } from "./manifest.ts";
import { eraseSubject, exportSubject, type PrivacyDeps, sweep } from "./privacy.ts";
import { ERASED_PERSON } from "./privacy-person.ts";
import { findSubject } from "./privacy-subject.ts";

const DAY_MS = 86_400_000;
const NOW_MS = 100 * DAY_MS;
const WORDS = "a bowl of pears";

let tables: MemoryTables;
let dynamo: Dynamo;
let deps: PrivacyDeps & { readonly vault: ReturnType<typeof createPromptVault> };
beforeAll(async () => {
  tables = await startMemoryTables();
});
afterAll(() => tables.close());
beforeEach(async () => {
  dynamo = await tables.table();
  deps = {
    images: createImages(dynamo),
    attempts: createAttempts(dynamo),
    requests: createRequests(dynamo),
    vault: createPromptVault(dynamo, TEXT_VAULT),
    audit: createAudit(dynamo),
    removeOverviews: async () => undefined,
    places: [
      { name: "here", blobs: createMemoryBlobs() },
      { name: "backup", blobs: createMemoryBlobs() },
    ],
    reviews: createReviews(dynamo),
    versions: createVersions(dynamo),
    clock: () => NOW_MS,
    actor: "alice",
  };
});

/** An image at its end, as the steps leave one: record, attempt, prompt, indexes, audit, and files that no manifest lists. */
async function made(
  requestId: string,
  index = 0,
  fields: Partial<Image> = {},
  actor = "alice",
): Promise<Image> {
  const imageId = imageIdOf(requestId, index);
  const fingerprint = { dhash: "0".repeat(16), mirrored: "f".repeat(16) };
  const image = someImage({
    imageId,
    requestId,
    index,
    status: "completed",
    tags: ["pears"],
    slots: { fruit: "pears" },
    words: ["0123456789ab"],
    promptHash: "a hash",
    createdAtMs: DAY_MS,
    finishedAtMs: DAY_MS,
    fingerprint,
    costMicros: 6_300,
    ...fields,
  });
  await deps.images.putIfAbsent(image);
  await deps.images.index(image);
  await deps.images.indexFingerprint(image, fingerprint);
  const attempt = someAttempt({ imageId, requestId, number: 1, state: "succeeded", ledgerApplied: true });
  await deps.attempts.putIfAbsent({
    ...attempt,
    settledMicros: 6_300,
    outcome: {
      kind: "succeeded",
      outputs: [{ kind: "url", url: "https://example.com/a.png" }],
      costMicros: null,
      atMs: 1,
    },
  });
  await deps.vault.put(imageId, { prompt: WORDS, negativePrompt: "" });
  for (const { blobs } of deps.places) {
    for (const shelf of ["originals", "content", "quarantine"] as const) {
      const { put } = blobs as ReturnType<typeof createMemoryBlobs>;
      await put(`${imageFolder(shelf, image)}v1/unlisted-${shelf}.jpg`, Buffer.from(imageId), "image/jpeg");
    }
  }
  const facts = { promptHash: "a hash", model: "sdxl" };
  await audited({ subject: imageId, kind: "decided", phase: "done", facts }, { ...deps, actor });
  return image;
}

async function requested(
  requestId: string,
  source: "command" | "occurrence",
  actor = "alice",
): Promise<Image> {
  await deps.requests.putIfAbsent(someRequest({ requestId, source, count: 1 }));
  await audited({ subject: requestId, kind: "asked", phase: "done", facts: { source } }, { ...deps, actor });
  return made(requestId, 0, {}, actor);
}

const filesLeft = async (): Promise<string[]> => {
  const keys: string[] = [];
  for (const { name, blobs } of deps.places) {
    for await (const { key } of blobs.list("")) keys.push(`${name} ${key}`);
  }
  return keys;
};
const erase = async (subject: string) => eraseSubject(await findSubject(subject, deps), deps);

describe("erasing", () => {
  it("takes everything of an image from everywhere, and nothing of another; what it cost stays", async () => {
    const [image, other] = [await made("req_one"), await made("req_two")];
    const erased = await erase(image.imageId);
    expect(erased).toMatchObject({ images: [image.imageId], prompts: 1, left: [] });
    expect(erased.files).toHaveLength(6);
    expect((await filesLeft()).every((file) => file.includes(other.imageId))).toBe(true);
    expect(await filesLeft()).toHaveLength(6);
    expect(await dynamo.get(promptKey(image.imageId))).toBeUndefined();
    expect(await deps.vault.get(other.imageId)).toMatchObject({ prompt: WORDS });
    const record = await deps.images.get(image.imageId);
    expect(record).toMatchObject({
      costMicros: 6_300,
      status: "completed",
      erasedAtMs: NOW_MS,
      tags: [],
      slots: {},
    });
    expect((await deps.images.list({ tag: "pears" }, { limit: 9 })).items).toEqual([other]);
    expect(await deps.images.fingerprints(image.category, "", 9)).toMatchObject([{ imageId: other.imageId }]);
    const kept = JSON.stringify([
      record,
      await deps.attempts.ofImage(image.imageId),
      await deps.audit.chainOf(image.imageId),
    ]);
    expect(kept).not.toMatch(/pears|a hash|alice|example\.com/);
    expect(verifyChain(await deps.audit.chainOf(image.imageId)).problems).toEqual([]);
    expect((await deps.audit.ofSubject(image.imageId)).map(({ kind }) => kind)).toContain("erased");
  });

  it("may be asked for again", async () => {
    const image = await made("req_one");
    await erase(image.imageId);
    expect(await erase(image.imageId)).toMatchObject({ files: [], prompts: 0, left: [] });
  });

  it("waits for a request that is not planned yet; once cancelled, its sealed text goes", async () => {
    const requestId = "req_waiting";
    const freePrompt = { freePrompt: true, sealedPrompt: "sealed", parts: 1, partsBegun: 0, count: 1 };
    await deps.requests.putIfAbsent(someRequest({ requestId, source: "api", ...freePrompt }));
    await expect(erase(requestId)).rejects.toMatchObject({
      name: "UsageError",
      message: expect.stringContaining(`${requestId} has 1 picture that is not planned yet; cancel it first`),
    });
    expect((await deps.requests.get(requestId))?.sealedPrompt).toBe("sealed");

    await deps.requests.patch(requestId, { set: { cancelledAtMs: NOW_MS }, when: [] });
    expect(await erase(requestId)).toMatchObject({ images: [], prompts: 1, left: [] });
    expect((await deps.requests.get(requestId))?.sealedPrompt).toBeNull();
    expect(await erase(requestId)).toMatchObject({ prompts: 0, left: [] });
  });

  it("takes all of whoever asked, and leaves others and the calendar alone", async () => {
    const mine = await requested("req_mine", "command");
    const others = await requested("req_others", "command", "bob");
    const planned = await requested("req_plan", "occurrence");
    const erased = await erase("alice");
    expect(erased).toMatchObject({ images: [mine.imageId], left: [] });
    for (const image of [others, planned]) {
      expect(await deps.vault.get(image.imageId)).toBeDefined();
      expect((await deps.images.get(image.imageId))?.erasedAtMs).toBeUndefined();
    }
    const entries = (await deps.audit.list({ limit: 100 })).items;
    expect(entries.filter(({ by }) => by === "alice")).toEqual([]);
    expect(entries.filter(({ by }) => by === "bob")).toHaveLength(2);
    for (const { subject } of entries) {
      expect(verifyChain(await deps.audit.chainOf(subject)).problems).toEqual([]);
    }
  });

  it("takes a whole request, and the hash of a prompt that was refused", async () => {
    const image = await requested("req_mine", "command");
    expect(await erase("req_mine")).toMatchObject({ images: [image.imageId], left: [] });
    const facts = { rule: "r", promptHash: "a hash" };
    await audited({ subject: "req_refused", kind: "refused", phase: "done", facts }, deps);
    expect(await erase("req_refused")).toMatchObject({ images: [], auditEntries: 1, left: [] });
    expect(JSON.stringify(await deps.audit.chainOf("req_refused"))).not.toMatch(/a hash|alice/);
  });

  it.each([
    ["has not ended", { status: "generating" }],
    ["is sealed", { verdict: { sealed: true } }],
  ] as const)("touches nothing of an image that %s", async (_, fields) => {
    const sealed = { decision: "quarantined", basis: "classifier", reason: "r", sealed: true } as const;
    const image = await made("req_one", 0, "verdict" in fields ? { verdict: verdictOf(sealed) } : fields);
    await expect(erase(image.imageId)).rejects.toMatchObject({ name: "UsageError" });
    expect(await filesLeft()).toHaveLength(6);
    expect(await deps.vault.get(image.imageId)).toBeDefined();
  });

  it("waits for attempts that a provider may still answer", async () => {
    const image = await made("req_one");
    await deps.attempts.putIfAbsent(someAttempt({ imageId: image.imageId, number: 2, state: "unknown" }));
    await expect(erase(image.imageId)).rejects.toMatchObject({ name: "UsageError" });
  });

  it("says what a place did not let go", async () => {
    const image = await made("req_one");
    const stubborn = {
      ...deps,
      places: deps.places.map((place) => ({ ...place, blobs: { ...place.blobs, remove: async () => {} } })),
    };
    const erased = await eraseSubject(await findSubject(image.imageId, deps), stubborn);
    expect(erased.left).toHaveLength(6);
    expect(erased.left).toContainEqual(expect.stringMatching(/unlisted-content\.jpg in backup$/));
  });

  it("knows budgets, attestations and restraints for no subjects, and leaves who acted", async () => {
    for (const [subject, kind] of [
      ["budget:day", "limit-changed"],
      ["terms:sdxl", "attested"],
      ["caller:bob", "restrained"],
    ] as const) {
      await audited({ subject, kind, phase: "done", facts: {} }, deps);
      await expect(erase(subject)).rejects.toMatchObject({ name: "UnknownName" });
      expect(await deps.audit.ofSubject(subject)).toMatchObject([{ by: "alice" }]);
    }
  });

  it("takes the name of who asked from their requests and images, and from the lists by it; nobody else's", async () => {
    for (const name of ["carol", "dave"]) {
      const requestId = `req_${name}`;
      await deps.requests.putIfAbsent(someRequest({ requestId, source: "command", count: 1, askedBy: name }));
      const asked = {
        subject: requestId,
        kind: "asked",
        phase: "done",
        facts: { source: "command" },
      } as const;
      await audited(asked, { ...deps, actor: name });
      await made(requestId, 0, { askedBy: name }, name);
    }
    expect(await erase("carol")).toMatchObject({ left: [] });
    const page = { limit: 10 };
    const namesOf = async (name: string) => [
      (await deps.requests.get(`req_${name}`))?.askedBy,
      ...(await deps.images.ofRequest(`req_${name}`)).map(({ askedBy }) => askedBy),
    ];
    expect(await namesOf("carol")).toStrictEqual([ERASED_PERSON, ERASED_PERSON]);
    expect((await deps.requests.list({ askedBy: ["carol"] }, page)).items).toStrictEqual([]);
    expect((await deps.images.list({ visibleTo: "carol" }, page)).items).toStrictEqual([]);
    expect(await namesOf("dave")).toStrictEqual(["dave", "dave"]);
    expect((await deps.requests.list({ askedBy: ["dave"] }, page)).items).toHaveLength(1);
  });

  it("knows nobody of that name", async () => {
    await expect(findSubject("carol", deps)).rejects.toMatchObject({ name: "UnknownName" });
  });
});

it("exports what erasing would take", async () => {
  const image = await requested("req_mine", "command");
  const kinds: string[] = [];
  for await (const document of exportSubject(await findSubject("req_mine", deps), deps)) {
    kinds.push(String((document as { kind: string }).kind));
    if (kinds.at(-1) === "prompt") expect(document).toMatchObject({ imageId: image.imageId, prompt: WORDS });
  }
  expect(kinds).toEqual([
    "request",
    "image",
    "prompt",
    "attempt",
    ...Array(6).fill("file"),
    "audit",
    "audit",
  ]);
});

describe("the sweep", () => {
  it("takes what is due once, and tells of it beforehand", async () => {
    const due = await made("req_due", 0, { status: "rejected" });
    const later = await made("req_later", 0, { status: "rejected", finishedAtMs: NOW_MS - 29 * DAY_MS });
    const kept = await made("req_kept");
    const retention = { rejected: 30, completed: null };
    const expected = { images: [due.imageId], files: 6 };
    expect(await sweep(retention, deps, true)).toEqual(expected);
    expect(await filesLeft()).toHaveLength(18);
    expect(await sweep(retention, deps)).toEqual(expected);
    expect(await sweep(retention, deps)).toEqual({ images: [], files: 0 });
    for (const { imageId } of [later, kept]) expect(await deps.vault.get(imageId)).toBeDefined();
    expect(verifyChain(await deps.audit.chainOf(due.imageId)).problems).toEqual([]);
    // Who acted stays: nobody asked to be forgotten.
    expect((await deps.audit.ofSubject(due.imageId)).every(({ by }) => by === "alice")).toBe(true);
  });

  it("takes the others although one cannot be removed, and says which", async () => {
    const bad = await made("req_a", 0, { status: "rejected" });
    const good = await made("req_b", 0, { status: "rejected" });
    const ofImage = async (imageId: string) => {
      if (imageId === bad.imageId) throw new Error("unreadable");
      return deps.versions.ofImage(imageId);
    };
    const failing = { ...deps, versions: { ...deps.versions, ofImage } };
    await expect(sweep({ rejected: 30 }, failing)).rejects.toThrow(`${bad.imageId}: Error: unreadable`);
    expect(await sweep({ rejected: 30 }, deps, true)).toMatchObject({ images: [bad.imageId] });
    expect(await deps.vault.get(good.imageId)).toBeUndefined();
  });

  it("keeps what is sealed, and what is not settled", async () => {
    const sealed = { decision: "rejected", basis: "classifier", reason: "r", sealed: true } as const;
    await made("req_sealed", 0, { status: "rejected", verdict: verdictOf(sealed) });
    const open = await made("req_open", 0, { status: "rejected" });
    await deps.attempts.putIfAbsent(someAttempt({ imageId: open.imageId, number: 2, state: "unknown" }));
    expect(await sweep({ rejected: 0 }, deps)).toEqual({ images: [], files: 0 });
  });
});

function verdictOf(fields: Partial<NonNullable<Image["verdict"]>>): NonNullable<Image["verdict"]> {
  return verdictSchema.parse({ rating: null, ...fields });
}
