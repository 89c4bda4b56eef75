import { expect, it } from "vitest";
import { DEFAULT_RETENTION, isDue, retainedStatuses, retentionSchema } from "./retention.ts";

const DAY_MS = 86_400_000;
const image = { status: "rejected", rating: "nudity", createdAtMs: 0, finishedAtMs: 5 * DAY_MS } as const;

it("counts days from the end of the image, to the millisecond", () => {
  expect(isDue(image, { rejected: 30 }, 35 * DAY_MS - 1)).toBe(false);
  expect(isDue(image, { rejected: 30 }, 35 * DAY_MS)).toBe(true);
  expect(isDue({ ...image, finishedAtMs: null }, { rejected: 30 }, 30 * DAY_MS)).toBe(true);
});

it("keeps for good what has no days, what has not ended, and never takes twice", () => {
  const far = 10_000 * DAY_MS;
  expect(isDue(image, { rejected: null }, far)).toBe(false);
  expect(isDue(image, {}, far)).toBe(false);
  expect(isDue({ ...image, status: "generating" }, { rejected: 0 }, far)).toBe(false);
  expect(isDue({ ...image, erasedAtMs: 1 }, { rejected: 0 }, far)).toBe(false);
});

it("tells ratings apart", () => {
  const retention = retentionSchema.parse({ completed: { nudity: 10, general: null } });
  const completed = { ...image, status: "completed" } as const;
  expect(isDue(completed, retention, 15 * DAY_MS)).toBe(true);
  expect(isDue({ ...completed, rating: "general" }, retention, 9_999 * DAY_MS)).toBe(false);
  expect(isDue({ ...completed, rating: "suggestive" }, retention, 9_999 * DAY_MS)).toBe(false);
  expect(retainedStatuses(retention)).toEqual(["completed"]);
  expect(retainedStatuses(DEFAULT_RETENTION)).toEqual(["rejected", "failed", "cancelled"]);
});

it.each([{ planned: 3 }, { completed: -1 }, { completed: { explicit: 1 } }, { completed: 1.5 }])(
  "takes no %j",
  (written) => expect(retentionSchema.safeParse(written).success).toBe(false),
);
