import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { createDynamo, type Dynamo } from "./client.ts";

/** Answers of the server in turn; the last one stays. `null` cuts the connection. */
let answers: ({ status: number; body: unknown } | null)[] = [];
let bodies: Record<string, unknown>[] = [];
let server: Server;
let client: DynamoDBClient;
let dynamo: Dynamo;

beforeAll(async () => {
  server = createServer(async (request, response) => {
    bodies.push(JSON.parse(Buffer.concat(await request.toArray()).toString()));
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    if (!answer) return void response.destroy();
    response.writeHead(answer.status, { "content-type": "application/x-amz-json-1.0" });
    response.end(typeof answer.body === "string" ? answer.body : JSON.stringify(answer.body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  client = new DynamoDBClient({
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    region: "eu-west-3",
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
    maxAttempts: 1,
  });
  dynamo = createDynamo({ client, tableName: "atelier" });
});
beforeEach(() => {
  bodies = [];
});
afterAll(async () => {
  client.destroy();
  await new Promise((resolve) => server.close(resolve));
});

const key = { pk: "IMAGES#img_a", sk: "IMAGE#00000" };
const fault = (status: number, name: string, message = "") => ({
  status,
  body: { __type: `com.amazonaws.dynamodb.v20120810#${name}`, message },
});

test.each([
  ["throttling", fault(400, "ProvisionedThroughputExceededException"), "StorageUnavailable"],
  ["throttling by name", fault(400, "ThrottlingException"), "StorageUnavailable"],
  ["a fault of the table", fault(500, "InternalServerError"), "StorageUnavailable"],
  ["a cut connection", null, "StorageUnavailable"],
  ["an answer cut in the middle", { status: 200, body: '{"Item":{"pk"' }, "StorageUnavailable"],
  ["a full disk", fault(500, "InternalServerError", "ENOSPC: no space left on device"), "StorageFull"],
  ["a missing table", fault(400, "ResourceNotFoundException"), "ConfigurationInvalid"],
  ["refused credentials", fault(400, "UnrecognizedClientException"), "ConfigurationInvalid"],
  ["an invalid request", fault(400, "ValidationException", "bad key"), "Unexpected"],
])("%s", async (_what, answer, name) => {
  answers = [answer];
  await expect(dynamo.get(key)).rejects.toMatchObject({
    name,
    message: expect.stringContaining("atelier failed at reading IMAGES#img_a IMAGE#00000"),
  });
});

test("a refused connection is a store that does not answer", async () => {
  const nobody = new DynamoDBClient({
    endpoint: "http://127.0.0.1:1",
    region: "eu-west-3",
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
    maxAttempts: 1,
  });
  const unreachable = createDynamo({ client: nobody, tableName: "atelier" });
  await expect(unreachable.put({ ...key })).rejects.toMatchObject({ name: "StorageUnavailable" });
  nobody.destroy();
});

test("a failed condition is a value", async () => {
  answers = [fault(400, "ConditionalCheckFailedException")];
  expect(await dynamo.put(key, { ConditionExpression: "attribute_not_exists(pk)" })).toBe(false);
  expect(await dynamo.update(key, {})).toStrictEqual({ ok: false });
});

test("a number that JSON cannot carry is refused before the call", async () => {
  await expect(dynamo.put({ ...key, seconds: Number.NaN })).rejects.toMatchObject({ name: "Unexpected" });
  expect(bodies).toEqual([]);
});

test("keys and items that a batch left over are asked for again", async () => {
  const stored = (sk: string) => ({ pk: { S: "a" }, sk: { S: sk } });
  const left = { atelier: { Keys: [stored("2")], ConsistentRead: true } };
  answers = [
    { status: 200, body: { Responses: { atelier: [stored("1")] }, UnprocessedKeys: left } },
    { status: 200, body: { Responses: { atelier: [stored("2")] }, UnprocessedKeys: {} } },
  ];
  const keys = ["2", "1"].map((sk) => ({ pk: "a", sk }));
  expect(await dynamo.getMany(keys)).toStrictEqual(keys);
  expect(bodies.map((body) => body.RequestItems)).toStrictEqual([
    { atelier: { Keys: [stored("2"), stored("1")], ConsistentRead: true } },
    left,
  ]);

  bodies = [];
  const unwritten = { atelier: [{ PutRequest: { Item: stored("25") } }] };
  answers = [
    { status: 200, body: { UnprocessedItems: unwritten } },
    { status: 200, body: { UnprocessedItems: {} } },
  ];
  await dynamo.putMany(Array.from({ length: 26 }, (_, index) => ({ pk: "a", sk: String(index) })));
  const written = bodies.map((body) => (body.RequestItems as { atelier: unknown[] }).atelier.length);
  expect(written).toEqual([25, 1, 1]);
  expect(bodies[1]?.RequestItems).toStrictEqual(unwritten);
});

test("a batch that gets nowhere is a throttled table", async () => {
  answers = [
    {
      status: 200,
      body: { Responses: {}, UnprocessedKeys: { atelier: { Keys: [{ pk: { S: "a" }, sk: { S: "1" } }] } } },
    },
  ];
  await expect(dynamo.getMany([{ pk: "a", sk: "1" }])).rejects.toMatchObject({ name: "StorageUnavailable" });
  answers = [
    {
      status: 200,
      body: { UnprocessedItems: { atelier: [{ PutRequest: { Item: { pk: { S: "a" }, sk: { S: "1" } } } }] } },
    },
  ];
  await expect(dynamo.putMany([{ pk: "a", sk: "1" }])).rejects.toMatchObject({ name: "StorageUnavailable" });
});
