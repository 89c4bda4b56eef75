import type { createServer } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createActiveTable } from "../../test/builders/active-table.ts";
import { createDynamo, type Dynamo } from "./dynamo/client.ts";
import { rateKey } from "./dynamo/keys.ts";
import { createTableRateLimit } from "./rate-limit.ts";

type Server = ReturnType<typeof createServer>;
const dynalite: (options: { createTableMs: number }) => Server = createRequire(import.meta.url)("dynalite");

let server: Server;
let client: DynamoDBClient;
let dynamo: Dynamo;
let callers = 0;
beforeAll(async () => {
  server = dynalite({ createTableMs: 0 });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  client = new DynamoDBClient({
    region: "eu-west-1",
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
  });
  await createActiveTable(client, "records");
  dynamo = createDynamo({ client, tableName: "records" });
});
afterAll(async () => {
  client.destroy();
  await new Promise((closed) => server.close(closed));
});

test("whatever the times, a minute of the clock lets exactly the limit through, and says when the next begins", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 5 }),
      fc.array(fc.integer({ min: 0, max: 180_000 }), { maxLength: 20 }),
      async (perMinute, times) => {
        const caller = `caller-${++callers}`;
        const allowed = new Map<number, number>();
        const asked = new Map<number, number>();
        let nowMs = 0;
        const limit = createTableRateLimit(perMinute, { dynamo, clock: () => nowMs });
        for (const atMs of times.toSorted((one, other) => one - other)) {
          nowMs = atMs;
          const minute = Math.floor(atMs / 60_000);
          asked.set(minute, (asked.get(minute) ?? 0) + 1);
          const answer = await limit.take(caller);
          if (answer.ok) allowed.set(minute, (allowed.get(minute) ?? 0) + 1);
          else expect(answer.retryAfterMs).toBe((minute + 1) * 60_000 - atMs);
        }
        for (const [minute, count] of asked) expect(allowed.get(minute)).toBe(Math.min(count, perMinute));
      },
    ),
    { numRuns: 25 },
  );
});

test("processes count together, and callers apart", async () => {
  const clock = () => 1_000;
  const one = createTableRateLimit(3, { dynamo, clock });
  const other = createTableRateLimit(3, { dynamo, clock });
  const answers = await Promise.all([one, other, one, other, one].map((limit) => limit.take("shared")));
  expect(answers.filter(({ ok }) => ok)).toHaveLength(3);
  expect(await other.take("somebody else")).toEqual({ ok: true });
});

test("a count expires an hour after its minute", async () => {
  await createTableRateLimit(1, { dynamo, clock: () => 90_000 }).take("ada");
  expect(await dynamo.get(rateKey("ada", 1))).toMatchObject({ calls: 1, expiresAt: 120 + 3_600 });
});
