/**
 * @module The parts that are not finished: closed when every image of theirs is terminal, started again when their owner is
 * known not to run, cancelled with their request; and the next parts of large requests, begun as others end.
 */
import { type AnnounceDeps, announceIfUntold } from "./announce.ts";
import { announceRequestIfOver } from "./announce-request.ts";
import { CANCEL_WALK_MS, type CancelDeps, goOnCancelling } from "./cancel.ts";
import type { AtelierError } from "./errors.ts";
import { executionNameOf } from "./ids.ts";
import { type Image, isTerminal } from "./image.ts";
import { all } from "./pages.ts";
import type { Attempts, Audit, Images, Requests, Workflow } from "./ports.ts";
import { type ImageRequest, type Part, partIdOf, partIndexes } from "./request.ts";
import { endOf } from "./request-progress.ts";
import { beginPart, notePartBegun, PARTS_AT_ONCE } from "./start.ts";
import { startTurns } from "./turns.ts";

export interface PartsDeps extends AnnounceDeps, CancelDeps {
  readonly audit: Pick<Audit, "write" | "ofSubject">;
  readonly requests: Requests;
  readonly images: Images;
  readonly attempts: Attempts;
  readonly workflow: Pick<Workflow, "start" | "describe">;
}

export interface PartsReport {
  /** Executions started for parts whose owner had ended. */
  readonly started: readonly string[];
  /** Requests of parts that turned out to be finished. */
  readonly closed: readonly string[];
  /** Parts whose owner runs. */
  readonly owned: number;
  /** Parts in which only a provider's answer is missing. */
  readonly waiting: number;
  /** Parts that no pass has begun yet. */
  readonly unbegun: number;
  /** What failed, each with its part or request; the others have had their turn. */
  readonly failed: readonly AtelierError[];
}

/**
 * @param scope.only requests to look at; null: all
 * @param scope.restart whether parts without a running owner are started again, and further parts of large requests begun
 */
export async function reconcileParts(
  scope: { readonly only: readonly string[] | null; readonly restart: boolean },
  deps: PartsDeps,
): Promise<PartsReport> {
  const started: string[] = [];
  const closed: string[] = [];
  const tally = { owned: 0, waiting: 0, unbegun: 0 };
  const turns = startTurns();
  const cancelUntilMs = deps.clock() + CANCEL_WALK_MS;
  const running = new Map<string, number>();
  const isMeant = ({ requestId }: { requestId: string }) => scope.only?.includes(requestId) ?? true;
  const noteRunning = ({ requestId }: Part) => running.set(requestId, (running.get(requestId) ?? 0) + 1);

  /** @returns whether an execution has it afterwards */
  async function lookAt(part: Part): Promise<boolean> {
    const request = await deps.requests.get(part.requestId);
    // Whoever cancelled it may have had no time for all of it; its owner may run.
    if (request && request.cancelledAtMs !== null) {
      await goOnCancelling(part, cancelUntilMs, deps);
      if (deps.clock() >= cancelUntilMs) {
        // Not closed by what its images say: jobs of theirs may not have been told yet.
        tally.waiting++;
        return false;
      }
    }
    const { state, images } = await stateOfPart(part, request, deps);
    if (state === "owned" || state === "waiting") tally[state]++;
    if (state === "finished" && (await closePart(part, images, deps))) closed.push(part.requestId);
    if (state !== "abandoned" || !scope.restart) return state === "owned";
    const name = await restartPart(part, deps);
    if (name) started.push(name);
    return true;
  }

  async function lookAtUnbegun(request: ImageRequest): Promise<void> {
    const room = scope.restart ? PARTS_AT_ONCE - (running.get(request.requestId) ?? 0) : 0;
    const next = await beginParts(request, room, started, deps);
    tally.unbegun += request.parts - next;
  }

  for await (const part of all((page) => deps.requests.parts.open(page))) {
    if (!isMeant(part)) continue;
    const isRunning = await turns.give(`part ${partIdOf(part)}`, () => lookAt(part));
    // One that could not be looked at may run: beside it no further one is begun in its place.
    if (isRunning !== false) noteRunning(part);
  }
  for await (const request of all((page) => deps.requests.open(page))) {
    if (isMeant(request)) await turns.give(`request ${request.requestId}`, () => lookAtUnbegun(request));
  }
  return { started, closed, ...tally, failed: turns.failures };
}

