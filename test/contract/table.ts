/** @module The contract of the table: whatever serves DynamoDB's protocol must pass all of it. */
import { describe } from "vitest";
import { describeConditionsContract } from "./table-conditions.ts";
import type { MakeTable } from "./table-fixtures.ts";
import { describeLedgerContract } from "./table-ledger.ts";
import { describeListsContract } from "./table-lists.ts";
import { describeOpenWorkContract } from "./table-open-work.ts";
import { describePacingContract } from "./table-pacing.ts";
import { describeRecordsContract } from "./table-records.ts";

/** @param makeTable a new, empty table each time; called once per group of tests */
export function describeTableContract(makeTable: MakeTable): void {
  describe("records", () => describeRecordsContract(makeTable));
  describe("conditions", () => describeConditionsContract(makeTable));
  describe("lists", () => describeListsContract(makeTable));
  describe("open work", () => describeOpenWorkContract(makeTable));
  describe("pacing", () => describePacingContract(makeTable));
  describe("ledger", () => describeLedgerContract(makeTable));
}
