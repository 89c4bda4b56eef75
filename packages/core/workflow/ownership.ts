/** @module Who may work on an image: each step checks that its run has not been taken over, and each write is bound to it. */
import * as z from "zod";
import type { Attempt } from "../attempt.ts";
import { AtelierError } from "../errors.ts";
import { type Image, type ImageStatus, OPEN_STATUSES } from "../image.ts";
import type { Attempts, Images, Patched } from "../ports.ts";

export const imageInputSchema = z.object({ imageId: z.string(), generation: z.int().positive() });
export const attemptInputSchema = imageInputSchema.extend({ attemptId: z.string() });
export type AttemptInput = z.infer<typeof attemptInputSchema>;

/** @throws AtelierError `UnknownName` when there is no image, `GenerationSuperseded` when another run owns it */
export async function ownedImage(
  input: { readonly imageId: string; readonly generation: number },
  images: Pick<Images, "get">,
): Promise<Image> {
  const image = await images.get(input.imageId);
  if (!image) throw new AtelierError("UnknownName", `There is no image ${input.imageId}.`);
  if (image.generation !== input.generation) throw superseded(input.imageId);
  return image;
}

/** @throws as `ownedImage`, for the attempt */
export async function ownedAttempt(
  input: { readonly attemptId: string; readonly generation: number },
  attempts: Pick<Attempts, "get">,
): Promise<Attempt> {
  const attempt = await attempts.get(input.attemptId);
  if (!attempt) throw new AtelierError("UnknownName", `There is no attempt ${input.attemptId}.`);
  if (attempt.generation !== input.generation) throw superseded(attempt.imageId);
  return attempt;
}

/** Moves an image's status on, never out of a terminal one and never back. */
export async function advance(
  input: { readonly imageId: string; readonly generation: number },
  status: Extract<ImageStatus, "generating" | "processing" | "unknown">,
  images: Pick<Images, "patch">,
): Promise<Patched<Image>> {
  const before: readonly ImageStatus[] =
    status === "generating" ? ["planned", "held"] : OPEN_STATUSES.filter((open) => open !== status);
  return images.patch(input.imageId, {
    set: { status },
    when: [
      { field: "generation", is: "equals", value: input.generation },
      { field: "status", is: "one-of", values: before },
    ],
  });
}

export function superseded(imageId: string): AtelierError {
  return new AtelierError("GenerationSuperseded", `Another run has taken over ${imageId}; this one stops.`);
}
