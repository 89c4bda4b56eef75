/**
 * @module What is kept about a subject, and its removal: records, texts, files in every place, and the persons in the audit. Files
 * are found by the folders of an image and not by its manifest, which may list fewer than were written.
 */
import { isOpen } from "./attempt.ts";
import { type AuditDeps, audited } from "./audit.ts";
import { verifyChain } from "./audit-chain.ts";
import { AtelierError } from "./errors.ts";
import { type Image, isTerminal, TERMINAL_STATUSES } from "./image.ts";
import { imageFolder } from "./manifest.ts";
import type { Attempts, Audit, BlobHead, Blobs, Images, PromptVault, Requests } from "./ports.ts";
import { forgetWhoAsked, namelessFor, names } from "./privacy-person.ts";
import { idsOf, type Subject } from "./privacy-subject.ts";
import type { ImageRequest } from "./request.ts";
import { isDue, type Retention, retainedStatuses } from "./retention.ts";
import type { Reviews } from "./review.ts";
import { startTurns } from "./turns.ts";
import { removeVersions, type Versions } from "./version.ts";

/** Somewhere that files are kept: the folder itself, its backup. */
export interface Place {
  readonly name: string;
  readonly blobs: Pick<Blobs, "list" | "remove">;
}

export interface PrivacyDeps extends AuditDeps {
  readonly images: Images;
  readonly attempts: Attempts;
  readonly requests: Requests;
  readonly vault: Pick<PromptVault, "get" | "remove">;
  readonly audit: Audit;
  readonly places: readonly Place[];
  readonly reviews: Pick<Reviews, "get" | "patch">;
  readonly versions: Versions;
  /** Removes what else shows the picture, such as an overview of several; idempotent. */
  readonly removeOverviews: (imageId: string) => Promise<void>;
}

export interface StoredFile extends BlobHead {
  readonly place: string;
}

export interface Erasure {
  readonly subject: string;
  readonly images: readonly string[];
  readonly prompts: number;
  readonly files: readonly StoredFile[];
  readonly auditEntries: number;
  /** Where was looked for files: a backup that is not set is not among them. */
  readonly places: readonly string[];
  /** What is there all the same, in words; empty when a second look found nothing. */
  readonly left: readonly string[];
}

const PAGE = 100;

/** Everything that is kept, one document each; files by place, key, size and checksum. */
export async function* exportSubject(subject: Subject, deps: PrivacyDeps): AsyncGenerator<object> {
  for (const { sealedPrompt, ...request } of subject.requests) yield { kind: "request", ...request };
  for (const image of subject.images) {
    yield { kind: "image", ...image };
    const prompt = await deps.vault.get(image.imageId);
    if (prompt) yield { kind: "prompt", imageId: image.imageId, ...prompt };
    for (const attempt of await deps.attempts.ofImage(image.imageId)) yield { kind: "attempt", ...attempt };
    const review = await deps.reviews.get(image.imageId);
    if (review) yield { kind: "review", ...review };
    for (const version of await deps.versions.ofImage(image.imageId)) yield { kind: "version", ...version };
    for (const file of await filesOf(image, deps.places)) yield { kind: "file", ...file };
  }
  for (const audited of subject.audited) {
    for (const entry of await deps.audit.ofSubject(audited)) {
      if (subject.person === null || entry.by === subject.person || isOf(subject.images, audited)) {
        yield { ...entry, kind: "audit", action: entry.kind };
      }
    }
  }
}

/**
 * Removes it everywhere and looks again. It may be repeated: a run that was killed is carried on by the next.
 *
 * @throws AtelierError `UsageError` while an image of it is not at its end or may still be charged; nothing is removed then
 */
export async function eraseSubject(subject: Subject, deps: PrivacyDeps): Promise<Erasure> {
  for (const request of subject.requests) checkPlanned(request, subject.images);
  for (const image of subject.images) await checkErasable(image, deps);
  const actor = subject.person === null ? deps.actor : "the person concerned";
  const told = { ...deps, actor };
  const files: StoredFile[] = [];
  let prompts = 0;
  for (const image of subject.images) {
    const removed = await eraseImage(image, "on request", told, subject.person);
    files.push(...removed.files);
    prompts += removed.prompts;
  }
  for (const request of subject.requests) if (await forgetSealedPrompt(request, deps)) prompts++;
  // Before the audit, by which they are found: whoever is killed in between finds them again.
  for (const { requestId } of subject.requests) {
    await forgetWhoAsked(requestId, subject.person, deps.requests);
  }
  let auditEntries = 0;
  const left: string[] = [];
  for (const audited of subject.audited) {
    const by = subject.person !== null && !isOf(subject.images, audited) ? subject.person : undefined;
    const done = await deps.audit.pseudonymise(audited, by);
    auditEntries += done.pseudonymised;
    if (done.left > 0) left.push(`${done.left} entries of the first release in the audit of ${audited}`);
  }
  return {
    subject: subject.subject,
    images: idsOf(subject.images),
    prompts,
    files,
    auditEntries,
    places: deps.places.map(({ name }) => name),
    left: [...left, ...(await whatIsLeft(subject, deps))],
  };
}

