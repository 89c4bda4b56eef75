/** @module Open work: nothing open is ever missing, nothing closed stays. */
import { createAttempts } from "@atelier/aws/dynamo/attempts";
import { createDynamo, type Dynamo } from "@atelier/aws/dynamo/client";
import { createExecutions, type Execution } from "@atelier/aws/dynamo/executions";
import { compileChange } from "@atelier/aws/dynamo/expressions";
import { attemptKey, INDEXES, OPEN_ATTEMPTS } from "@atelier/aws/dynamo/keys";
import { createRequests } from "@atelier/aws/dynamo/requests";
import { type Attempt, isOpen } from "@atelier/core/attempt";
import { imageIdOf } from "@atelier/core/ids";
import type { Page } from "@atelier/core/ports";
import * as fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  commandsOf,
  type MakeTable,
  START_MS,
  someAttempt,
  somePart,
  type TestTable,
} from "./table-fixtures.ts";

type List<T> = (page: { limit: number; cursor?: string }) => Promise<Page<T>>;

async function allOf<T>(list: List<T>, limit = 3): Promise<T[]> {
  const found: T[] = [];
  let cursor: string | null = null;
  do {
    const page: Page<T> = await list({ limit, ...(cursor !== null && { cursor }) });
    found.push(...page.items);
    cursor = page.cursor;
  } while (cursor !== null);
  return found;
}

