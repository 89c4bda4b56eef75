/** @module Requests by who asked for them, newest first, without a scan; those of earlier releases once they are indexed. */
import type { Dynamo } from "@atelier/aws/dynamo/client";
import { createImages } from "@atelier/aws/dynamo/images";
import { requestKey } from "@atelier/aws/dynamo/keys";
import { createRequests } from "@atelier/aws/dynamo/requests";
import { reindex } from "@atelier/core/reindex";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type MemoryTables, startMemoryTables } from "../builders/memory-table.ts";
import { someImage, someRequest } from "./table-fixtures.ts";

let tables: MemoryTables;
let dynamo: Dynamo;
beforeAll(async () => {
  tables = await startMemoryTables();
});
afterAll(() => tables.close());
beforeEach(async () => {
  dynamo = await tables.table();
});

const listed = async (askedBy: readonly (string | null)[], limit = 100) => {
  const names: string[] = [];
  const requests = createRequests(dynamo);
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const page = await requests.list({ askedBy }, { limit, ...(cursor && { cursor }) });
    expect(page.items.length).toBeLessThanOrEqual(limit);
    names.push(...page.items.map(({ requestId }) => requestId));
    cursor = page.cursor;
  }
  return names;
};

test("those of each asker, merged, newest first, in pages, each once", async () => {
  const requests = createRequests(dynamo);
  const askers = ["ann", "bob", null, "ann", null, "bob", "ann"];
  for (const [index, askedBy] of askers.entries()) {
    const request = someRequest({ requestId: `req_${index}`, askedBy, createdAtMs: 1_000 + index });
    await requests.putIfAbsent(request);
    await requests.putIfAbsent(request);
  }
  expect(await listed(["ann"])).toStrictEqual(["req_6", "req_3", "req_0"]);
  for (const limit of [1, 2, 100]) {
    expect(await listed(["ann", null], limit)).toStrictEqual(["req_6", "req_4", "req_3", "req_2", "req_0"]);
  }
  expect(await listed(["carol"])).toStrictEqual([]);
  // Where one asker's list goes on is no place in another's.
  const { cursor } = await requests.list({ askedBy: ["ann"] }, { limit: 1 });
  const other = requests.list({ askedBy: ["bob"] }, { limit: 1, cursor: cursor ?? "" });
  await expect(other).rejects.toMatchObject({ name: "UsageError" });
});

test("a request that is patched stays where it is, unless it says that somebody else asked", async () => {
  const requests = createRequests(dynamo);
  for (const requestId of ["req_a", "req_b"]) {
    await requests.putIfAbsent(
      someRequest({ requestId, askedBy: "ann", createdAtMs: requestId.charCodeAt(4) }),
    );
  }
  await requests.patch("req_a", { set: { cancelledAtMs: 5 }, when: [] });
  expect(await listed(["ann"])).toStrictEqual(["req_b", "req_a"]);
  await requests.patch("req_a", { set: { askedBy: "bob" }, when: [] });
  expect([await listed(["ann"]), await listed(["bob"])]).toStrictEqual([["req_b"], ["req_a"]]);
});

test("those of an earlier release are found by their images, with what comes meanwhile, once", async () => {
  const requests = createRequests(dynamo);
  const images = createImages(dynamo, { wordKey: Buffer.from("a key for words") });
  for (let index = 0; index < 22; index++) {
    const requestId = `req_early${String(index).padStart(2, "0")}`;
    const { askedBy: _, ...earlier } = someRequest({ requestId, createdAtMs: 1_000 + index });
    await dynamo.put({ ...earlier, ...requestKey(requestId) });
    for (const at of [0, 1]) await images.putIfAbsent(someImage({ requestId, index: at }));
  }
  expect(await listed([null])).toStrictEqual([]);
  await requests.putIfAbsent(someRequest({ requestId: "req_new", createdAtMs: 9_000 }));
  await reindex(images, new AbortController().signal);
  const all = await listed([null]);
  expect(all).toHaveLength(23);
  expect(all.slice(0, 2)).toStrictEqual(["req_new", "req_early21"]);
  // Whoever comes next has nothing to do.
  expect(await createImages(dynamo).indexEarlier(10)).toBe(0);
});
