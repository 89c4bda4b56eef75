import { createAudit } from "@atelier/aws/dynamo/audit";
import { createCallers } from "@atelier/aws/dynamo/callers";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type MemoryTables, startMemoryTables } from "../../test/builders/memory-table.ts";
import type { Audit } from "./ports.ts";
import {
  admitCaller,
  countRefusals,
  liftRestraint,
  type ProbingDeps,
  REFUSALS_COUNTED_MAX,
} from "./probing.ts";

let tables: MemoryTables;
let nowMs: number;
let deps: ProbingDeps & { audit: Audit };
beforeAll(async () => {
  tables = await startMemoryTables();
});
afterAll(() => tables.close());
beforeEach(async () => {
  nowMs = Date.UTC(2026, 10, 22, 12);
  const dynamo = await tables.table();
  deps = { callers: createCallers(dynamo), audit: createAudit(dynamo), clock: () => nowMs, actor: "cli" };
});

/** How the caller stands: 0 admitted, the wait in milliseconds, or "suspended". */
async function standing(caller = "ada"): Promise<number | string> {
  const error = await admitCaller(caller, deps).then(
    () => null,
    (thrown: { name: string; data: { rule: string; retryAfterMs?: number } }) => thrown,
  );
  if (!error) return 0;
  expect(error.name).toBe("PolicyRefused");
  return error.data.retryAfterMs ?? error.data.rule;
}

describe("a caller whose prompts are refused", () => {
  test("makes three mistakes for nothing, then waits longer and longer, then is suspended until somebody lifts it", async () => {
    const waits: (number | string)[] = [];
    for (let refusal = 1; refusal <= 20; refusal++) {
      await countRefusals("ada", 1, deps);
      const wait = await standing();
      waits.push(wait);
      if (typeof wait === "number") nowMs += wait;
      if (typeof wait === "number") expect(await standing()).toBe(0);
    }
    expect(waits.slice(0, 7)).toStrictEqual([0, 0, 0, 1_000, 2_000, 4_000, 8_000]);
    expect(waits.at(-1)).toBe("probing-suspended");
    expect(waits.indexOf("probing-suspended")).toBe(19);
    nowMs += 30 * 86_400_000;
    expect(await standing()).toBe("probing-suspended");
    // Somebody else goes on undisturbed.
    expect(await standing("bob")).toBe(0);

    expect(await liftRestraint("ada", { by: "eve", reason: "wording" }, deps)).toBe(true);
    expect(await standing()).toBe(0);
    expect(await liftRestraint("ada", { by: "eve", reason: "wording" }, deps)).toBe(false);
    const entries = await deps.audit.ofSubject("caller:ada");
    expect(entries.map(({ kind, facts }) => [kind, facts.action])).toStrictEqual([
      ["restrained", "suspended"],
      ["restrained", "lifted"],
    ]);
  });

  test("is told when to ask again", async () => {
    await countRefusals("ada", 3, deps);
    await countRefusals("ada", 2, deps);
    await expect(admitCaller("ada", deps)).rejects.toThrow("ask again in 2 s (2026-11-22T12:00:02.000Z)");
  });

  test("is not suspended for one file of many refused prompts", async () => {
    await countRefusals("ada", 500, deps);
    expect(await standing()).toBe(0);
    expect((await deps.callers.get("ada"))?.restraint.refusedAtMs).toHaveLength(REFUSALS_COUNTED_MAX);
    await countRefusals("ada", 0, deps);
    expect((await deps.callers.get("ada"))?.revision).toBe(1);
  });

  test("is counted whole by many processes at once", async () => {
    await Promise.all(Array.from({ length: 8 }, () => countRefusals("ada", 1, deps)));
    expect((await deps.callers.get("ada"))?.restraint.refusedAtMs).toHaveLength(8);
    expect((await deps.callers.all()).map(({ caller }) => caller)).toStrictEqual(["ada"]);
  });
});
