/// <reference path="../.sst/platform/config.d.ts" />
import type { Access, Folder, WorkflowCall } from "./access.ts";
import type { Copies } from "./backup.ts";
import type { Storage } from "./storage.ts";

type Permission = sst.aws.FunctionPermissionArgs;

/** What DynamoDB does with the key of a table in the name of whoever calls it, as AWS lists it. */
const TABLE_KEY_ACTIONS = [
  "kms:Decrypt",
  "kms:DescribeKey",
  "kms:Encrypt",
  "kms:GenerateDataKey",
  "kms:ReEncryptFrom",
  "kms:ReEncryptTo",
];

/** IAM statements for an access; each names its resources, where the service has any. */
export function permissionsOf(
  access: Access,
  known: {
    readonly store: Storage;
    readonly copies: Copies;
    readonly signingKey: aws.kms.Key;
    readonly machineArn: $util.Output<string>;
    readonly executionArn: $util.Output<string>;
    readonly bus: aws.cloudwatch.EventBus;
  },
): Permission[] {
  return [
    ...tablePermissions(access, known.store),
    ...bucketPermissions(access, known.store),
    ...copiesPermissions(access, known.copies),
    ...workflowPermissions(access, known),
    ...picturePermissions(access, known.signingKey),
    ...promptPermissions(access, known.store),
    ...busPermissions(access, known.bus),
  ];
}

function busPermissions(access: Access, bus: aws.cloudwatch.EventBus): Permission[] {
  if (access.bus.length === 0) return [];
  return [{ actions: access.bus.map((call) => `events:${call}`), resources: [bus.arn] }];
}

function tablePermissions(access: Access, { table, key }: Storage): Permission[] {
  if (access.table.length === 0) return [];
  return [
    { actions: access.table.map((call) => `dynamodb:${call}`), resources: [table.arn] },
    ...(access.indexes.length > 0
      ? [
          {
            actions: ["dynamodb:Query"],
            resources: access.indexes.map((index) => $interpolate`${table.arn}/index/${index}`),
          },
        ]
      : []),
    { actions: TABLE_KEY_ACTIONS, resources: [key.arn], conditions: [through("dynamodb")] },
  ];
}

function bucketPermissions(access: Access, { bucket, key }: Storage): Permission[] {
  const objects = (folders: readonly Folder[]) =>
    folders.map((folder) => $interpolate`${bucket.arn}/${folder}/*`);
  const keyActions = [
    ...(access.reads.length > 0 ? ["kms:Decrypt"] : []),
    ...(access.writes.length > 0 ? ["kms:GenerateDataKey"] : []),
  ];
  return [
    ...(access.reads.length > 0 ? [{ actions: ["s3:GetObject"], resources: objects(access.reads) }] : []),
    ...(access.writes.length > 0 ? [{ actions: ["s3:PutObject"], resources: objects(access.writes) }] : []),
    ...(access.misses.length > 0
      ? [
          {
            actions: ["s3:ListBucket"],
            resources: [bucket.arn],
            // A HeadObject carries no prefix, a listing does: the condition binds listings to the folders.
            conditions: [{ test: "StringLikeIfExists", variable: "s3:prefix", values: below(access.misses) }],
          },
        ]
      : []),
    ...removal(bucket.arn, access.removes),
    ...(keyActions.length > 0
      ? [{ actions: keyActions, resources: [key.arn], conditions: [through("s3")] }]
      : []),
  ];
}

/** Every folder of an image is looked into for copies, and removed from where there are any. */
function copiesPermissions({ copies, misses }: Access, { bucket, key }: Copies): Permission[] {
  if (copies.length === 0) return [];
  return [
    { actions: ["s3:GetObject"], resources: copies.map((folder) => $interpolate`${bucket.arn}/${folder}/*`) },
    {
      actions: ["s3:ListBucket"],
      resources: [bucket.arn],
      conditions: [{ test: "StringLikeIfExists", variable: "s3:prefix", values: below(misses) }],
    },
    ...removal(bucket.arn, copies),
    { actions: ["kms:Decrypt"], resources: [key.arn], conditions: [through("s3")] },
  ];
}

/** In every version that the bucket keeps. */
function removal(bucketArn: $util.Output<string>, folders: readonly Folder[]): Permission[] {
  if (folders.length === 0) return [];
  return [
    {
      actions: ["s3:DeleteObject", "s3:DeleteObjectVersion"],
      resources: folders.map((folder) => $interpolate`${bucketArn}/${folder}/*`),
    },
    {
      actions: ["s3:ListBucketVersions"],
      resources: [bucketArn],
      conditions: [{ test: "StringLike", variable: "s3:prefix", values: below(folders) }],
    },
  ];
}

function below(folders: readonly Folder[]): string[] {
  return folders.map((folder) => `${folder}/*`);
}

function workflowPermissions(
  access: Access,
  { machineArn, executionArn }: { machineArn: $util.Output<string>; executionArn: $util.Output<string> },
): Permission[] {
  const permissions: Record<WorkflowCall, Permission> = {
    answer: { actions: ["states:SendTaskSuccess", "states:SendTaskFailure"], resources: [machineArn] },
    start: { actions: ["states:StartExecution"], resources: [machineArn] },
    describe: { actions: ["states:DescribeExecution"], resources: [executionArn] },
  };
  return access.workflow.map((call) => permissions[call]);
}

/** The key serves for these texts alone, as the ciphertext's own context says. */
function promptPermissions({ prompts, texts }: Access, { promptKey }: Storage): Permission[] {
  if (prompts.length === 0) return [];
  return [
    {
      actions: prompts.map((call) => `kms:${call}`),
      resources: [promptKey.arn],
      conditions: [{ test: "StringEquals", variable: "kms:EncryptionContext:purpose", values: [...texts] }],
    },
  ];
}

function picturePermissions({ signing, rekognition }: Access, signingKey: aws.kms.Key): Permission[] {
  return [
    ...(signing.length > 0
      ? [{ actions: signing.map((call) => `kms:${call}`), resources: [signingKey.arn] }]
      : []),
    // Looking at a picture that comes with the call concerns no resource: AWS takes nothing but "*" here.
    ...(rekognition.length > 0
      ? [{ actions: rekognition.map((call) => `rekognition:${call}`), resources: ["*"] }]
      : []),
  ];
}

/** The key serves these calls only when this service makes them in the caller's name. */
function through(service: "dynamodb" | "s3") {
  return {
    test: "StringEquals",
    variable: "kms:ViaService",
    values: [$interpolate`${service}.${aws.getRegionOutput({}).region}.amazonaws.com`],
  };
}
