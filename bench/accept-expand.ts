/**
 * @module What becomes of a large request after it was accepted: its parts are planned one after the other as the state machine and the
 * reconciler ask for them, on dynalite, until every image stands. Nothing is bought: an image counts as failed as soon as it stands, so that
 * its part ends and the next one is begun.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { acceptRequest } from "@atelier/core/admission";
import { askingSchema } from "@atelier/core/asking";
import type { PlanInput, Workflow } from "@atelier/core/ports";
import { reconcileParts } from "@atelier/core/reconcile-parts";
import { requestDocument } from "@atelier/core/request-progress";
import { partsOf } from "@atelier/core/start";
import { throwFailures } from "@atelier/core/turns";
import { plan } from "@atelier/core/workflow/steps/plan";
import { type Installation, openInstallation } from "@atelier/local/installation";

export interface ExpandBench {
  /** Until all images stand. */
  readonly expandSeconds: number;
  readonly expandedImages: number;
  readonly parts: number;
  /** The most parts that were open at once. */
  readonly openPartsMax: number;
  /** Heap in use after the last tenth of the parts, beyond that after the first. Target 20. */
  readonly expandGrowthMb: number;
  /** The request's document, when all have ended. */
  readonly documentMs: number;
}

/** @throws Error when not every image came to stand, each once */
export async function expandRequestOf(images: number): Promise<ExpandBench> {
  const folder = await mkdtemp(join(tmpdir(), "atelier-bench-"));
  try {
    const environment = { ATELIER_BUDGET_USD: "1000000", ATELIER_BUDGET_MONTH_USD: "1000000" };
    const installation = await openInstallation({ dataFolder: folder, provider: null, environment });
    try {
      return await expanded(images, installation);
    } finally {
      await installation.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function expanded(images: number, installation: Installation): Promise<ExpandBench> {
  const { steps, audit, today } = installation;
  const started: { name: string; input: PlanInput }[] = [];
  const names = new Set<string>();
  const workflow: Pick<Workflow, "start" | "describe"> = {
    async start(name, input) {
      if (names.has(name)) return "exists";
      names.add(name);
      started.push({ name, input });
      return "started";
    },
    describe: async () => "ended",
  };
  const deps = {
    ...steps,
    audit,
    vault: installation.vault,
    workflow,
    today,
    callers: installation.gate.callers,
    provider: "sandbox",
  };
  const asked = askingSchema.parse({ category: "weekend_special", count: images, seed: 1 });
  const who = { caller: null, askedBy: null, idempotencyKey: null };
  const startedAt = performance.now();
  const { request } = await acceptRequest(asked, who, deps);

  const heaps: number[] = [];
  let [planned, openPartsMax] = [0, 0];
  while (started.length > 0) {
    for (const { name, input } of started.splice(0)) {
      const { items } = await plan({ input, executionId: name, executionName: name }, { ...steps, workflow });
      planned += items.length;
      heaps.push(process.memoryUsage().heapUsed);
    }
    openPartsMax = Math.max(openPartsMax, (await steps.requests.parts.open({ limit: 1_000 })).items.length);
    if (started.length > 0) continue;
    const { failed } = await reconcileParts(
      { only: null, restart: true },
      reconcilingWithEnds({ ...installation, workflow }, audit),
    );
    throwFailures(failed);
  }
  const expandSeconds = (performance.now() - startedAt) / 1_000;
  const asking = performance.now();
  const { progress, status } = await requestDocument(request, steps);
  const documentMs = performance.now() - asking;
  if (planned !== images || progress.failed !== images || status !== "failed") {
    throw new Error(`Of ${images} images ${planned} were planned and ${progress.failed} ended: ${status}.`);
  }
  const tenth = Math.max(1, Math.floor(heaps.length / 10));
  return {
    expandSeconds: rounded(expandSeconds),
    expandedImages: planned,
    parts: partsOf(images),
    openPartsMax,
    expandGrowthMb: rounded((lowest(heaps.slice(-tenth)) - lowest(heaps.slice(0, tenth))) / 2 ** 20),
    documentMs: rounded(documentMs),
  };
}

/** Images read as failed and told of; everything else is as it is. */
function reconcilingWithEnds(
  { steps, workflow }: Pick<Installation, "steps"> & { workflow: Pick<Workflow, "start" | "describe"> },
  audit: Installation["audit"],
): Parameters<typeof reconcileParts>[1] {
  return {
    ...steps,
    workflow,
    audit: {
      write: (entry) => audit.write(entry),
      ofSubject: async (subject) => [
        {
          auditId: "told",
          subject,
          kind: "refused",
          phase: "done",
          attemptId: null,
          atMs: 0,
          by: "bench",
          facts: {},
        },
      ],
    },
    attempts: { ...steps.attempts, ofImage: async () => [] },
    images: {
      ...steps.images,
      ofPart: async (...part) =>
        (await steps.images.ofPart(...part)).map((image) => ({
          ...image,
          status: "failed",
          finishedAtMs: 1,
        })),
    },
  };
}

/** Garbage comes and goes: what is left after it was collected is the least of several readings. */
function lowest(values: readonly number[]): number {
  return Math.min(...values);
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
