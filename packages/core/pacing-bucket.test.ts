import * as fc from "fast-check";
import { expect, test } from "vitest";
import { mostInWindow } from "../../test/simulators/strict-provider.ts";
import { LATENESS_MS, rateOf, refilled, withoutTokens } from "./pacing-bucket.ts";
import { emptyPacingRow, type Lane } from "./pacing-row.ts";

const START_MS = Date.parse("2026-11-22T06:00:00Z");
const SKEW_MAX_MS = 300;

/** What is left of the allowance for the wire, once clocks are as far apart as they may be. */
function wireMaxMs(sliceMs: number): number {
  return LATENESS_MS - sliceMs - 2 * SKEW_MAX_MS;
}

/** Somebody asks for as many as there are, with a clock and a wire of its own; `late` and `skew` from 0 to 1 and -1 to 1. */
const ask = fc.record({
  afterMs: fc.oneof(
    { weight: 4, arbitrary: fc.integer({ min: 0, max: 300 }) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 20_000 }) },
  ),
  skew: fc.constantFrom(-1, 0, 1),
  late: fc.constantFrom(0, 1),
  lane: fc.constantFrom<Lane>("plan", "interactive"),
});

function arrivals(
  asks: readonly { afterMs: number; skew: number; late: number; lane: Lane }[],
  limits: { createsPerMinute: number; windowSeconds: number },
): number[] {
  const rate = rateOf(limits);
  if (!rate) throw new Error("There is a limit here.");
  const atMs: number[] = [];
  let row = emptyPacingRow("strict");
  let nowMs = START_MS;
  for (const { afterMs, skew, late, lane } of asks) {
    nowMs += afterMs;
    row = refilled(row, rate, nowMs + skew * SKEW_MAX_MS);
    for (let next = withoutTokens(row, rate, lane); next; next = withoutTokens(row, rate, lane)) {
      row = next;
      atMs.push(nowMs + late * wireMaxMs(rate.sliceMs));
    }
  }
  return atMs.sort((one, other) => one - other);
}

const limitsArbitrary = fc.record({
  createsPerMinute: fc.oneof(fc.constantFrom(600, 900), fc.integer({ min: 6, max: 1_000 })),
  windowSeconds: fc.constantFrom(60, 60, 10),
});
const limitOf = ({ createsPerMinute, windowSeconds }: { createsPerMinute: number; windowSeconds: number }) =>
  Math.max(1, Math.floor((createsPerMinute * windowSeconds) / 60));

test("no window holds more than the limit, whoever asks when, with clocks apart and creates that arrive late", () => {
  fc.assert(
    fc.property(
      limitsArbitrary,
      fc.array(ask, { minLength: 400, maxLength: 600, size: "max" }),
      (limits, asks) => {
        expect(mostInWindow(arrivals(asks, limits), limits.windowSeconds * 1_000)).toBeLessThanOrEqual(
          limitOf(limits),
        );
      },
    ),
    { numRuns: 60 },
  );
});

test("the worst that can come together: idle, a late burst by a slow clock, then all that a quick clock gives", () => {
  for (const windowSeconds of [60, 10]) {
    const limits = { createsPerMinute: windowSeconds === 60 ? 600 : 900, windowSeconds };
    const late = { skew: -1, late: 1, lane: "interactive" } as const;
    const quick = { skew: 1, late: 0, lane: "interactive" } as const;
    const asks = [
      { ...late, afterMs: 500_000 },
      ...Array.from({ length: 1_500 }, () => ({ ...quick, afterMs: 50 })),
    ];
    const most = mostInWindow(arrivals(asks, limits), windowSeconds * 1_000);
    expect(most).toBeLessThanOrEqual(limitOf(limits));
    expect(most).toBeGreaterThan(0.95 * limitOf(limits));
  }
});

test("who asks all the time gets 95 % of the limit, of a short window what lateness leaves", () => {
  const greedy = Array.from({ length: 6_000 }, () => ({
    afterMs: 100,
    skew: 0,
    late: 0,
    lane: "interactive" as const,
  }));
  const after = (limits: { createsPerMinute: number; windowSeconds: number }) =>
    arrivals(greedy, limits).filter((atMs) => atMs >= START_MS + 120_000 && atMs < START_MS + 600_000)
      .length / 8;
  expect(after({ createsPerMinute: 600, windowSeconds: 60 }) / 600).toBeCloseTo(0.95, 2);
  expect(after({ createsPerMinute: 900, windowSeconds: 10 }) / 900).toBeCloseTo(0.8, 2);
});
