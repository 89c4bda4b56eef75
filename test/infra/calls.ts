/**
 * @module What each function calls on AWS: the action that IAM asks for and what on. calls.test.ts derives it from the steps
 * at work, infra.test.ts compares it with what the evaluated policies grant.
 */
import type { EntryName } from "../../stacks/access.ts";

const records = (...calls: string[]) => calls.map((call) => `dynamodb:${call} records`);
/** Sends events to the bus. */
const TELLS = "events:PutEvents bus";
const answers = ["states:SendTaskFailure machine", "states:SendTaskSuccess machine"];
const reads = (...folders: string[]) => folders.map((folder) => `s3:GetObject ${folder}/*`);
const writes = (...folders: string[]) => folders.map((folder) => `s3:PutObject ${folder}/*`);
/** Asked for by S3 when it is to say that there is nothing. */
const misses = (...folders: string[]) => folders.map((folder) => `s3:ListBucket ${folder}/*`);

/** In every version. */
const removes = (...folders: string[]) =>
  ["s3:DeleteObject", "s3:DeleteObjectVersion", "s3:ListBucketVersions"].flatMap((call) =>
    folders.map((folder) => `${call} ${folder}/*`),
  );
const FOLDERS = ["content", "incoming", "originals", "quarantine"];
/** The bucket of copies holds two folders; whether it holds more is asked as well. */
const COPIES = [
  ...reads("copies/content", "copies/originals"),
  ...misses(...FOLDERS.map((folder) => `copies/${folder}`)),
  ...removes("copies/content", "copies/originals"),
];
const ALL_RECORDS = [
  ...records("BatchGetItem", "BatchWriteItem", "DeleteItem", "GetItem", "PutItem", "Query", "UpdateItem"),
];

export const CALLS: Readonly<Record<EntryName, readonly string[]>> = {
  plan: [
    ...records("BatchWriteItem", "GetItem", "PutItem", "Query", "UpdateItem"),
    "dynamodb:Query records/index/state",
    "kms:Decrypt prompts",
    "kms:GenerateDataKey prompts",
    "states:StartExecution machine",
  ],
  validate: [
    ...records("BatchGetItem", "BatchWriteItem", "GetItem", "PutItem", "Query", "UpdateItem"),
    "dynamodb:Query records/index/timeline",
    "kms:Decrypt prompts",
    "kms:GenerateDataKey prompts",
    TELLS,
  ],
  generate: [
    ...records("GetItem", "PutItem", "Query", "UpdateItem"),
    "kms:Decrypt prompts",
    ...reads("incoming"),
    ...writes("incoming"),
    ...answers,
  ],
  collect: [
    ...records("GetItem", "UpdateItem"),
    ...reads("incoming"),
    ...misses("incoming"),
    ...writes("incoming"),
  ],
  process: [
    ...records("GetItem", "Query"),
    ...reads("content", "incoming", "quarantine"),
    ...misses("content", "quarantine"),
    ...writes("content", "incoming", "quarantine"),
    "kms:GetPublicKey provenance",
    "kms:Sign provenance",
    "rekognition:DetectFaces *",
    "rekognition:DetectModerationLabels *",
  ],
  record: [
    ...records("BatchWriteItem", "GetItem", "PutItem", "Query", "UpdateItem"),
    ...reads("content", "incoming", "originals", "quarantine"),
    ...writes("originals"),
    TELLS,
  ],
  abandon: [...records("GetItem", "PutItem", "Query", "UpdateItem"), TELLS],
  reconcile: [
    ...records("BatchGetItem", "BatchWriteItem", "GetItem", "PutItem", "Query", "UpdateItem"),
    "dynamodb:Query records/index/state",
    "dynamodb:Query records/index/timeline",
    ...reads("incoming"),
    ...misses("incoming"),
    ...writes("incoming"),
    "states:DescribeExecution executions",
    ...answers,
    "states:StartExecution machine",
    TELLS,
  ],
  webhook: [
    ...records("GetItem", "PutItem", "UpdateItem"),
    ...reads("incoming"),
    ...writes("incoming"),
    ...answers,
  ],
  start: [
    ...records("GetItem", "PutItem", "Query"),
    "kms:GenerateDataKey prompts",
    "states:StartExecution machine",
  ],
  reprocess: [
    ...ALL_RECORDS,
    "dynamodb:Query records/index/state",
    ...reads(...FOLDERS),
    ...misses(...FOLDERS),
    ...writes("content", "originals", "quarantine"),
    ...removes(...FOLDERS),
    "kms:GetPublicKey provenance",
    "kms:Sign provenance",
    TELLS,
  ],
  notify: [],
  api: [
    ...ALL_RECORDS,
    "dynamodb:Query records/index/state",
    "dynamodb:Query records/index/timeline",
    ...reads(...FOLDERS),
    ...misses(...FOLDERS),
    ...writes(...FOLDERS),
    ...removes(...FOLDERS),
    ...COPIES,
    "kms:Decrypt prompts",
    "kms:GenerateDataKey prompts",
    "states:StartExecution machine",
    TELLS,
  ],
  claims: records("GetItem"),
  attest: records("DeleteItem", "GetItem", "PutItem", "Query"),
  daily: [
    ...ALL_RECORDS,
    "dynamodb:Query records/index/state",
    ...reads(...FOLDERS),
    ...misses(...FOLDERS),
    ...removes(...FOLDERS),
    ...COPIES,
    TELLS,
  ],
};
