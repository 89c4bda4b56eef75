/**
 * @module Blobs in a bucket. S3 itself checks the SHA-256 of what arrives and refuses a second object under a key
 * (`If-None-Match: *`); what comes back is verified here. Encryption is the bucket's own default.
 *
 * Needs s3:GetObject, s3:PutObject and s3:ListBucket: without the last one S3 answers 403 for a key that does not exist.
 * `remove` needs s3:ListBucketVersions and s3:DeleteObjectVersion.
 */
import { AtelierError, isAtelierError } from "@atelier/core/errors";
import { sha256Hex } from "@atelier/core/ids";
import type { BlobHead, Blobs } from "@atelier/core/ports";
import {
  CopyObjectCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandOutput,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { type ServiceNames, serviceFailure, statusOf } from "./service-failure.ts";

/** The limit of S3, in bytes of UTF-8. */
const KEY_BYTES_MAX = 1024;

const NAMES: ServiceNames = {
  passing: new Set([
    "BadDigest",
    "ConditionalRequestConflict",
    "IncompleteBody",
    "OperationAborted",
    "RequestTimeout",
    "SlowDown",
  ]),
  misconfigured: new Set(["NoSuchBucket", "PermanentRedirect", "InvalidBucketName"]),
};

/** Region, credentials and endpoint come from the environment of the function, as the SDK reads it. */
export function connectBlobs(bucketName: string): Blobs {
  const client = new S3Client({
    // Our own SHA-256 goes along and is verified; a CRC beside it would only cost time.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    requestHandler: { connectionTimeout: 3_000, requestTimeout: 20_000, throwOnRequestTimeout: true },
  });
  return createS3Blobs({ client, bucketName });
}

/**
 * @throws (every method) AtelierError `StorageUnavailable` when the bucket does not answer, is throttled or holds a damaged
 * object; `ConfigurationInvalid` for a missing bucket or refused access; `UsageError` for a key that S3 does not take;
 * `BlobConflict` as the port says
 */
export function createS3Blobs(deps: { readonly client: S3Client; readonly bucketName: string }): Blobs {
  const { client, bucketName: Bucket } = deps;

  async function guarded<R>(doing: string, call: () => Promise<R>): Promise<R> {
    try {
      return await call();
    } catch (error) {
      throw serviceFailure(error, `The bucket ${Bucket}`, doing, NAMES);
    }
  }

  /** Undefined when S3 answers 404 for the key. */
  async function unlessMissing<R>(doing: string, call: () => Promise<R>): Promise<R | undefined> {
    return guarded(doing, async () => {
      try {
        return await call();
      } catch (error) {
        if (statusOf(error) === 404 && (error as Error).name !== "NoSuchBucket") return undefined;
        throw error;
      }
    });
  }

  const lookAt = (key: string) =>
    unlessMissing(`looking at ${key}`, () =>
      client.send(new HeadObjectCommand({ Bucket, Key: checked(key), ChecksumMode: "ENABLED" })),
    );

  async function head(key: string): Promise<BlobHead | undefined> {
    const answer = await lookAt(key);
    return answer && headOf(key, answer);
  }

  /**
   * A file of a listing. It may have no SHA-256 when it did not come by `put`: AWS does not promise one to replicas, and a command
   * that restores a file writes another checksum. Nothing is taken for whole by it, but it must be found to be removed.
   */
  async function listed(key: string): Promise<BlobHead | undefined> {
    const answer = await lookAt(key);
    if (!answer || answer.ChecksumSHA256 !== undefined) return answer && headOf(key, answer);
    const bytes = await unlessMissing(`reading ${key}`, async () =>
      readBody(key, (await client.send(new GetObjectCommand({ Bucket, Key: key }))).Body),
    );
    return bytes && headOf(key, { ...answer, ChecksumSHA256: base64Of(sha256Hex(bytes)) });
  }

  /** After a 409 the other writer may not be done: S3 hides a missing object as 403 from whoever may not list. */
  async function standingAfter(status: number, key: string): Promise<BlobHead | undefined> {
    try {
      return await head(key);
    } catch (error) {
      if (status !== 409 || !isAtelierError(error, "ConfigurationInvalid")) throw error;
      throw new AtelierError("StorageUnavailable", `Another write of ${key} is under way.`, { cause: error });
    }
  }

  /**
   * Runs a write that must not overwrite. 412: an object stands there; 409: another write is under way, and one of the
   * two has won by the time that we look.
   */
  async function putOnce(wanted: BlobHead, write: () => Promise<unknown>): Promise<BlobHead> {
    try {
      await write();
      return wanted;
    } catch (error) {
      const status = statusOf(error);
      const standing = status === 412 || status === 409 ? await standingAfter(status, wanted.key) : undefined;
      if (!standing) throw serviceFailure(error, `The bucket ${Bucket}`, `writing ${wanted.key}`, NAMES);
      if (standing.sha256 === wanted.sha256) return standing;
      throw new AtelierError("BlobConflict", `Another file stands under ${wanted.key} already.`);
    }
  }

  /** Versions and delete markers of one key; a listing by prefix has those of longer keys as well. */
  async function* versionsOf(key: string): AsyncGenerator<string> {
    let after: { KeyMarker?: string | undefined; VersionIdMarker?: string | undefined } | undefined = {};
    while (after) {
      const from: typeof after = after;
      const page: ListObjectVersionsCommandOutput = await guarded(`listing versions of ${key}`, () =>
        client.send(
          new ListObjectVersionsCommand({ Bucket, Prefix: checked(key), EncodingType: "url", ...from }),
        ),
      );
      const entries = [...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])];
      for (const entry of entries) {
        if (decoded(entry.Key ?? "", page.EncodingType) === key) yield entry.VersionId ?? "null";
      }
      // Keys come in order: behind the first longer one none of ours is left.
      const isPast = entries.some((entry) => decoded(entry.Key ?? "", page.EncodingType) > key);
      after =
        page.IsTruncated && !isPast
          ? {
              KeyMarker: decoded(page.NextKeyMarker ?? "", page.EncodingType),
              VersionIdMarker: page.NextVersionIdMarker,
            }
          : undefined;
    }
  }

  return {
    async put(key, bytes, contentType) {
      const sha256 = sha256Hex(bytes);
      return putOnce({ key, bytes: bytes.byteLength, sha256, contentType }, () =>
        client.send(
          new PutObjectCommand({
            Bucket,
            Key: checked(key),
            Body: bytes,
            ContentLength: bytes.byteLength,
            ContentType: contentType,
            ChecksumSHA256: base64Of(sha256),
            IfNoneMatch: "*",
          }),
        ),
      );
    },

    async get(key) {
      const doing = `reading ${key}`;
      const answer = await unlessMissing(doing, async () => {
        const found = await client.send(
          new GetObjectCommand({ Bucket, Key: checked(key), ChecksumMode: "ENABLED" }),
        );
        return { found, bytes: (await readBody(key, found.Body)) ?? new Uint8Array(0) };
      });
      if (!answer) return undefined;
      const { found, bytes } = answer;
      const stored = headOf(key, found);
      if (sha256Hex(bytes) !== stored.sha256) throw mismatched(key);
      return { head: stored, bytes };
    },

    head,

    async copy(fromKey, toKey) {
      const source = await head(fromKey);
      if (!source) {
        throw new AtelierError("StorageUnavailable", `The file ${fromKey} to copy from is missing.`);
      }
      return putOnce({ ...source, key: toKey }, () =>
        client.send(
          new CopyObjectCommand({
            Bucket,
            Key: checked(toKey),
            CopySource: `${Bucket}/${fromKey.split("/").map(encodeURIComponent).join("/")}`,
            ChecksumAlgorithm: "SHA256",
            IfNoneMatch: "*",
          }),
        ),
      );
    },

    async remove(key) {
      for await (const version of versionsOf(key)) {
        await guarded(`removing ${key}`, () =>
          client.send(new DeleteObjectCommand({ Bucket, Key: key, VersionId: version })),
        );
      }
    },

    async *list(prefix) {
      let token: string | undefined;
      do {
        const page = await guarded(`listing ${prefix}`, () =>
          client.send(
            new ListObjectsV2Command({
              Bucket,
              Prefix: prefix,
              // XML cannot carry every character that a key may have.
              EncodingType: "url",
              ...(token !== undefined && { ContinuationToken: token }),
            }),
          ),
        );
        for (const { Key } of page.Contents ?? []) {
          // A listing has neither type nor checksum. What has gone since is left out.
          const key = Key ?? "";
          const found = await listed(decoded(key, page.EncodingType));
          if (found) yield found;
        }
        token = page.NextContinuationToken;
      } while (token !== undefined);
    },
  };
}

