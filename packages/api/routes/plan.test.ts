import { occurrenceRequestId } from "@atelier/core/ids";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestApi, type TestApi } from "../testing/api.ts";

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

const SUNDAY = "2026-11-22";
const OCCURRENCE = `sunday@${SUNDAY}`;
const plan = { scopes: ["plan:read"] } as const;
const json = async (path: string, call: Parameters<TestApi["call"]>[1] = plan) =>
  (await (await api.call(path, call)).json()) as { items: Record<string, unknown>[] };

test("what a day asks for, today when none is given; prompts only for whom they may be shown", async () => {
  const { items } = await json("/v1/plan");
  expect(items).toMatchObject([
    {
      occurrence_id: OCCURRENCE,
      entry: "sunday",
      scheduled_at: "2026-11-22T05:00:00.000Z",
      action: "generate",
      category: "weekend_special",
      count: 2,
      request_id: null,
      variations: [
        { prompt: null, occurrence: OCCURRENCE },
        { prompt: null, occurrence: OCCURRENCE },
      ],
    },
  ]);
  expect(await json(`/v1/plan?date=${SUNDAY}`)).toEqual({ items, next_cursor: null });
  expect((await json("/v1/plan?date=2026-11-23")).items).toEqual([]);
  const open = await json("/v1/plan", { scopes: ["plan:read", "prompts:read"] });
  expect(open.items[0]?.variations).toMatchObject([{ prompt: expect.stringMatching(/^A bowl of/) }, {}]);
  expect(api.writes).toEqual([]);
});

test("what has fired, with its request; its category and count stay as they were", async () => {
  expect((await json("/v1/occurrences")).items).toEqual([]);
  expect((await api.call(`/v1/occurrences/${OCCURRENCE}`, plan)).status).toBe(404);
  const scheduledAtMs = Date.UTC(2026, 10, 22, 5);
  const requestId = occurrenceRequestId(OCCURRENCE, scheduledAtMs);
  await api.deps.requests.occurrences.putIfAbsent({
    occurrenceId: OCCURRENCE,
    entry: "sunday",
    localDate: SUNDAY,
    scheduledAtMs,
    requestId,
    category: "weekend_special",
    count: 1,
  });
  const fired = {
    occurrence_id: OCCURRENCE,
    entry: "sunday",
    local_date: SUNDAY,
    scheduled_at: "2026-11-22T05:00:00.000Z",
    category: "weekend_special",
    count: 1,
    request_id: requestId,
  };
  expect((await json("/v1/occurrences")).items).toEqual([fired]);
  expect(await json(`/v1/occurrences/${OCCURRENCE}`)).toEqual(fired);
  expect((await json("/v1/plan")).items).toMatchObject([
    { count: 1, request_id: requestId, variations: [{}] },
  ]);
});

test("a day that does not exist is refused", async () => {
  for (const date of ["2026-02-30", "2026-13-01", "tomorrow", ""]) {
    expect((await api.call(`/v1/plan?date=${date}`, plan)).status).toBe(400);
  }
});
