import { createRequests } from "@atelier/aws/dynamo/requests";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type MemoryTables, startMemoryTables } from "../../test/builders/memory-table.ts";
import { someRequest } from "../../test/contract/table-fixtures.ts";
import type { PlanInput, Requests } from "./ports.ts";
import { partsOf, putRequest, startRequest } from "./start.ts";

let tables: MemoryTables;
let requests: Requests;
let started: { name: string; input: PlanInput }[];
beforeAll(async () => {
  tables = await startMemoryTables();
});
afterAll(() => tables.close());
beforeEach(async () => {
  requests = createRequests(await tables.table());
  started = [];
});
const deps = () => ({
  requests,
  clock: () => 5_000,
  workflow: {
    async start(name: string, input: PlanInput) {
      if (started.some((one) => one.name === name)) return "exists" as const;
      started.push({ name, input });
      return "started" as const;
    },
  },
});

test("fifty images are a part", () => {
  expect([1, 50, 51, 100_000].map(partsOf)).toEqual([1, 1, 2, 2_000]);
});

test("a request of 120 images is three parts, each with an execution that owns it", async () => {
  const request = someRequest({ count: 120, parts: 3 });
  const names = ["req_contract.0-1", "req_contract.1-1", "req_contract.2-1"];
  expect(await startRequest(request, deps())).toEqual(names);
  expect(started).toEqual(
    names.map((name, part) => ({ name, input: { requestId: "req_contract", part, generation: 1 } })),
  );
  const parts = await requests.parts.ofRequest("req_contract");
  expect(parts.map(({ owner, generation, open }) => [owner, generation, open])).toEqual(
    names.map((name) => [name, 1, true]),
  );
});

test("a start that was cut off is made again", async () => {
  const request = someRequest({ count: 120, parts: 3 });
  const failing = deps();
  failing.workflow.start = async (name, input) => {
    if (input && "part" in input && input.part === 1) throw new Error("killed");
    return deps().workflow.start(name, input);
  };
  await expect(startRequest(request, failing)).rejects.toThrow("killed");
  expect(await startRequest(request, deps())).toHaveLength(3);
  expect(started.map(({ name }) => name)).toEqual([
    "req_contract.0-1",
    "req_contract.1-1",
    "req_contract.2-1",
  ]);
});

test("another request under the same id is refused, the same one is not", async () => {
  const request = someRequest({ count: 3 });
  await putRequest(request, requests);
  expect(await putRequest({ ...request, createdAtMs: 9 }, requests)).toEqual(request);
  for (const change of [{ count: 4 }, { seed: 8 }, { template: "other" }, { category: "custom" as const }]) {
    await expect(putRequest({ ...request, ...change }, requests)).rejects.toMatchObject({
      name: "RequestConflict",
    });
  }
});

test("an occurrence that fires again stays what it was first", async () => {
  const first = someRequest({ source: "occurrence", occurrenceId: "sunday@2026-11-22" });
  await putRequest(first, requests);
  expect(await putRequest({ ...first, category: "lingerie", count: 5 }, requests)).toEqual(first);
});
