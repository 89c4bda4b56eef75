/** @module POST /v1/predictions: held against the rules, recorded, then answered, or not, as the script says. */
import { createHmac } from "node:crypto";
import type { Model } from "@atelier/core/catalogue";
import type { Clock } from "@atelier/core/ids";
import * as z from "zod";
import { type RecordedCreate, recordCreate } from "./creates.ts";
import type { AnswerFault, Faults } from "./faults.ts";
import { type Call, sendJson, sendProblem } from "./http-server.ts";
import { invalidFields, schemaFor } from "./input.ts";
import type { PredictionRecord, PredictionStore } from "./predictions.ts";
import type { InputSchema } from "./schemas.ts";

export interface CreateDeps {
  readonly clock: Clock;
  readonly newId: () => string;
  readonly store: PredictionStore;
  readonly schemas: readonly InputSchema[];
  readonly models: readonly Model[];
  readonly faults: Faults;
  /** How long a job takes; absent: as long as its model typically does. */
  readonly delayMs: number | undefined;
  readonly createsPath: string;
  /** Makes the hash that is kept instead of a prompt. */
  readonly promptKey: string | Uint8Array;
  readonly view: (record: PredictionRecord) => Record<string, unknown>;
  /** Told of each new prediction, once it is on the disk. */
  readonly onCreated: () => void;
}

/** Any other key at this level is refused, as by Replicate's own schema. */
const bodySchema = z.strictObject({
  version: z.string(),
  input: z.record(z.string(), z.unknown()),
  webhook: z.url({ protocol: /^https?$/ }).optional(),
  webhook_events_filter: z.array(z.enum(["start", "output", "logs", "completed"])).optional(),
});
type Body = z.infer<typeof bodySchema>;

/** `starting` lasts a tenth of the job, a second at most. */
const STARTING_SHARE = 0.1;
const STARTING_MS_MAX = 1_000;
const CANCEL_AFTER_SECONDS_MIN = 5;

export async function handleCreate(call: Call, deps: CreateDeps): Promise<void> {
  const { response } = call;
  const json = jsonOf(call.body);
  const parsed = bodySchema.safeParse(json);
  const seed = seedOf(json);
  const fault = await answeringFault(deps.faults.answers("create", seed));
  const note = (status: number | null, predictionId: string | null) =>
    recordCreate(deps.createsPath, {
      ...identityOf(json, seed),
      atMs: deps.clock(),
      status,
      predictionId,
    });
  if (fault !== undefined && !takesEffect(fault)) {
    note(statusAnswered(fault), null);
    answerFault(call, fault);
    return;
  }

  const refusal = (status: number, title: string, detail: string, more?: Record<string, unknown>) => {
    note(status, null);
    sendProblem(response, status, title, detail, more);
  };
  if (call.body === null) return refusal(413, "Payload too large", "The body is over 1 MiB.");
  if (!parsed.success) {
    const detail = parsed.error.issues
      .map((issue) => `- ${issue.path.join(".")}: ${issue.message}`)
      .join("\n");
    return refusal(422, "Input validation failed", `${detail}\n`);
  }
  const schema = schemaFor(deps.schemas, parsed.data.version);
  if (schema === undefined) {
    return refusal(
      422,
      "Invalid version or not permitted",
      "The specified version does not exist (or perhaps you don't have permission to use it?)",
    );
  }
  const invalid = invalidFields(schema, parsed.data.input);
  if (invalid.length > 0) {
    const detail = invalid.map(({ description }) => `- input: ${description}\n`).join("");
    return refusal(422, "Input validation failed", detail, { invalid_fields: invalid });
  }
  const deadlineMs = cancelAfterMs(call.headers["cancel-after"]);
  if (deadlineMs === undefined) {
    return refusal(
      422,
      "Input validation failed",
      "- Cancel-After: must be a duration of at least 5 seconds\n",
    );
  }

  const record = newRecord(parsed.data, schema, seed, deadlineMs, deps);
  // A purchase is noted only once it is one.
  await deps.store.save(record);
  note(fault === undefined ? 201 : statusAnswered(fault), record.id);
  deps.onCreated();
  if (fault === undefined) sendJson(response, 201, deps.view(record));
  else answerFault(call, fault);
}

