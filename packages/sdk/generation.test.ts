import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import type { ProgressEvent } from "./generation.ts";
import { ForbiddenError, ImageGenerator, NoAnswerError } from "./image-generator.ts";

type Answer = (response: ServerResponse) => void | Promise<void>;

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

const request = (completed: number, count = 3, finished = completed === count) => ({
  request_id: "req_1",
  status: finished ? "completed" : "running",
  count,
  progress: { completed },
  finished_at: finished ? "2026-11-22T12:00:00.000Z" : null,
});
const image = (index: number) => ({
  image_id: `img_1_${String(index).padStart(5, "0")}`,
  status: "completed",
});
const told = {
  image: (index: number) => `event: image\nid: ${index}.x\ndata: ${JSON.stringify(image(index))}\n\n`,
  progress: (document: object) => `event: progress\ndata: ${JSON.stringify(document)}\n\n`,
  end: (document: object) => `event: end\ndata: ${JSON.stringify(document)}\n\n`,
};

/** An answer of events that ends, or breaks off, or goes on being silent. */
function events(texts: readonly string[], how: "ends" | "breaks" | "stalls" = "ends"): Answer {
  return (response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    if (how === "ends") response.end(texts.join(""));
    // Something arrives before the connection breaks.
    else response.write(texts.join(""), () => how === "breaks" && setTimeout(() => response.destroy(), 20));
  };
}
const refuses =
  (status: number, headers = {}): Answer =>
  (response) => {
    response.writeHead(status, headers).end('{"name":"Name","detail":"No."}');
  };
const json =
  (document: unknown): Answer =>
  (response) => {
    response.end(JSON.stringify(document));
  };

