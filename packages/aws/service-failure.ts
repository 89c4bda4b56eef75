/** @module What can go wrong between us and a service of AWS, in the error table's words. */
import { AtelierError, isAtelierError } from "@atelier/core/errors";

/** How a service's own error names are to be taken; everything else is judged by the HTTP status. */
export interface ServiceNames {
  /** Faults that pass by themselves. */
  readonly passing: ReadonlySet<string>;
  /** Faults that only a change of names, region, permissions or credentials mends. */
  readonly misconfigured: ReadonlySet<string>;
}

/** Names that any service answers with when it refuses whoever asks. */
const REFUSED = new Set([
  "AccessDenied",
  "AccessDeniedException",
  "CredentialsProviderError",
  "ExpiredToken",
  "ExpiredTokenException",
  "InvalidAccessKeyId",
  "InvalidSignatureException",
  "SignatureDoesNotMatch",
  "UnrecognizedClientException",
]);

/**
 * @param what the service and its resource, as in `The bucket b`
 * @param doing what was being done, as in `writing content/a.png`
 * @returns `ConfigurationInvalid`, `StorageUnavailable` (no answer, an unreadable one, throttling, the service's own fault)
 * or `Unexpected` for a request that the service finds invalid
 */
export function serviceFailure(
  error: unknown,
  what: string,
  doing: string,
  names: ServiceNames,
): AtelierError {
  if (isAtelierError(error)) return error as AtelierError;
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  const said = `${what} failed at ${doing}: ${name}: ${message.replace(/\.$/, "")}`;
  const status = statusOf(error);
  if (REFUSED.has(name) || names.misconfigured.has(name) || status === 403) {
    return new AtelierError(
      "ConfigurationInvalid",
      `${said}. Check its name, the region and the permissions of the caller.`,
      { cause: error },
    );
  }
  const passes =
    names.passing.has(name) ||
    (status === undefined ? isNetworkFault(error) : status < 300 || status === 429 || status >= 500);
  return passes
    ? new AtelierError("StorageUnavailable", `${said}. It can be tried again.`, { cause: error })
    : new AtelierError("Unexpected", `${said}.`, { cause: error });
}

export function statusOf(error: unknown): number | undefined {
  return (error as { $metadata?: { httpStatusCode?: number } } | null)?.$metadata?.httpStatusCode;
}

/** Faults of the socket carry a code; an answer that ended too early has none. */
function isNetworkFault(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, name } = error as Error & { code?: unknown };
  return typeof code === "string" || name === "TimeoutError" || /abort|terminated/i.test(error.message);
}
