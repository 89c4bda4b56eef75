import * as fc from "fast-check";
import { expect, test } from "vitest";
import { type ServerSentEvent, serverSentEvents } from "./server-sent-events.ts";

async function eventsIn(pieces: readonly Uint8Array[]): Promise<ServerSentEvent[]> {
  async function* given() {
    yield* pieces;
  }
  const events: ServerSentEvent[] = [];
  for await (const event of serverSentEvents(given())) events.push(event);
  return events;
}
const encoder = new TextEncoder();

test("reads fields as the standard says", async () => {
  const text = [
    "\uFEFF: a comment\n",
    "event: image\nid: 1\ndata: {\n\n",
    "data\ndata:two\r\n\r\n",
    "retry: 250\nid: bad\0id\rdata: x\r\r",
    "retry: soon\nunknown: field\nevent: left out, for want of data\n\n",
    "data: cut off\n",
  ].join("");
  expect(await eventsIn([encoder.encode(text)])).toEqual([
    { event: "image", data: "{", id: "1", retryMs: null },
    { event: "message", data: "\ntwo", id: "1", retryMs: null },
    { event: "message", data: "x", id: "1", retryMs: 250 },
  ]);
});

test("reads the same however the bytes are cut", async () => {
  const eventSchema = fc.record({
    event: fc.constantFrom("image", "progress"),
    data: fc.string({ unit: "grapheme", maxLength: 20 }).map((text) => JSON.stringify(text)),
    id: fc.stringMatching(/^[a-z0-9]{1,5}$/),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(eventSchema, { maxLength: 5 }),
      fc.constantFrom("\n", "\r\n", "\r"),
      fc.array(fc.nat(200)),
      async (events, end, cuts) => {
        const bytes = encoder.encode(
          events
            .map(({ event, data, id }) => [`event: ${event}`, `id: ${id}`, `data: ${data}`, "", ""].join(end))
            .join(""),
        );
        const ends = [...cuts.sort((one, other) => one - other), bytes.length];
        const pieces = ends.map((to, index) => bytes.subarray(ends[index - 1] ?? 0, to));
        expect(await eventsIn(pieces)).toEqual(events.map((event) => ({ ...event, retryMs: null })));
      },
    ),
  );
});