/** A server that answers each ask for events in turn, the last answer again and again. */
async function watching(streams: readonly Answer[], { count = 3, listed = [image(0)] as unknown[] } = {}) {
  const calls: string[] = [];
  let asked = 0;
  const server = createServer(async (incoming, response) => {
    for await (const _piece of incoming);
    const url = incoming.url ?? "";
    const isEvents = url.endsWith("/events");
    calls.push(`${incoming.method} ${url} ${incoming.headers["last-event-id"] ?? ""}`.trim());
    const answer = isEvents
      ? (streams[asked++] ?? streams.at(-1))
      : url.startsWith("/v1/images")
        ? json({ items: listed, next_cursor: null })
        : json(request(0, count, false));
    await answer?.(response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(
    () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  );
  const waits: number[] = [];
  let nowMs = 0;
  const surroundings = {
    wait: async (ms: number, signal: AbortSignal | undefined) => {
      signal?.throwIfAborted();
      waits.push(Math.round(ms));
      nowMs += ms;
    },
    random: () => 1,
    now: () => nowMs,
  };
  const options = {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    token: "t",
    retries: 0,
    timeoutMs: 1_000,
  };
  const generator = new ImageGenerator(options, surroundings);
  return { calls, waits, generator };
}

async function all(generation: AsyncIterable<ProgressEvent>): Promise<string[]> {
  const seen: string[] = [];
  for await (const event of generation) {
    seen.push(
      event.kind === "image" ? event.image.image_id : `${event.kind} ${event.request.progress.completed}`,
    );
  }
  return seen;
}
const ids = [0, 1, 2].map((index) => image(index).image_id);
const EVENTS = "GET /v1/requests/req_1/events";

describe("watching", () => {
  test("each image once and each change once, over broken and silent streams", async () => {
    const { generator, calls } = await watching([
      events([told.progress(request(0)), told.image(0)], "breaks"),
      events(
        [told.progress(request(0)), ": still here\n\n", told.image(1), "event: image\nid: 9\nda"],
        "stalls",
      ),
      events([told.image(2), told.progress(request(3)), told.end(request(3))]),
    ]);
    expect(await all(generator.generate({ category: "feet" }))).toEqual([
      "progress 0",
      ids[0],
      ids[1],
      ids[2],
      "progress 3",
    ]);
    expect(calls).toEqual(["POST /v1/requests", EVENTS, `${EVENTS} 0.x`, `${EVENTS} 1.x`]);
  });

  test("a server that does not stream is asked less often while nothing happens", async () => {
    const nothing = events([told.progress(request(1))]);
    const { generator, waits } = await watching([
      nothing,
      nothing,
      nothing,
      nothing,
      nothing,
      nothing,
      events([told.image(1), told.progress(request(2))]),
      events([told.end(request(3))]),
    ]);
    expect(await all(generator.resume("req_1"))).toEqual(["progress 1", ids[1], "progress 2", "progress 3"]);
    expect(waits).toEqual([1000, 1500, 2250, 3375, 5000, 5000, 1000]);
  });

  test("a server that is away is waited for, for two minutes", async () => {
    const away: Answer = (response) => void response.destroy();
    const back = [away, refuses(503, { "retry-after": "30" }), events([told.end(request(3))])];
    const { generator, waits } = await watching(back);
    expect(await all(generator.resume("req_1"))).toEqual(["progress 3"]);
    expect(waits).toEqual([1000, 30_000]);
    const gone = await watching([away]);
    await expect(all(gone.generator.resume("req_1"))).rejects.toBeInstanceOf(NoAnswerError);
    const waitedMs = gone.waits.reduce((total, ms) => total + ms, 0);
    expect(waitedMs).toBeGreaterThan(120_000);
    expect(waitedMs).toBeLessThan(130_000);
  });

  test("a refusal is thrown, of the request and of its events", async () => {
    const { generator, calls } = await watching([refuses(403)]);
    await expect(all(generator.resume("req_1"))).rejects.toBeInstanceOf(ForbiddenError);
    expect(calls).toHaveLength(2);
  });

  test("who leaves is let go, and the signal ends it with its own reason", async () => {
    let closed = 0;
    const stays: Answer = (response) => {
      response.on("close", () => closed++);
      return events([told.progress(request(0))], "stalls")(response);
    };
    const { generator, calls } = await watching([stays]);
    for await (const _event of generator.resume("req_1")) break;
    await expect.poll(() => closed).toBe(1);
    const reason = new Error("Enough.");
    const stop = new AbortController();
    const seen: string[] = [];
    const watched = async () => {
      for await (const event of generator.resume("req_1", { signal: stop.signal })) {
        seen.push(event.kind);
        stop.abort(reason);
      }
    };
    await expect(watched()).rejects.toBe(reason);
    expect(seen).toEqual(["progress"]);
    await expect.poll(() => closed).toBe(2);
    expect(calls.filter((call) => call === EVENTS)).toHaveLength(2);
  });
});

describe("awaiting", () => {
  test("a few images are listed as soon as the request has ended, in its order", async () => {
    const streams = [events([told.image(1), told.progress(request(3))], "stalls")];
    const { generator, calls } = await watching(streams, { listed: [image(2), image(1), image(0)] });
    const images = await generator.generate({ category: "feet", variations: 3 });
    expect(images.map(({ image_id }) => image_id)).toEqual(ids);
    expect(calls.slice(1)).toEqual([EVENTS, "GET /v1/images?request_id=req_1&limit=100"]);
  });

  test("many come with the events alone, and nothing is asked twice", async () => {
    const count = 5_000;
    const texts = Array.from({ length: count }, (_, index) => told.image(count - 1 - index));
    const streams = [
      events([...texts, told.progress(request(count, count)), told.end(request(count, count))]),
    ];
    const { generator, calls } = await watching(streams, { count });
    const generation = generator.generate({ category: "feet", variations: count });
    const images = await generation;
    expect(images).toHaveLength(count);
    expect(images.at(-1)?.image_id).toBe(image(count - 1).image_id);
    // Once more is the same promise.
    expect(await generation.images()).toBe(images);
    expect(calls).toHaveLength(2);
  });

  test("a refusal that nobody awaits is no unhandled rejection, and one that is awaited is thrown", async () => {
    const { generator } = await watching([]);
    const refused = generator.generate({ category: "feet" }, { signal: AbortSignal.abort(new Error("No.")) });
    // Node would end the process here.
    await new Promise((resolve) => setImmediate(resolve));
    await expect(refused.accepted).rejects.toThrow("No.");
    await expect(Promise.resolve(refused)).rejects.toThrow("No.");
    await expect(all(refused)).rejects.toThrow("No.");
  });

  test("cancelling does not depend on the signal that ended the waiting", async () => {
    const { generator, calls } = await watching([events([told.progress(request(0))], "stalls")]);
    const stop = new AbortController();
    const generation = generator.resume("req_1", { signal: stop.signal });
    await generation.accepted;
    stop.abort();
    await generation.cancel();
    expect(calls.at(-1)).toBe("POST /v1/requests/req_1/cancel");
  });
});
