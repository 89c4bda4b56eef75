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
  /** What it has the key for prompts do. */
  readonly prompts: readonly PromptCall[];
  /** What it has the key for provenance do. */
  readonly signing: readonly SigningCall[];
  readonly rekognition: readonly RekognitionCall[];
  /** What it does to the bus that events are sent to. */
  readonly bus: readonly "PutEvents"[];
  readonly secrets: readonly SecretName[];
}

const NOTHING: Access = {
  table: [],
  indexes: [],
  reads: [],
  writes: [],
  misses: [],
  removes: [],
  workflow: [],
  prompts: [],
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
    table: ["GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query"],
    indexes: ["state"],
    reads: ["originals", "incoming", "content"],
    writes: ["content"],
    misses: ["originals", "incoming", "content"],
    // What a killed call left, and what was made of a picture that went meanwhile.
    removes: ["content"],
    signing: ["Sign", "GetPublicKey"],
  },
  // It is deployed where a chat is to be told of alarms.
  notify: { ...NOTHING, secrets: ["chatWebhook"] },
};
