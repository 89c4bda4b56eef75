/**
 * @module Several processes that spend from one budget at once, over one dynalite: never beyond a limit, nothing left set aside,
 * and the ledger proved from the attempts.
 */
import { execFile } from "node:child_process";
import type { Server } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { createAttempts } from "@atelier/aws/dynamo/attempts";
import { createDynamo } from "@atelier/aws/dynamo/client";
import { createLedgerStore } from "@atelier/aws/dynamo/ledger";
import { proveBudget } from "@atelier/core/budget-verify";
import { reconcileLedger } from "@atelier/core/ledger";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { createActiveTable } from "../builders/active-table.ts";
import { type LedgerTask, ledgerReportSchema } from "./ledger-task.ts";

const dynalite: (options: { createTableMs: number }) => Server = createRequire(import.meta.url)("dynalite");
const PROCESS = fileURLToPath(new URL("ledger.test-process.ts", import.meta.url));
const MONTH = "2026-11";
const TABLE_NAME = "budget";
/** Less than an attempt costs in the middle: some are refused. */
const MICROS_PER_ATTEMPT = 8_000;

export interface LedgerFigures {
  readonly processes: number;
  /** Holds and settlements. */
  readonly operations: number;
  readonly attempts: number;
  readonly held: number;
  readonly refused: number;
  readonly spentMicros: number;
  /** Looks that found a counter below zero. */
  readonly overspent: number;
  /** Holds that are left when all have ended. */
  readonly leakedHolds: number;
  readonly isProved: boolean;
  /** By the processes, less by the ledger: 0. */
  readonly differenceMicros: number;
}

/** @param attempts of all processes together: each takes a hold and settles it */
export async function spendInProcesses(processes: number, attempts: number): Promise<LedgerFigures> {
  const server = dynalite({ createTableMs: 0 });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = new DynamoDBClient({
    endpoint,
    region: "eu-west-3",
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
  });
  try {
    await createActiveTable(client, TABLE_NAME);
    const dynamo = createDynamo({ client, tableName: TABLE_NAME });
    const deps = {
      attempts: createAttempts(dynamo),
      ledger: createLedgerStore(dynamo),
      firstLimits: { dayMicros: 0, monthMicros: 0 },
    };
    const limitMicros = attempts * MICROS_PER_ATTEMPT;
    const limits = {
      m: limitMicros,
      d: Math.round(limitMicros * 0.6),
      "c.feet": Math.round(limitMicros * 0.95),
    };
    await deps.ledger.open("real", MONTH, limits);
    const reports = await Promise.all(
      Array.from({ length: processes }, async (_, processNumber) => {
        const task: LedgerTask = {
          endpoint,
          tableName: TABLE_NAME,
          processNumber,
          attempts: Math.floor(attempts / processes),
          atOnce: 4,
          seed: processNumber + 1,
          month: MONTH,
        };
        const { stdout } = await promisify(execFile)(process.execPath, [PROCESS, JSON.stringify(task)], {
          maxBuffer: 1024 * 1024,
        });
        return ledgerReportSchema.parse(JSON.parse(stdout));
      }),
    );
    await reconcileLedger("real", MONTH, deps);
    const row = await deps.ledger.read("real", MONTH);
    const proof = await proveBudget(
      {
        account: "real",
        month: MONTH,
        providers: ["replicate"],
        monthStartMs: 0,
        today: `${MONTH}-01`,
        nowMs: 0,
      },
      deps,
    );
    const sum = (of: (report: (typeof reports)[number]) => number) =>
      reports.reduce((total, report) => total + of(report), 0);
    const spentMicros = limitMicros - (row?.remaining.m ?? limitMicros);
    return {
      processes,
      operations: sum(({ operations }) => operations),
      attempts: sum(({ held, refused }) => held + refused),
      held: sum(({ held }) => held),
      refused: sum(({ refused }) => refused),
      spentMicros,
      overspent: sum(({ belowZero }) => belowZero),
      leakedHolds: Object.values(row?.holds ?? {}).filter((micros) => micros > 0).length,
      isProved: proof.isProved && row?.openHolds === 0,
      differenceMicros: sum(({ settledMicros }) => settledMicros) - spentMicros,
    };
  } finally {
    client.destroy();
    await new Promise((resolve) => server.close(resolve));
  }
}
