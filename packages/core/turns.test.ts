import { expect, test } from "vitest";
import { AtelierError } from "./errors.ts";
import { allInTurn, startTurns } from "./turns.ts";

const failing = (error: unknown) => async () => {
  throw error;
};
const busy = new AtelierError("LedgerBusy", "The ledger is busy.", { data: { retryAfterMs: 5 } });

test("each has its turn, in order, and its result under its name", async () => {
  const order: string[] = [];
  const note = (name: string, result: unknown) => async () => {
    order.push(name);
    return result;
  };
  const results = await allInTurn({ second: note("second", 2), first: note("first", undefined) });
  expect(results).toStrictEqual({ second: 2, first: undefined });
  expect(order).toStrictEqual(["second", "first"]);
});

test("one failure is thrown after the others' turns, with its work, under its own name", async () => {
  let ran = false;
  const works = {
    ledgers: failing(busy),
    async alarms() {
      ran = true;
    },
  };
  const failure = await allInTurn(works).catch((error: unknown) => error);
  expect(failure).toMatchObject({ name: "LedgerBusy", message: "ledgers: The ledger is busy.", cause: busy });
  expect(ran).toBe(true);
});

test.each([
  [new TypeError("no number"), "work: TypeError: no number"],
  [new AtelierError("Unexpected", "nobody foresaw it"), "work: nobody foresaw it"],
  ["a text", "work: a text"],
])("what is in no table is Unexpected: %s", async (thrown, message) => {
  await expect(allInTurn({ work: failing(thrown) })).rejects.toMatchObject({
    name: "Unexpected",
    message,
    cause: thrown,
  });
});

test("several failures are one that names each and holds them all", async () => {
  const typeError = new TypeError("no number");
  const failure = await allInTurn({ one: failing(busy), two: failing(typeError) }).catch((error) => error);
  expect(failure).toMatchObject({
    name: "Unexpected",
    message: "2 failed [one: The ledger is busy. | two: TypeError: no number]",
  });
  expect(failure.cause).toBeInstanceOf(AggregateError);
  expect(failure.cause.errors.map(({ cause }: Error) => cause)).toStrictEqual([busy, typeError]);
});

test("of very many some are named; a name that all share is kept", async () => {
  const turns = startTurns();
  for (let turn = 0; turn < 500; turn++) {
    expect(await turns.give(`turn ${turn}`, failing(busy))).toBeUndefined();
  }
  expect(() => turns.end()).toThrow(
    expect.objectContaining({
      name: "LedgerBusy",
      message:
        "500 failed [turn 0: The ledger is busy. | turn 1: The ledger is busy. | turn 2: The ledger is busy. | and 497 more]",
    }),
  );
});

test("without a failure the end says nothing", async () => {
  const turns = startTurns();
  expect(await turns.give("one", async () => 1)).toBe(1);
  expect(() => turns.end()).not.toThrow();
});
