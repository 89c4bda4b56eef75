/**
 * @module What other programs are told: every event by its type, with a schema of what it carries. Published after the record, at
 * least once; the id is derived from what is told, so that telling it again is recognised. `docs/events.md` is made of this table.
 *
 * A version is raised when a field goes or changes its meaning; more fields are no new version, so readers leave out what they do
 * not know. No event carries a prompt, or the name of a person.
 */
import * as z from "zod";
import { CATEGORY_NAMES, RATINGS } from "./catalogue.ts";
import { IMAGE_STATUSES } from "./image.ts";
import { REQUEST_STATUSES } from "./request-document.ts";

const usd = (meaning: string) => z.number().describe(`${meaning}, US dollars`);
const imageId = z.string().describe("Of the image");
const requestId = z.string().describe("Of the request");
const category = z.enum(CATEGORY_NAMES).describe("What kind of picture");

/** One attempt of an image, as it ended. */
const attemptToldSchema = z.object({
  attempt_id: z.string().describe("Of the attempt"),
  provider: z.string().describe("Who was called"),
  model: z.string().describe("What was to make it, by the catalogue's name"),
  outcome: z
    .enum(["succeeded", "failed", "unknown"])
    .describe("`unknown`: how it ended was not known by then"),
  reason: z.string().nullable().describe("Of a failure: a name of docs/errors.md; null otherwise"),
  cost: usd("What it was charged so far"),
});

const imageEndedSchema = z.object({
  image_id: imageId,
  request_id: requestId,
  category,
  rating: z.enum(RATINGS).describe("The effective rating"),
  template: z.string().nullable().describe("Null for a free prompt"),
  provider: z.string().nullable().describe("Who made the picture; null without one"),
  model: z.string().nullable().describe("What made it, by the catalogue's name"),
  cost: usd("What all attempts were charged"),
  quality: z.number().nullable().describe("Measured, 0 to 100"),
  generation_seconds: z.number().nullable().describe("From the create to the picture at the provider"),
  queue_seconds: z.number().nullable().describe("From planning the image to that create"),
  reason: z.string().nullable().describe("Of an end without a picture: a name of docs/errors.md"),
  attempts: z.array(attemptToldSchema).describe("Every paid call, in order"),
});

const imageReviewedSchema = z.object({
  image_id: imageId,
  rating: z.string().nullable().describe("The rating that was decided, where one was"),
});

const alarmSchema = z.object({
  alarm: z.string().describe("A name of the table in docs/operations.md"),
  severity: z.enum(["critical", "warning"]).describe("`critical`: nothing is made, or money is at stake"),
  provider: z.string().nullable().describe("Of whom; null where it is about no provider"),
  model: z.string().nullable().describe("Of what; null where it is about no model"),
  since: z.iso
    .datetime()
    .nullable()
    .describe("Since when it rings, as far as the records tell; null otherwise"),
  message: z.string().describe("One sentence"),
  runbook: z.string().describe("Page and section that say what to do"),
});

interface EventEntry {
  readonly version: number;
  readonly meaning: string;
  readonly detail: z.ZodType<Readonly<Record<string, unknown>>>;
}

