/**
 * @module What each function calls, and nothing else: data, from which functions.ts makes IAM statements and which the test
 * compares with the calls that the steps really make.
 */

export const ENTRY_NAMES = [
  "plan",
  "validate",
  "generate",
  "collect",
  "process",
  "record",
  "abandon",
  "reconcile",
  "webhook",
  "start",
  "reprocess",
  "notify",
  "api",
  "claims",
  "attest",
  "daily",
] as const;
export type EntryName = (typeof ENTRY_NAMES)[number];

export type TableCall =
  | "GetItem"
  | "PutItem"
  | "UpdateItem"
  | "DeleteItem"
  | "Query"
  | "BatchGetItem"
  | "BatchWriteItem";
export type TableIndex = "state" | "timeline";
export type Folder = "incoming" | "originals" | "content" | "quarantine";
export type WorkflowCall = "answer" | "start" | "describe";
/** GenerateDataKey encrypts a prompt, Decrypt reads one. */
export type PromptCall = "GenerateDataKey" | "Decrypt";
/** What a text that people wrote is, as the ciphertext's own context says. */
export type TextPurpose = "prompt" | "review-note";
export type SigningCall = "Sign" | "GetPublicKey";
export type RekognitionCall = "DetectModerationLabels" | "DetectFaces";
export type SecretName = "providerKeys" | "webhookSecrets" | "atelierKey" | "chatWebhook";

export interface Access {
  readonly table: readonly TableCall[];
  /** What it queries: `state` for lists of open work and counts of finished pictures, `timeline` for how providers did lately. */
  readonly indexes: readonly TableIndex[];
  readonly reads: readonly Folder[];
  readonly writes: readonly Folder[];
  /** Folders in which it asks whether something is there at all: S3 answers 403 instead of 404 to those who may not list. */
  readonly misses: readonly Folder[];
  /** Folders from which it removes files, in every version that the bucket keeps. */
  readonly removes: readonly Folder[];
  readonly workflow: readonly WorkflowCall[];
  /** Folders of the bucket of copies that it looks into, and from which it removes files in every version. */
  readonly copies: readonly Folder[];
  /** What it has the key for prompts do, and for which texts. */
  readonly prompts: readonly PromptCall[];
  readonly texts: readonly TextPurpose[];
  /** What it has the key for provenance do. */
  readonly signing: readonly SigningCall[];
  readonly rekognition: readonly RekognitionCall[];
  /** What it does to the bus that events are sent to. */
  readonly bus: readonly "PutEvents"[];
  readonly secrets: readonly SecretName[];
}

/** An image has files in all of them. */
const ALL_FOLDERS: readonly Folder[] = ["incoming", "originals", "content", "quarantine"];

const NOTHING: Access = {
  table: [],
  indexes: [],
  reads: [],
  writes: [],
  misses: [],
  removes: [],
  copies: [],
  workflow: [],
  prompts: [],
  texts: ["prompt"],
  signing: [],
  rekognition: [],
  bus: [],
  secrets: [],
};

