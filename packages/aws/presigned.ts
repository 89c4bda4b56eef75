/** @module Addresses of files in the bucket that anybody may fetch for a minute: bytes go past the function, which may answer 6 MB. */
import { GetObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { type ServiceNames, serviceFailure } from "./service-failure.ts";

/** A browser follows a redirect at once. */
export const PRESIGNED_SECONDS = 60;

export interface FileAnswer {
  readonly contentType: string;
  /** For `Content-Disposition`: ASCII without quotes. */
  readonly fileName: string;
}

/** Signs without asking anybody. @throws AtelierError `ConfigurationInvalid` without credentials */
export type Presign = (key: string, answer: FileAnswer) => Promise<string>;

const NAMES: ServiceNames = { passing: new Set(), misconfigured: new Set() };

/** Region, credentials and endpoint come from the environment of the function, as the SDK reads it. */
export function connectPresign(bucketName: string): Presign {
  // Without a checksum in the address: browsers do not look at it.
  const client = new S3Client({ responseChecksumValidation: "WHEN_REQUIRED" });
  return async (key, { contentType, fileName }) => {
    const command = new GetObjectCommand({
      Bucket: bucketName,
      Key: key,
      ResponseContentType: contentType,
      ResponseContentDisposition: `inline; filename="${fileName}"`,
      ResponseCacheControl: `private, max-age=${PRESIGNED_SECONDS}`,
    });
    try {
      return await getSignedUrl(client, command, { expiresIn: PRESIGNED_SECONDS });
    } catch (error) {
      throw serviceFailure(error, `The bucket ${bucketName}`, `signing for ${key}`, NAMES);
    }
  };
}
