import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createPacingStore } from "@atelier/aws/dynamo/pacing";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { CATALOGUE } from "../../test/builders/catalogue.ts";
import { type MemoryTables, startMemoryTables } from "../../test/builders/memory-table.ts";
import { startWorld, TIMEZONE, type World } from "../../test/builders/world.ts";
import { somePart } from "../../test/contract/table-fixtures.ts";
import { type AlertDeps, lookAtAlarms } from "./alerts.ts";
import { createOutbox, readOutbox } from "./outbox.ts";

let tables: MemoryTables;
let world: World;
let folder: string;
beforeAll(async () => {
  tables = await startMemoryTables();
});
afterAll(() => tables.close());
beforeEach(async () => {
  world = await startWorld(await tables.table());
  folder = await mkdtemp(join(tmpdir(), "alerts-"));
  const part = somePart({ createdAtMs: world.clock() - 25 * 60 * 60_000 });
  await world.steps.requests.parts.putIfAbsent(part);
});
afterEach(async () => {
  await world.close();
  await rm(folder, { recursive: true });
});

/** As another process would look. */
const deps = (): AlertDeps => ({
  ...world.steps,
  catalogue: CATALOGUE,
  account: "real",
  pacingStore: createPacingStore(world.dynamo),
  timezone: TIMEZONE,
  dataFolder: folder,
  events: createOutbox(folder),
});
const look = async () => (await lookAtAlarms(deps())).filter(({ state }) => state === "ringing");
const told = async () =>
  readOutbox(await readFile(join(folder, "events.jsonl"), "utf8").catch(() => "")).map(({ type, detail }) => [
    type,
    detail.alarm,
  ]);

test("a change is told once, whoever looks; the end as well", async () => {
  expect(await look()).toMatchObject([{ alarm: "executions-stuck", sinceMs: world.clock() - 60 * 60_000 }]);
  await look();
  expect(await told()).toStrictEqual([["alarm-raised", "executions-stuck"]]);
  const [part] = (await world.steps.requests.parts.open({ limit: 1 })).items;
  if (!part) throw new Error("there is no part");
  await world.steps.requests.parts.patch(`${part.requestId}.${part.part}`, {
    set: { open: false },
    when: [],
  });
  expect(await look()).toStrictEqual([]);
  expect(await told()).toStrictEqual([
    ["alarm-raised", "executions-stuck"],
    ["alarm-cleared", "executions-stuck"],
  ]);
});

test("a process that is killed before it kept what rings: told again, under the same id", async () => {
  await look();
  await rm(join(folder, "alarms.json"));
  await look();
  const events = readOutbox(await readFile(join(folder, "events.jsonl"), "utf8"));
  expect(events.map(({ id }) => id)).toStrictEqual([events[0]?.id, events[0]?.id]);
});

test("a damaged file is no reason to look at nothing", async () => {
  await writeFile(join(folder, "alarms.json"), "{ torn");
  expect(await look()).toHaveLength(1);
});