function decoded(key: string, encoding: string | undefined): string {
  return encoding === "url" ? decodeURIComponent(key.replaceAll("+", " ")) : key;
}

/** The SDK compares checksums as well, while it reads; its complaint has no name. */
async function readBody(
  key: string,
  body: { transformToByteArray(): Promise<Uint8Array> } | undefined,
): Promise<Uint8Array | undefined> {
  try {
    return await body?.transformToByteArray();
  } catch (error) {
    if (error instanceof Error && /checksum mismatch/i.test(error.message)) throw mismatched(key);
    throw error;
  }
}

function headOf(
  key: string,
  answer: {
    readonly ContentLength?: number | undefined;
    readonly ContentType?: string | undefined;
    readonly ChecksumSHA256?: string | undefined;
  },
): BlobHead {
  if (answer.ChecksumSHA256 === undefined) throw damaged(key, "has no SHA-256 checksum");
  return {
    key,
    bytes: answer.ContentLength ?? 0,
    sha256: Buffer.from(answer.ChecksumSHA256, "base64").toString("hex"),
    contentType: answer.ContentType ?? "application/octet-stream",
  };
}

function base64Of(hex: string): string {
  return Buffer.from(hex, "hex").toString("base64");
}

function mismatched(key: string): AtelierError {
  return damaged(key, "does not match its checksum");
}

function damaged(key: string, how: string): AtelierError {
  return new AtelierError(
    "StorageUnavailable",
    `The file ${key} ${how}. Restore an earlier version of it, or take it from the backup.`,
  );
}

function checked(key: string): string {
  const bytes = Buffer.byteLength(key);
  if (bytes > 0 && bytes <= KEY_BYTES_MAX && key.isWellFormed()) return key;
  throw new AtelierError(
    "UsageError",
    `A storage key has ${bytes} bytes, but must be valid Unicode of 1 to ${KEY_BYTES_MAX} bytes.`,
  );
}
