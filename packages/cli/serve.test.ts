import { AtelierError } from "@atelier/core/errors";
import { describe, expect, it } from "vitest";
import { atelierInMemory } from "./testing/atelier-in-memory.ts";
import { type CaptureOptions, captured, documentsOf } from "./testing/captured-run.ts";

/** Serves until a signal that comes right after the address was printed. */
async function served(words: readonly string[], more: CaptureOptions = {}) {
  const closed: string[] = [];
  let interrupt: (exitCode: number) => void = () => {};
  const atelier = atelierInMemory({
    async serve({ port }) {
      setTimeout(() => interrupt(143), 1);
      return {
        url: `http://127.0.0.1:${port}`,
        token: "a.b.c",
        close: async () => void closed.push("serving"),
      };
    },
  });
  const run = await captured(["serve", ...words], {
    atelier,
    onListening: (listener) => {
      interrupt = listener;
    },
    ...more,
  });
  return { ...run, closed, calls: atelier.calls };
}

describe("atelier serve", () => {
  it("prints address and token as one document, and closes when it is told to stop", async () => {
    const { stdout, exitCode, closed, calls } = await served(["--port", "0", "--json"]);
    expect(documentsOf(stdout)).toStrictEqual([{ url: "http://127.0.0.1:0", token: "a.b.c" }]);
    expect({ exitCode, closed }).toStrictEqual({ exitCode: 143, closed: ["serving"] });
    expect(calls.map(([name]) => name)).toStrictEqual(["serve", "close"]);
  });

  it("has a port, a lifetime and the calendar unless it is told otherwise", async () => {
    const asked = async (...words: string[]) => (await served(words)).calls[0]?.[1];
    expect(await asked()).toStrictEqual({
      port: 8787,
      tokenDays: 30,
      revokeTokens: false,
      calendar: true,
    });
    expect(await asked("--revoke-tokens", "--token-days", "7", "--no-calendar")).toStrictEqual({
      port: 8787,
      tokenDays: 7,
      revokeTokens: true,
      calendar: false,
    });
  });

  it("tells people where it is", async () => {
    expect((await served([])).stdout).toBe(
      "Atelier is at http://127.0.0.1:8787, for programs on this machine; http://127.0.0.1:8787/reference says how to call it.\nToken: a.b.c\n",
    );
  });

  it.each([
    [["--port", "65536"], "--port"],
    [["--port", "eighty"], "--port"],
    [["--token-days", "0"], "--token-days"],
  ])("refuses %j in one sentence", async (words, named) => {
    const { exitCode, stdout, stderr, opened } = await captured(["serve", ...words]);
    expect({ exitCode, stdout, opened }).toStrictEqual({ exitCode: 2, stdout: "", opened: [] });
    expect(stderr).toContain(named);
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
  });

  it("says that a port is in use, and ends with 2", async () => {
    const message = "Port 8787 is in use; give another one with --port, or 0 for any.";
    const atelier = atelierInMemory({
      serve: async () => {
        throw new AtelierError("UsageError", message);
      },
    });
    expect(await captured(["serve"], { atelier })).toMatchObject({
      exitCode: 2,
      stdout: "",
      stderr: `${message}\n`,
    });
  });
});
