/**
 * @module Starting a request: the request itself, and the execution of its first part. The parts are put by plan, one after the other
 * while few of them are open, then by the reconciler as others end. Every write is put-if-absent under derived ids, so a start that was
 * cut off is simply made again.
 */
import { AtelierError, isAtelierError } from "./errors.ts";
import { type Clock, executionNameOf } from "./ids.ts";
import type { Requests, Workflow } from "./ports.ts";
import { type ImageRequest, PART_IMAGES_MAX, type Part } from "./request.ts";

export interface StartDeps {
  readonly requests: Requests;
  readonly workflow: Pick<Workflow, "start">;
  readonly clock: Clock;
}

/** So many parts of one request run at once: 1,000 pictures keep any provider busy, and other requests get their turn. */
export const PARTS_AT_ONCE = 20;

export function partsOf(count: number): number {
  return Math.ceil(count / PART_IMAGES_MAX);
}

/**
 * @throws AtelierError `RequestConflict` when another request stands under the id
 * @returns the names of the executions that are started from here: the first part's
 */
export async function startRequest(request: ImageRequest, deps: StartDeps): Promise<string[]> {
  const standing = await putRequest({ ...request, partsBegun: 0 }, deps.requests);
  const name = executionNameOf(request.requestId, 0, 1);
  if (standing.cancelledAtMs === null) await deps.workflow.start(name, inputOf(request, 0));
  return [name];
}

/**
 * The request stands and is open in the index: a start that does not come about now is made by the reconciler.
 *
 * @throws AtelierError `ConfigurationInvalid` and what else waiting does not mend
 */
export async function startFirstPart(request: ImageRequest, { workflow }: Pick<StartDeps, "workflow">) {
  try {
    await workflow.start(executionNameOf(request.requestId, 0, 1), inputOf(request, 0));
  } catch (error) {
    if (!isAtelierError(error, "StorageUnavailable") && !isAtelierError(error, "Cancelled")) throw error;
  }
}

/**
 * Puts a part and starts its execution, which owns it from the beginning.
 *
 * @returns the execution's name; null when the part stands already
 */
export async function beginPart(
  { requestId }: Pick<ImageRequest, "requestId">,
  part: number,
  deps: StartDeps,
): Promise<string | null> {
  const owner = executionNameOf(requestId, part, 1);
  const isNew = await deps.requests.parts.putIfAbsent(newPart(requestId, part, owner, deps.clock()));
  if (!isNew) return null;
  await deps.workflow.start(owner, inputOf({ requestId }, part));
  return owner;
}

export function newPart(requestId: string, part: number, owner: string, createdAtMs: number): Part {
  return { requestId, part, owner, generation: 1, open: true, createdAtMs, ended: null };
}

/**
 * Notes that the parts up to and with this one stand; nothing for requests whose parts were put at once. Whoever is overtaken leaves a
 * lower number, which the reconciler raises.
 */
export async function notePartBegun(
  request: ImageRequest,
  part: number,
  { requests }: Pick<StartDeps, "requests">,
): Promise<void> {
  if (request.partsBegun === null || request.partsBegun > part) return;
  await requests.patch(request.requestId, {
    set: { partsBegun: part + 1 },
    when: [{ field: "partsBegun", is: "equals", value: request.partsBegun }],
  });
}

/** The same request again is a success; another one under its id is refused. */
export async function putRequest(request: ImageRequest, requests: Requests): Promise<ImageRequest> {
  if (await requests.putIfAbsent(request)) return request;
  const standing = await requests.get(request.requestId);
  // An occurrence that fires again may have drawn another category meanwhile: what stands first is what counts.
  if (standing && request.source === "occurrence") return standing;
  return ensureSame(standing, request);
}

/** @throws AtelierError `RequestConflict` when what stands under the id is another wish */
export function ensureSame(standing: ImageRequest | undefined, request: ImageRequest): ImageRequest {
  if (standing && isSame(standing, request)) return standing;
  throw new AtelierError(
    "RequestConflict",
    `Another request stands under ${request.requestId}; use a new id or idempotency key.`,
  );
}

/** By what the caller sent where both say it: what an installation makes of it may have changed meanwhile. */
function isSame(standing: ImageRequest, request: ImageRequest): boolean {
  if (standing.bodyHash === null || request.bodyHash === null) return wishOf(standing) === wishOf(request);
  return standing.bodyHash === request.bodyHash && standing.askedBy === request.askedBy;
}

/** What was asked for, without when and by whom it was written down, and what became of it. */
function wishOf(request: ImageRequest): string {
  const { createdAtMs, localDate, source, bodyHash, partsBegun, sealedPrompt, ...wish } = request;
  return JSON.stringify(Object.entries(wish).sort(([one], [other]) => (one < other ? -1 : 1)));
}

function inputOf({ requestId }: Pick<ImageRequest, "requestId">, part: number) {
  return { requestId, part, generation: 1 };
}
