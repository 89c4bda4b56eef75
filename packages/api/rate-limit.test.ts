import { expect, test } from "vitest";
import { createRateLimit } from "./rate-limit.ts";

function limitOf(settings: Parameters<typeof createRateLimit>[0]) {
  let nowMs = 0;
  const limit = createRateLimit(settings, () => nowMs);
  return { take: limit.take, to: (ms: number) => (nowMs = ms) };
}

test("a burst is let through, then one call for each token that grows again", async () => {
  const { take, to } = limitOf({ perMinute: 60, burst: 2 });
  expect(await take("ada")).toEqual({ ok: true });
  expect(await take("ada")).toEqual({ ok: true });
  expect(await take("ada")).toEqual({ ok: false, retryAfterMs: 1_000 });
  expect(await take("bob")).toEqual({ ok: true });
  to(400);
  expect(await take("ada")).toEqual({ ok: false, retryAfterMs: 600 });
  to(1_000);
  expect(await take("ada")).toEqual({ ok: true });
  expect(await take("ada")).toMatchObject({ ok: false });
});

test("no more than a burst is saved up, and a clock that is set back gives nothing", async () => {
  const { take, to } = limitOf({ perMinute: 60, burst: 2 });
  to(10 ** 9);
  for (const ok of [true, true, false]) expect(await take("ada")).toMatchObject({ ok });
  to(0);
  expect(await take("ada")).toMatchObject({ ok: false });
});

test("memory is bounded: whoever called longest ago is forgotten", async () => {
  const { take } = limitOf({ perMinute: 1, burst: 1, callersMax: 2 });
  for (const caller of ["ada", "bob", "cleo"]) await take(caller);
  expect(await take("cleo")).toMatchObject({ ok: false });
  expect(await take("bob")).toMatchObject({ ok: false });
  expect(await take("ada")).toEqual({ ok: true });
});
