import { expect, test } from "vitest";
import type { Image } from "../image.ts";
import type { Attempts, TokenAnswer } from "../ports.ts";
import { PART_IMAGES_MAX } from "../request.ts";
import { MAP_CONCURRENCY } from "./definition.ts";
import { leastWaitMs, pace } from "./pace.ts";
import { IMAGE_DEADLINE_MS } from "./steps/plan.ts";

/** Step Functions' quota of an execution's history: what writes more is ended. */
const HISTORY_EVENTS_MAX = 25_000;
/** Generate: entered, scheduled, started, submitted, failed, exited. PaceDelay and Pace: entered and exited each. */
const EVENTS_OF_A_WAIT = 10;
/** Five tasks of up to seven events, and the iteration's own. */
const EVENTS_OF_AN_IMAGE = 40;

test("an execution whose images all wait until their deadline does not run out of events", () => {
  let waits = 0;
  // The shortest wait that there is, a second, each time.
  for (let ageMs = 0; ageMs < IMAGE_DEADLINE_MS; waits++) {
    ageMs += Math.max(1_000, leastWaitMs(ageMs, IMAGE_DEADLINE_MS - ageMs));
  }
  const events = MAP_CONCURRENCY * waits * EVENTS_OF_A_WAIT + PART_IMAGES_MAX * EVENTS_OF_AN_IMAGE;
  expect(events).toBeLessThan(HISTORY_EVENTS_MAX);
});

test("who has just come is not kept waiting, and who has waited for hours is asked within minutes", () => {
  expect(leastWaitMs(0, IMAGE_DEADLINE_MS)).toBe(0);
  expect(leastWaitMs(-5_000, IMAGE_DEADLINE_MS)).toBe(0);
  expect(leastWaitMs(10 * 60_000, IMAGE_DEADLINE_MS)).toBe(24_000);
  expect(leastWaitMs(IMAGE_DEADLINE_MS / 2, IMAGE_DEADLINE_MS / 2)).toBe(300_000);
  expect(leastWaitMs(IMAGE_DEADLINE_MS, 60_000)).toBe(48_000);
  expect(leastWaitMs(IMAGE_DEADLINE_MS, -1)).toBe(0);
});

test("an image that has waited for hours is asked until its deadline, the last times shortly before", async () => {
  const createdAtMs = 1_000;
  const deadlineAtMs = createdAtMs + IMAGE_DEADLINE_MS;
  let nowMs = deadlineAtMs - 10 * 60_000;
  const told: string[] = [];
  const deps = {
    attempts: {} as Attempts,
    clock: () => nowMs,
    workflow: {
      async answer(_token: string, answer: TokenAnswer) {
        if (answer.ok) throw new Error("Nothing is made here.");
        told.push(answer.error);
        if (answer.error === "Paced") nowMs += 1_000 * JSON.parse(answer.cause).seconds;
        return "answered" as const;
      },
    },
  };
  while (told.at(-1) !== "DeadlineExceeded") {
    await pace({ createdAtMs, deadlineAtMs } as Image, "a token", 2_000, deps);
  }
  expect(deadlineAtMs - nowMs).toBeLessThanOrEqual(2_000);
  expect(nowMs).toBeLessThan(deadlineAtMs);
  expect(told.length).toBeLessThan(10);
});
