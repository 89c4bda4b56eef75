/// <reference path="../.sst/platform/config.d.ts" />
import { dataKey, HOUSEKEEPING, privateBucket, type Storage, undeletable } from "./storage.ts";

/** What cannot be bought again under the same name; `incoming/` passes and `quarantine/` is not kept twice. */
const REPLICATED = ["originals", "content"] as const;

/** A second bucket under a key of its own: neither a deleted object nor a lost key takes both copies. */
export function backup({ bucket, key }: Storage) {
  const backupKey = dataKey("BackupKey", "copies of originals and content");
  const copies = privateBucket("Backup", backupKey, [
    HOUSEKEEPING,
    ...REPLICATED.map((folder) =>
      undeletable(folder, { transitions: [{ days: 30, storageClass: "STANDARD_IA" }] }),
    ),
  ]);
  const role = new aws.iam.Role("ReplicationRole", {
    // Without a condition on the account: AWS documents none for replication, and one that is not met stops it silently.
    assumeRolePolicy: aws.iam.assumeRolePolicyForPrincipal({ Service: "s3.amazonaws.com" }),
    inlinePolicies: [
      {
        name: "replicate",
        policy: aws.iam.getPolicyDocumentOutput({
          statements: [
            { actions: ["s3:GetReplicationConfiguration", "s3:ListBucket"], resources: [bucket.arn] },
            {
              // AWS's "minimum required permissions policy" reads access lists as well, though these buckets have none.
              actions: [
                "s3:GetObjectVersionForReplication",
                "s3:GetObjectVersionAcl",
                "s3:GetObjectVersionTagging",
              ],
              resources: REPLICATED.map((folder) => $interpolate`${bucket.arn}/${folder}/*`),
            },
            {
              actions: ["s3:ReplicateObject", "s3:ReplicateTags"],
              resources: REPLICATED.map((folder) => $interpolate`${copies.arn}/${folder}/*`),
            },
            { actions: ["kms:Decrypt"], resources: [key.arn] },
            { actions: ["kms:Encrypt", "kms:GenerateDataKey"], resources: [backupKey.arn] },
          ],
        }).json,
      },
    ],
  });
  new aws.s3.BucketReplicationConfig(
    "Replication",
    {
      bucket: bucket.name,
      role: role.arn,
      rules: REPLICATED.map((folder, index) => ({
        id: folder,
        status: "Enabled",
        priority: index + 1,
        filter: { prefix: `${folder}/` },
        // What is deleted here stays there.
        deleteMarkerReplication: { status: "Disabled" },
        sourceSelectionCriteria: { sseKmsEncryptedObjects: { status: "Enabled" } },
        destination: {
          bucket: copies.arn,
          storageClass: "STANDARD",
          encryptionConfiguration: { replicaKmsKeyId: backupKey.arn },
        },
      })),
    },
    // Replication is refused until both buckets are versioned, which their components have made by then.
    { dependsOn: [bucket, copies] },
  );
  return { bucket: copies, key: backupKey };
}
export type Copies = ReturnType<typeof backup>;