export const ACCESS: Readonly<Record<EntryName, Access>> = {
  plan: {
    ...NOTHING,
    // What images are found by goes in batches.
    table: ["GetItem", "PutItem", "UpdateItem", "Query", "BatchWriteItem"],
    indexes: ["state"],
    prompts: ["GenerateDataKey", "Decrypt"],
    // The next part of a large request.
    workflow: ["start"],
    secrets: ["atelierKey"],
  },
  validate: {
    ...NOTHING,
    bus: ["PutEvents"],
    table: ["GetItem", "PutItem", "UpdateItem", "Query", "BatchGetItem", "BatchWriteItem"],
    indexes: ["timeline"],
    // Images of the first release have their prompts built here.
    prompts: ["GenerateDataKey", "Decrypt"],
    secrets: ["atelierKey"],
  },
  generate: {
    ...NOTHING,
    // The first entry in an image's audit looks for what stands there.
    table: ["GetItem", "PutItem", "UpdateItem", "Query"],
    prompts: ["Decrypt"],
    // A repeated put compares what stands there: reading goes with writing everywhere.
    reads: ["incoming"],
    writes: ["incoming"],
    workflow: ["answer"],
    secrets: ["providerKeys", "atelierKey"],
  },
  collect: {
    ...NOTHING,
    table: ["GetItem", "UpdateItem"],
    reads: ["incoming"],
    writes: ["incoming"],
    misses: ["incoming"],
    secrets: ["providerKeys"],
  },
  process: {
    ...NOTHING,
    table: ["GetItem", "Query"],
    reads: ["incoming", "content", "quarantine"],
    // Quarters of a grid are outputs of their own.
    writes: ["incoming", "content", "quarantine"],
    // Whether the version is committed already.
    misses: ["content", "quarantine"],
    // The public half is for the certificate that it makes itself where none was issued.
    signing: ["Sign", "GetPublicKey"],
    rekognition: ["DetectModerationLabels", "DetectFaces"],
    // Its key for pictures that were removed.
    secrets: ["atelierKey"],
  },
  record: {
    ...NOTHING,
    bus: ["PutEvents"],
    table: ["GetItem", "PutItem", "UpdateItem", "Query", "BatchWriteItem"],
    reads: ["incoming", "originals", "content", "quarantine"],
    writes: ["originals"],
  },
  abandon: { ...NOTHING, table: ["GetItem", "PutItem", "UpdateItem", "Query"], bus: ["PutEvents"] },
  reconcile: {
    ...NOTHING,
    bus: ["PutEvents"],
    // Makes images of earlier releases findable, which goes in batches.
    table: ["GetItem", "PutItem", "UpdateItem", "Query", "BatchGetItem", "BatchWriteItem"],
    indexes: ["state", "timeline"],
    reads: ["incoming"],
    writes: ["incoming"],
    // Whether a picture was kept by a run that died before it could note it.
    misses: ["incoming"],
    workflow: ["answer", "start", "describe"],
    secrets: ["providerKeys"],
  },
  webhook: {
    ...NOTHING,
    table: ["GetItem", "PutItem", "UpdateItem"],
    reads: ["incoming"],
    writes: ["incoming"],
    workflow: ["answer"],
    secrets: ["webhookSecrets", "atelierKey"],
  },
  start: {
    ...NOTHING,
    table: ["GetItem", "PutItem", "Query"],
    prompts: ["GenerateDataKey"],
    workflow: ["start"],
    // For the hash of a prompt that is refused.
    secrets: ["atelierKey"],
  },
  reprocess: {
    ...NOTHING,
    table: ["GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "BatchGetItem", "BatchWriteItem"],
    indexes: ["state"],
    // Reviewers let pictures out of quarantine, put them back, and remove them: what was left of that is done here.
    reads: ALL_FOLDERS,
    writes: ["originals", "content", "quarantine"],
    misses: ALL_FOLDERS,
    // What a killed call left, and what was made of a picture that went meanwhile.
    removes: ALL_FOLDERS,
    signing: ["Sign", "GetPublicKey"],
    bus: ["PutEvents"],
    // Its key for pictures that were removed.
    secrets: ["atelierKey"],
  },
  // It is deployed where a chat is to be told of alarms.
  notify: { ...NOTHING, secrets: ["chatWebhook"] },
  api: {
    ...NOTHING,
    table: ["GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "BatchGetItem", "BatchWriteItem"],
    indexes: ["state", "timeline"],
    // It hands out addresses of what it may read itself; what reviewers decide it copies and removes, and what was paid for
    // when a request is cancelled it keeps.
    reads: ALL_FOLDERS,
    writes: ALL_FOLDERS,
    misses: ALL_FOLDERS,
    removes: ALL_FOLDERS,
    copies: ["originals", "content"],
    workflow: ["start"],
    prompts: ["GenerateDataKey", "Decrypt"],
    texts: ["prompt", "review-note"],
    bus: ["PutEvents"],
    // Jobs of a cancelled request are stopped at their provider.
    secrets: ["providerKeys", "atelierKey"],
  },
  claims: { ...NOTHING, table: ["GetItem"] },
  // The first entry of an audit looks for what stands there.
  attest: { ...NOTHING, table: ["GetItem", "PutItem", "DeleteItem", "Query"] },
  daily: {
    ...NOTHING,
    table: ["GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "BatchGetItem", "BatchWriteItem"],
    indexes: ["state"],
    reads: ALL_FOLDERS,
    misses: ALL_FOLDERS,
    removes: ALL_FOLDERS,
    copies: ["originals", "content"],
    bus: ["PutEvents"],
  },
};
