import type { AtelierEvent } from "@atelier/core/events";
import { knownNames, type Measurement } from "@atelier/core/metrics";
import { expect, it } from "vitest";
import { createEvents } from "./events.ts";

const EVENT: AtelierEvent = {
  id: "e1",
  type: "suspected-minor",
  atMs: Date.parse("2026-11-22T23:30:00Z"),
  detail: { image_id: "img_a_00000", request_id: "req_a", category: "feet" },
};
const DOCUMENT = {
  id: "e1",
  type: "suspected-minor",
  version: 1,
  at: "2026-11-22T23:30:00.000Z",
  detail: EVENT.detail,
};
const KEY = { pk: "EVENTS#2026-11-22", sk: "001795390200000#e1" };

/** A bus that fails so many times, and a table that outlives the processes that write it. */
function installation(failures = 0) {
  const items = new Map<string, unknown>();
  const sent: unknown[] = [];
  const measured: Measurement[] = [];
  const process = () =>
    createEvents({
      dynamo: {
        get: async ({ sk }) => items.get(sk) as Record<string, unknown> | undefined,
        async put(item) {
          if (items.has(item.sk)) return false;
          items.set(item.sk, item);
          return true;
        },
      },
      bus: {
        async send(event) {
          if (failures-- > 0) throw new Error("the bus is down");
          sent.push(event);
        },
      },
      telemetry: { measure: (...values) => void measured.push(...values) },
      known: knownNames({ providers: [{ name: "replicate" }], models: [] }),
    });
  return { items, sent, measured, process };
}

it("an event goes to the bus, and is kept with a time to go; told again by anybody, it goes nowhere", async () => {
  const { items, sent, process } = installation();
  const events = process();
  await events.publish(EVENT);
  await events.publish(EVENT);
  await process().publish(EVENT);
  expect(sent).toStrictEqual([DOCUMENT]);
  expect([...items.values()]).toStrictEqual([
    { ...DOCUMENT, ...KEY, expiresAt: 1_795_390_200 + 30 * 24 * 60 * 60 },
  ]);
});

it("what the bus did not take is not kept, so that telling it again sends it", async () => {
  const { items, sent, process } = installation(1);
  await expect(process().publish(EVENT)).rejects.toThrow("down");
  expect(items.size).toBe(0);
  await process().publish(EVENT);
  expect(sent).toStrictEqual([DOCUMENT]);
});

it("the end of an image is measured once, under names of the catalogue alone", async () => {
  const { measured, process } = installation();
  const attempt = { attempt_id: "img_a_00000-1", provider: "replicate", model: "made-up" };
  const event: AtelierEvent = {
    ...EVENT,
    type: "image-completed",
    detail: {
      ...EVENT.detail,
      rating: "general",
      template: null,
      provider: "replicate",
      model: "made-up",
      cost: 0.04,
      quality: 80,
      generation_seconds: 12.5,
      queue_seconds: 2,
      reason: null,
      attempts: [
        { ...attempt, outcome: "failed", reason: "a text that is no error's name", cost: 0 },
        { ...attempt, outcome: "succeeded", reason: null, cost: 0.04 },
      ],
    },
  };
  await process().publish(event);
  await process().publish(event);
  const dimensions = { provider: "replicate", model: "other" };
  expect(measured).toStrictEqual([
    { name: "ImagesCompleted", value: 1, dimensions: {} },
    { name: "AttemptsPerImage", value: 2, dimensions: {} },
    { name: "CostUsd", value: 0, dimensions },
    { name: "AttemptsFailed", value: 1, dimensions },
    { name: "CostUsd", value: 0.04, dimensions },
    { name: "AttemptsSucceeded", value: 1, dimensions },
    { name: "Failures", value: 1, dimensions: { reason: "Unexpected" } },
    { name: "GenerationSeconds", value: 12.5, dimensions },
    { name: "QueueSeconds", value: 2, dimensions: { provider: "replicate" } },
    { name: "Quality", value: 80, dimensions },
  ]);
});
