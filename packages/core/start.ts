/**
 * @module Starting a request: the request, its parts and one execution for each. Every write is put-if-absent under derived
 * ids, so a start that was cut off is simply made again.
 */
import { AtelierError } from "./errors.ts";
import { type Clock, executionNameOf } from "./ids.ts";
import type { Requests, Workflow } from "./ports.ts";
import { type ImageRequest, PART_IMAGES_MAX } from "./request.ts";

export interface StartDeps {
  readonly requests: Requests;
  readonly workflow: Pick<Workflow, "start">;
  readonly clock: Clock;
}

export function partsOf(count: number): number {
  return Math.ceil(count / PART_IMAGES_MAX);
}

/**
 * @throws AtelierError `RequestConflict` when another request stands under the id
 * @returns the names of the executions
 */
export async function startRequest(request: ImageRequest, deps: StartDeps): Promise<string[]> {
  await putRequest(request, deps.requests);
  const names: string[] = [];
  for (let part = 0; part < request.parts; part++) {
    const owner = executionNameOf(request.requestId, part, 1);
    await deps.requests.parts.putIfAbsent({
      requestId: request.requestId,
      part,
      owner,
      generation: 1,
      open: true,
      createdAtMs: deps.clock(),
    });
    await deps.workflow.start(owner, { requestId: request.requestId, part, generation: 1 });
    names.push(owner);
  }
  return names;
}

/** The same request again is a success; another one under its id is refused. */
export async function putRequest(request: ImageRequest, requests: Requests): Promise<ImageRequest> {
  if (await requests.putIfAbsent(request)) return request;
  const standing = await requests.get(request.requestId);
  const same = standing !== undefined && wishOf(standing) === wishOf(request);
  // An occurrence that fires again may have drawn another category meanwhile: what stands first is what counts.
  if (standing && (same || request.source === "occurrence")) return standing;
  throw new AtelierError(
    "RequestConflict",
    `Another request stands under ${request.requestId}; use a new id.`,
  );
}

/** What was asked for, without when and by whom it was written down. */
function wishOf(request: ImageRequest): string {
  const { createdAtMs, localDate, source, ...wish } = request;
  return JSON.stringify(Object.entries(wish).sort(([one], [other]) => (one < other ? -1 : 1)));
}