export function describeOpenWorkContract(makeTable: MakeTable): void {
  let table: TestTable;
  let dynamo: Dynamo;
  let requests = 0;
  beforeAll(async () => {
    table = await makeTable();
    dynamo = createDynamo(table);
  });
  afterAll(() => table.close());

  const newAttempt = async (fields: Partial<Attempt> = {}) => {
    const attempt = someAttempt({ imageId: imageIdOf(`req_open${requests++}`, 0), ...fields });
    await createAttempts(dynamo).putIfAbsent(attempt);
    return attempt;
  };
  const openIds = async () => (await allOf(createAttempts(dynamo).open)).map((attempt) => attempt.attemptId);
  /** Straight from the index, without what the list puts right. */
  const markedIds = async () => {
    const { items } = await dynamo.query(
      { index: "state", hash: OPEN_ATTEMPTS, first: "0", last: "~" },
      { backwards: false },
    );
    return items.map((item) => String(item[INDEXES.state.range]).split("#")[1]);
  };

  test("after any patches an attempt is listed exactly while isOpen says so", async () => {
    const attempts = createAttempts(dynamo);
    const patch: fc.Arbitrary<Partial<Attempt>> = fc.oneof(
      fc.record({ state: fc.constantFrom("submitted", "succeeded", "failed", "unknown") }),
      fc.record({ ledgerApplied: fc.boolean() }),
      fc.record({ correctionMicros: fc.constantFrom(null, 5) }),
      fc.record({ correctionApplied: fc.boolean() }),
      fc.record({ ledgerApplied: fc.constant(true), state: fc.constantFrom("failed", "unknown") }),
      fc.record({ checkedAtMs: fc.nat() }),
    );
    await fc.assert(
      fc.asyncProperty(fc.boolean(), fc.array(patch, { maxLength: 6 }), async (ledgerApplied, patches) => {
        let attempt = await newAttempt({ ledgerApplied });
        for (const set of patches) {
          const patched = await attempts.patch(attempt.attemptId, { set, when: [] });
          attempt = patched.record ?? attempt;
        }
        expect((await markedIds()).includes(attempt.attemptId)).toBe(isOpen(attempt));
        await attempts.patch(attempt.attemptId, {
          set: { ledgerApplied: true, correctionApplied: true, state: "failed" },
          when: [],
        });
        expect(await markedIds()).toEqual([]);
      }),
      { numRuns: 20 },
    );
  });

  test("a change that arrives while the mark is being removed keeps its own mark", async () => {
    const attempts = createAttempts(dynamo);
    const attempt = await newAttempt({ settledMicros: 0 });
    const closing = attempts.patch(attempt.attemptId, { set: { ledgerApplied: true }, when: [] });
    const opening = attempts.patch(attempt.attemptId, { set: { correctionMicros: 5 }, when: [] });
    await Promise.all([closing, opening]);
    expect(await openIds()).toEqual([attempt.attemptId]);
    await attempts.patch(attempt.attemptId, { set: { correctionApplied: true }, when: [] });
    expect(await markedIds()).toEqual([]);
  });

  test("a closed attempt that a crash left in the list is not shown, and taken out", async () => {
    const attempts = createAttempts(dynamo);
    const [crashed, open] = [await newAttempt(), await newAttempt()];
    const closed = compileChange<Attempt>({ set: { ledgerApplied: true }, when: [] });
    await dynamo.update(attemptKey(crashed.attemptId), closed);
    expect(await markedIds()).toHaveLength(2);
    expect(await openIds()).toEqual([open.attemptId]);
    expect(await markedIds()).toEqual([open.attemptId]);
    await attempts.patch(open.attemptId, { set: { ledgerApplied: true }, when: [] });
  });

  test("a patch of other fields is one write, the one that closes two", async () => {
    const attempts = createAttempts(dynamo);
    const { attemptId } = await newAttempt();
    const patching = (set: Partial<Attempt>) => () => attempts.patch(attemptId, { set, when: [] });
    expect(await commandsOf(table.client, patching({ checkedAtMs: 1 }))).toEqual(["UpdateItem"]);
    expect(await commandsOf(table.client, patching({ state: "submitted" }))).toEqual(["UpdateItem"]);
    expect(await commandsOf(table.client, patching({ ledgerApplied: true }))).toEqual([
      "UpdateItem",
      "UpdateItem",
    ]);
  });

  test("open attempts come oldest first, in pages that survive closing", async () => {
    const attempts = createAttempts(dynamo);
    const created = [];
    for (const atMs of [5, 3, 4, 1, 2]) created.push(await newAttempt({ createdAtMs: START_MS + atMs }));
    const ordered = created.toSorted((one, other) => one.createdAtMs - other.createdAtMs);
    const first = await attempts.open({ limit: 2 });
    expect(first.items).toStrictEqual(ordered.slice(0, 2));
    for (const attempt of ordered.slice(0, 3)) {
      await attempts.patch(attempt.attemptId, { set: { ledgerApplied: true }, when: [] });
    }
    const rest = await attempts.open({ limit: 2, cursor: first.cursor ?? "" });
    expect(rest).toStrictEqual({ items: ordered.slice(3), cursor: null });
    const foreign = await createRequests(dynamo).parts.open({ limit: 1 });
    expect(foreign).toStrictEqual({ items: [], cursor: null });
    await expect(
      createRequests(dynamo).parts.open({ limit: 1, cursor: first.cursor ?? "" }),
    ).rejects.toMatchObject({
      name: "UsageError",
    });
  });

  test("parts are listed while they are open", async () => {
    const { parts } = createRequests(dynamo);
    const some = [somePart({ part: 0 }), somePart({ part: 1 }), somePart({ part: 2, open: false })];
    for (const part of some) await parts.putIfAbsent(part);
    expect(await allOf(parts.open, 1)).toStrictEqual(some.slice(0, 2));
    await parts.patch("req_contract.0", { set: { open: false }, when: [] });
    expect(await allOf(parts.open, 1)).toStrictEqual(some.slice(1, 2));
    await parts.patch("req_contract.2", { set: { open: true, owner: "me" }, when: [] });
    expect((await allOf(parts.open, 1)).map(({ part }) => part)).toEqual([1, 2]);
  });

  test("executions are listed while they run", async () => {
    const executions = createExecutions(dynamo);
    const execution = (number: number): Execution => ({
      name: `req_contract.${number}-1`,
      input:
        number === 0
          ? { entry: "monday", scheduledTime: "2026-11-23T05:00:00Z" }
          : { requestId: "req_contract", part: number, generation: 1 },
      status: "running",
      definitionHash: "abc",
      owner: "process-1",
      startedAtMs: START_MS + number,
      endedAtMs: null,
    });
    for (const number of [1, 0]) expect(await executions.putIfAbsent(execution(number))).toBe(true);
    expect(await allOf(executions.running)).toStrictEqual([execution(0), execution(1)]);
    await executions.patch(execution(0).name, { set: { status: "ended", endedAtMs: 1 }, when: [] });
    expect(await allOf(executions.running)).toStrictEqual([execution(1)]);
  });
}
