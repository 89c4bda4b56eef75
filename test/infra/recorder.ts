/** @module Clients of AWS that note who calls what, against dynalite and a bucket in memory; Step Functions answers nothing but yes. */

import { AsyncLocalStorage } from "node:async_hooks";
import { createDynamo, type Dynamo } from "@atelier/aws/dynamo/client";
import { createEventBus } from "@atelier/aws/event-bus";
import type { EventBus } from "@atelier/aws/events";
import { createKmsSigner, readKmsPublicKey } from "@atelier/aws/kms-signer";
import { createTextVault } from "@atelier/aws/prompt-encryption";
import { kmsTextKeys } from "@atelier/aws/prompt-encryption-kms";
import { createRekognitionClassifier } from "@atelier/aws/rekognition";
import { createS3Blobs } from "@atelier/aws/s3-blobs";
import { createStepFunctionsWorkflow } from "@atelier/aws/step-functions";
import type { Classifier } from "@atelier/core/classifier";
import type { Clock, RandomBytes } from "@atelier/core/ids";
import type { ProvenanceSigner } from "@atelier/core/pictures";
import type { Blobs, TextVault, Workflow } from "@atelier/core/ports";
import { createTestCertificates } from "@atelier/imaging/c2pa-test-certificate";
import type { EngineClient } from "@atelier/local/engine-client";
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { KMS, KMSClient } from "@aws-sdk/client-kms";
import { RekognitionClient } from "@aws-sdk/client-rekognition";
import { S3Client } from "@aws-sdk/client-s3";
import { SFNClient } from "@aws-sdk/client-sfn";
import type { EntryName } from "../../stacks/access.ts";
import { createActiveTable } from "../builders/active-table.ts";
import { startMemoryTables } from "../builders/memory-table.ts";
import { startConditionalBucket } from "../simulators/conditional-bucket.ts";
import { startTestKms, TEST_DATA_KEY, TEST_SIGNING_KEY } from "../simulators/kms.ts";
import { startTestRekognition } from "../simulators/rekognition.ts";

const BUCKET = "recorded";
const CREDENTIALS = { region: "eu-west-1", credentials: { accessKeyId: "test", secretAccessKey: "test" } };

export interface Recorder {
  readonly dynamo: Dynamo;
  readonly blobs: Blobs;
  /** The bucket of copies. */
  readonly copies: Blobs;
  /** A bus that takes everything. */
  readonly bus: EventBus;
  workflow(clock: Clock): Workflow;
  /** Rekognition, which sees nothing of note. */
  readonly classifier: Classifier;
  /** KMS, with the key for prompts. */
  readonly texts: TextVault;
  /** KMS, with a certificate that is made as where none was issued. */
  signer(deps: { readonly clock: Clock; readonly randomBytes: RandomBytes }): Promise<ProvenanceSigner>;
  /** Notes everything that happens in the call under the function's name. */
  as<T>(name: EntryName, call: () => Promise<T>): Promise<T>;
  calls(name: EntryName): readonly string[];
  remove(key: string): Promise<void>;
  close(): Promise<void>;
}

interface Call {
  readonly input: {
    readonly IndexName?: string;
    readonly Key?: unknown;
    readonly Prefix?: string;
    readonly CopySource?: string;
  };
}

