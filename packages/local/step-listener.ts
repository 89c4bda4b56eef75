/** @module Watching the steps of the workflow as they begin and end. */
import type { Handler } from "./state-machine.ts";

export type StepListener = (step: {
  readonly name: string;
  readonly imageId: string | null;
  readonly phase: "entered" | "left";
  /** What the step returned, once it has left. */
  readonly result?: unknown;
}) => void;

/** The same handlers, each telling of its calls. */
export function watched(
  handlers: Readonly<Record<string, Handler>>,
  tell: StepListener,
): Record<string, Handler> {
  return Object.fromEntries(
    Object.entries(handlers).map(([name, handler]) => [
      name,
      async (payload: unknown) => {
        const imageId = imageIdIn(payload);
        tell({ name, imageId, phase: "entered" });
        const result = await handler(payload);
        tell({ name, imageId, phase: "left", result });
        return result;
      },
    ]),
  );
}

function imageIdIn(payload: unknown): string | null {
  return typeof payload === "object" &&
    payload !== null &&
    "imageId" in payload &&
    typeof payload.imageId === "string"
    ? payload.imageId
    : null;
}
