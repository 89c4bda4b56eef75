import { signWebhook } from "@atelier/providers/replicate/webhook";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { held } from "../../test/builders/flows.ts";
import { type MemoryTables, startMemoryTables } from "../../test/builders/memory-table.ts";
import { startWorld, type World } from "../../test/builders/world.ts";
import { TEST_WEBHOOK_SECRET } from "../../test/simulators/replicate.ts";
import { reconcileAttempts } from "./reconcile-attempts.ts";
import {
  receiveWebhook,
  WEBHOOK_BYTES_MAX,
  type WebhookCall,
  type WebhookDeps,
  webhookPath,
} from "./webhook.ts";

let tables: MemoryTables;
let world: World;
let attemptId: string;
let lookedUp: string[];
const webhookKey = Buffer.from("a key of this test");

beforeAll(async () => {
  tables = await startMemoryTables();
});
afterAll(() => tables.close());
beforeEach(async () => {
  world = await startWorld(await tables.table());
  ({ attemptId } = await held(world));
  await world.steps.attempts.patch(attemptId, { set: { state: "submitting", nonce: "n" }, when: [] });
  lookedUp = [];
});
afterEach(() => world.close());

function deps(): WebhookDeps {
  const { attempts } = world.steps;
  return {
    ...world.steps,
    attempts: {
      ...attempts,
      get: async (id) => {
        lookedUp.push(id);
        return attempts.get(id);
      },
    },
    webhookKey,
  };
}

/** A webhook as Replicate sends it, signed by us as Replicate does. */
function callOf(
  body: object | string,
  change: Partial<WebhookCall> & { secret?: string; atMs?: number } = {},
): WebhookCall {
  const rawBody = Buffer.from(typeof body === "string" ? body : JSON.stringify(body));
  const seconds = String(Math.floor((change.atMs ?? world.clock()) / 1000));
  const [, , provider = "", id = "", signature = ""] = webhookPath("replicate", attemptId, webhookKey).split(
    "/",
  );
  return {
    provider,
    attemptId: id,
    signature,
    headers: {
      "webhook-id": "msg_1",
      "webhook-timestamp": seconds,
      "webhook-signature": signWebhook(change.secret ?? TEST_WEBHOOK_SECRET, "msg_1", seconds, rawBody),
    },
    rawBody,
    ...change,
  };
}
const receive = (call: WebhookCall) => receiveWebhook(call, deps());
const prediction = (fields: object = {}) => ({
  id: "job1",
  status: "succeeded",
  output: ["https://replicate.delivery/a.png"],
  version: "v",
  input: {},
  ...fields,
});
const outcome = async () => (await world.attempt(attemptId)).outcome;

describe("a webhook", () => {
  test("of the job is taken in, with job and address", async () => {
    expect(await receive(callOf(prediction()))).toEqual({ status: 200, message: "Taken in." });
    expect(await world.attempt(attemptId)).toMatchObject({
      state: "succeeded",
      operation: expect.stringContaining("job1"),
      outcome: { kind: "succeeded", outputs: [{ kind: "url", url: "https://replicate.delivery/a.png" }] },
    });
  });

  test("again, or of another end, changes nothing", async () => {
    await receive(callOf(prediction()));
    const first = await world.attempt(attemptId);
    const failed = prediction({ status: "failed", error: "too late", output: null });
    for (const body of [prediction(), failed]) {
      expect(await receive(callOf(body))).toEqual({ status: 200, message: "Known already." });
    }
    expect(await world.attempt(attemptId)).toEqual(first);
  });

  test("many times at once is one outcome", async () => {
    const said = await Promise.all(Array.from({ length: 8 }, () => receive(callOf(prediction()))));
    expect(said.map(({ status }) => status)).toEqual(Array(8).fill(200));
    expect(await outcome()).toMatchObject({ kind: "succeeded" });
  });

  test("of a job that still runs notes the job only", async () => {
    const body = prediction({ status: "processing", output: null });
    expect(await receive(callOf(body))).toEqual({ status: 200, message: "Still running." });
    expect(await world.attempt(attemptId)).toMatchObject({
      state: "submitting",
      operation: expect.stringContaining("job1"),
      outcome: null,
    });
  });
});

