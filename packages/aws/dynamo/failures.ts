/** @module What can go wrong between the stores and DynamoDB, in the error table's words. */
import { AtelierError, isAtelierError } from "@atelier/core/errors";

const THROTTLED = new Set([
  "ProvisionedThroughputExceededException",
  "RequestLimitExceeded",
  "ThrottlingException",
]);
const MISCONFIGURED = new Set([
  "AccessDeniedException",
  "CredentialsProviderError",
  "ExpiredTokenException",
  "InvalidSignatureException",
  "MissingAuthenticationTokenException",
  "ResourceNotFoundException",
  "UnrecognizedClientException",
]);

/** @param doing what was being done, as in "reading IMAGES#..." */
export function storeFailure(error: unknown, doing: string, tableName: string): AtelierError {
  if (isAtelierError(error)) return error as AtelierError;
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  const what = `The table ${tableName} failed at ${doing}: ${name}: ${message.replace(/\.$/, "")}`;
  if (isDiskFull(error)) {
    return new AtelierError("StorageFull", `${what}. Free some space, then resume.`, { cause: error });
  }
  if (MISCONFIGURED.has(name)) {
    return new AtelierError("ConfigurationInvalid", `${what}. Check table name, region and credentials.`, {
      cause: error,
    });
  }
  // No answer, an answer that could not be read (2xx), the table's own fault (5xx). The rest is a wrong request.
  const status = statusOf(error);
  if (THROTTLED.has(name) || (status === undefined ? isNetworkFault(error) : status < 300 || status >= 500)) {
    return new AtelierError("StorageUnavailable", `${what}. It can be tried again.`, { cause: error });
  }
  return new AtelierError("Unexpected", `${what}.`, { cause: error });
}

/** An item that does not parse is as good as an absent store: nothing may be decided from it. */
export function damaged(key: { pk: unknown; sk: unknown }, cause: unknown): AtelierError {
  const why = cause instanceof Error ? cause.message.replaceAll(/\s+/g, " ") : String(cause);
  return new AtelierError(
    "StorageUnavailable",
    `The item ${String(key.pk)} ${String(key.sk)} is damaged: ${why}. Repair or restore the item.`,
    { cause, data: { pk: String(key.pk), sk: String(key.sk) } },
  );
}

export function throttled(doing: string, tableName: string): AtelierError {
  return new AtelierError(
    "StorageUnavailable",
    `The table ${tableName} is throttled at ${doing}. It can be tried again.`,
  );
}

function statusOf(error: unknown): number | undefined {
  const metadata = (error as { $metadata?: { httpStatusCode?: number } } | null)?.$metadata;
  return metadata?.httpStatusCode;
}

/** Faults of the socket carry a code. */
function isNetworkFault(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, name } = error as Error & { code?: unknown };
  return typeof code === "string" || name === "TimeoutError";
}

function isDiskFull(error: unknown): boolean {
  for (let current: unknown = error; current instanceof Error; current = current.cause) {
    if ((current as { code?: unknown }).code === "ENOSPC" || /ENOSPC|no space left/i.test(current.message)) {
      return true;
    }
  }
  return false;
}
