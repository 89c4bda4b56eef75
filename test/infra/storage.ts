/** @module What must hold of buckets, table and keys. */
import { TABLE_DEFINITION } from "@atelier/aws/dynamo/table-definition";
import { describe, expect, test } from "vitest";
import { all, type Graph, grantsOf, list, one, statementsOf } from "./harness/graph.ts";

export function describeStorage(graph: Graph): void {
  const isProduction = graph.stage === "production";

  describe("buckets", () => {
    test.each(["Content", "Backup"])("%s is private, versioned, under a key of ours, TLS only", (name) => {
      const { bucket } = one(graph, "s3/bucket:Bucket", `${name}Bucket`).inputs;
      const about = (type: string, resource: string) => {
        const { inputs } = one(graph, `s3/${type}`, `${name}${resource}`);
        expect(inputs.bucket).toBe(bucket);
        return inputs;
      };
      expect(about("bucketPublicAccessBlock:BucketPublicAccessBlock", "PublicAccessBlock")).toMatchObject({
        blockPublicAcls: true,
        blockPublicPolicy: true,
        ignorePublicAcls: true,
        restrictPublicBuckets: true,
      });
      expect(about("bucketVersioning:BucketVersioning", "Versioning").versioningConfiguration.status).toBe(
        "Enabled",
      );
      const type = "bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration";
      const [encryption] = about(type, "Encryption").rules;
      expect(encryption).toEqual({
        bucketKeyEnabled: true,
        applyServerSideEncryptionByDefault: {
          sseAlgorithm: "aws:kms",
          kmsMasterKeyId: expect.stringMatching(name === "Content" ? /datakey-id$/ : /backupkey-id$/),
        },
      });
      expect(statementsOf(about("bucketPolicy:BucketPolicy", "Policy").policy)).toEqual([
        {
          Effect: "Deny",
          Principal: "*",
          Action: ["s3:*"],
          Resource: [`arn:aws:s3:::${bucket}`, `arn:aws:s3:::${bucket}/*`],
          Condition: { Bool: { "aws:SecureTransport": ["false"] } },
        },
      ]);
      expect(all(graph, "s3/bucketCorsConfiguration:BucketCorsConfiguration")).toEqual([]);
    });

    test("incoming goes within days in all versions; what was bought never expires; uploads are not left open", () => {
      const name = "bucketLifecycleConfiguration:BucketLifecycleConfiguration";
      const { rules } = one(graph, `s3/${name}`, "ContentLifecycle").inputs;
      const rule = (prefix: string) =>
        rules.find((candidate: { filter: { prefix: string } }) => candidate.filter.prefix === prefix);
      expect(rule("incoming/")).toMatchObject({
        // A version that expires becomes noncurrent first: seven days in all.
        expiration: { days: 6 },
        noncurrentVersionExpiration: { noncurrentDays: 1 },
      });
      for (const folder of ["originals/", "content/", "quarantine/"]) {
        expect(rule(folder).expiration).toBeUndefined();
        expect(rule(folder).noncurrentVersionExpiration.noncurrentDays).toBe(90);
      }
      expect(rule("").abortIncompleteMultipartUpload).toEqual({ daysAfterInitiation: 2 });
      expect(rules.every(({ status }: { status: string }) => status === "Enabled")).toBe(true);
    });

    test("originals and content are replicated, deletions are not", () => {
      const { inputs } = one(graph, "s3/bucketReplicationConfig:BucketReplicationConfig");
      const backup = one(graph, "s3/bucket:Bucket", "BackupBucket").inputs.bucket;
      expect(inputs.rules.map(({ filter }: { filter: { prefix: string } }) => filter.prefix)).toEqual([
        "originals/",
        "content/",
      ]);
      for (const rule of inputs.rules) {
        expect(rule.destination.bucket).toBe(`arn:aws:s3:::${backup}`);
        expect(rule.destination.encryptionConfiguration.replicaKmsKeyId).toMatch(/backupkey-id$/);
        expect(rule.sourceSelectionCriteria.sseKmsEncryptedObjects.status).toBe("Enabled");
        expect(rule.deleteMarkerReplication.status).toBe("Disabled");
      }
    });

    // All of it but ReplicateDelete: deletions are not replicated.
    test("replication may do what AWS's minimum policy for it lists", () => {
      const grants = grantsOf(one(graph, "iam/role:Role", "ReplicationRole"));
      const actions = grants.flatMap(({ Action }) => list(Action));
      expect(actions.filter((action) => action.startsWith("s3:")).sort()).toEqual([
        "s3:GetObjectVersionAcl",
        "s3:GetObjectVersionForReplication",
        "s3:GetObjectVersionTagging",
        "s3:GetReplicationConfiguration",
        "s3:ListBucket",
        "s3:ReplicateObject",
        "s3:ReplicateTags",
      ]);
    });
  });

  test("the key for provenance signs, on the curve that C2PA takes, and does nothing else", () => {
    const { inputs } = one(graph, "kms/key:Key", "ProvenanceKey");
    expect(inputs).toMatchObject({ customerMasterKeySpec: "ECC_NIST_P256", keyUsage: "SIGN_VERIFY" });
  });

  test("the table is the one of local mode, on demand, recoverable, under our key", () => {
    const { inputs } = one(graph, "dynamodb/table:Table");
    expect(inputs).toMatchObject({
      billingMode: TABLE_DEFINITION.BillingMode,
      hashKey: "pk",
      rangeKey: "sk",
      ttl: { attributeName: "expiresAt", enabled: true },
      pointInTimeRecovery: { enabled: true },
      deletionProtectionEnabled: isProduction,
    });
    expect(inputs.serverSideEncryption.kmsKeyArn).toMatch(/datakey-id$/);
    const attributes = TABLE_DEFINITION.AttributeDefinitions;
    expect(inputs.attributes).toEqual(
      attributes.map(({ AttributeName: name, AttributeType: type }) => ({ name, type })),
    );
    expect(inputs.globalSecondaryIndexes).toEqual(
      TABLE_DEFINITION.GlobalSecondaryIndexes.map(({ IndexName, KeySchema, Projection }) => ({
        name: IndexName,
        hashKey: KeySchema.find(({ KeyType }) => KeyType === "HASH")?.AttributeName,
        rangeKey: KeySchema.find(({ KeyType }) => KeyType === "RANGE")?.AttributeName,
        projectionType: Projection.ProjectionType,
      })),
    );
  });

  test(
    isProduction ? "data is kept on removal, and the keys that read it" : "everything goes on removal",
    () => {
      expect(graph.app).toEqual({ removal: isProduction ? "retain" : "remove", protect: isProduction });
      for (const type of ["s3/bucket:Bucket", "dynamodb/table:Table", "kms/key:Key"]) {
        expect(all(graph, type).length).toBeGreaterThan(0);
        for (const { options } of all(graph, type)) expect(options.retainOnDelete).toBe(isProduction);
      }
      for (const { inputs } of all(graph, "s3/bucket:Bucket"))
        expect(inputs.forceDestroy).toBe(!isProduction);
      for (const { inputs } of all(graph, "kms/key:Key")) {
        // KMS rotates no asymmetric key.
        if (inputs.customerMasterKeySpec === undefined) expect(inputs.enableKeyRotation).toBe(true);
      }
    },
  );
}