/**
 * What is due by now: files, texts and details go, the record that it was there and what it cost stays.
 *
 * @throws AtelierError what failed, when each image has had its turn
 */
export async function sweep(
  retention: Retention,
  deps: PrivacyDeps,
  isTrial = false,
): Promise<{ readonly images: readonly string[]; readonly files: number }> {
  const images: string[] = [];
  let files = 0;
  const turns = startTurns();
  for (const status of retainedStatuses(retention)) {
    for await (const image of imagesIn(status, deps.images)) {
      if (isSealed(image) || !isDue(image, retention, deps.clock())) continue;
      await turns.give(image.imageId, async () => {
        if (await isUnsettled(image, deps)) return;
        files += isTrial
          ? (await filesOf(image, deps.places)).length
          : (await eraseImage(image, "retention", deps)).files.length;
        images.push(image.imageId);
      });
    }
  }
  turns.end();
  return { images, files };
}

/** The files of an image in every place, listed in its manifest or not. */
export async function filesOf(image: Image, places: readonly Place[]): Promise<StoredFile[]> {
  const files: StoredFile[] = [];
  for (const { name, blobs } of places) {
    for (const folder of foldersOf(image)) {
      for await (const head of blobs.list(folder)) files.push({ place: name, ...head });
    }
  }
  return files;
}

function foldersOf(image: Image): string[] {
  const shelves = ["originals", "content", "quarantine"] as const;
  return [`incoming/${image.imageId}/`, ...shelves.map((shelf) => imageFolder(shelf, image))];
}

/** What an image was found by and says no more; what remains are the books'. */
const UNSAID = { slots: {}, words: [], tags: [] };

/**
 * Files first: as long as one is left, the record still says where to look.
 *
 * @param person goes from the record, too, where they asked for it
 */
async function eraseImage(
  image: Image,
  reason: "on request" | "retention",
  deps: PrivacyDeps,
  person: string | null = null,
): Promise<{ files: StoredFile[]; prompts: number }> {
  const { imageId } = image;
  const unsaid = { ...UNSAID, ...namelessFor(person, image) };
  await forgetVersions(imageId, deps);
  const files = await filesOf(image, deps.places);
  const facts = { reason, files: files.length };
  const entry = { subject: imageId, kind: "erased", facts, occasion: reason } as const;
  await audited({ ...entry, phase: "intended" }, deps);
  await removeFiles(files, deps.places);
  await deps.removeOverviews(imageId);
  const hadPrompt = await deps.vault.remove(imageId);
  await deps.images.unindex(image, { ...image, ...unsaid });
  await deps.images.removeFingerprint(image);
  await forgetReviewers(imageId, deps.reviews);
  for (const attempt of await deps.attempts.ofImage(imageId)) {
    const { outcome } = attempt;
    await deps.attempts.patch(attempt.attemptId, {
      set: {
        stored: [],
        webhookUrl: null,
        // What it cost, and whether it succeeded, is the books'; what was said and where it lay is not.
        ...(outcome && {
          outcome:
            outcome.kind === "failed"
              ? { ...outcome, message: "" }
              : { ...outcome, outputs: [{ kind: "url", url: "" }] },
        }),
      },
      when: [],
    });
  }
  await deps.images.patch(imageId, {
    set: {
      ...unsaid,
      promptHash: null,
      fingerprint: null,
      duplicateOf: null,
      manifestKey: null,
      renditions: [],
      originals: [],
      warnings: [],
      exclusions: [],
      failure: image.failure && { ...image.failure, message: "" },
      erasedAtMs: deps.clock(),
    },
    when: [{ field: "status", is: "one-of", values: TERMINAL_STATUSES }],
  });
  // A version that somebody asked for just before the record said that nothing is to be made any more.
  if (await forgetVersions(imageId, deps)) await removeFiles(await filesOf(image, deps.places), deps.places);
  await audited({ ...entry, phase: "done" }, deps);
  return { files, prompts: hadPrompt ? 1 : 0 };
}

async function removeFiles(files: readonly StoredFile[], places: readonly Place[]): Promise<void> {
  for (const { place, key } of files) await places.find(({ name }) => name === place)?.blobs.remove(key);
}