/** Answers a call as the fault wants; a delay is none of these. */
export function answerFault(call: Call, fault: Exclude<AnswerFault, { kind: "delay" }>): void {
  const { response } = call;
  switch (fault.kind) {
    case "rate-limit": {
      const { seconds, tell } = fault;
      const told =
        tell === "body" || tell === "text" ? ` Your rate limit resets in ~${Math.ceil(seconds)}s.` : "";
      if (tell === "header") response.setHeader("Retry-After", String(seconds));
      const more = tell === "body" ? { retry_after: seconds } : {};
      sendProblem(response, 429, "Throttled", `Request was throttled.${told}`, more);
      break;
    }
    case "status":
      sendProblem(response, fault.status, fault.title, fault.detail);
      break;
    case "malformed":
      response.writeHead(call.method === "POST" ? 201 : 200, { "content-type": "application/json" });
      response.end('{"id": "cut-off", "sta');
      break;
    case "reset":
      call.reset();
      break;
  }
}

/** The fault that answers instead of the sandbox, after the delays among them have passed. */
export async function answeringFault(
  faults: readonly AnswerFault[],
): Promise<Exclude<AnswerFault, { kind: "delay" }> | undefined> {
  for (const fault of faults) {
    if (fault.kind !== "delay") return fault;
    await new Promise((resolve) => setTimeout(resolve, fault.delayMs));
  }
  return undefined;
}

/** Whether the create happens although its answer is spoilt. */
function takesEffect(fault: AnswerFault): boolean {
  return fault.kind === "malformed" || ("accepted" in fault && fault.accepted);
}

function statusAnswered(fault: AnswerFault): number | null {
  if (fault.kind === "status") return fault.status;
  if (fault.kind === "rate-limit") return 429;
  return fault.kind === "malformed" ? 201 : null;
}

function newRecord(
  body: Body,
  schema: InputSchema,
  seed: number | undefined,
  deadlineMs: number | null,
  deps: CreateDeps,
): PredictionRecord {
  const { clock, models, faults } = deps;
  const createdAtMs = clock();
  const model = models.find(({ version, model }) => (schema.version ?? schema.model) === (version ?? model));
  const delayMs = faults.delayMs() ?? deps.delayMs ?? Math.round((model?.typicalSeconds ?? 5) * 1000);
  const job = faults.ofJob("job", seed);
  return {
    id: deps.newId(),
    model: schema.model,
    version: schema.version ?? "hidden",
    input: withoutTexts(body.input, deps.promptKey),
    webhook: body.webhook ?? null,
    webhookEvents: body.webhook_events_filter ?? null,
    createdAtMs,
    startsAtMs: createdAtMs + Math.min(STARTING_MS_MAX, Math.floor(delayMs * STARTING_SHARE)),
    readyAtMs: job?.as === "hangs" ? null : createdAtMs + delayMs,
    deadlineAtMs: deadlineMs === null ? null : createdAtMs + deadlineMs,
    cancelledAtMs: null,
    faults: { job, output: faults.ofJob("output", seed), webhook: faults.ofJob("webhook", seed) },
    outputRefused: false,
    delivery: { done: false, tries: 0, nextAtMs: 0 },
  };
}

/**
 * Prompts are not kept: no file of a rated picture may hold its prompt. A keyed hash stands for each, so that the picture
 * still depends on the words; a GET shows the hash where Replicate would show the text.
 */
function withoutTexts(input: Body["input"], key: string | Uint8Array): Body["input"] {
  return Object.fromEntries(
    Object.entries(input).map(([name, value]) => [
      name,
      name.endsWith("prompt") && typeof value === "string" && value !== ""
        ? `hmac-sha256:${createHmac("sha256", key).update(value).digest("hex")}`
        : value,
    ]),
  );
}

/** `90s`, `5m`, `1h30m45s` or bare seconds in milliseconds; null without the header, undefined when it is wrong. */
function cancelAfterMs(header: string | string[] | undefined): number | null | undefined {
  if (header === undefined) return null;
  const match = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?$/.exec(String(header));
  if (match === null) return undefined;
  const [, hours = "0", minutes = "0", seconds = "0"] = match;
  const total = Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
  return total < CANCEL_AFTER_SECONDS_MIN ? undefined : total * 1000;
}

const lookSchema = z.object({
  version: z.string().nullable().catch(null),
  webhook: z.string().nullable().catch(null),
  input: z.object({ seed: z.int().optional().catch(undefined) }).catch({}),
});

/** Whatever can be told of a create, right or wrong. */
function identityOf(
  json: unknown,
  seed: number | undefined,
): Pick<RecordedCreate, "version" | "webhook" | "seed"> {
  const look = lookSchema.safeParse(json).data;
  return { version: look?.version ?? null, webhook: look?.webhook ?? null, seed: seed ?? null };
}

function seedOf(json: unknown): number | undefined {
  return lookSchema.safeParse(json).data?.input.seed;
}

function jsonOf(body: Buffer | null): unknown {
  try {
    return JSON.parse(body?.toString("utf8") ?? "");
  } catch {
    return undefined;
  }
}
