import { expect, it } from "vitest";
import type { Dynamo } from "./dynamo/client.ts";
import { createEvents } from "./events.ts";
import type { MetricName } from "./telemetry.ts";

it("an event is kept once, with a time to go, and counted once with its cost", async () => {
  const items: unknown[] = [];
  const counted: [MetricName, number][] = [];
  const dynamo: Pick<Dynamo, "put"> = {
    async put(item) {
      items.push(item);
      return items.length === 1;
    },
  };
  const events = createEvents({
    dynamo: dynamo as Dynamo,
    telemetry: { count: (name, value) => void counted.push([name, value]) },
  });
  const event = {
    id: "e1",
    type: "image-completed",
    atMs: Date.parse("2026-11-22T23:30:00Z"),
    detail: { imageId: "img_a_00000", costMicros: 40_000 },
  };
  await events.publish(event);
  await events.publish(event);
  expect(items[0]).toStrictEqual({
    ...event,
    pk: "EVENTS#2026-11-22",
    sk: "001795390200000#e1",
    expiresAt: 1_795_390_200 + 30 * 24 * 60 * 60,
  });
  expect(counted).toStrictEqual([
    ["ImagesCompleted", 1],
    ["SpentMicros", 40_000],
  ]);
});
