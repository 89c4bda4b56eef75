/**
 * @module What the product needs from outside, as types. `aws` and `local` implement these; every function of core takes
 * the few that it uses as an argument. Stores throw `StorageUnavailable` when they do not answer and `StorageFull`
 * when there is no space; a condition that does not hold is a value.
 */
import type { Attempt } from "./attempt.ts";
import type { AUDIT_KINDS, ChainedEntry, StoredChain } from "./audit-chain.ts";
import type { CategoryName, Rating } from "./catalogue.ts";
import type { AtelierEvent } from "./events.ts";
import type { Fingerprint, Image, ImageStatus, StoredOutput } from "./image.ts";
import type { CircuitCause, PacingAnswer, PacingRow, PacingTurn } from "./pacing-row.ts";
import type { OutputData } from "./provider.ts";
import type { ImageRequest, Occurrence, Part } from "./request.ts";

// ---------------------------------------------------------------------------------------------- records

/** One condition on the stored record; all conditions of a change must hold at once. */
export type Condition<T> = {
  [K in keyof T & string]:
    | { readonly field: K; readonly is: "absent" | "present" }
    | { readonly field: K; readonly is: "equals" | "differs" | "absent-or-equals"; readonly value: T[K] }
    | { readonly field: K; readonly is: "one-of"; readonly values: readonly T[K][] }
    | (T[K] extends number
        ? { readonly field: K; readonly is: "below" | "at-least"; readonly value: number }
        : never);
}[keyof T & string];

export interface Change<T> {
  /** Fields written. `null` is stored as null and counts as absent for conditions. */
  readonly set: Partial<T>;
  readonly when: readonly Condition<T>[];
}

export type Patched<T> =
  /** The record after the change. */
  | { readonly ok: true; readonly record: T }
  /** The condition failed: the record as it stands (read again, consistently), or undefined when there is none. */
  | { readonly ok: false; readonly record: T | undefined };

/**
 * Records of one kind under an id. All reads are consistent. Every write is one conditional call: there are no
 * transactions. A write whose answer is lost may be repeated by the store's client, so every caller makes its change
 * recognisable (a nonce, its own name) and looks at the record when a condition fails.
 */
export interface Records<T> {
  get(id: string): Promise<T | undefined>;
  /** True when written, false when a record of that id stands already (it is left alone). */
  putIfAbsent(record: T): Promise<boolean>;
  /** Never creates a record. */
  patch(id: string, change: Change<T>): Promise<Patched<T>>;
}

export interface Page<T> {
  readonly items: readonly T[];
  /** Opaque; null at the end. */
  readonly cursor: string | null;
}

export interface ImageFilter {
  readonly category?: CategoryName;
  readonly status?: ImageStatus;
  readonly tag?: string;
  /** Created at or after; milliseconds since 1970. */
  readonly sinceMs?: number;
  /** Created before. */
  readonly untilMs?: number;
  readonly rating?: Rating;
  /** 0 to 100: at least this quality. */
  readonly qualityAtLeast?: number;
  readonly template?: string;
  readonly requestId?: string;
  /**
   * All of these words stand in the template's name, the tags or the slot values; compared as `wordsOf` folds them. A text
   * without any word is a `UsageError`.
   */
  readonly text?: string;
  /** Only images that this caller asked for through the API, and the installation's own. */
  readonly visibleTo?: string;
}

export interface Images extends Records<Image> {
  /**
   * Newest first, and those of one request by their index, the last first. Any combination of filters; a full page (or the end)
   * comes back whatever they leave out, unless `readsMax` is given: then the page is cut once about so many calls were made to
   * the table. It may be empty then and still have a cursor.
   */
  list(
    filter: ImageFilter,
    page: { limit: number; cursor?: string; readsMax?: number },
  ): Promise<Page<Image>>;
  /** In order of `index`. */
  ofRequest(requestId: string): Promise<readonly Image[]>;
  /** Those of one part, in order of `index`; nothing else is read. */
  ofPart(requestId: string, part: number): Promise<readonly Image[]>;
  /** How many completed pictures a category has. */
  stock(category: CategoryName): Promise<number>;
  /**
   * Makes the image findable by what it is about to say: to be called before its tags, rating or quality change, so that it is
   * missing in no list. `putIfAbsent` does so by itself. Idempotent.
   *
   * @param before what it is found by already
   */
  index(image: Image, before?: Image): Promise<void>;
  /** Removes what `before` was found by and `after` is not; idempotent. */
  unindex(before: Image, after: Image): Promise<void>;
  /**
   * Makes some of the images findable that an earlier release made, the newest first; a later call goes on. Until all are, lists
   * are right and slow.
   *
   * @returns how many it looked at; 0 when all are
   */
  indexEarlier(limit: number): Promise<number>;
  /** Remembers the fingerprint for `similar`; idempotent. */
  indexFingerprint(image: Image, fingerprint: Fingerprint): Promise<void>;
  /** Forgets it, as that of a picture that was removed; idempotent. */
  removeFingerprint(image: Image): Promise<void>;
  /** Fingerprints of the newest pictures of the category, newest first, the image itself left out. */
  fingerprints(
    category: CategoryName,
    exceptImageId: string,
    limit: number,
  ): Promise<readonly { imageId: string; fingerprint: Fingerprint }[]>;
}

