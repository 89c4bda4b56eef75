import { allInTurn } from "@atelier/core/turns";
import { afterEach, expect, test, vi } from "vitest";
import { lambdaHandler } from "./runtime.ts";

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

const CONTEXT = { awsRequestId: "a call", getRemainingTimeInMillis: () => 1_000 };

/** The lines that a function that does this writes, and what it throws. */
async function failing(run: () => Promise<unknown>): Promise<{ thrown: unknown; line: object }> {
  vi.stubEnv("ATELIER_METRICS_NAMESPACE", "test");
  const lines: string[] = [];
  vi.spyOn(process.stdout, "write").mockImplementation((line) => lines.push(String(line)) > 0);
  vi.spyOn(process.stderr, "write").mockImplementation((line) => lines.push(String(line)) > 0);
  const handler = lambdaHandler("test", run, () => ({}));
  const thrown = await handler({}, CONTEXT).catch((error: unknown) => error);
  vi.restoreAllMocks();
  return { thrown, line: JSON.parse(lines.find((line) => line.includes("failed")) ?? "{}") };
}

function breakSomewhere(): never {
  throw new TypeError("no number");
}

test.each([
  ["at once", async () => breakSomewhere()],
  ["in its turn", () => allInTurn({ gauges: async () => breakSomewhere() })],
  [
    "beside another",
    () => allInTurn({ gauges: async () => breakSomewhere(), pass: async () => breakSomewhere() }),
  ],
])(
  "what nobody foresaw is logged with where it broke, and thrown under its literal name: %s",
  async (_, run) => {
    const { thrown, line } = await failing(run);
    expect(thrown).toMatchObject({ name: "Unexpected" });
    expect(line).toMatchObject({
      errorName: "Unexpected",
      errorMessage: expect.stringContaining("TypeError: no number"),
      stack: expect.stringMatching(/^TypeError: no number\n\s+at breakSomewhere /),
    });
  },
);
