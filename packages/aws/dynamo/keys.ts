/**
 * @module Every key and index of the one table, in one place.
 *
 * | item            | pk                         | sk                      | found by                                          |
 * |-----------------|----------------------------|-------------------------|---------------------------------------------------|
 * | image           | IMAGES#img_{request}       | IMAGE#{index}           | id; its request (query); timeline; state          |
 * | attempt         | IMAGES#img_{request}       | ATTEMPT#{index}#{n}     | id; its image (query); state while open           |
 * | prompt          | IMAGES#img_{request}       | PROMPT#{index}          | image id                                          |
 * | review          | IMAGES#img_{request}       | REVIEW#{index}          | image id; state while a decision is carried out   |
 * | version         | IMAGES#img_{request}       | VERSION#{index}#{recipe} | image and recipe; its image (query); state while unfinished |
 * | image term      | TERM#{category}#{term}     | {position}              | images that say so, newest first (query)          |
 * | tag entry       | TAG#{tag}                  | {position}              | of earlier releases; removed when indexed anew    |
 * | terms written   | IMAGE-TERMS                | IMAGE-TERMS             | how far images of earlier releases are indexed    |
 * | requests listed | REQUEST-LISTS              | REQUEST-LISTS           | how far requests of earlier releases are listed   |
 * | fingerprint     | FINGERPRINT#{category}     | {position}              | newest fingerprints of a category (query)         |
 * | operation       | OP#{provider}#{operation}  | OP                      | claim of a provider's job, put-if-absent          |
 * | request         | REQUEST#{requestId}        | REQUEST                 | id; timeline; state while parts of it are to be begun |
 * | part            | REQUEST#{requestId}        | PART#{k}                | id; its request (query); state while open         |
 * | occurrence      | OCCURRENCE#{occurrenceId}  | OCCURRENCE              | id                                                |
 * | ledger          | LEDGER#{account}           | {yyyy-mm}               | account and month                                 |
 * | audit entry     | AUDIT#{subject}            | ENTRY#{auditId}         | its subject (query); timeline                     |
 * | audit head      | AUDIT#{subject}            | CHAIN                   | its subject; timeline (one entry per subject)     |
 * | event           | EVENTS#{yyyy-mm-dd, UTC}   | {position}              | a day's events, oldest first (query)              |
 * | pacing          | PACING#{provider}          | PACING                  | provider                                          |
 * | blocked picture | BLOCKED-PICTURES           | {image id}              | all of them (query)                               |
 * | terms attested  | ATTESTATIONS#terms         | {provider}#{rating}     | all of them (query)                               |
 * | age attested    | ATTESTATIONS#age           | {viewer}                | viewer; all of them (query)                       |
 * | caller          | CALLERS                    | {caller}                | caller; all of them (query)                       |
 * | rate            | RATE#{caller}              | {minute since 1970}     | caller and minute; gone an hour later             |
 * | execution       | EXECUTION#{name}           | EXECUTION               | name; state while running                         |
 * | process lease   | PROCESS#{processId}        | LEASE                   | process id                                        |
 *
 * | index    | hash (`index...`)                            | range (`index...At`)          | answers                     |
 * |----------|----------------------------------------------|-------------------------------|-----------------------------|
 * | timeline | `IMAGE#{category}`, `AUDIT`, `AUDIT#heads`   | {position}                    | category, date, all; audit  |
 * |          | `REQUEST#by:{asker, or nobody}`              | {position}                    | requests of a caller        |
 * | state    | `IMAGE#open`, `IMAGE#{status}` of those ended | {category}#{position}        | status, with category or not|
 * |          | `ATTEMPT#open` `PART#open` `REQUEST#open` ... | {position}                    | open work, oldest first     |
 *
 * A position is `{milliseconds, 15 digits}#{id}`: sorts by time and says which item it is. Lists over several hashes
 * (all images: five categories) are merged by position.
 *
 * Costs. Everything of a request stands in one partition, so "its images" and "an image's attempts" are consistent
 * queries without an index. Image terms and fingerprints hardly change, so they are items in the order that they are
 * read in: one write each, where an index would take a second one. Indexes are KEYS_ONLY: a patch costs an index
 * write only when its key changes (an image's end: 2, openness: 1), whereas ALL would repeat every patch of an image in both
 * indexes; lists read the records by BatchGet, consistently, so that a filter never sees an old copy.
 *
 * Index attributes are apart from the records' own fields because those may be null, which no index key may be.
 */