export interface Attempts extends Records<Attempt> {
  /** Attempts for which `isOpen` holds, oldest first. */
  open(page: { limit: number; cursor?: string }): Promise<Page<Attempt>>;
  ofImage(imageId: string): Promise<readonly Attempt[]>;
  /** Attempts at a provider that were created at or after a time, newest first. May lag behind by a second. */
  ofProvider(
    provider: string,
    sinceMs: number,
    page: { limit: number; cursor?: string },
  ): Promise<Page<Attempt>>;
  /** Claims an operation for an attempt: false when another attempt has it. True again for the same attempt. */
  claimOperation(provider: string, operation: string, attemptId: string): Promise<boolean>;
}

export interface Requests extends Records<ImageRequest> {
  /** Requests with parts that nobody has begun (`hasPartsToBegin`), oldest first. */
  open(page: { limit: number; cursor?: string }): Promise<Page<ImageRequest>>;
  /**
   * Those that one of these asked for (null: the installation itself), newest first; some milliseconds behind a write on AWS. Requests
   * of the first release are listed once they are indexed, as their images are.
   *
   * @throws AtelierError `UsageError` for a cursor of another list
   */
  list(
    filter: { readonly askedBy: readonly (string | null)[] },
    page: { limit: number; cursor?: string },
  ): Promise<Page<ImageRequest>>;
  readonly parts: Records<Part> & {
    /** Parts with `open: true`, oldest first. */
    open(page: { limit: number; cursor?: string }): Promise<Page<Part>>;
    ofRequest(requestId: string): Promise<readonly Part[]>;
  };
  readonly occurrences: Records<Occurrence>;
}

/** What a sealed text is and whom it is about; bound to the ciphertext, so that one cannot be put in another's place. */
export interface TextAbout {
  readonly purpose: "prompt" | "preferences" | "review-note";
  /** The id of an image, a request or a caller. */
  readonly subject: string;
}

/** Encrypts what people wrote, before it is stored anywhere. */
export interface TextVault {
  /**
   * @param rating of the picture, as far as it is known; left out: as if it were rated
   * @returns the ciphertext in Base64
   * @throws AtelierError `StorageUnavailable`, `ConfigurationInvalid`
   */
  seal(about: TextAbout, text: string, rating?: Rating): Promise<string>;
  /** @throws AtelierError as `seal`; `StorageUnavailable` for a text that was altered, is another's, or whose key is lost */
  open(about: TextAbout, sealed: string): Promise<string>;
  /** The same text under the newest key; null when it is under it already. @throws AtelierError as `open` */
  reseal(about: TextAbout, sealed: string): Promise<string | null>;
}

/** Prompt texts, in one place, encrypted. */
export interface PromptVault {
  /** @param rating as for `TextVault.seal` */
  put(imageId: string, prompt: PromptText, rating?: Rating): Promise<void>;
  /** What `putSealed` takes; nothing is stored. @param rating as for `TextVault.seal` */
  seal(imageId: string, prompt: PromptText, rating?: Rating): Promise<string>;
  /** As `put`. @param sealed of the same image */
  putSealed(imageId: string, sealed: string): Promise<void>;
  get(imageId: string): Promise<PromptText | undefined>;
  /** By id; those that have none are left out. Any number of ids. */
  getMany(imageIds: readonly string[]): Promise<ReadonlyMap<string, PromptText>>;
  /** True when there was one. */
  remove(imageId: string): Promise<boolean>;
  /** Encrypts anew what is not under the newest key, or not at all. True when that was the case. */
  renew(imageId: string): Promise<boolean>;
}
export interface PromptText {
  readonly prompt: string;
  readonly negativePrompt: string;
}

// ---------------------------------------------------------------------------------------------- files

