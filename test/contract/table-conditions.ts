/** @module Conditions: what each kind means on absent, null and set attributes. */
import { createAttempts } from "@atelier/aws/dynamo/attempts";
import { createDynamo, type Dynamo } from "@atelier/aws/dynamo/client";
import { compileChange } from "@atelier/aws/dynamo/expressions";
import type { Attempt } from "@atelier/core/attempt";
import type { Change, Condition } from "@atelier/core/ports";
import * as fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { MakeTable, TestTable } from "./table-fixtures.ts";

export function describeConditionsContract(makeTable: MakeTable): void {
  let table: TestTable;
  let dynamo: Dynamo;
  beforeAll(async () => {
    table = await makeTable();
    dynamo = createDynamo(table);
  });
  afterAll(() => table.close());

  test("conditions mean what the port says, whatever is absent, null or set", async () => {
    type Row = { text: string | null; number: number | null; flag: boolean | null };
    const text = fc.constantFrom(null, "", "a", "b");
    const number = fc.constantFrom(null, -1, 0, 5);
    const flag = fc.constantFrom(null, true, false);
    const row = fc.record({ text, number, flag }, { requiredKeys: [] });
    const fieldAndValue = fc.oneof(
      fc.record({ field: fc.constant("text" as const), value: text }),
      fc.record({ field: fc.constant("number" as const), value: number }),
      fc.record({ field: fc.constant("flag" as const), value: flag }),
    );
    const condition = fc.oneof(
      fc
        .tuple(fieldAndValue, fc.constantFrom("absent", "present", "equals", "differs", "absent-or-equals"))
        .map(([chosen, is]) => ({ ...chosen, is })),
      fc.array(text, { maxLength: 3 }).map((values) => ({ field: "text", is: "one-of", values })),
      fc
        .tuple(fc.constantFrom("below", "at-least"), fc.constantFrom(-1, 0, 5))
        .map(([is, value]) => ({ field: "number", is, value })),
    ) as fc.Arbitrary<Condition<Row>>;
    let items = 0;
    await fc.assert(
      fc.asyncProperty(row, fc.array(condition, { maxLength: 3 }), async (stored, when) => {
        const key = { pk: "CONDITIONS", sk: String(items++) };
        await dynamo.put({ ...stored, ...key });
        const done = await dynamo.update(
          key,
          compileChange<Row & { done: boolean }>({ set: { done: true }, when }),
        );
        expect(done.ok).toBe(when.every((one) => holds(stored, one as LooseCondition)));
        expect("done" in ((await dynamo.get(key)) ?? {})).toBe(done.ok);
      }),
      { numRuns: 75 },
    );
  });

  test("a condition on an object is refused: engines disagree about it", async () => {
    const change: Change<Attempt> = { set: {}, when: [{ field: "stored", is: "equals", value: [] }] };
    await expect(createAttempts(dynamo).patch("img_x_00000-1", change)).rejects.toMatchObject({
      name: "Unexpected",
      message: expect.stringContaining("stored"),
    });
  });
}

interface LooseCondition {
  readonly field: string;
  readonly is: string;
  readonly value?: unknown;
  readonly values?: readonly unknown[];
}

/** What a condition means, in plain JavaScript: null and absent are the same. */
function holds(row: Readonly<Record<string, unknown>>, condition: LooseCondition): boolean {
  const actual = row[condition.field] ?? null;
  const value = condition.value ?? null;
  switch (condition.is) {
    case "absent":
      return actual === null;
    case "present":
      return actual !== null;
    case "equals":
      return actual === value;
    case "differs":
      return actual !== value;
    case "absent-or-equals":
      return actual === null || actual === value;
    case "one-of":
      return (condition.values ?? []).includes(actual);
    case "below":
      return actual !== null && Number(actual) < Number(value);
    default:
      return actual !== null && Number(actual) >= Number(value);
  }
}