/**
 * Parts that stand already are passed over: whoever put them has not noted it, or does so just now.
 *
 * @param started the executions that it starts are added to it
 * @returns the first part that is not begun
 */
async function beginParts(
  request: ImageRequest,
  room: number,
  started: string[],
  deps: PartsDeps,
): Promise<number> {
  let next = request.partsBegun ?? request.parts;
  for (let begun = 0; next < request.parts && begun < room; next++) {
    const name = await beginPart(request, next, deps);
    if (name === null) continue;
    started.push(name);
    begun++;
  }
  if (next > 0) await notePartBegun(request, next - 1, deps);
  return next;
}

type PartState =
  /** Its owner runs. */
  | "owned"
  /** Every image of it is terminal. */
  | "finished"
  /** Its owner has ended and something can be done. */
  | "abandoned"
  /** Its owner has ended, and only a provider can say more. */
  | "waiting"
  /** As `waiting`, but nobody will say more soon: the calls were given up and booked. */
  | "stuck";

async function stateOfPart(
  part: Part,
  request: ImageRequest | undefined,
  deps: PartsDeps,
): Promise<{ readonly state: PartState; readonly images: readonly Image[] }> {
  if (part.owner !== null && (await deps.workflow.describe(part.owner)) === "running") {
    return { state: "owned", images: [] };
  }
  const images = await deps.images.ofPart(part.requestId, part.part);
  if (images.length < (request ? partIndexes(request, part.part).length : 0)) {
    return { state: "abandoned", images };
  }
  const open = images.filter((image) => !isTerminal(image.status));
  return { state: open.length === 0 ? "finished" : await statesOfImages(open, deps), images };
}

/** An image whose paid call nobody can tell about waits for its outcome; any other one can be taken up at once. */
async function statesOfImages(open: readonly Image[], deps: PartsDeps): Promise<PartState> {
  let state: PartState = "stuck";
  for (const image of open) {
    const attempt = image.currentAttemptId ? await deps.attempts.get(image.currentAttemptId) : undefined;
    if (image.status !== "unknown" || !attempt || attempt.outcome) return "abandoned";
    if (attempt.state !== "unknown") state = "waiting";
  }
  return state;
}

async function closePart(part: Part, images: readonly Image[], deps: PartsDeps): Promise<boolean> {
  // A process killed right after an image's last write has told nobody.
  for (const image of images) {
    await announceIfUntold(image, await deps.attempts.ofImage(image.imageId), deps);
  }
  await announceRequestIfOver(part.requestId, deps);
  const patched = await deps.requests.parts.patch(partIdOf(part), {
    set: { open: false, ended: endOf(images, deps.clock()) },
    when: [
      { field: "generation", is: "equals", value: part.generation },
      { field: "open", is: "equals", value: true },
    ],
  });
  return patched.ok;
}

/** The condition on generation and owner lets one of many reconcilers win. */
async function restartPart(part: Part, deps: PartsDeps): Promise<string | null> {
  const generation = part.generation + 1;
  const name = executionNameOf(part.requestId, part.part, generation);
  const patched = await deps.requests.parts.patch(partIdOf(part), {
    set: { generation, owner: name },
    when: [
      { field: "generation", is: "equals", value: part.generation },
      part.owner === null
        ? { field: "owner", is: "absent" }
        : { field: "owner", is: "equals", value: part.owner },
    ],
  });
  if (!patched.ok) return null;
  await deps.workflow.start(name, { requestId: part.requestId, part: part.part, generation });
  return name;
}
