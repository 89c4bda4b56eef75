/** @module What the web UI answers to a create, and what it lists. */
import type { OutputData, Submission } from "@atelier/core/provider";
import * as z from "zod";
import { decodeDataUri, isDataUri, OUTPUT_BYTES_MAX, pictureOf } from "../data-uri.ts";
import { type HttpPicturesAnswer, readJson } from "../http.ts";
import { commonSubmission, failedFree, isOutOfMemory, isServersWord, saidBy } from "../own-machine.ts";

export const TITLE = "The web UI";

const picturesSchema = z.object({ images: z.array(z.string()), info: z.unknown().optional() });

/** `info` is JSON in a text. Anything in it may be missing: versions and extensions differ. */
const infoSchema = z.object({
  /** Above zero when a grid of all pictures comes first. */
  index_of_first_image: z.int().nonnegative().catch(0),
  /** One for each picture; extensions may add others behind them. */
  all_seeds: z.array(z.unknown()).catch([]),
  sd_model_name: z.string().catch(""),
});
type Info = z.infer<typeof infoSchema>;
const NO_INFO: Info = infoSchema.parse({});

/** FastAPI's own (`detail`), and the web UI's around any exception (`error` is its type, `errors` its text). */
const errorSchema = z.object({
  error: z.string().nullish().catch(null),
  errors: z.string().nullish().catch(null),
  detail: z.unknown().optional(),
});

export const checkpointsSchema = z.array(
  z.object({ title: z.string().catch(""), model_name: z.string().catch("") }),
);

/** Of one task, in memory of the process: nothing of it survives a restart. */
export const taskSchema = z.object({
  active: z.boolean(),
  queued: z.boolean().catch(false),
  progress: z.number().min(0).max(1).nullish().catch(null),
});

/**
 * @param checkpoint the title that was asked for
 * @param secrets texts that no message may repeat
 */
export function submissionFrom(
  answer: HttpPicturesAnswer,
  checkpoint: string,
  secrets: readonly string[],
  nowMs: number,
): Submission {
  const error = answer.kind === "answered" ? readJson(errorSchema, answer.text) : undefined;
  const said = saidBy([error?.error, error?.errors, detailText(error?.detail)], secrets);
  // A body of the web UI's own making: the request has ended there, and nothing of it runs on.
  if (answer.kind === "answered" && answer.status >= 500 && error?.error) {
    const advice = isOutOfMemory(said) ? " Ask for a smaller picture, or a smaller model." : "";
    return failedFree("ProviderFailed", `${TITLE} failed: ${said}.${advice}`);
  }
  if (!isServersWord(answer)) return commonSubmission(TITLE, answer, nowMs);
  if (answer.status === 404 && !/sampler/i.test(said)) {
    return {
      kind: "refused",
      name: "ModelUnavailable",
      message: `${TITLE} does not know the checkpoint, or was started without --api: ${said || "no reason given"}`,
    };
  }
  if (answer.status >= 400) {
    return {
      kind: "refused",
      name: "ProviderRefused",
      message: `${TITLE} refused the create with status ${answer.status}: ${said || "no reason given"}`,
    };
  }
  const read = readJson(picturesSchema, answer.text);
  // It has made the picture, and nothing more will come of it.
  if (read === undefined) return failedFree("ProviderFailed", `${TITLE} gave an answer that cannot be read.`);
  const info = infoOf(read.info);
  if (isOtherCheckpoint(checkpoint, info)) {
    return failedFree("ModelUnavailable", `${TITLE} has no checkpoint ${checkpoint} and took another one.`);
  }
  const first = info.index_of_first_image;
  const own = read.images.slice(first, first + Math.max(1, info.all_seeds.length));
  if (own.length === 0) return failedFree("ProviderFailed", `${TITLE} answered without a picture.`);
  try {
    return { kind: "done", outputs: own.map((text) => outputOf(text, answer.pictures)), costMicros: 0 };
  } catch {
    return failedFree("ProviderFailed", `${TITLE} answered with something that is no picture.`);
  }
}

/** Titles come with a hash or without, names without an ending, either with a folder or without. */
export function isSameCheckpoint(one: string, other: string): boolean {
  return bareName(one) === bareName(other);
}

function bareName(title: string): string {
  const name = title.replace(/\s*\[[0-9a-f]+\]\s*$/i, "").replace(/\.(safetensors|ckpt|gguf|pt)$/i, "");
  return name.slice(Math.max(name.lastIndexOf("/"), name.lastIndexOf("\\")) + 1).toLowerCase();
}

/** The web UI takes whatever is loaded when it does not know a checkpoint, and says so only here. */
function isOtherCheckpoint(asked: string, { sd_model_name: used }: Info): boolean {
  return used !== "" && !isSameCheckpoint(asked, used);
}

function infoOf(info: unknown): Info {
  return (typeof info === "string" ? readJson(infoSchema, info) : infoSchema.safeParse(info).data) ?? NO_INFO;
}

function outputOf(text: string, pictures: readonly Uint8Array[]): OutputData {
  if (isDataUri(text)) return decodeDataUri(text);
  const taken = /^picture:(\d+)$/.exec(text);
  // Only what is too short for a picture is left in the text.
  const { buffer, byteOffset, byteLength } =
    (taken === null ? Buffer.from(text, "base64") : pictures[Number(taken[1])]) ?? new Uint8Array();
  return pictureOf(new Uint8Array(buffer, byteOffset, byteLength), OUTPUT_BYTES_MAX);
}

/** A sentence, or what pydantic has against each field. */
function detailText(detail: unknown): string {
  if (typeof detail === "string") return detail;
  const problems = z
    .array(z.object({ loc: z.array(z.unknown()).catch([]), msg: z.string() }))
    .safeParse(detail);
  return (problems.data ?? []).map(({ loc, msg }) => `${loc.slice(1).join(".")} ${msg}`.trim()).join("; ");
}
