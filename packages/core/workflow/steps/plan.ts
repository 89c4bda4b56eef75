/**
 * @module plan: turns the part of a request, or an occurrence, into images. Ids are derived, so a second run makes nothing
 * new; the part is claimed, so that two executions never work on the same images.
 */
import * as z from "zod";
import { type AuditDeps, audited } from "../../audit.ts";
import type { Catalogue } from "../../catalogue.ts";
import { AtelierError } from "../../errors.ts";
import { type ExpandedImage, variationsOf } from "../../expand.ts";
import { imageIdOf, occurrenceRequestId } from "../../ids.ts";
import { type Image, isTerminal } from "../../image.ts";
import { occurrenceRequest, stockOf } from "../../occurrence.ts";
import type { Attempts, Images, PromptVault, Requests, Workflow } from "../../ports.ts";
import {
  hasPartsToBegin,
  type ImageRequest,
  type Occurrence,
  type Part,
  partIdOf,
  partIndexes,
} from "../../request.ts";
import { occurrenceAt, resolveCategory } from "../../schedule.ts";
import { beginPart, newPart, notePartBegun, PARTS_AT_ONCE, putRequest } from "../../start.ts";
import { hashedSlotWords } from "../../words.ts";
import { cancelledFields } from "../cancelled-request.ts";

export const planInputSchema = z.object({
  input: z.union([
    z.object({ requestId: z.string(), part: z.int().nonnegative(), generation: z.int().positive() }),
    z.object({ entry: z.string(), scheduledTime: z.string() }),
  ]),
  executionId: z.string(),
  executionName: z.string(),
});
export type PlanStepInput = z.infer<typeof planInputSchema>;

export const planOutputSchema = z.object({
  items: z.array(z.object({ imageId: z.string(), requestId: z.string(), generation: z.int() })),
});
export type PlanStepOutput = z.infer<typeof planOutputSchema>;

/** How long an image may try before it is given up: a working day's morning is long enough for any queue. */
export const IMAGE_DEADLINE_MS = 6 * 60 * 60 * 1000;

export interface PlanDeps extends AuditDeps {
  readonly requests: Requests;
  readonly images: Images;
  readonly attempts: Attempts;
  readonly vault: Pick<PromptVault, "get" | "put" | "putSealed">;
  readonly catalogue: Catalogue;
  /** For the hashes that stand for the words of a prompt. */
  readonly promptKey: Uint8Array;
  /** Starts the next part's execution. */
  readonly workflow: Pick<Workflow, "start">;
  /** Whom the occurrences of this installation buy from; null: whatever routing chooses. */
  readonly providerForOccurrences: ImageRequest["wantedProvider"];
}

export async function plan(input: PlanStepInput, deps: PlanDeps): Promise<PlanStepOutput> {
  const part =
    "entry" in input.input
      ? await fire(input.input, input.executionId, deps)
      : await claimNamed(input.input, input.executionName, deps);
  if (!part) return { items: [] };
  const request = await deps.requests.get(part.requestId);
  if (!request) throw new AtelierError("UnknownName", `There is no request ${part.requestId}.`);

  await beginNextPart(request, part, deps);
  // Images first: one that an earlier owner puts meanwhile is taken over with the others.
  const images = await putImages(request, part, deps);
  await takeOver(part, deps);
  return {
    items: (await withoutCancelled(request, images, deps))
      .filter((image) => !isTerminal(image.status))
      .map(({ imageId, requestId }) => ({ imageId, requestId, generation: part.generation })),
  };
}

/** Read again once the images stand: whoever cancelled the request before that cannot have seen them. */
async function withoutCancelled(
  request: ImageRequest,
  images: readonly Image[],
  deps: PlanDeps,
): Promise<readonly Image[]> {
  const now = await deps.requests.get(request.requestId);
  if (now?.cancelledAtMs == null) return images;
  const nowMs = deps.clock();
  for (const image of images) {
    await deps.images.patch(image.imageId, {
      set: cancelledFields(nowMs),
      when: [{ field: "status", is: "equals", value: "planned" }],
    });
  }
  return [];
}

/** The scheduler delivers at least once under random names: the first execution owns the occurrence, others end. */
async function fire(
  firing: { entry: string; scheduledTime: string },
  executionId: string,
  deps: PlanDeps,
): Promise<Part | null> {
  const planned = occurrenceAt(firing.entry, firing.scheduledTime, deps.catalogue.schedule);
  if (planned.action.kind !== "generate") return null;
  const category = resolveCategory(planned.action, await stockOf(deps.catalogue, deps.images));
  const wanted: Occurrence = {
    occurrenceId: planned.occurrenceId,
    entry: planned.entry,
    localDate: planned.localDate,
    scheduledAtMs: planned.scheduledAtMs,
    requestId: occurrenceRequestId(planned.occurrenceId, planned.scheduledAtMs),
    category,
    count: planned.count,
  };
  await deps.requests.occurrences.putIfAbsent(wanted);
  const occurrence = (await deps.requests.occurrences.get(wanted.occurrenceId)) ?? wanted;
  const request = await putRequest(
    occurrenceRequest(
      { ...occurrence, category: occurrence.category ?? category },
      { wantedProvider: deps.providerForOccurrences, nowMs: deps.clock() },
    ),
    deps.requests,
  );
  await deps.requests.parts.putIfAbsent(newPart(request.requestId, 0, executionId, deps.clock()));
  const part = await deps.requests.parts.get(partIdOf({ requestId: request.requestId, part: 0 }));
  return part?.owner === executionId ? part : null;
}

/**
 * An execution named for a generation owns the part only while the part is at that generation. The first part is put here: whoever
 * accepted the request has put nothing but the request.
 */
