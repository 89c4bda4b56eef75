import { spawn } from "node:child_process";
import { once } from "node:events";
import * as files from "node:fs/promises";
import { request } from "node:http";
import { createRequire } from "node:module";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import type { CreateTableCommandInput } from "@aws-sdk/client-dynamodb";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { type Dynalite, FAULT_HEADER, openDynalite } from "./dynalite.ts";

const TABLE: CreateTableCommandInput = {
  TableName: "things",
  BillingMode: "PAY_PER_REQUEST",
  AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
  KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
};

let place: string;
let socketPath: string;
let faults: number;
let opened: Dynalite | undefined;
beforeEach(async () => {
  place = await files.mkdtemp(join(tmpdir(), "dyn-"));
  socketPath = join(place, "s");
  faults = 0;
});
afterEach(async () => {
  await opened?.close();
  opened = undefined;
  await files.rm(place, { recursive: true });
});

async function open(): Promise<void> {
  const dynalite = await openDynalite({
    folder: join(place, "store"),
    table: TABLE,
    onFault: () => faults++,
  });
  if (dynalite === "locked") throw new Error("locked");
  opened = dynalite;
  await dynalite.listen(socketPath);
}

async function call(operation: string, input: unknown) {
  const sent = request({
    socketPath,
    method: "POST",
    headers: {
      "x-amz-target": `DynamoDB_20120810.${operation}`,
      "content-type": "application/x-amz-json-1.0",
    },
  }).end(JSON.stringify(input));
  const [response] = await once(sent, "response");
  return {
    status: response.statusCode as number,
    fault: response.headers[FAULT_HEADER] as string | undefined,
    body: JSON.parse(await text(response)),
  };
}

it("answers on the wire as DynamoDB does, refusals included", async () => {
  await open();
  expect(await call("PutItem", { TableName: "things", Item: { id: { S: "a" } } })).toStrictEqual({
    status: 200,
    fault: undefined,
    body: {},
  });
  expect((await call("GetItem", { TableName: "things", Key: { id: { S: "a" } } })).body).toStrictEqual({
    Item: { id: { S: "a" } },
  });
  expect(await call("GetItem", { TableName: "other", Key: { id: { S: "a" } } })).toMatchObject({
    status: 400,
    fault: undefined,
    body: { __type: "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException" },
  });
  expect(await call("TransactWriteItems", {})).toMatchObject({
    status: 400,
    body: { __type: "com.amazon.coral.service#UnknownOperationException" },
  });
});

/** What sends a read to dynalite's own action. */
const BY_DYNALITE = { ReturnConsumedCapacity: "NONE" };

it("answers reads of whole items as dynalite does", async () => {
  await open();
  const key = (id: string) => ({ id: { S: id } });
  const items = [
    {
      ...key("a"),
      text: { S: 'quotes " and \u2028, \ud83d\udd6f' },
      list: { L: [{ N: "1.5" }, { NULL: true }] },
    },
    { ...key("~b/c"), map: { M: { inner: { BOOL: false } } }, set: { SS: ["x", "y"] } },
  ];
  for (const Item of items) await call("PutItem", { TableName: "things", Item });

  for (const [index, id] of ["a", "~b/c", "missing"].entries()) {
    const read = { TableName: "things", Key: key(id), ConsistentRead: true };
    const answer = await call("GetItem", read);
    expect(answer.body).toStrictEqual(items[index] ? { Item: items[index] } : {});
    expect(answer).toStrictEqual(await call("GetItem", { ...read, ...BY_DYNALITE }));
  }
  const all = { RequestItems: { things: { Keys: ["a", "missing", "~b/c"].map(key), ConsistentRead: true } } };
  const answer = await call("BatchGetItem", all);
  expect(answer.body).toStrictEqual({ Responses: { things: items }, UnprocessedKeys: {} });
  const other = (await call("BatchGetItem", { ...all, ...BY_DYNALITE })).body;
  expect(other.Responses.things.toSorted(byId)).toStrictEqual(items);
});

function byId(one: { id: { S: string } }, other: { id: { S: string } }): number {
  return one.id.S < other.id.S ? -1 : 1;
}

it.each<[string, object]>([
  ["GetItem", { TableName: "things", Key: { other: { S: "a" } } }],
  ["GetItem", { TableName: "things", Key: { id: { N: "1" } } }],
  ["GetItem", { TableName: "things", Key: { id: { S: "" } } }],
  ["BatchGetItem", { RequestItems: { things: { Keys: [{ id: { S: "a" } }, { id: { N: "1" } }] } } }],
  ["BatchGetItem", { RequestItems: { things: { Keys: [{ id: { S: "a" } }, { id: { S: "a" } }] } } }],
  ["BatchGetItem", { RequestItems: { other: { Keys: [{ id: { S: "a" } }] } } }],
])("refuses %s of %j as dynalite does", async (operation, input) => {
  await open();
  const answer = await call(operation, input);
  expect(answer.status).toBe(400);
  expect(answer).toStrictEqual(await call(operation, { ...input, ...BY_DYNALITE }));
});