export const EVENTS = {
  "image-completed": {
    version: 1,
    meaning: "A picture was made, judged and released.",
    detail: imageEndedSchema,
  },
  "image-quarantined": {
    version: 1,
    meaning: "A picture was made and waits for a person.",
    detail: imageEndedSchema,
  },
  "image-rejected": {
    version: 1,
    meaning: "Policy, terms or the verdict on the picture refused the image.",
    detail: imageEndedSchema,
  },
  "image-failed": {
    version: 1,
    meaning: "The image came to its end without a picture.",
    detail: imageEndedSchema,
  },
  "image-cancelled": {
    version: 1,
    meaning: "Somebody cancelled the image.",
    detail: imageEndedSchema,
  },
  "request-completed": {
    version: 1,
    meaning: "The last image of a request has ended.",
    detail: z.object({
      request_id: requestId,
      category,
      status: z.enum(REQUEST_STATUSES).describe("`failed` and `refused` when not one picture was made"),
      count: z.int().describe("How many images were asked for"),
      progress: z.partialRecord(z.enum(IMAGE_STATUSES), z.int()).describe("How many ended how"),
      cost: usd("All images together"),
    }),
  },
  "image-released": {
    version: 1,
    meaning: "A reviewer released a picture.",
    detail: imageReviewedSchema,
  },
  "image-removed": {
    version: 1,
    meaning: "A reviewer rejected a picture, and its files were removed.",
    detail: imageReviewedSchema,
  },
  "image-rated": {
    version: 1,
    meaning: "A reviewer gave a picture another rating.",
    detail: imageReviewedSchema,
  },
  "image-unsealed": {
    version: 1,
    meaning: "A reviewer lifted the seal of a suspected minor.",
    detail: imageReviewedSchema,
  },
  "suspected-minor": {
    version: 1,
    meaning: "A picture may show a minor: it is sealed, and the operator is told apart from all else.",
    detail: z.object({ image_id: imageId, request_id: requestId, category }),
  },
  "budget-warning": {
    version: 1,
    meaning: "Four fifths of a budget are spent or held; once for each budget, period and limit.",
    detail: z.object({
      account: z.enum(["real", "sandbox"]).describe("Whose ledger: the sandbox spends play money"),
      scope: z.string().describe("`day`, `month`, `provider:NAME` or `category:NAME`"),
      period: z.string().describe("yyyy-mm-dd or yyyy-mm"),
      limit: usd("The limit"),
      used: usd("Spent and held when it was told first"),
    }),
  },
  "terms-expiring": {
    version: 1,
    meaning: "Terms, licences or attestations expire within a month, or have; once a day.",
    detail: z.object({
      expiring: z
        .array(
          z.object({
            what: z
              .enum(["terms", "licence", "terms-attestation", "age-attestation"])
              .describe(
                "A provider's terms, a model's licence, or an operator's word for terms or a viewer's age",
              ),
            name: z.string().describe("Of the provider, model or viewer"),
            rating: z.enum(RATINGS).nullable().describe("What it allows; null for a viewer's age"),
            last_day: z.string().describe("The last day on which it counts, yyyy-mm-dd"),
            days_left: z.int().describe("Below zero: it has expired"),
          }),
        )
        .describe("The soonest first"),
    }),
  },
  "alarm-raised": { version: 1, meaning: "An alarm began to ring, on one machine.", detail: alarmSchema },
  "alarm-cleared": { version: 1, meaning: "An alarm rings no more, on one machine.", detail: alarmSchema },
} as const satisfies Record<string, EventEntry>;

export type EventType = keyof typeof EVENTS;
export const EVENT_TYPES = Object.keys(EVENTS) as EventType[];
export type EventDetail<Type extends EventType> = z.input<(typeof EVENTS)[Type]["detail"]>;

/** What is published. */
export type AtelierEvent = {
  readonly [Type in EventType]: {
    /** Derived: the same for the same thing told again. */
    readonly id: string;
    readonly type: Type;
    /** When it happened, not when it was told. */
    readonly atMs: number;
    readonly detail: EventDetail<Type>;
  };
}[EventType];

/** What others read: a line of the outbox, an item of the table, the detail on the bus. */
export interface EventDocument {
  readonly id: string;
  readonly type: EventType;
  readonly version: number;
  /** RFC 3339 in UTC. */
  readonly at: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

export function eventDocument({ id, type, atMs, detail }: AtelierEvent): EventDocument {
  return { id, type, version: EVENTS[type].version, at: new Date(atMs).toISOString(), detail };
}

const envelopeSchema = z.object({
  id: z.string(),
  type: z.enum(EVENT_TYPES),
  version: z.int(),
  at: z.iso.datetime(),
});

/**
 * Reads what `eventDocument` wrote.
 *
 * @returns null for what is no event of this release: torn, of a later type or version
 */
export function readEvent(document: unknown): EventDocument | null {
  const envelope = envelopeSchema.safeParse(document);
  if (!envelope.success) return null;
  const { version, detail: schema } = EVENTS[envelope.data.type];
  if (envelope.data.version !== version) return null;
  const detail = schema.safeParse((document as { readonly detail?: unknown }).detail);
  return detail.success ? { ...envelope.data, detail: detail.data } : null;
}
