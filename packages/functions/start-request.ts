/** @module A request as the start function takes it, and its answer: accepted, or refused for a reason that the caller can mend. */
import { createHash } from "node:crypto";
import type { Telemetry } from "@atelier/aws/telemetry";
import {
  type Asking,
  auditRefusal,
  type CheckDeps,
  type CustomPrompt,
  checkRequests,
  type PreviewDeps,
  previewRequest,
  promptRequest,
  type Refusal,
  refusalFrom,
  templateRequest,
} from "@atelier/core/accept";
import type { AuditDeps } from "@atelier/core/audit";
import {
  categoryNameSchema,
  PROMPT_CHARACTERS_MAX,
  type ProviderName,
  parametersSchema,
} from "@atelier/core/catalogue";
import { ERRORS, isAtelierError } from "@atelier/core/errors";
import { derivedSeed, imageIdOf, newRequestId } from "@atelier/core/ids";
import { microsFromUsd } from "@atelier/core/money";
import type { PromptVault } from "@atelier/core/ports";
import type { PreviewedImage } from "@atelier/core/preview";
import { admitCaller, type Callers, countRefusals, isRestraint } from "@atelier/core/probing";
import { checkedPrompt } from "@atelier/core/prompt";
import type { ImageRequest } from "@atelier/core/request";
import { type StartDeps, startRequest } from "@atelier/core/start";
import * as z from "zod";
import type { Invocation } from "./runtime.ts";

/** The most of one call: it expands and prices every picture before it answers. */
export const IMAGES_MAX = 1_000;

const seedSchema = z.int().min(1).max(0x7ffffffe);
const shared = {
  /** The same id makes the same call again a success: without one, only Lambda's own repetition is the same request. */
  request_id: z
    .string()
    .regex(/^req_[0-9a-z]{26}$/, "must be req_ and 26 characters")
    .optional(),
  /**
   * Who asks, as whoever calls this function knows them: refusals are counted by it. Without one nobody is restrained; the
   * function is called by whom AWS lets, not by the public.
   */
  caller: z.string().min(1).max(200).optional(),
  seed: seedSchema.optional(),
  model: z.string().min(1).optional(),
  max_cost: z.number().nonnegative().optional(),
  parameters: z
    .strictObject({
      width: parametersSchema.shape.width,
      height: parametersSchema.shape.height,
      steps: parametersSchema.shape.steps,
      guidance_scale: parametersSchema.shape.guidanceScale,
    })
    .partial()
    .default({}),
};
const promptSchema = z.strictObject({
  ...shared,
  prompt: z.string().min(1).max(PROMPT_CHARACTERS_MAX),
  negative_prompt: z.string().max(PROMPT_CHARACTERS_MAX).default(""),
  category: categoryNameSchema.default("custom"),
});
const templateSchema = z.strictObject({
  ...shared,
  category: categoryNameSchema,
  template: z.string().min(1).optional(),
  count: z.int().min(1).max(IMAGES_MAX).default(1),
});
export type AskedFor = z.output<typeof promptSchema> | z.output<typeof templateSchema>;

/** Decides by `prompt` which of the two is meant, so that what is wrong with it can be named. */
export const askingSchema = z.looseObject({}).transform((event, context): AskedFor => {
  const parsed = ("prompt" in event ? promptSchema : templateSchema).safeParse(event);
  if (parsed.success) return parsed.data;
  for (const { message, path } of parsed.error.issues) context.addIssue({ code: "custom", message, path });
  return z.NEVER;
});

export type StartAnswer =
  | { readonly request_id: string; readonly status: "accepted"; readonly images: readonly string[] }
  | ({ readonly request_id: string; readonly retry_after_ms?: number } & Refusal);

