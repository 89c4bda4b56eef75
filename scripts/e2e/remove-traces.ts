/** @module Takes away what one request left on a stage. What was spent stays in the ledger and in the audit: it was spent. */
import { imagesOfRequest, requestKey, tagPartition } from "@atelier/aws/dynamo/keys";
import { DeleteItemCommand, type DynamoDBClient, QueryCommand } from "@aws-sdk/client-dynamodb";
import {
  DeleteObjectsCommand,
  GetBucketReplicationCommand,
  ListObjectVersionsCommand,
  type S3Client,
} from "@aws-sdk/client-s3";

export interface Place {
  readonly table: DynamoDBClient;
  readonly tableName: string;
  readonly files: S3Client;
  readonly bucketName: string;
}

/** @returns what is left, in words */
export async function removeTraces(requestId: string, place: Place): Promise<string> {
  const { pk: images } = imagesOfRequest(requestId);
  const imageMark = images.slice("IMAGES#".length);
  for (const bucket of await bucketsOf(place)) await removeVersions(bucket, imageMark, place);
  // Tags and fingerprints sort by time and name the image at their end.
  const tags = new Set(await tagsOf(images, place));
  for (const tag of tags)
    await removeItems(tagPartition(tag), place, (sort) => sort.includes(`#${imageMark}_`));
  await removeItems("FINGERPRINT#custom", place, (sort) => sort.includes(`#${imageMark}_`));
  await removeItems(images, place, () => true);
  await removeItems(requestKey(requestId).pk, place, () => true);
  return "the money in the ledger, the audit, the claim of the provider's job and the event, which expires";
}

async function bucketsOf({ files, bucketName }: Place): Promise<string[]> {
  const { ReplicationConfiguration } = await files.send(
    new GetBucketReplicationCommand({ Bucket: bucketName }),
  );
  const backups = (ReplicationConfiguration?.Rules ?? []).map(
    ({ Destination }) => Destination?.Bucket?.split(":::")[1],
  );
  return [...new Set([bucketName, ...backups])].filter((name) => name !== undefined);
}

/** Every version of every object whose key names the image. */
async function removeVersions(bucket: string, imageMark: string, { files }: Place): Promise<void> {
  let page: { KeyMarker?: string | undefined; VersionIdMarker?: string | undefined } | null = {};
  while (page) {
    const listed: Awaited<ReturnType<typeof list>> = await list(bucket, page, files);
    const objects = [...(listed.Versions ?? []), ...(listed.DeleteMarkers ?? [])]
      .filter(({ Key }) => Key?.includes(`/${imageMark}_`))
      .map(({ Key, VersionId }) => ({ Key, VersionId }));
    if (objects.length > 0) {
      const { Errors } = await files.send(
        new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects: objects, Quiet: true } }),
      );
      if (Errors?.length) throw new Error(`${bucket} keeps ${Errors[0]?.Key}: ${Errors[0]?.Message}`);
    }
    page = listed.IsTruncated
      ? { KeyMarker: listed.NextKeyMarker, VersionIdMarker: listed.NextVersionIdMarker }
      : null;
  }
}

function list(bucket: string, page: object, files: S3Client) {
  return files.send(new ListObjectVersionsCommand({ Bucket: bucket, ...page }));
}

async function tagsOf(partition: string, place: Place): Promise<string[]> {
  const items = await itemsOf(partition, place);
  return items.flatMap((item) => (item.tags?.L ?? []).flatMap(({ S }) => (S === undefined ? [] : [S])));
}

async function removeItems(
  partition: string,
  place: Place,
  chosen: (sort: string) => boolean,
): Promise<void> {
  for (const { pk, sk } of await itemsOf(partition, place)) {
    if (!pk || !sk?.S || !chosen(sk.S)) continue;
    await place.table.send(new DeleteItemCommand({ TableName: place.tableName, Key: { pk, sk } }));
  }
}

async function itemsOf(partition: string, { table, tableName }: Place) {
  const query = {
    TableName: tableName,
    KeyConditionExpression: "pk = :pk",
    ExpressionAttributeValues: { ":pk": { S: partition } },
  };
  const items = [];
  let start: Record<string, never> | undefined;
  do {
    const page = await table.send(new QueryCommand({ ...query, ...(start && { ExclusiveStartKey: start }) }));
    items.push(...(page.Items ?? []));
    start = page.LastEvaluatedKey as typeof start;
  } while (start);
  return items;
}
