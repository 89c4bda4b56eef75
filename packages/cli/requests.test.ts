import type { RequestSummary } from "@atelier/core/request-document";
import { expect, test } from "vitest";
import { atelierInMemory } from "./testing/atelier-in-memory.ts";
import { captured, documentsOf } from "./testing/captured-run.ts";

const SUMMARY = { completed: 2, generating: 1 } as RequestSummary["progress"];
const RUNNING: RequestSummary = {
  request_id: "req_b",
  status: "running",
  count: 3,
  category: "feet",
  template: null,
  progress: SUMMARY,
  cost: 0.04,
  created_at: "2026-11-22T12:00:00.000Z",
  cancelled_at: null,
  finished_at: null,
};
const ENDED: RequestSummary = {
  ...RUNNING,
  request_id: "req_a",
  status: "completed",
  template: "feet_closeup",
};

function listing(requests: readonly RequestSummary[]) {
  const asked: unknown[] = [];
  const atelier = atelierInMemory({
    async *requests(filter) {
      asked.push(filter);
      yield* requests;
    },
  });
  return { asked, atelier };
}

test("requests are listed newest first, by status, as a table or as documents", async () => {
  const { asked, atelier } = listing([RUNNING, ENDED]);
  const table = await captured(["requests"], { atelier });
  expect(table).toMatchObject({ exitCode: 0, stderr: "" });
  expect(table.stdout).toMatch(
    /req_b +running +2026-11-22T12:00:00\.000Z +feet +\(any\) +3 +2 completed, 1 generating +\$0\.04/,
  );
  expect(table.stdout).toMatch(/req_a +completed/);
  const json = await captured(["requests", "--status", "running", "--limit", "5", "--json"], { atelier });
  expect(documentsOf(json.stdout)).toStrictEqual([RUNNING, ENDED]);
  expect(asked).toStrictEqual([{ limit: 50 }, { status: "running", limit: 5 }]);
});

test("there are none; and a status that is none is refused", async () => {
  const { atelier } = listing([]);
  expect((await captured(["requests"], { atelier })).stdout).toBe("There are no such requests.\n");
  expect((await captured(["requests", "--json"], { atelier })).stdout).toBe("");
  expect(await captured(["requests", "--status", "done"], { atelier })).toMatchObject({
    exitCode: 2,
    stdout: "",
  });
});
