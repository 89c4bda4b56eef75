/** @module What an event says in numbers: the metrics of images, written once, where the event is told for the first time. */
import { isErrorName } from "./errors.ts";
import type { AtelierEvent, EventDetail } from "./events.ts";
import type { Measurement } from "./metrics.ts";

const ENDS = {
  "image-completed": "ImagesCompleted",
  "image-quarantined": "ImagesQuarantined",
  "image-rejected": "ImagesRejected",
  "image-failed": "ImagesFailed",
} as const;

export function measurementsOf(event: AtelierEvent): Measurement[] {
  switch (event.type) {
    case "image-completed":
    case "image-quarantined":
    case "image-rejected":
    case "image-failed":
      return [{ name: ENDS[event.type], value: 1 }, ...ofImage(event.detail)];
    case "image-cancelled":
      return ofImage(event.detail);
    case "request-completed":
      return event.detail.status === "failed" || event.detail.status === "refused"
        ? [{ name: "RequestsWithoutPictures", value: 1 }]
        : [];
    default:
      return [];
  }
}

function ofImage(detail: EventDetail<"image-completed">): Measurement[] {
  const { provider, model, attempts, reason } = detail;
  const made = provider !== null && model !== null ? { provider, model } : null;
  const failures = attempts.flatMap(({ outcome, reason: name }) => (outcome === "failed" ? [name] : []));
  // An image that failed before its first attempt (policy, terms, budget) has a reason of its own.
  if (attempts.length === 0 && reason !== null) failures.push(reason);
  return [
    { name: "AttemptsPerImage", value: attempts.length },
    ...attempts.flatMap((attempt): Measurement[] => {
      const dimensions = { provider: attempt.provider, model: attempt.model };
      const cost: Measurement = { name: "CostUsd", value: attempt.cost, dimensions };
      if (attempt.outcome === "unknown") return [cost];
      const ended = attempt.outcome === "succeeded" ? "AttemptsSucceeded" : "AttemptsFailed";
      return [cost, { name: ended, value: 1, dimensions }];
    }),
    ...failures.map(
      (name): Measurement => ({
        name: "Failures",
        value: 1,
        dimensions: { reason: name !== null && isErrorName(name) ? name : "Unexpected" },
      }),
    ),
    ...(made === null ? [] : ofPicture(detail, made)),
  ];
}

function ofPicture(
  { generation_seconds, queue_seconds, quality }: EventDetail<"image-completed">,
  made: { readonly provider: string; readonly model: string },
): Measurement[] {
  const measured = [
    { name: "GenerationSeconds", value: generation_seconds, dimensions: made },
    { name: "QueueSeconds", value: queue_seconds, dimensions: { provider: made.provider } },
    { name: "Quality", value: quality, dimensions: made },
  ] as const;
  return measured.flatMap(({ value, ...rest }) => (value === null ? [] : [{ ...rest, value }]));
}
