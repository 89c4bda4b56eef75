/**
 * @module One of several processes that spend from one budget at once: takes holds and settles them, some for less, some for
 * nothing, some twice, and says what it came to. `ledger-processes.ts` starts it.
 */
import { createAttempts } from "@atelier/aws/dynamo/attempts";
import { createDynamo } from "@atelier/aws/dynamo/client";
import { createLedgerStore } from "@atelier/aws/dynamo/ledger";
import { isAtelierError } from "@atelier/core/errors";
import { attemptIdOf, imageIdOf } from "@atelier/core/ids";
import { bookCharge, settle, takeHold } from "@atelier/core/ledger";
import type { LedgerStore } from "@atelier/core/ledger-store";
import type { Attempts } from "@atelier/core/ports";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { randomOf } from "../builders/interleaver.ts";
import { someAttempt } from "../contract/table-fixtures.ts";
import { type LedgerTask, ledgerTaskSchema } from "./ledger-task.ts";

const task = ledgerTaskSchema.parse(JSON.parse(process.argv[2] ?? "null"));
const client = new DynamoDBClient({
  endpoint: task.endpoint,
  region: "eu-west-3",
  credentials: { accessKeyId: "test", secretAccessKey: "test" },
});
const dynamo = createDynamo({ client, tableName: task.tableName });
const deps = {
  attempts: createAttempts(dynamo),
  ledger: createLedgerStore(dynamo),
  firstLimits: { dayMicros: 0, monthMicros: 0 },
};
const random = randomOf(task.seed);
const report = { operations: 0, held: 0, refused: 0, busy: 0, settledMicros: 0, belowZero: 0 };

let next = 0;
async function worker(): Promise<void> {
  while (next < task.attempts) await spend(next++);
}
await Promise.all(Array.from({ length: task.atOnce }, worker));
client.destroy();
process.stdout.write(JSON.stringify(report));

async function spend(index: number): Promise<void> {
  const { attempts } = deps;
  const attempt = attemptFor(task, index);
  await attempts.putIfAbsent(attempt);
  const held = await taken(() => takeHold(attempt, deps));
  if (held.kind !== "held") {
    report.refused++;
    await taken(() => settle(attempt.attemptId, 0, deps));
    return;
  }
  report.held++;
  if (index % 4 === 0) await lookBelowZero(deps.ledger);
  const share = random(4);
  const chargedMicros = share === 0 ? 0 : Math.ceil((attempt.holdMicros * share) / 3);
  const settled = await taken(() => settle(attempt.attemptId, share === 1 ? 0 : chargedMicros, deps));
  // A charge that comes to light later, and a second caller who settles the same.
  if (share === 1) await taken(() => bookCharge(attempt.attemptId, chargedMicros, deps));
  if (share === 2) await taken(() => settle(attempt.attemptId, 0, deps));
  // Read before it is added to: others add meanwhile.
  const spentMicros = await spentOn(settled.attemptId, attempts);
  report.settledMicros += spentMicros;
}

function attemptFor({ processNumber }: LedgerTask, index: number) {
  const imageId = imageIdOf(`req_process${processNumber}`, index);
  return someAttempt({
    attemptId: attemptIdOf(imageId, 1),
    imageId,
    requestId: `req_process${processNumber}`,
    account: "real",
    budgetMonth: task.month,
    budgetDay: `${task.month}-${String(1 + random(2)).padStart(2, "0")}`,
    provider: "replicate",
    category: "feet",
    holdMicros: 1_000 + random(40_000),
    settledMicros: null,
    ledgerApplied: false,
  });
}

async function spentOn(attemptId: string, attempts: Attempts): Promise<number> {
  const attempt = await attempts.get(attemptId);
  return (attempt?.settledMicros ?? 0) + (attempt?.correctionMicros ?? 0);
}

async function lookBelowZero(ledger: LedgerStore): Promise<void> {
  const row = await ledger.read("real", task.month);
  for (const [counter, left] of Object.entries(row?.remaining ?? {})) {
    const limit = counter.startsWith("d.") ? "d" : counter;
    if (row?.limits[limit] !== undefined && left < 0) report.belowZero++;
  }
}

/** One operation; again for as long as the ledger is busy with others. */
async function taken<T>(work: () => Promise<T>): Promise<T> {
  report.operations++;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!isAtelierError(error, "LedgerBusy")) throw error;
      report.busy++;
    }
  }
}