/** True when there was one. Their files lie in the image's folders. */
async function forgetVersions(
  imageId: string,
  { versions }: Pick<PrivacyDeps, "versions">,
): Promise<boolean> {
  const gone = await versions.ofImage(imageId);
  await removeVersions(gone, async () => {}, { versions });
  return gone.length > 0;
}

/** What was decided stays, who did and why goes. */
async function forgetReviewers(imageId: string, reviews: PrivacyDeps["reviews"]): Promise<void> {
  for (let review = await reviews.get(imageId); review; ) {
    const { revision } = review;
    const decided = review.decided.map((decision) => ({ ...decision, votes: [] }));
    const patched = await reviews.patch(imageId, {
      set: { revision: revision + 1, votes: [], decided },
      when: [{ field: "revision", is: "equals", value: revision }],
    });
    review = patched.ok ? undefined : patched.record;
  }
}

/** A picture that is planned later would bring back what is removed now. */
function checkPlanned({ requestId, count, cancelledAtMs }: ImageRequest, images: readonly Image[]): void {
  const missing = count - images.filter((image) => image.requestId === requestId).length;
  if (cancelledAtMs !== null || missing <= 0) return;
  const what = missing === 1 ? "1 picture that is" : `${missing} pictures that are`;
  throw new AtelierError("UsageError", `${requestId} has ${what} not planned yet; cancel it first.`);
}

/** The text of a request that was cancelled before it was planned. True when there was one. */
async function forgetSealedPrompt(
  { requestId }: ImageRequest,
  { requests }: Pick<PrivacyDeps, "requests">,
): Promise<boolean> {
  const patched = await requests.patch(requestId, {
    set: { sealedPrompt: null },
    when: [{ field: "sealedPrompt", is: "present" }],
  });
  return patched.ok;
}

async function checkErasable(image: Image, deps: PrivacyDeps): Promise<void> {
  if (isSealed(image)) {
    throw new AtelierError(
      "UsageError",
      `${image.imageId} is sealed, and kept for whoever must look into it; decide about it with \`atelier review\` first.`,
    );
  }
  if (!(await isUnsettled(image, deps))) return;
  throw new AtelierError(
    "UsageError",
    `${image.imageId} is ${image.status} and not settled yet; cancel it with \`atelier cancel ${image.imageId}\` and settle it with \`atelier resume\` first.`,
  );
}

/** A suspected minor; once a reviewer has removed it, there is nothing left to look into. */
function isSealed({ status, verdict }: Image): boolean {
  const isRemoved = status === "rejected" && verdict?.basis === "review";
  return verdict?.sealed === true && !isRemoved;
}

/** A late answer of its provider would bring files of it back. */
async function isUnsettled(image: Image, deps: PrivacyDeps): Promise<boolean> {
  return !isTerminal(image.status) || (await deps.attempts.ofImage(image.imageId)).some(isOpen);
}

/** The second look: reads what should be gone. */
async function whatIsLeft(subject: Subject, deps: PrivacyDeps): Promise<string[]> {
  const left: string[] = [];
  for (const image of subject.images) {
    for (const { place, key } of await filesOf(image, deps.places)) left.push(`${key} in ${place}`);
    if (await deps.vault.get(image.imageId)) left.push(`the prompt of ${image.imageId}`);
    const record = await deps.images.get(image.imageId);
    if (record?.erasedAtMs === undefined) left.push(`the details of ${image.imageId}`);
    if (names(subject.person, record)) left.push(`who asked for ${image.imageId}`);
    for (const { version } of await deps.versions.ofImage(image.imageId)) {
      left.push(`version ${version} of ${image.imageId}, which is being made`);
    }
  }
  for (const { requestId } of subject.requests) {
    const request = await deps.requests.get(requestId);
    if (request?.sealedPrompt != null) left.push(`the prompt of ${requestId}`);
    if (names(subject.person, request)) left.push(`who asked for ${requestId}`);
  }
  for (const audited of subject.audited) {
    const chain = await deps.audit.chainOf(audited);
    for (const problem of verifyChain(chain).problems) left.push(`the audit of ${audited}: ${problem}`);
    const named = [...chain.unchained, ...chain.chained].filter(
      ({ by, facts }) => by === subject.person || (subject.person === null && "promptHash" in facts),
    );
    if (named.length > 0) left.push(`${named.length} entries in the audit of ${audited}`);
  }
  return left;
}

async function* imagesIn(status: Image["status"], images: Images): AsyncGenerator<Image> {
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const page = await images.list({ status }, { limit: PAGE, ...(cursor !== undefined && { cursor }) });
    yield* page.items;
    cursor = page.cursor;
  }
}

function isOf(images: readonly Image[], imageId: string): boolean {
  return images.some((image) => image.imageId === imageId);
}