export interface BlobHead {
  readonly key: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly contentType: string;
}
export interface Blobs {
  /** Keys are immutable: the same bytes again are a success. @throws `BlobConflict` for other bytes under the key */
  put(key: string, bytes: Uint8Array, contentType: string): Promise<BlobHead>;
  /** Verified against the checksum. @throws `StorageUnavailable` when the file is damaged */
  get(key: string): Promise<{ head: BlobHead; bytes: Uint8Array } | undefined>;
  head(key: string): Promise<BlobHead | undefined>;
  /** As `put`, without moving the bytes through us. @throws `StorageUnavailable` when the source is missing */
  copy(fromKey: string, toKey: string): Promise<BlobHead>;
  list(prefix: string): AsyncIterable<BlobHead>;
  /** Removes the file in every version and copy that the store keeps. A key that does not exist is a success. */
  remove(key: string): Promise<void>;
}

// ---------------------------------------------------------------------------------------------- fetching

/** Fetches what a provider delivered, through the safe-URL guard. */
export interface OutputFetcher {
  /**
   * @throws AtelierError `OutputUnavailable` (try again), `OutputExpired` (404, 410 or 403), `OutputUnsafe`, `OutputInvalid`
   * (too large, not a picture)
   */
  fetch(url: string, trustedOrigin: string | null): Promise<Extract<OutputData, { kind: "bytes" }>>;
}

// ---------------------------------------------------------------------------------------------- workflow

/** The answer to a task token: success carries nothing, everything is on the attempt. */
export type TokenAnswer =
  | { readonly ok: true }
  | { readonly ok: false; readonly error: string; readonly cause: string };

export interface Workflow {
  /** `exists` when an execution of that name was started before. */
  start(name: string, input: PlanInput): Promise<"started" | "exists">;
  describe(name: string): Promise<"running" | "ended" | "missing">;
  /** `gone`: timed out, used or unknown. `foreign`: another process's token; that process answers it. */
  answer(token: string, answer: TokenAnswer): Promise<"answered" | "gone" | "foreign">;
  /** Whether a submitter (see `Attempt.submitter`) can still be sending. */
  submitterAlive(submitter: string): Promise<boolean>;
}

export type PlanInput =
  | { readonly requestId: string; readonly part: number; readonly generation: number }
  /** As EventBridge Scheduler sends it. */
  | { readonly entry: string; readonly scheduledTime: string };

/** One item per provider account, changed by compare-and-set on `revision`. */
export interface PacingStore {
  read(provider: string): Promise<PacingRow | undefined>;
  /** False when the stored revision is not `row.revision - 1` (no item: 0). */
  write(row: PacingRow): Promise<boolean>;
}

/** Asked before a create and told after it. */
export interface Pacing {
  take(turn: PacingTurn): Promise<PacingAnswer>;
  /** The provider itself said "later". */
  restUntil(provider: string, untilMs: number): Promise<void>;
  /**
   * What became of a create, for the circuit breaker. `reached`: the provider answered, whatever it said. `fault`: no
   * connection, a time-out or a 5xx. The others:
   * the provider refuses the account, which trying again does not mend.
   */
  report(provider: string, attemptId: string, result: "reached" | CircuitCause): Promise<void>;
}

// ---------------------------------------------------------------------------------------------- the record of what happened

export interface AuditEntry {
  /** From `auditIdOf`: writing it again changes nothing. */
  readonly auditId: string;
  /** An image, a request, a budget scope. */
  readonly subject: string;
  readonly kind: (typeof AUDIT_KINDS)[number];
  readonly phase: "intended" | "done";
  readonly attemptId: string | null;
  readonly atMs: number;
  readonly by: string;
  /** Plain facts; never a prompt. */
  readonly facts: Readonly<Record<string, string | number | boolean | null>>;
}
export interface Audit {
  write(entry: AuditEntry): Promise<void>;
  /** Oldest first for a subject; newest first for everything. */
  ofSubject(subject: string): Promise<readonly AuditEntry[]>;
  list(page: { limit: number; cursor?: string }): Promise<Page<AuditEntry>>;
  /** A subject's entries with what proves them. */
  chainOf(subject: string): Promise<StoredChain>;
  /** The newest entry of every subject that has a chain, in order of the subjects. */
  heads(page: { limit: number; cursor?: string }): Promise<Page<ChainedEntry>>;
  /**
   * Takes out of a subject's entries who acted, and what was hashed of a person; the chain still holds. Entries of the first
   * release are not in a chain as single ones and stay as they are: `left` of them.
   *
   * @param by only the entries of whoever acted; left out: all
   */
  pseudonymise(
    subject: string,
    by?: string,
  ): Promise<{ readonly pseudonymised: number; readonly left: number }>;
}

/** Published after the record, at least once, with a stable id. */
export interface Events {
  publish(event: AtelierEvent): Promise<void>;
}

export type { StoredOutput };
