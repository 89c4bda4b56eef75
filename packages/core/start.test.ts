import { createRequests } from "@atelier/aws/dynamo/requests";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type MemoryTables, startMemoryTables } from "../../test/builders/memory-table.ts";
import { someRequest } from "../../test/contract/table-fixtures.ts";
import type { PlanInput, Requests } from "./ports.ts";
import { beginPart, newPart, notePartBegun, partsOf, putRequest, startRequest } from "./start.ts";

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

test("the first part's execution is started; the request is open until its parts are begun", async () => {
  const request = someRequest({ count: 120, parts: 3 });
  expect(await startRequest(request, deps())).toEqual(["req_contract.0-1"]);
  expect(started).toEqual([
    { name: "req_contract.0-1", input: { requestId: "req_contract", part: 0, generation: 1 } },
  ]);
  expect((await requests.open({ limit: 10 })).items).toEqual([{ ...request, partsBegun: 0 }]);
  expect(await requests.parts.ofRequest("req_contract")).toEqual([]);
});

test("a part is begun once, and noted; the last one closes the request", async () => {
  const request = someRequest({ count: 120, parts: 3 });
  await startRequest(request, deps());
  for (const part of [0, 1, 2]) {
    const name = part === 0 ? null : `req_contract.${part}-1`;
    if (part === 0) await requests.parts.putIfAbsent(newPart("req_contract", 0, "req_contract.0-1", 5_000));
    expect(await beginPart(request, part, deps())).toBe(name);
    expect(await beginPart(request, part, deps())).toBeNull();
    const standing = await requests.get("req_contract");
    if (standing) await notePartBegun(standing, part, { requests });
    const { items } = await requests.open({ limit: 10 });
    expect(items.map(({ partsBegun }) => partsBegun)).toEqual(part < 2 ? [part + 1] : []);
  }
  expect(started.map(({ name }) => name)).toEqual([0, 1, 2].map((part) => `req_contract.${part}-1`));
});

test("a start that was cut off is made again", async () => {
  const request = someRequest({ count: 120, parts: 3 });
  const failing = {
    ...deps(),
    workflow: {
      start: async () => {
        throw new Error("killed");
      },
    },
  };
  await expect(startRequest(request, failing)).rejects.toThrow("killed");
  expect(await startRequest(request, deps())).toEqual(["req_contract.0-1"]);
  expect(started).toHaveLength(1);
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
