import { imageIdOf } from "@atelier/core/ids";
import type { Image } from "@atelier/core/image";
import { ENDED_LAG_MS } from "@atelier/core/request-progress";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { someImage, somePart, someRequest } from "../../test/contract/table-fixtures.ts";
import { cursorFrom, eventIdOf, eventStream, type RequestEvent } from "./request-events.ts";
import { startTestApi, type TestApi, type TestCall } from "./testing/api.ts";

const REQUEST_ID = "req_watched";
const ids = [0, 1, 2].map((index) => imageIdOf(REQUEST_ID, index));
const mine: TestCall = { scopes: ["requests:read"] };

let api: TestApi;
beforeEach(async () => {
  api = await startTestApi();
  const { requests, images } = api.deps;
  await requests.putIfAbsent(someRequest({ requestId: REQUEST_ID, count: 3, askedBy: "ada" }));
  await requests.parts.putIfAbsent(somePart({ requestId: REQUEST_ID }));
  for (const index of [0, 1, 2]) {
    await images.putIfAbsent(someImage({ requestId: REQUEST_ID, index, askedBy: "ada" }));
  }
});
afterEach(() => api.close());

async function end(imageId: string, status: Image["status"] = "completed"): Promise<void> {
  await api.deps.images.patch(imageId, { set: { status, finishedAtMs: api.clock() }, when: [] });
}

/** The whole answer, or what has come of it, as events. */
function eventsIn(text: string) {
  return text
    .split("\n\n")
    .filter((block) => block !== "")
    .map((block) => {
      if (block.startsWith(":")) return { event: "comment" };
      const fields = Object.fromEntries(
        block
          .split("\n")
          .map((line) => [line.slice(0, line.indexOf(": ")), line.slice(line.indexOf(": ") + 2)]),
      );
      const data = JSON.parse(fields.data ?? "null") as Record<string, unknown>;
      return { event: fields.event, id: fields.id, image: data.image_id, status: data.status };
    });
}

async function watched(app: TestApi, call: TestCall = {}) {
  const answer = await app.call(`/v1/requests/${REQUEST_ID}/events`, { ...mine, ...call });
  expect([answer.status, answer.headers.get("content-type")]).toEqual([
    200,
    "text/event-stream; charset=utf-8",
  ]);
  return eventsIn(await answer.text());
}

describe("streamed", () => {
  test("each image is told as it ends, the request as it changes, and the end", async () => {
    const todo = [...ids];
    const waits: number[] = [];
    const streaming = await api.with({
      async wait(waitMs) {
        waits.push(waitMs);
        api.advance(ENDED_LAG_MS);
        const next = todo.shift();
        if (next) await end(next);
      },
    });
    const events = await watched(streaming);
    expect(events.map(({ event, image, status }) => [event, image, status])).toEqual([
      ["progress", undefined, "accepted"],
      ["progress", undefined, "running"],
      ["image", ids[0], "completed"],
      ["progress", undefined, "running"],
      ["image", ids[1], "completed"],
      ["progress", undefined, "completed"],
      ["image", ids[2], "completed"],
      ["end", undefined, "completed"],
    ]);
    expect(new Set(waits)).toEqual(new Set([500]));
    expect(api.faults).toEqual([]);
  });

  test("silence is broken by comments, and ended after a while", async () => {
    const streaming = await api.with({ wait: async () => api.advance(60_000) });
    const events = await watched(streaming);
    expect(events[0]).toMatchObject({ event: "progress" });
    expect(events.slice(1).map(({ event }) => event)).toEqual(Array(9).fill("comment"));
  });

  test("whoever goes is looked after no more", async () => {
    let signal: AbortSignal | undefined;
    const waiting = Promise.withResolvers<void>();
    const streaming = await api.with({
      wait: (_, given) => {
        signal = given;
        waiting.resolve();
        return new Promise((resolve) => given.addEventListener("abort", () => resolve()));
      },
    });
    const answer = await streaming.call(`/v1/requests/${REQUEST_ID}/events`, mine);
    const reader = answer.body?.getReader();
    await reader?.read();
    await waiting.promise;
    await reader?.cancel();
    expect(signal?.aborted).toBe(true);
  });

  test("a store that fails ends the stream, and we are told", async () => {
    const thrown = new Error("gone");
    const requests = { ...api.deps.requests };
    let looks = 0;
    const streaming = await api.with({
      wait: async () => undefined,
      requests: { ...requests, get: (id) => (++looks > 2 ? Promise.reject(thrown) : requests.get(id)) },
    });
    expect(await watched(streaming)).toHaveLength(1);
    expect(api.faults).toEqual([thrown]);
  });
});

describe("where nothing streams", () => {
  let sending: TestApi;
  beforeEach(async () => {
    sending = await api.with({ wait: () => Promise.reject(new Error("It waits.")) }, { streams: false });
  });

  test("what is new is sent, and after the last id only what came since", async () => {
    await end(ids[1] ?? "");
    api.advance(ENDED_LAG_MS);
    const first = await watched(sending);
    expect(first.map(({ event, image }) => [event, image])).toEqual([
      ["image", ids[1]],
      ["progress", undefined],
    ]);
    await end(ids[0] ?? "", "failed");
    await end(ids[2] ?? "");
    api.advance(ENDED_LAG_MS);
    const headers = { "Last-Event-ID": first[0]?.id ?? "" };
    const second = await watched(sending, { headers });
    expect(second.map(({ event, image }) => [event, image])).toEqual([
      ["image", ids[0]],
      ["image", ids[2]],
      ["progress", undefined],
      ["end", undefined],
    ]);
    const last = { "Last-Event-ID": second[1]?.id ?? "" };
    expect((await watched(sending, { headers: last })).map(({ event }) => event)).toEqual([
      "progress",
      "end",
    ]);
  });

  test("HEAD says that there is something, and reads nothing", async () => {
    const answer = await sending.call(`/v1/requests/${REQUEST_ID}/events`, { ...mine, method: "HEAD" });
    expect([answer.status, await answer.text()]).toEqual([200, ""]);
  });

  test.each(["x", "1", ".img_a", "1.img_a.2", "1.../etc", `${"9".repeat(16)}.img_a_00000`])(
    "%s is no id of an event",
    async (id) => {
      const call = { ...mine, headers: { "Last-Event-ID": id } };
      expect((await sending.call(`/v1/requests/${REQUEST_ID}/events`, call)).status).toBe(400);
    },
  );
});

test("an event's id is a place to go on from", () => {
  const cursor = { finishedAtMs: 1_795_348_800_000, imageId: "img_a_00001" };
  expect(cursorFrom(eventIdOf(cursor))).toEqual(cursor);
});

test("a client that goes while something is looked up is no fault", async () => {
  const faults: unknown[] = [];
  let look: () => void = () => undefined;
  async function* events(): AsyncGenerator<RequestEvent> {
    await new Promise<void>((resolve) => {
      look = resolve;
    });
  }
  const stream = eventStream(events(), { stop: () => look(), onFault: (error) => faults.push(error) });
  const reader = stream.getReader();
  const read = reader.read();
  await reader.cancel();
  expect(await read).toEqual({ done: true, value: undefined });
  expect(faults).toEqual([]);
});
