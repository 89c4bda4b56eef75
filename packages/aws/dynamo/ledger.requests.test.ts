import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { LedgerRow } from "@atelier/core/ledger-store";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { createDynamo } from "./client.ts";
import { createLedgerStore } from "./ledger.ts";

/** Records what goes over the wire and agrees with everything. */
const requests: { target: string | undefined; body: Record<string, unknown> }[] = [];
let server: Server;
let client: DynamoDBClient;

beforeAll(async () => {
  server = createServer(async (request, response) => {
    const target = request.headers["x-amz-target"];
    const body = JSON.parse(Buffer.concat(await request.toArray()).toString());
    requests.push({ target: target?.toString(), body });
    response.setHeader("content-type", "application/x-amz-json-1.0").end("{}");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  client = new DynamoDBClient({
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    region: "eu-west-3",
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
  });
});
beforeEach(() => {
  requests.length = 0;
});
afterAll(async () => {
  client.destroy();
  await new Promise((resolve) => server.close(resolve));
});

const row: LedgerRow = {
  account: "real",
  month: "2026-11",
  remaining: { m: 150_000_000, "d.2026-11-22": 9_000_000 },
  limits: { m: 200_000_000, d: 10_000_000, "p.replicate": 50_000_000 },
  holds: { "img_a_00000-1": 80_000, "img_a_00001-1": 0 },
  openHolds: 1,
  sweeps: 3,
};
const counters = [
  { counter: "m", limit: "m" },
  { counter: "d.2026-11-22", limit: "d" },
  { counter: "p.replicate", limit: "p.replicate" },
  { counter: "c.feet", limit: "c.feet" },
];
const store = () => createLedgerStore(createDynamo({ client, tableName: "atelier" }));

test("hold takes the amount from every counter in one update, and asks those with a limit", async () => {
  const hold = { key: "img_a_00002-1", amountMicros: 50_000, counters, openHoldsMax: 500 };
  expect(await store().hold(row, hold)).toBe(true);
  expect(requests).toStrictEqual([
    {
      target: "DynamoDB_20120810.UpdateItem",
      body: {
        TableName: "atelier",
        Key: { pk: { S: "LEDGER#real" }, sk: { S: "2026-11" } },
        UpdateExpression:
          "SET #n1 = if_not_exists(#n1, :v1) - :v0, #n3 = if_not_exists(#n3, :v2) - :v0, " +
          "#n5 = if_not_exists(#n5, :v3) - :v0, #n7 = if_not_exists(#n7, :v4) - :v0, " +
          "#n8 = :v0, #n9 = #n9 + :v5",
        ConditionExpression:
          "#n0 = :v1 AND (attribute_not_exists(#n1) OR #n1 >= :v0) AND " +
          "#n2 = :v2 AND (attribute_not_exists(#n3) OR #n3 >= :v0) AND " +
          "#n4 = :v3 AND (attribute_not_exists(#n5) OR #n5 >= :v0) AND " +
          "attribute_not_exists(#n6) AND attribute_not_exists(#n8) AND #n9 < :v6",
        ExpressionAttributeNames: {
          "#n0": "l.m",
          "#n1": "m",
          "#n2": "l.d",
          "#n3": "d.2026-11-22",
          "#n4": "l.p.replicate",
          "#n5": "p.replicate",
          "#n6": "l.c.feet",
          "#n7": "c.feet",
          "#n8": "h.img_a_00002-1",
          "#n9": "openHolds",
        },
        ExpressionAttributeValues: {
          ":v0": { N: "50000" },
          ":v1": { N: "200000000" },
          ":v2": { N: "10000000" },
          ":v3": { N: "50000000" },
          ":v4": { N: "0" },
          ":v5": { N: "1" },
          ":v6": { N: "500" },
        },
      },
    },
  ]);
});

test("hold of more than a limit is refused before the call", async () => {
  const hold = { key: "img_a_00002-1", amountMicros: 10_000_001, counters, openHoldsMax: 500 };
  expect(await store().hold(row, hold)).toBe(false);
  expect(requests).toStrictEqual([]);
});

test("apply gives back what was not charged and leaves a tombstone", async () => {
  const settle = { key: "img_a_00000-1", chargedMicros: 50_000, counters: counters.slice(0, 2) };
  expect(await store().apply(row, settle)).toBe(true);
  expect(requests).toStrictEqual([
    {
      target: "DynamoDB_20120810.UpdateItem",
      body: {
        TableName: "atelier",
        Key: { pk: { S: "LEDGER#real" }, sk: { S: "2026-11" } },
        UpdateExpression:
          "SET #n0 = :v0, #n2 = if_not_exists(#n2, :v1) + :v2, #n4 = if_not_exists(#n4, :v3) + :v4, " +
          "#n5 = #n5 - :v6",
        ConditionExpression: "#n1 = :v1 AND #n3 = :v3 AND #n0 = :v5 AND #n6 = :v7",
        ExpressionAttributeNames: {
          "#n0": "h.img_a_00000-1",
          "#n1": "l.m",
          "#n2": "m",
          "#n3": "l.d",
          "#n4": "d.2026-11-22",
          "#n5": "openHolds",
          "#n6": "sweeps",
        },
        ExpressionAttributeValues: {
          ":v0": { N: "0" },
          ":v1": { N: "200000000" },
          ":v2": { N: "30000" },
          ":v3": { N: "10000000" },
          ":v4": { N: "30000" },
          ":v5": { N: "80000" },
          ":v6": { N: "1" },
          ":v7": { N: "3" },
        },
      },
    },
  ]);
});

test("apply without a hold takes the charge and counts no hold", async () => {
  const settle = { key: "img_a_00003-1", chargedMicros: 50_000, counters: counters.slice(0, 1) };
  expect(await store().apply(row, settle)).toBe(true);
  expect(requests[0]?.body).toStrictEqual({
    TableName: "atelier",
    Key: { pk: { S: "LEDGER#real" }, sk: { S: "2026-11" } },
    UpdateExpression: "SET #n0 = :v0, #n2 = if_not_exists(#n2, :v1) + :v2",
    ConditionExpression: "#n1 = :v1 AND attribute_not_exists(#n0) AND #n3 = :v3",
    ExpressionAttributeNames: { "#n0": "h.img_a_00003-1", "#n1": "l.m", "#n2": "m", "#n3": "sweeps" },
    ExpressionAttributeValues: {
      ":v0": { N: "0" },
      ":v1": { N: "200000000" },
      ":v2": { N: "-50000" },
      ":v3": { N: "3" },
    },
  });
});

test("apply gives back to a counter without a limit from zero on", async () => {
  const settle = { key: "img_a_00000-1", chargedMicros: 50_000, counters: counters.slice(3) };
  expect(await store().apply(row, settle)).toBe(true);
  expect(requests[0]?.body).toMatchObject({
    UpdateExpression: "SET #n0 = :v0, #n2 = if_not_exists(#n2, :v1) + :v2, #n3 = #n3 - :v4",
    ConditionExpression: "attribute_not_exists(#n1) AND #n0 = :v3 AND #n4 = :v5",
    ExpressionAttributeNames: { "#n1": "l.c.feet", "#n2": "c.feet" },
    ExpressionAttributeValues: { ":v1": { N: "0" }, ":v2": { N: "30000" } },
  });
});

test("a first limit lifts the counter by all of it, from zero where nothing was taken", async () => {
  const limit = { name: "c.feet", counter: "c.feet", limitMicros: 40_000 };
  expect(await store().setLimit(row, limit)).toBe(true);
  expect(requests[0]?.body).toMatchObject({
    UpdateExpression: "SET #n0 = :v0, #n1 = if_not_exists(#n1, :v2) + :v1",
    ConditionExpression: "attribute_not_exists(#n0) AND attribute_exists(#n2)",
    ExpressionAttributeNames: { "#n0": "l.c.feet", "#n1": "c.feet", "#n2": "pk" },
    ExpressionAttributeValues: { ":v0": { N: "40000" }, ":v1": { N: "40000" }, ":v2": { N: "0" } },
  });
});

test("apply of a tombstone changes nothing", async () => {
  expect(await store().apply(row, { key: "img_a_00001-1", chargedMicros: 50_000, counters })).toBe(true);
  expect(requests).toStrictEqual([]);
});

test("a hold of nothing would be a tombstone and is refused", async () => {
  const hold = { key: "img_a_00002-1", amountMicros: 0, counters, openHoldsMax: 500 };
  await expect(store().hold(row, hold)).rejects.toMatchObject({ name: "Unexpected" });
  expect(requests).toStrictEqual([]);
});
