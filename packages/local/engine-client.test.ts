import { Agent, createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import {
  ConditionalCheckFailedException,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
} from "@aws-sdk/client-dynamodb";
import { afterEach, expect, it } from "vitest";
import { createEngineClient } from "./engine-client.ts";
import type { Connection } from "./engine-connection.ts";

const SOCKETS = 2;
const open: { server: Server; agent: Agent }[] = [];
afterEach(() => {
  for (const { server, agent } of open.splice(0)) {
    agent.destroy();
    server.closeAllConnections();
    server.close();
  }
});

/** A client of a database that answers as it is told, and the connections that it dropped. */
async function clientOf(
  answer: (body: string, request: IncomingMessage, response: ServerResponse) => void,
  withinMs?: number,
) {
  const server = createServer(async (request, response) => {
    answer(await text(request), request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  // Agents hand their options on to `net.connect`; the types know those of the agent alone.
  const agent = new Agent({ keepAlive: true, maxSockets: SOCKETS, ...{ host: "127.0.0.1", port } });
  open.push({ server, agent });
  let dropped = 0;
  const connection: Connection = { role: "guest", agent, ended: new Promise(() => {}), end: async () => {} };
  const client = createEngineClient(
    {
      current: async () => connection,
      drop: async () => {
        dropped++;
      },
    },
    withinMs,
  );
  return { client, dropped: () => dropped };
}

const GET = new GetItemCommand({ TableName: "things", Key: { id: { S: "é" } }, ConsistentRead: true });

it("sends a command as DynamoDB takes it, and gives back what it answers", async () => {
  const seen: unknown[] = [];
  const { client } = await clientOf((body, { method, headers }, response) => {
    seen.push([method, headers["x-amz-target"], headers["content-type"], JSON.parse(body)]);
    response.end(JSON.stringify({ Item: { id: { S: "é" }, n: { N: "1.50" } } }));
  });
  expect(await client.send(GET)).toEqual({ Item: { id: { S: "é" }, n: { N: "1.50" } } });
  expect(seen).toEqual([["POST", "DynamoDB_20120810.GetItem", "application/x-amz-json-1.0", GET.input]]);
});

it("throws refusals as the SDK's client does", async () => {
  const { client, dropped } = await clientOf((_, { headers }, response) => {
    const isPut = headers["x-amz-target"] === "DynamoDB_20120810.PutItem";
    const body = isPut
      ? { __type: "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException", message: "no" }
      : { __type: "com.amazon.coral.validate#ValidationException", message: "wrong" };
    response.writeHead(400).end(JSON.stringify(body));
  });
  const put = client.send(new PutItemCommand({ TableName: "things", Item: {} }));
  await expect(put).rejects.toBeInstanceOf(ConditionalCheckFailedException);
  await expect(client.send(new QueryCommand({ TableName: "things" }))).rejects.toMatchObject({
    name: "ValidationException",
    message: "wrong",
    $metadata: { httpStatusCode: 400 },
  });
  expect(dropped()).toBe(0);
});

it("waits for no answer for ever, nor for a socket", async () => {
  const { client, dropped } = await clientOf(() => {}, 100);
  const calls = await Promise.allSettled(Array.from({ length: 5 * SOCKETS }, () => client.send(GET)));
  const beganAtMs = performance.now();
  await expect(client.send(GET)).rejects.toMatchObject({
    name: "StorageUnavailable",
    message: "The local database did not answer within 0.1 seconds.",
  });
  expect(performance.now() - beganAtMs).toBeLessThan(5_000);
  expect(new Set(calls.map(({ status }) => status))).toEqual(new Set(["rejected"]));
  expect(dropped()).toBe(0);
});

it("gives up an answer that begins and does not end", async () => {
  const { client } = await clientOf((_, __, response) => response.write('{"Item":'), 100);
  await expect(client.send(GET)).rejects.toMatchObject({ name: "StorageUnavailable" });
});

it("sends again over the next connection what was cut off, and not for ever", async () => {
  let cuts = 2;
  const { client, dropped } = await clientOf((_, __, response) => {
    if (cuts-- > 0) response.write('{"Item":', () => response.destroy());
    else response.end("{}");
  });
  expect(await client.send(GET)).toEqual({});
  expect(dropped()).toBe(2);
  cuts = 100;
  await expect(client.send(GET)).rejects.toMatchObject({
    name: "StorageUnavailable",
    message: "The local database broke off 8 times at one request.",
  });
});