async function claimNamed(
  wanted: { requestId: string; part: number; generation: number },
  executionName: string,
  deps: PlanDeps,
): Promise<Part | null> {
  if (wanted.part === 0 && wanted.generation === 1) {
    await deps.requests.parts.putIfAbsent(newPart(wanted.requestId, 0, executionName, deps.clock()));
  }
  const patched = await deps.requests.parts.patch(partIdOf(wanted), {
    set: { owner: executionName },
    when: [
      { field: "generation", is: "equals", value: wanted.generation },
      { field: "owner", is: "absent-or-equals", value: executionName },
    ],
  });
  return patched.ok ? patched.record : null;
}

/** While few are open each part begins the next; beyond that the reconciler begins one for each that ends. */
async function beginNextPart(request: ImageRequest, { part }: Part, deps: PlanDeps): Promise<void> {
  const next = part + 1;
  const isNext = next < Math.min(request.parts, PARTS_AT_ONCE) && hasPartsToBegin(request);
  if (isNext) await beginPart(request, next, deps);
  await notePartBegun(request, isNext ? next : part, deps);
}

/** From here on, writes of an earlier owner fail on the generation that each item carries. */
async function takeOver(part: Part, deps: PlanDeps): Promise<void> {
  if (part.generation === 1) return;
  const { generation } = part;
  for (const image of await deps.images.ofPart(part.requestId, part.part)) {
    await deps.images.patch(image.imageId, {
      set: { generation },
      when: [{ field: "generation", is: "below", value: generation }],
    });
    for (const attempt of await deps.attempts.ofImage(image.imageId)) {
      await deps.attempts.patch(attempt.attemptId, {
        set: { generation },
        when: [{ field: "generation", is: "below", value: generation }],
      });
    }
  }
  await audited(
    {
      subject: part.requestId,
      kind: "resumed",
      phase: "done",
      occasion: `${part.part}-${generation}`,
      facts: { generation },
    },
    deps,
  );
}

/** Put-if-absent, in blocks: a run that was cut off here is continued by the next one. */
async function putImages(request: ImageRequest, part: Part, deps: PlanDeps): Promise<Image[]> {
  const standing = new Map(
    (await deps.images.ofPart(part.requestId, part.part)).map((image) => [image.index, image]),
  );
  const missing = partIndexes(request, part.part).filter((index) => !standing.has(index));
  const variations = variationsOf({
    request,
    catalogue: deps.catalogue,
    indexes: missing,
    ...(request.freePrompt ? { freePrompts: await freePromptsOf(request, missing, deps) } : {}),
  });
  await Promise.all(
    variations.map(async (variation) => {
      const image = plannedImage(request, part, variation, deps);
      // The text before its image: words that were chosen for a template are a prompt, and stand nowhere else.
      if (!request.freePrompt) await deps.vault.put(image.imageId, variation, image.rating);
      await deps.images.putIfAbsent(image);
      standing.set(image.index, image);
    }),
  );
  if (missing.length > 0) {
    await audited(
      {
        subject: request.requestId,
        kind: "asked",
        phase: "done",
        occasion: String(part.part),
        facts: {
          source: request.source,
          category: request.category,
          count: request.count,
          occurrence: request.occurrenceId,
        },
      },
      // Whoever asked by the API, not the function that begins it.
      { ...deps, actor: request.askedBy ?? deps.actor },
    );
  }
  return [...standing.values()].sort((one, other) => one.index - other.index);
}

async function freePromptsOf(request: ImageRequest, indexes: readonly number[], deps: PlanDeps) {
  if (request.sealedPrompt != null && indexes.includes(0)) {
    await deps.vault.putSealed(imageIdOf(request.requestId, 0), request.sealedPrompt);
    // Before the image stands: whoever erases that finds its text in the vault, and nowhere else.
    await deps.requests.patch(request.requestId, { set: { sealedPrompt: null }, when: [] });
  }
  const texts = new Map<number, { prompt: string; negativePrompt: string }>();
  for (const index of indexes) {
    const text = await deps.vault.get(imageIdOf(request.requestId, index));
    if (text) texts.set(index, text);
  }
  return texts;
}

function plannedImage(
  request: ImageRequest,
  part: Part,
  variation: Omit<ExpandedImage, "judgement">,
  deps: Pick<PlanDeps, "clock" | "promptKey">,
): Image {
  const nowMs = deps.clock();
  const tags = [...variation.tags];
  return {
    imageId: imageIdOf(request.requestId, variation.index),
    requestId: request.requestId,
    askedBy: request.askedBy,
    index: variation.index,
    part: part.part,
    generation: part.generation,
    category: request.category,
    template: variation.template,
    slots: {},
    words: variation.template === null ? [] : hashedSlotWords({ ...variation, tags }, deps.promptKey),
    rating: variation.rating,
    tags,
    parameters: variation.parameters,
    seed: variation.seed,
    priority: request.priority,
    wantedModel: request.wantedModel,
    wantedProvider: request.wantedProvider,
    maxCostMicros: request.maxCostMicros === null ? null : Math.floor(request.maxCostMicros / request.count),
    status: "planned",
    createdAtMs: nowMs,
    localDate: request.localDate,
    deadlineAtMs: nowMs + IMAGE_DEADLINE_MS,
    attempts: 0,
    currentAttemptId: null,
    promptHash: null,
    exclusions: [],
    warnings: [],
    failure: null,
    chosenAttemptId: null,
    model: null,
    provider: null,
    sentSeed: null,
    costMicros: 0,
    processingMs: null,
    quality: null,
    qualityParts: null,
    fingerprint: null,
    duplicateOf: null,
    verdict: null,
    version: null,
    manifestKey: null,
    renditions: [],
    originals: [],
    finishedAtMs: null,
  };
}
