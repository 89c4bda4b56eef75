/** @module One picture on a deployed stage, looked at from every side, and taken away again. */
import { randomBytes } from "node:crypto";
import { createAttempts } from "@atelier/aws/dynamo/attempts";
import { createDynamo } from "@atelier/aws/dynamo/client";
import { createImages } from "@atelier/aws/dynamo/images";
import { createS3Blobs } from "@atelier/aws/s3-blobs";
import { executionNameOf, newRequestId } from "@atelier/core/ids";
import { type Image, isTerminal } from "@atelier/core/image";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { GetFunctionConfigurationCommand, InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { S3Client } from "@aws-sdk/client-s3";
import {
  DescribeExecutionCommand,
  DescribeStateMachineCommand,
  SFNClient,
  ValidateStateMachineDefinitionCommand,
} from "@aws-sdk/client-sfn";
import { type Place, removeTraces } from "./remove-traces.ts";

/** A general subject, which every provider's terms allow. */
const ASKED = {
  prompt: "A red apple on a wooden table, soft daylight, still life photograph",
  // Above what is held, which is many times the price.
  max_cost: 0.5,
};

/** A job at the provider takes five minutes at most; an execution begins and ends within seconds. */
const WAIT_MS = 10 * 60_000;
const LOOK_EVERY_MS = 5_000;

/** A purchase without an outcome: the provider may still be at work, and only the stage's records can learn what it cost. */
export class OpenPurchase extends Error {}

/**
 * @throws Error that says what is not as it should be; what the request left behind is removed all the same
 * @throws OpenPurchase when an attempt has no outcome: everything is left as it is
 */
export async function produceOne(run: {
  readonly stage: string;
  readonly region: string;
  readonly say: (line: string) => void;
}): Promise<void> {
  const { stage, region, say } = run;
  const lambda = new LambdaClient({ region });
  const machine = new SFNClient({ region });
  const functionName = `atelier-${stage}-start`;
  const { Environment } = await lambda.send(
    new GetFunctionConfigurationCommand({ FunctionName: functionName }),
  );
  // Start opens no bucket; record does.
  const recordName = `atelier-${stage}-record`;
  const recording = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName: recordName }));
  const variables = { ...recording.Environment?.Variables, ...Environment?.Variables };
  const variable = (name: string) => found(variables[name], `${name} of ${functionName} and ${recordName}`);
  const stateMachineArn = variable("ATELIER_STATE_MACHINE_ARN");
  const place: Place = {
    table: new DynamoDBClient({ region }),
    tableName: variable("ATELIER_TABLE"),
    files: new S3Client({ region }),
    bucketName: variable("ATELIER_BUCKET"),
  };

  const { definition } = await machine.send(new DescribeStateMachineCommand({ stateMachineArn }));
  const verdict = await machine.send(new ValidateStateMachineDefinitionCommand({ definition }));
  expectThat(
    verdict.result === "OK",
    `Step Functions finds fault with the definition: ${JSON.stringify(verdict.diagnostics)}`,
  );
  say("The definition is valid.");

  // Ours, so that a call which the SDK repeats buys nothing twice.
  const requestId = newRequestId(
    () => Date.now(),
    (size) => new Uint8Array(randomBytes(size)),
  );
  const asked = JSON.stringify({ ...ASKED, request_id: requestId });
  const dynamo = createDynamo({ client: place.table, tableName: place.tableName });
  const images = createImages(dynamo);
  try {
    const { Payload, FunctionError } = await lambda.send(
      new InvokeCommand({ FunctionName: functionName, Payload: Buffer.from(asked) }),
    );
    const answer = JSON.parse(
      Buffer.from(found(Payload, "an answer of the start function")).toString("utf8"),
    );
    expectThat(
      !FunctionError && answer.status === "accepted",
      `The request was not accepted: ${JSON.stringify(answer)}`,
    );
    say(`${requestId} is accepted.`);
    const image = await ended(requestId, images);
    say(`${image.imageId} is ${image.status}: ${image.failure?.message ?? image.verdict?.reason}`);
    await checkPicture(image, place);
    const [attempt, ...others] = await createAttempts(dynamo).ofImage(image.imageId);
    expectThat(
      others.length === 0 && attempt?.state === "succeeded",
      "The picture took more than one attempt.",
    );
    expectThat(attempt?.ledgerApplied === true, "The ledger does not know what the picture cost.");
    const executionArn = `${stateMachineArn.replace(":stateMachine:", ":execution:")}:${executionNameOf(requestId, 0, 1)}`;
    const status = await endOf(executionArn, machine);
    expectThat(status === "SUCCEEDED", `The execution is ${status}.`);
    say(`Everything is as it should be; the picture cost ${image.costMicros / 1_000_000} USD.`);
  } finally {
    await removeWhenSettled(requestId, place, say);
  }
}

async function removeWhenSettled(requestId: string, place: Place, say: (line: string) => void) {
  const dynamo = createDynamo({ client: place.table, tableName: place.tableName });
  for (const { imageId } of await createImages(dynamo).ofRequest(requestId)) {
    const open = (await createAttempts(dynamo).ofImage(imageId)).find(({ outcome }) => outcome === null);
    if (open) {
      throw new OpenPurchase(
        `${open.attemptId} has no outcome yet (${open.state}), so nothing was removed: the reconciler ends it. ` +
          "Look at its record, then remove the stage with `npx sst remove --stage S`.",
      );
    }
  }
  const kept = await removeTraces(requestId, place);
  say(`Removed what the request left behind, except for ${kept}.`);
}

async function ended(requestId: string, images: ReturnType<typeof createImages>): Promise<Image> {
  for (const deadlineMs = Date.now() + WAIT_MS; Date.now() < deadlineMs; ) {
    const [image] = await images.ofRequest(requestId);
    if (image && isTerminal(image.status)) return image;
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
  throw new Error(`${requestId} has not ended after ${WAIT_MS / 60_000} minutes; look at its execution.`);
}

/** The image is at its end a moment before its execution, which still tells of it. */
async function endOf(executionArn: string, machine: SFNClient): Promise<string> {
  for (const deadlineMs = Date.now() + WAIT_MS; ; ) {
    const { status = "unknown" } = await machine.send(new DescribeExecutionCommand({ executionArn }));
    if (status !== "RUNNING" || Date.now() >= deadlineMs) return status;
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

/** What the classifier holds back is filed as completely as what is released. */
async function checkPicture(image: Image, { files, bucketName }: Place): Promise<void> {
  expectThat(
    image.status === "quarantined" || image.status === "completed",
    `The picture was not filed: ${JSON.stringify(image.failure)}`,
  );
  const blobs = createS3Blobs({ client: files, bucketName });
  const keys = [
    image.manifestKey ?? "",
    ...image.originals.map(({ key }) => key),
    ...image.renditions.map(({ path }) => path),
  ];
  expectThat(image.renditions.length > 0 && image.originals.length > 0, "There are no files.");
  // Verified against their checksums.
  for (const key of keys) expectThat(await blobs.get(key), `${key} is missing.`);
}

function expectThat(holds: unknown, problem: string): void {
  if (!holds) throw new Error(problem);
}

function found<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`There is no ${what}; is the stage deployed?`);
  return value;
}