import { imageIdOf, imageIdOfAttempt } from "@atelier/core/ids";
import { type ImageStatus, isTerminal } from "@atelier/core/image";
import { PART_IMAGES_MAX } from "@atelier/core/request";

export interface Key {
  readonly pk: string;
  readonly sk: string;
}

/** Attribute names of the keys; the indexes are named without the prefix. */
export const INDEXES = {
  timeline: { hash: "indexTimeline", range: "indexTimelineAt" },
  state: { hash: "indexState", range: "indexStateAt" },
} as const;
export type IndexName = keyof typeof INDEXES;

// ---------------------------------------------------------------------------------------------- items

export function imageKey(imageId: string): Key {
  const { request, index } = imageIdPieces(imageId);
  return { pk: `IMAGES#${request}`, sk: `IMAGE#${index}` };
}

/** The partition that holds the images of a request, and the prefix of their sort keys. */
export function imagesOfRequest(requestId: string): { pk: string; prefix: string } {
  return { pk: imageKey(imageIdOf(requestId, 0)).pk, prefix: "IMAGE#" };
}

/** The images of one part stand side by side, because indexes have five digits. */
export function imagesOfPart(requestId: string, part: number): { hash: string; first: string; last: string } {
  const first = imageKey(imageIdOf(requestId, part * PART_IMAGES_MAX));
  const last = imageKey(imageIdOf(requestId, (part + 1) * PART_IMAGES_MAX - 1));
  return { hash: first.pk, first: first.sk, last: last.sk };
}

export function attemptKey(attemptId: string): Key {
  const imageId = imageIdOfAttempt(attemptId);
  const number = attemptId.slice(imageId.length + 1);
  const { pk, prefix } = attemptsOfImage(imageId);
  return { pk, sk: prefix + number.padStart(4, "0") };
}

export function attemptsOfImage(imageId: string): { pk: string; prefix: string } {
  const { request, index } = imageIdPieces(imageId);
  return { pk: `IMAGES#${request}`, prefix: `ATTEMPT#${index}#` };
}

export function promptKey(imageId: string): Key {
  const { request, index } = imageIdPieces(imageId);
  return { pk: `IMAGES#${request}`, sk: `PROMPT#${index}` };
}

export function reviewKey(imageId: string): Key {
  const { request, index } = imageIdPieces(imageId);
  return { pk: `IMAGES#${request}`, sk: `REVIEW#${index}` };
}

/** @param versionId `{imageId}~{recipe's name}` */
export function versionKey(versionId: string): Key {
  const cut = versionId.indexOf("~");
  const { pk, prefix } = versionsOfImage(versionId.slice(0, cut));
  return { pk, sk: prefix + versionId.slice(cut + 1) };
}

export function versionsOfImage(imageId: string): { pk: string; prefix: string } {
  const { request, index } = imageIdPieces(imageId);
  return { pk: `IMAGES#${request}`, prefix: `VERSION#${index}#` };
}

/** One partition each: they are read all together, and are few. */
export const BLOCKED_PICTURES = "BLOCKED-PICTURES";
export const TERMS_ATTESTED = "ATTESTATIONS#terms";
export const AGES_ATTESTED = "ATTESTATIONS#age";
export const CALLERS = "CALLERS";

/** How far the images of earlier releases have entries by terms. */
export const TERMS_WRITTEN: Key = { pk: "IMAGE-TERMS", sk: "IMAGE-TERMS" };

/** How far the requests of earlier releases are in the lists of those who asked for them. */
export const REQUESTS_LISTED: Key = { pk: "REQUEST-LISTS", sk: "REQUEST-LISTS" };

/** By category as well, so that a combination with a category that has none of them is one empty query. */
export function imageTerm(category: string, term: string): string {
  return `TERM#${category}#${term}`;
}

/** Of earlier releases. */
export function tagPartition(tag: string): string {
  return `TAG#${tag}`;
}

export function fingerprintPartition(category: string): string {
  return `FINGERPRINT#${category}`;
}

export function operationKey(provider: string, operation: string): Key {
  return { pk: `OP#${provider}#${operation}`, sk: "OP" };
}

