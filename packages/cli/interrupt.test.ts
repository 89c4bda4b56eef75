import { AtelierError } from "@atelier/core/errors";
import type { RunOptions } from "@atelier/local/facade";
import { describe, expect, it } from "vitest";
import { atelierInMemory } from "./testing/atelier-in-memory.ts";
import { captured, documentsOf } from "./testing/captured-run.ts";
import { imageNumbered } from "./testing/documents.ts";

const STOPPING =
  "Stopping; what is left open goes on with `atelier resume` (a second Ctrl-C ends at once).\n";

/** Runs `plan --run` whose work is `work`, with a way to interrupt it from inside. */
async function interruptible(
  work: (run: RunOptions, interrupt: () => void) => Promise<ReturnType<typeof imageNumbered>[]>,
  tickMs = 1500,
) {
  let interrupt: (exitCode: number) => void = () => {};
  const atelier = atelierInMemory({ runPlan: (_, run) => work(run, () => interrupt(130)) });
  const result = await captured(["plan", "--run", "--json"], {
    atelier,
    tickMs,
    onListening: (listener) => {
      interrupt = listener;
    },
  });
  return { ...result, calls: atelier.calls.map(([name]) => name) };
}

describe("a request to stop", () => {
  it("aborts the run, names `atelier resume`, closes the folder and exits with 130", async () => {
    const run = await interruptible(async ({ signal }, interrupt) => {
      expect(signal?.aborted).toBe(false);
      interrupt();
      signal?.throwIfAborted();
      throw new Error("not aborted");
    });
    expect(run).toMatchObject({ exitCode: 130, stdout: "", endedWith: [] });
    expect(run.calls).toContain("close");
  });

  it("is one line, also when the run ends as `Cancelled`", async () => {
    const run = await interruptible(async (_, interrupt) => {
      interrupt();
      throw new AtelierError("Cancelled", "The run was stopped.");
    });
    expect(run).toMatchObject({ exitCode: 130, stderr: STOPPING });
  });

  it("still shows what was finished", async () => {
    const run = await interruptible(async (_, interrupt) => {
      interrupt();
      return [imageNumbered(0)];
    });
    expect(run).toMatchObject({ exitCode: 130, stderr: STOPPING });
    expect(documentsOf(run.stdout)).toStrictEqual([imageNumbered(0)]);
  });

  it("ends the process at once when it comes twice", async () => {
    const run = await interruptible(async (_, interrupt) => {
      interrupt();
      interrupt();
      return [];
    });
    expect(run).toMatchObject({ endedWith: [130], stderr: STOPPING });
  });

  it("is one request when the group's signal also comes through the launcher", async () => {
    const run = await interruptible(async (_, interrupt) => {
      interrupt();
      interrupt();
      return [];
    }, 100);
    expect(run).toMatchObject({ exitCode: 130, endedWith: [], stderr: STOPPING });
  });

  it("starts nothing when it comes while the folder opens", async () => {
    const atelier = atelierInMemory();
    const run = await captured(["plan", "--run"], { atelier, onListening: (interrupt) => interrupt(143) });
    expect(run).toMatchObject({ exitCode: 143, stderr: STOPPING });
    expect(atelier.calls.map(([name]) => name)).toStrictEqual(["close"]);
  });
});
