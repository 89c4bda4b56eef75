/** @module Progress of a run: the steps of the state machine, told as stages of images. */
import type { ImageDocument } from "@atelier/core/document";
import { type Image, isTerminal } from "@atelier/core/image";
import { failureOf } from "@atelier/core/turns";
import { planOutputSchema } from "@atelier/core/workflow/steps/plan";
import type { RunOptions, Stage } from "./facade.ts";
import type { Installation } from "./installation.ts";

const STAGES: ReadonlySet<string> = new Set<Stage>(["validate", "generate", "collect", "process", "record"]);

function isStage(name: string): name is Stage {
  return STAGES.has(name);
}

/** Listens to the installation's steps until the function that it returns is called. */
export function reportProgress(
  installation: Installation,
  run: RunOptions,
  documentOf: (image: Image) => Promise<ImageDocument>,
): () => void {
  const tell = run.onProgress;
  if (!tell) return () => undefined;
  let planned = 0;
  installation.onStep(({ name, imageId, phase, result }) => {
    if (name === "plan" && phase === "left") {
      planned += planOutputSchema.parse(result).items.length;
      tell({ kind: "planned", images: planned });
    }
    if (imageId === null) return;
    // Generate has ended for an image when its outputs are collected: what its function returns means nothing.
    if (name === "collect" && phase === "entered") tell({ kind: "finished", stage: "generate", imageId });
    if (isStage(name) && !(name === "generate" && phase === "left")) {
      tell({ kind: phase === "entered" ? "entered" : "finished", stage: name, imageId });
    }
    if ((name === "record" || name === "abandon") && phase === "left") {
      // Progress is a courtesy: an image that cannot be read is left out.
      tellImage(imageId).catch((error: unknown) => installation.onFault(failureOf(imageId, error)));
    }
  });

  async function tellImage(imageId: string): Promise<void> {
    const image = await installation.steps.images.get(imageId);
    if (image && isTerminal(image.status)) tell?.({ kind: "image", document: await documentOf(image) });
  }

  return () => installation.onStep(null);
}
