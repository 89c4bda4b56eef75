/// <reference path="../.sst/platform/config.d.ts" />
import { TABLE_DEFINITION } from "@atelier/aws/dynamo/table-definition";
import type { Settings } from "./settings.ts";
import { isProduction, prefix } from "./stage.ts";

/** Days. A part of an upload is of no use once its writer is gone. */
const ABORT_UPLOAD_DAYS = 2;
/** Days after which nothing that came in is left, in any version. */
const INCOMING_DAYS = 7;
/** Days in which a version that was overwritten or deleted can be had back. */
const UNDELETE_DAYS = 90;

/** Pictures and records, under one key. */
export function storage({ api }: Pick<Settings, "api">) {
  const key = dataKey("DataKey", "pictures and records");
  const bucket = contentBucket(key);
  if (api.ATELIER_ALLOWED_ORIGINS !== undefined) readableByPages(bucket);
  // One of its own: whoever may read records may not read what people wrote.
  const promptKey = dataKey("PromptKey", "prompts");
  return { key, promptKey, bucket, table: recordTable(key) };
}
export type Storage = ReturnType<typeof storage>;

/** The default key policy leaves the decision to the IAM policies of this account, which name the key. */
export function dataKey(name: string, what: string) {
  return new aws.kms.Key(
    name,
    {
      description: `${prefix}: ${what}`,
      enableKeyRotation: true,
      // The shortest that AWS offers, where nothing is worth the wait.
      deletionWindowInDays: isProduction ? 30 : 7,
    },
    // SST keeps buckets and tables by itself, but not what they cannot be read without.
    { retainOnDelete: isProduction },
  );
}

/** A private bucket: versioned, TLS only, under our key; lifecycle by the caller. */
export function privateBucket(
  name: string,
  key: aws.kms.Key,
  rules: aws.types.input.s3.BucketLifecycleConfigurationRule[],
) {
  const bucket = new sst.aws.Bucket(name, {
    versioning: true,
    cors: false,
    // A stand-in: the component makes the resource only for a rule, and offers expiry alone.
    lifecycle: [{ id: "rules" }],
    transform: {
      bucket: (args) => {
        // The component empties the bucket on removal even in production.
        args.forceDestroy = !isProduction;
      },
      lifecycle: (args) => {
        args.rules = rules;
      },
    },
  });
  new aws.s3.BucketServerSideEncryptionConfiguration(`${name}Encryption`, {
    bucket: bucket.name,
    rules: [
      {
        // Without the bucket key every object costs a call to KMS.
        bucketKeyEnabled: true,
        applyServerSideEncryptionByDefault: { sseAlgorithm: "aws:kms", kmsMasterKeyId: key.arn },
      },
    ],
  });
  new aws.s3.BucketOwnershipControls(`${name}Ownership`, {
    bucket: bucket.name,
    rule: { objectOwnership: "BucketOwnerEnforced" },
  });
  return bucket;
}

/** What holds for every prefix. */
export const HOUSEKEEPING: aws.types.input.s3.BucketLifecycleConfigurationRule = {
  id: "housekeeping",
  status: "Enabled",
  filter: { prefix: "" },
  abortIncompleteMultipartUpload: { daysAfterInitiation: ABORT_UPLOAD_DAYS },
  expiration: { expiredObjectDeleteMarker: true },
};

export function undeletable(
  folder: string,
  more: Partial<aws.types.input.s3.BucketLifecycleConfigurationRule> = {},
): aws.types.input.s3.BucketLifecycleConfigurationRule {
  return {
    id: folder,
    status: "Enabled",
    filter: { prefix: `${folder}/` },
    noncurrentVersionExpiration: { noncurrentDays: UNDELETE_DAYS },
    ...more,
  };
}

function contentBucket(key: aws.kms.Key) {
  return privateBucket("Content", key, [
    HOUSEKEEPING,
    {
      id: "incoming",
      status: "Enabled",
      filter: { prefix: "incoming/" },
      // One day after the other: seven until no version is left.
      expiration: { days: INCOMING_DAYS - 1 },
      noncurrentVersionExpiration: { noncurrentDays: 1 },
    },
    // Never served; read again only when a picture is developed anew.
    undeletable("originals", { transitions: [{ days: 30, storageClass: "STANDARD_IA" }] }),
    undeletable("content"),
    undeletable("quarantine"),
  ]);
}

/**
 * Pages that may call the API are led to the bucket by its links. Browsers then name no origin of theirs but `null`, since the
 * request has gone to another one in between (Fetch Standard, "HTTP-redirect fetch"). What is read needs a signed address all the same.
 */
function readableByPages(bucket: sst.aws.Bucket): void {
  new aws.s3.BucketCorsConfiguration("ContentCors", {
    bucket: bucket.name,
    corsRules: [{ allowedMethods: ["GET"], allowedOrigins: ["*"], maxAgeSeconds: 3_600 }],
  });
}

/** The very table of local mode, plus what only AWS has. */
function recordTable(key: aws.kms.Key) {
  const [hash, range] = TABLE_DEFINITION.KeySchema;
  return new aws.dynamodb.Table("Records", {
    // A fixed name: after an accident a second, empty table must not take the place of a kept one unnoticed.
    name: `${prefix}-records`,
    billingMode: TABLE_DEFINITION.BillingMode,
    hashKey: hash?.AttributeName ?? "",
    rangeKey: range?.AttributeName ?? "",
    attributes: TABLE_DEFINITION.AttributeDefinitions.map(({ AttributeName, AttributeType }) => ({
      name: AttributeName,
      type: AttributeType,
    })),
    globalSecondaryIndexes: TABLE_DEFINITION.GlobalSecondaryIndexes.map((index) => ({
      name: index.IndexName,
      hashKey: index.KeySchema[0]?.AttributeName ?? "",
      rangeKey: index.KeySchema[1]?.AttributeName ?? "",
      projectionType: index.Projection.ProjectionType,
    })),
    // Seconds since 1970. Expiry is also checked on reading: DynamoDB deletes late.
    ttl: { attributeName: "expiresAt", enabled: true },
    pointInTimeRecovery: { enabled: true },
    serverSideEncryption: { enabled: true, kmsKeyArn: key.arn },
    deletionProtectionEnabled: isProduction,
  });
}