export interface AcceptDeps extends PreviewDeps, CheckDeps, StartDeps, Omit<AuditDeps, "clock"> {
  readonly telemetry: Pick<Telemetry, "info">;
  readonly vault: Pick<PromptVault, "put">;
  readonly callers: Callers;
  /** Null: the best that routing finds. */
  readonly provider: ProviderName | null;
  /** For the hash of a prompt that is refused; not needed otherwise. */
  readonly openPromptKey: () => { readonly promptKey: Uint8Array };
}

/** @throws AtelierError for faults of ours; what the caller can mend is a refusal */
export async function acceptRequest(
  asked: AskedFor,
  deps: AcceptDeps,
  invocation: Pick<Invocation, "requestId">,
): Promise<StartAnswer> {
  const requestId = asked.request_id ?? requestIdOfCall(invocation.requestId);
  try {
    if (asked.caller !== undefined) await admitCaller(asked.caller, deps);
    const { request, images } = previewed(asked, requestId, deps);
    await checkRequests([{ request, images }], request.maxCostMicros, deps);
    if ("prompt" in asked) await deps.vault.put(imageIdOf(requestId, 0), checkedPrompt(promptOf(asked)));
    const executions = await startRequest(request, deps);
    deps.telemetry.info("accepted", { requestId, executions });
    const imageIds = images.map((_, index) => imageIdOf(requestId, index));
    return { request_id: requestId, status: "accepted", images: imageIds };
  } catch (error) {
    if (!isAtelierError(error) || ERRORS[error.name].httpStatus >= 500) throw error;
    const refused = refusalFrom(error);
    deps.telemetry.info("refused", { requestId, error: refused.error, rule: refused.rule });
    if ("prompt" in asked) {
      await auditRefusal(requestId, promptOf(asked), refused, { ...deps, ...deps.openPromptKey() });
    }
    const { retryAfterMs } = error.data;
    if (typeof retryAfterMs === "number") {
      return { request_id: requestId, ...refused, retry_after_ms: retryAfterMs };
    }
    const isJudged = refused.error === "PolicyRefused" && !isRestraint(refused.rule);
    if (asked.caller !== undefined && isJudged) await countRefusals(asked.caller, 1, deps);
    return { request_id: requestId, ...refused };
  }
}

/** Lambda repeats an asynchronous call under the id that it had: so does the request. Its time is none, for the same reason. */
function requestIdOfCall(invocationId: string): string {
  const digest = createHash("sha256").update(invocationId).digest();
  return newRequestId(
    () => 0,
    (size) => digest.subarray(0, size),
  );
}

function previewed(
  asked: AskedFor,
  requestId: string,
  deps: AcceptDeps,
): { request: ImageRequest; images: PreviewedImage[] } {
  const asking: Asking = {
    requestId,
    source: "api",
    seed: asked.seed ?? derivedSeed(requestId),
    wantedProvider: deps.provider,
    localDate: deps.today(),
    createdAtMs: deps.clock(),
  };
  const maxCostMicros = asked.max_cost === undefined ? null : microsFromUsd(asked.max_cost, "max_cost");
  if ("prompt" in asked) {
    const prompt = promptOf(asked);
    const request = promptRequest(prompt, maxCostMicros, asking);
    return { request, images: previewRequest(request, deps, prompt) };
  }
  const { category, template = null, count, seed = null, model = null } = asked;
  const parameters = parametersOf(asked);
  const request = templateRequest(
    { category, template, count, seed, model, maxCostMicros, parameters },
    asking,
  );
  return { request, images: previewRequest(request, deps) };
}

function promptOf(asked: z.output<typeof promptSchema>): CustomPrompt {
  return {
    prompt: asked.prompt,
    negativePrompt: asked.negative_prompt,
    category: asked.category,
    parameters: parametersOf(asked),
    model: asked.model ?? null,
    seed: asked.seed ?? null,
  };
}

/** Only what was given: what was not comes from the template. */
function parametersOf({ parameters }: AskedFor): CustomPrompt["parameters"] {
  const { guidance_scale: guidanceScale, ...rest } = parameters;
  return { ...rest, ...(guidanceScale === undefined ? {} : { guidanceScale }) };
}
