/** @module A caller of the start function who probes the policy: counted by name, made to wait, suspended, lifted. */
import { createCallers } from "@atelier/aws/dynamo/callers";
import { createPromptVault } from "@atelier/aws/dynamo/prompts";
import { liftRestraint } from "@atelier/core/probing";
import { startEventSchema, startRequested } from "@atelier/functions/start-request";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type MemoryTables, startMemoryTables } from "../builders/memory-table.ts";
import { TEXT_VAULT } from "../builders/text-vault.ts";
import { startWorld, type World } from "../builders/world.ts";

let tables: MemoryTables;
let world: World;
beforeAll(async () => {
  tables = await startMemoryTables();
  world = await startWorld(await tables.table());
});
afterAll(async () => {
  await world.close();
  await tables.close();
});

let calls = 0;
function asked(prompt: string, caller?: string) {
  const { steps, audit, machine, dynamo } = world;
  return startRequested(
    startEventSchema.parse({ prompt, ...(caller === undefined ? {} : { caller }) }),
    {
      ...steps,
      audit,
      vault: createPromptVault(dynamo, TEXT_VAULT),
      workflow: { ...machine, start: async () => "started" as const },
      callers: createCallers(dynamo),
      provider: "replicate",
      today: () => "2026-11-22",
      telemetry: { info: () => {} },
    },
    { requestId: `call ${++calls}` },
  );
}

test("probing makes a caller wait, then stops them; what is allowed is not looked at meanwhile", async () => {
  const waits: (number | undefined)[] = [];
  for (let probe = 0; probe < 20; probe++) {
    expect(await asked("forbiddenword", "mallory")).toMatchObject({
      status: "refused",
      rule: "no-forbidden",
    });
    const next = await asked("A bowl of pears", "mallory");
    const waitMs = "retry_after_ms" in next ? next.retry_after_ms : undefined;
    waits.push(waitMs);
    if (waitMs !== undefined) await world.advance(waitMs);
  }
  expect(waits.slice(0, 5)).toStrictEqual([undefined, undefined, undefined, 1_000, 2_000]);
  expect(await asked("A bowl of pears", "mallory")).toMatchObject({
    status: "refused",
    error: "PolicyRefused",
    rule: "probing-suspended",
  });
  // Others go on.
  expect(await asked("A bowl of pears", "ada")).toMatchObject({ status: "accepted" });
  expect(await asked("A bowl of pears")).toMatchObject({ status: "accepted" });

  const deps = { ...world.steps, callers: createCallers(world.dynamo) };
  await liftRestraint("mallory", { by: "ada", reason: "a test" }, deps);
  expect(await asked("A bowl of pears", "mallory")).toMatchObject({ status: "accepted" });
  const entries = await world.audit.ofSubject("caller:mallory");
  expect(entries.map(({ facts }) => facts.action)).toStrictEqual(["suspended", "lifted"]);
});
