import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  afterEvent,
  type CallerRestraint,
  callerRestraintSchema,
  DEFAULT_RESTRAINT_LIMITS,
  type RestraintEvent,
  restraintDecision,
  UNRESTRAINED,
} from "./caller-restraint.ts";

const limits = DEFAULT_RESTRAINT_LIMITS;
const refused: RestraintEvent = { kind: "refused" };
const lift: RestraintEvent = { kind: "lifted", by: "ada", reason: "a mistake of ours" };

/** So many refusals, one each `everyMs`, the first at 1,000. */
function refusedTimes(times: number, everyMs = 0): CallerRestraint {
  let state = UNRESTRAINED;
  for (let time = 0; time < times; time++) state = afterEvent(state, refused, 1_000 + time * everyMs);
  return state;
}

test.each([
  [0, 0],
  [3, 0],
  [4, 1_000],
  [5, 2_000],
  [8, 16_000],
  [16, 3_600_000],
])("after %i refusals at once the wait is %i ms", (times, retryAfterMs) => {
  expect(restraintDecision(refusedTimes(times), 1_000)).toStrictEqual(
    retryAfterMs === 0 ? { kind: "admitted" } : { kind: "wait", retryAfterMs },
  );
});

test("waiting is over when its time is, and old refusals no longer count", () => {
  const state = refusedTimes(4);
  expect(restraintDecision(state, 2_000)).toStrictEqual({ kind: "admitted" });
  const later = afterEvent(state, refused, 1_000 + limits.windowMs);
  expect(later.refusedAtMs).toStrictEqual([1_000 + limits.windowMs]);
  expect(restraintDecision(later, 1_000 + limits.windowMs)).toStrictEqual({ kind: "admitted" });
});

describe("a suspension", () => {
  const suspended = refusedTimes(limits.suspendAfter);

  test("comes with the refusal that is too many, and no earlier", () => {
    expect(restraintDecision(refusedTimes(limits.suspendAfter - 1), 1_000).kind).toBe("wait");
    expect(restraintDecision(suspended, 1_000)).toStrictEqual({ kind: "suspended", sinceMs: 1_000 });
  });

  test("outlasts everything but an operator, who begins anew", () => {
    const muchLater = 1_000 + 100 * limits.windowMs;
    expect(restraintDecision(afterEvent(suspended, refused, muchLater), muchLater).kind).toBe("suspended");
    const lifted = afterEvent(suspended, lift, muchLater);
    expect(lifted).toStrictEqual({
      ...UNRESTRAINED,
      lifted: { by: "ada", atMs: muchLater, reason: "a mistake of ours" },
    });
    expect(restraintDecision(lifted, muchLater)).toStrictEqual({ kind: "admitted" });
  });
});

describe("whatever happens", () => {
  /** Steps of a clock that may also be set back. */
  const histories = fc.array(
    fc.record({
      event: fc.oneof(
        { weight: 8, arbitrary: fc.constant(refused) },
        { weight: 1, arbitrary: fc.constant(lift) },
      ),
      stepMs: fc.integer({ min: -limits.windowMs, max: 2 * limits.windowMs }),
    }),
    { maxLength: 60 },
  );

  test("the record keeps its schema and its size", () => {
    fc.assert(
      fc.property(histories, (history) => {
        let state = UNRESTRAINED;
        let nowMs = 100 * limits.windowMs;
        for (const { event, stepMs } of history) {
          nowMs = Math.max(0, nowMs + stepMs);
          state = afterEvent(state, event, nowMs);
          expect(callerRestraintSchema.parse(state)).toStrictEqual(state);
          expect(state.refusedAtMs.length).toBeLessThanOrEqual(limits.suspendAfter);
          expect(state.refusedAtMs.every((atMs) => atMs <= nowMs && nowMs - atMs < limits.windowMs)).toBe(
            true,
          );
        }
      }),
    );
  });

  test("one more refusal never makes things easier, and only an operator ends a suspension", () => {
    fc.assert(
      fc.property(histories, (history) => {
        let state = UNRESTRAINED;
        let nowMs = 100 * limits.windowMs;
        for (const { event, stepMs } of history) {
          nowMs += Math.abs(stepMs);
          const next = afterEvent(state, event, nowMs);
          if (event.kind === "refused") {
            expect(next.notBeforeMs).toBeGreaterThanOrEqual(state.notBeforeMs);
            if (state.suspendedAtMs !== null) expect(next.suspendedAtMs).toBe(state.suspendedAtMs);
          } else expect(restraintDecision(next, nowMs).kind).toBe("admitted");
          state = next;
        }
      }),
    );
  });

  test("a caller who keeps asking is suspended within 20 refusals, and no wait is longer than an hour", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(60_000), { minLength: 20, maxLength: 20 }), (stepsMs) => {
        let state = UNRESTRAINED;
        let nowMs = 0;
        for (const stepMs of stepsMs) {
          nowMs += stepMs;
          state = afterEvent(state, refused, nowMs);
          expect(state.notBeforeMs - nowMs).toBeLessThanOrEqual(limits.delayMaxMs);
        }
        expect(restraintDecision(state, nowMs).kind).toBe("suspended");
      }),
    );
  });
});