describe("refused", () => {
  test("is an address that we did not give out, before anything is looked up", async () => {
    for (const signature of ["", "x", "0".repeat(32)]) {
      expect(await receive(callOf(prediction(), { signature }))).toMatchObject({ status: 401 });
    }
    expect(await receive(callOf(prediction(), { attemptId: `${attemptId}0` }))).toMatchObject({
      status: 401,
    });
    expect(lookedUp).toEqual([]);
  });

  test("is another attempt's or another provider's address", async () => {
    const unknown = webhookPath("replicate", "img_none_00000-1", webhookKey).split("/");
    const call = { attemptId: unknown[3] ?? "", signature: unknown[4] ?? "" };
    expect(await receive(callOf(prediction(), call))).toMatchObject({ status: 404 });
    expect(await receive(callOf(prediction(), { provider: "sandbox" }))).toMatchObject({ status: 404 });
    expect(await outcome()).toBeNull();
  });

  test("is a signature by another secret, over another body, or none", async () => {
    const secret = `whsec_${Buffer.from("another secret").toString("base64")}`;
    const swapped = {
      ...callOf(prediction()),
      rawBody: Buffer.from(JSON.stringify(prediction({ id: "job2" }))),
    };
    for (const call of [callOf(prediction(), { secret }), swapped, callOf(prediction(), { headers: {} })]) {
      expect(await receive(call)).toMatchObject({ status: 401 });
    }
    expect(await outcome()).toBeNull();
  });

  test.each([-301, 301])("is a time stamp %i seconds off; 300 are taken", async (seconds) => {
    const atMs = world.clock() + seconds * 1_000;
    expect(await receive(callOf(prediction(), { atMs }))).toMatchObject({ status: 401 });
    expect(await outcome()).toBeNull();
    const inTime = world.clock() + Math.sign(seconds) * 300_000;
    expect(await receive(callOf(prediction(), { atMs: inTime }))).toMatchObject({ status: 200 });
  });

  test("is a body that is no prediction, or too large", async () => {
    for (const body of ["", "{", "[]", '{"id":1}'])
      expect(await receive(callOf(body))).toMatchObject({ status: 400 });
    expect(await receive(callOf("x".repeat(WEBHOOK_BYTES_MAX + 1)))).toMatchObject({ status: 413 });
  });

  test("is a job that belongs to another attempt, and one more than the attempt's own", async () => {
    await receive(callOf(prediction({ id: "mine", status: "processing", output: null })));
    expect(await receive(callOf(prediction({ id: "stranger" })))).toMatchObject({ status: 404 });
    const { operation } = await world.attempt(attemptId);
    await world.steps.attempts.claimOperation(
      "replicate",
      (operation ?? "").replace("mine", "theirs"),
      "img_b_00000-1",
    );
    expect(await receive(callOf(prediction({ id: "theirs" })))).toMatchObject({ status: 404 });
    expect(await outcome()).toBeNull();
  });
});

test("a success for a create that was thought lost is charged all the same", async () => {
  const lost = {
    kind: "failed",
    name: "NotCreated",
    message: "lost",
    charged: false,
    costMicros: null,
    atMs: 0,
  } as const;
  const set = { outcome: lost, state: "failed", settledMicros: 0, ledgerApplied: true } as const;
  await world.steps.attempts.patch(attemptId, { set, when: [] });
  expect(await receive(callOf(prediction()))).toMatchObject({ status: 200 });
  const { outcome, correctionMicros, listMicros } = await world.attempt(attemptId);
  expect({ outcome, correctionMicros }).toStrictEqual({ outcome: lost, correctionMicros: listMicros });
  await reconcileAttempts(world.reconciling);
  expect(await world.attempt(attemptId)).toMatchObject({ correctionApplied: true });
});
