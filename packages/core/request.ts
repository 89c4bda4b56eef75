/** @module A request: what somebody, or an occurrence, asked for. */
import * as z from "zod";
import { categoryNameSchema, parametersSchema, providerNameSchema } from "./catalogue.ts";
import { imageStatusSchema } from "./image.ts";
import { amountMicrosSchema } from "./money.ts";

/** Images in one part, and so in one execution. */
export const PART_IMAGES_MAX = 50;
export const REQUEST_IMAGES_MAX = 100_000;

export const requestSchema = z.object({
  requestId: z.string(),
  source: z.enum(["occurrence", "command", "api"]),
  /** `{entry}@{localDate}` for an occurrence. */
  occurrenceId: z.string().nullable(),
  category: categoryNameSchema,
  /** A template's name; null: the category's templates in turn, or a free prompt. */
  template: z.string().nullable(),
  /** True when the text is the caller's own; it stands in the prompt vault under the image's id, once that is planned. */
  freePrompt: z.boolean(),
  /** That text until then, as `PromptVault.seal` gave it: it stands and falls with the request. Left out or null: not here. */
  sealedPrompt: z.string().nullable().optional(),
  count: z.int().min(1).max(REQUEST_IMAGES_MAX),
  seed: z.int().positive(),
  priority: z.enum(["plan", "interactive"]),
  wantedModel: z.string().nullable(),
  wantedProvider: providerNameSchema.nullable(),
  /** Overrides of the template's parameters. */
  parameters: parametersSchema.partial(),
  maxCostMicros: amountMicrosSchema.nullable(),
  localDate: z.string(),
  createdAtMs: z.int(),
  parts: z.int().positive(),
  /** When somebody cancelled it; nothing is started for it any more. */
  cancelledAtMs: z.int().nullable(),
  /** The caller of the API that asked for it: its images are theirs. Null: the installation's own (plan, command line). */
  askedBy: z.string().nullable(),
  /** Keyed hash of what the caller sent, so that the same idempotency key with something else is noticed; null: not asked by API. */
  bodyHash: z.string().nullable(),
  /** Parts below this one stand; while it is below `parts`, the reconciler begins the others. Null: all were put at once. */
  partsBegun: z.int().nonnegative().nullable(),
});
export type ImageRequest = z.infer<typeof requestSchema>;

/** What became of a part's images, as it was when the last of them ended: a review may change a verdict afterwards. */
export const partEndSchema = z.object({
  /** Images at each status. */
  counts: z.partialRecord(imageStatusSchema, z.int()),
  /** Of those that failed: by policy, terms or budget. */
  refused: z.int().nonnegative(),
  /** All attempts, micro-USD. */
  costMicros: z.int(),
  firstFinishedAtMs: z.int(),
  lastFinishedAtMs: z.int(),
});
export type PartEnd = z.infer<typeof partEndSchema>;

/** At most 50 images of a request, owned by one execution at a time. */
export const partSchema = z.object({
  requestId: z.string(),
  part: z.int().nonnegative(),
  /** The execution that may work on it; null until claimed. */
  owner: z.string().nullable(),
  generation: z.int().positive(),
  /** False once every image of the part is terminal. */
  open: z.boolean(),
  createdAtMs: z.int(),
  /** Null while it is open, and for parts that ended under the first release. */
  ended: partEndSchema.nullable(),
});
export type Part = z.infer<typeof partSchema>;

/** Until every part stands, the reconciler looks after the request; a cancelled one gets no further parts. */
export function hasPartsToBegin({
  partsBegun,
  parts,
  cancelledAtMs,
}: Pick<ImageRequest, "partsBegun" | "parts" | "cancelledAtMs">): boolean {
  return partsBegun !== null && partsBegun < parts && cancelledAtMs === null;
}

export function partIdOf(part: Pick<Part, "requestId" | "part">): string {
  return `${part.requestId}.${part.part}`;
}

/** The image indexes of one part. */
export function partIndexes(request: Pick<ImageRequest, "count">, part: number): number[] {
  const first = part * PART_IMAGES_MAX;
  const last = Math.min(request.count, first + PART_IMAGES_MAX);
  return Array.from({ length: Math.max(0, last - first) }, (_, offset) => first + offset);
}

/** One firing of one entry of the calendar. */
export const occurrenceSchema = z.object({
  occurrenceId: z.string(),
  entry: z.string(),
  localDate: z.string(),
  scheduledAtMs: z.int(),
  requestId: z.string().nullable(),
  category: categoryNameSchema.nullable(),
  count: z.int().nonnegative(),
});
export type Occurrence = z.infer<typeof occurrenceSchema>;