export function requestKey(requestId: string): Key {
  return { pk: `REQUEST#${requestId}`, sk: "REQUEST" };
}

/** @param partId `{requestId}.{k}` */
export function partKey(partId: string): Key {
  const dot = partId.lastIndexOf(".");
  const { pk, prefix } = partsOfRequest(partId.slice(0, dot));
  return { pk, sk: prefix + partId.slice(dot + 1).padStart(5, "0") };
}

export function partsOfRequest(requestId: string): { pk: string; prefix: string } {
  return { pk: requestKey(requestId).pk, prefix: "PART#" };
}

export function occurrenceKey(occurrenceId: string): Key {
  return { pk: `OCCURRENCE#${occurrenceId}`, sk: "OCCURRENCE" };
}

export function ledgerKey(account: string, month: string): Key {
  return { pk: `LEDGER#${account}`, sk: month };
}

export function auditKey(subject: string, auditId: string): Key {
  const { pk, prefix } = auditOfSubject(subject);
  return { pk, sk: prefix + auditId };
}

export function auditOfSubject(subject: string): { pk: string; prefix: string } {
  return { pk: `AUDIT#${subject}`, prefix: "ENTRY#" };
}

/** Before the entries in the order of sort keys, and not under their prefix. */
export function auditHeadKey(subject: string): Key {
  return { pk: auditOfSubject(subject).pk, sk: "CHAIN" };
}

export function eventKey(event: { readonly id: string; readonly atMs: number }): Key {
  const day = new Date(event.atMs).toISOString().slice(0, 10);
  return { pk: `EVENTS#${day}`, sk: positionOf(event.atMs, event.id) };
}

export function pacingKey(provider: string): Key {
  return { pk: `PACING#${provider}`, sk: "PACING" };
}

export function rateKey(caller: string, minute: number): Key {
  return { pk: `RATE#${caller}`, sk: String(minute) };
}

export function executionKey(name: string): Key {
  return { pk: `EXECUTION#${name}`, sk: "EXECUTION" };
}

// ---------------------------------------------------------------------------------------------- index keys

export const AUDIT_TIMELINE = "AUDIT";
export const AUDIT_HEADS = "AUDIT#heads";
export const OPEN_ATTEMPTS = "ATTEMPT#open";
export const OPEN_REQUESTS = "REQUEST#open";
export const OPEN_PARTS = "PART#open";
export const OPEN_EXECUTIONS = "EXECUTION#open";
export const OPEN_REVIEWS = "REVIEW#open";
export const OPEN_VERSIONS = "VERSION#open";

/** All attempts at a provider, by when they were created. */
export function attemptTimeline(provider: string): string {
  return `ATTEMPT#${provider}`;
}

/** @param askedBy null: the installation itself */
export function requestTimeline(askedBy: string | null): string {
  return `REQUEST#by:${askedBy ?? ""}`;
}

export function imageTimeline(category: string): string {
  return `IMAGE#${category}`;
}

/** All images on their way stand under one hash: their status changes several times, and each change of a key is two writes. */
export function imageState(status: ImageStatus): string {
  return `IMAGE#${isTerminal(status) ? status : "open"}`;
}

/** Sorts by time, then by id. */
export function positionOf(atMs: number, id: string): string {
  return `${String(atMs).padStart(15, "0")}#${id}`;
}

export function idOfPosition(position: string): string {
  return position.slice(position.indexOf("#") + 1);
}

/** Positions from a time on, and before another. `~` sorts after every digit. */
export function positionsSince(sinceMs: number, untilMs?: number): { first: string; last: string } {
  const bound = (atMs: number) => String(Math.max(0, Math.ceil(atMs))).padStart(15, "0");
  return { first: bound(sinceMs), last: untilMs === undefined ? "~" : bound(untilMs) };
}

/** What stands before the position in the range of image states. */
export function statePrefix(category: string): string {
  return `${category}#`;
}

// ---------------------------------------------------------------------------------------------- pieces

/** `img_{request}_{index}`; an id of another form gets keys of its own, where nothing stands. */
function imageIdPieces(imageId: string): { request: string; index: string } {
  const cut = imageId.lastIndexOf("_");
  return cut < 0
    ? { request: imageId, index: "" }
    : { request: imageId.slice(0, cut), index: imageId.slice(cut + 1) };
}