it("names what a long answer leaves out", async () => {
  await open();
  const keys = Array.from({ length: 12 }, (_, index) => ({ id: { S: `i${index}` } }));
  for (const key of keys) {
    await call("PutItem", { TableName: "things", Item: { ...key, text: { S: "x".repeat(390_000) } } });
  }
  const asked = { things: { Keys: keys, ConsistentRead: true } };
  const { body } = await call("BatchGetItem", { RequestItems: asked });
  const found = body.Responses.things.map(({ id }: { id: unknown }) => ({ id }));
  expect(found.length).toBeGreaterThan(1);
  expect(found.length).toBeLessThan(12);
  expect(body.UnprocessedKeys.things.ConsistentRead).toBe(true);
  expect([...found, ...body.UnprocessedKeys.things.Keys]).toStrictEqual(keys);
});

it("leaves no iterator open after a query or a scan, however they end", async () => {
  const stores = createRequire(import.meta.url)("dynalite/db/index.js");
  const create = vi.spyOn(stores, "create");
  await open();
  const values = vi.spyOn(create.mock.results.at(-1)?.value.db, "values");
  create.mockRestore();
  for (let index = 0; index < 5; index++) {
    await call("PutItem", { TableName: "things", Item: { id: { S: `i${index}` } } });
  }
  const query = {
    TableName: "things",
    KeyConditionExpression: "id = :id",
    ExpressionAttributeValues: { ":id": { S: "i1" } },
  };
  expect((await call("Query", query)).body.Count).toBe(1);
  expect((await call("Scan", { TableName: "things" })).body.Count).toBe(5);
  expect((await call("Scan", { TableName: "things", Limit: 2 })).body.Count).toBe(2);
  expect(values).toHaveBeenCalledTimes(3);
  for (const { value } of values.mock.results) {
    await vi.waitFor(() =>
      expect((value as { next(): Promise<unknown> }).next()).rejects.toMatchObject({
        code: "LEVEL_ITERATOR_NOT_OPEN",
      }),
    );
  }
});

it("activates a table whose creator was killed in the middle", async () => {
  await open();
  await opened?.close();
  const { Level } = createRequire(createRequire(import.meta.url).resolve("dynalite"))("level");
  const level = new Level(join(place, "store"), { valueEncoding: "json" });
  const table = await level.get("table~things");
  await level.put("table~things", { ...table, TableStatus: "CREATING" });
  await level.close();

  await open();
  expect((await call("DescribeTable", { TableName: "things" })).body.Table.TableStatus).toBe("ACTIVE");
  expect((await call("PutItem", { TableName: "things", Item: { id: { S: "a" } } })).status).toBe(200);
});

it("answers a request that is under way when it closes, however long its connection would live", async () => {
  await open();
  const sent = request({ socketPath, method: "POST", headers: { "x-amz-target": "D.DescribeTable" } });
  sent.write('{"TableName":');
  await once(sent, "socket");
  // A second one is answered: so the first has arrived as well.
  await call("DescribeTable", { TableName: "things" });
  const closed = opened?.close();
  opened = undefined;
  sent.end('"things"}');
  const [response] = await once(sent, "response");
  expect(JSON.parse(await text(response)).Table.TableName).toBe("things");
  expect(response.headers.connection).toBe("close");
  await closed;
});

it("survives a caller that is gone in the middle of its request", async () => {
  await open();
  const socket = connect(socketPath);
  await once(socket, "connect");
  socket.write("POST / HTTP/1.1\r\nhost: x\r\nx-amz-target: D.PutItem\r\ncontent-length: 1000\r\n\r\n{");
  socket.destroy();
  await once(socket, "close");
  expect((await call("DescribeTable", { TableName: "things" })).status).toBe(200);
  expect(faults).toBe(0);
});

it("names the fault when the store runs out of space, and reports it", async () => {
  // A limit on the size of files is the disk that fills up which every system has.
  const program = join(import.meta.dirname, "dynalite.test-process.ts");
  const command = `ulimit -f 200; exec "${process.execPath}" "${program}" "${join(place, "store")}" "${socketPath}"`;
  const child = spawn("/bin/sh", ["-c", command], { stdio: ["ignore", "pipe", "inherit"] });
  try {
    await once(child.stdout, "data");
    let last = { status: 200, fault: undefined as string | undefined, body: {} as { message?: string } };
    for (let count = 0; count < 20 && last.status === 200; count++) {
      const item = { id: { S: `i${count}` }, text: { S: "x".repeat(50_000) } };
      last = await call("PutItem", { TableName: "things", Item: item });
    }
    expect(last).toMatchObject({ status: 500, fault: "StorageFull" });
    expect(last.body.message).toContain("no space left");
    expect(String((await once(child.stdout, "data"))[0])).toContain("fault");
  } finally {
    child.kill("SIGKILL");
  }
});