export async function startRecorder(): Promise<Recorder> {
  const current = new AsyncLocalStorage<EntryName>();
  const noted = new Map<EntryName, Set<string>>();
  const note = (...calls: string[]) => {
    const name = current.getStore();
    if (name) noted.set(name, new Set([...(noted.get(name) ?? []), ...calls]));
  };

  const tables = await startMemoryTables();
  await createActiveTable(tables.client as DynamoDBClient, "records");
  const table = {
    send(command: Parameters<EngineClient["send"]>[0]) {
      const index = (command as Call).input.IndexName;
      note(`dynamodb:${actionOf(command.constructor.name)} records${index ? `/index/${index}` : ""}`);
      return tables.client.send(command);
    },
  } as EngineClient;

  const files = await startConditionalBucket();
  const buckets: S3Client[] = [];
  /** @param place stands before the folders of its calls */
  const bucketOf = (name: string, place: string): Blobs => {
    files.create(name);
    const client = new S3Client({ ...CREDENTIALS, endpoint: files.endpoint, forcePathStyle: true });
    const folderOf = (key: unknown) => `${place}${String(key).replace(/\/.*/s, "")}/*`;
    client.middlewareStack.add(
      (next, context) => async (call) => {
        const action = actionOf(context.commandName);
        const { Key, Prefix, CopySource } = (call as Call).input;
        const folder = folderOf(Key ?? Prefix);
        if (action === "ListObjectsV2") note(`s3:ListBucket ${folder}`);
        else if (action === "ListObjectVersions") note(`s3:ListBucketVersions ${folder}`);
        // Without versioning it would be the former, with it the latter.
        else if (action === "DeleteObject")
          note(`s3:DeleteObject ${folder}`, `s3:DeleteObjectVersion ${folder}`);
        else if (action === "CopyObject")
          note(`s3:GetObject ${folderOf(String(CopySource).slice(name.length + 1))}`);
        if (action === "PutObject" || action === "CopyObject") {
          note(`s3:PutObject ${folder}`);
          await next(call);
          // As if the answer had been lost: the SDK's repetition finds the object there, as S3 says.
          throw Object.assign(new Error("lost"), {
            name: "PreconditionFailed",
            $metadata: { httpStatusCode: 412 },
          });
        }
        if (action === "GetObject" || action === "HeadObject") note(`s3:GetObject ${folder}`);
        try {
          return await next(call);
        } catch (error) {
          const { $metadata } = error as { $metadata?: { httpStatusCode?: number } };
          if ($metadata?.httpStatusCode === 404) note(`s3:ListBucket ${folder}`);
          throw error;
        }
      },
      { step: "initialize" },
    );
    buckets.push(client);
    return createS3Blobs({ client, bucketName: name });
  };
  const blobs = bucketOf(BUCKET, "");
  const copies = bucketOf("recorded-copies", "copies/");

  const machine = new SFNClient(CREDENTIALS);
  machine.middlewareStack.add(
    (_next, context) => async () => {
      const action = actionOf(context.commandName);
      note(`states:${action} ${action === "DescribeExecution" ? "executions" : "machine"}`);
      return { response: {}, output: { $metadata: {}, status: "SUCCEEDED" } } as never;
    },
    { step: "initialize" },
  );

  const events = new EventBridgeClient(CREDENTIALS);
  events.middlewareStack.add(
    (_next, context) => async () => {
      note(`events:${actionOf(context.commandName)} bus`);
      return { response: {}, output: { $metadata: {}, FailedEntryCount: 0, Entries: [] } } as never;
    },
    { step: "initialize" },
  );

  /** A middleware is asked for its handler with each call. */
  const noting =
    (service: string, what: string) =>
    <Next>(next: Next, { commandName }: { readonly commandName?: string }) => {
      note(`${service}:${actionOf(commandName)} ${what}`);
      return next;
    };
  const rekognition = await startTestRekognition();
  const eyes = new RekognitionClient({ ...CREDENTIALS, endpoint: rekognition.origin });
  eyes.middlewareStack.add(noting("rekognition", "*"), { step: "initialize" });
  const kms = await startTestKms();
  const keys = new KMSClient({ ...CREDENTIALS, endpoint: kms.origin });
  keys.middlewareStack.add(noting("kms", "provenance"), { step: "initialize" });
  const promptKeys = new KMS({ ...CREDENTIALS, endpoint: kms.origin });
  promptKeys.middlewareStack.add(noting("kms", "prompts"), { step: "initialize" });

  return {
    dynamo: createDynamo({ client: table, tableName: "records" }),
    bus: createEventBus({ client: events, busName: "events" }),
    blobs,
    copies,
    workflow: (clock) =>
      createStepFunctionsWorkflow({
        client: machine,
        stateMachineArn: "arn:aws:states:eu-west-1:123456789012:stateMachine:images",
        clock,
      }),
    texts: createTextVault(kmsTextKeys({ client: promptKeys, keyArn: TEST_DATA_KEY })),
    classifier: createRekognitionClassifier({ client: eyes }),
    async signer(deps) {
      const key = { client: keys, keyId: TEST_SIGNING_KEY };
      const certificateChainPem = createTestCertificates(await readKmsPublicKey(key), deps);
      return createKmsSigner({ ...key, certificateChainPem });
    },
    as: (name, call) => current.run(name, call),
    calls: (name) => [...(noted.get(name) ?? [])].sort(),
    remove: (key) => current.exit(() => blobs.remove(key)),
    async close() {
      for (const client of [...buckets, machine, events, eyes, keys, promptKeys]) client.destroy();
      for (const server of [files, rekognition, kms]) await server.close();
      await tables.close();
    },
  };
}

/** `GetItemCommand` is GetItem; a HeadObject is allowed by s3:GetObject. */
function actionOf(commandName: string | undefined): string {
  return String(commandName).replace(/Command$/, "");
}
