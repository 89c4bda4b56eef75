import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createTurns } from "./execution-turns.ts";

const settled = () => new Promise((resolve) => setImmediate(resolve));

function held() {
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  return {
    begun,
    work: (name: string) => () => {
      begun.push(name);
      return new Promise<string>((resolve) => ends.set(name, () => resolve(name)));
    },
    async end(name: string) {
      ends.get(name)?.();
      await settled();
    },
  };
}

describe("turns", () => {
  test("go to a small request before the rest of a large one", async () => {
    const { begun, work, end } = held();
    const turns = createTurns(2);
    for (const part of [0, 1, 2, 3]) void turns.take("large", work(`large ${part}`));
    void turns.take("small", work("small"));
    await settled();
    expect(begun).toStrictEqual(["large 0", "large 1"]);
    await end("large 0");
    expect(begun).toStrictEqual(["large 0", "large 1", "small"]);
    await end("small");
    expect(begun.at(-1)).toBe("large 2");
  });

  test("come in order among equals, and work that fails gives its turn back", async () => {
    const { begun, work } = held();
    const turns = createTurns(1);
    const failing = turns.take("first", async () => {
      begun.push("first");
      throw new Error("a test's failure");
    });
    void turns.take("second", work("second"));
    void turns.take("third", work("third"));
    await expect(failing).rejects.toThrow("a test's failure");
    await settled();
    expect(begun).toStrictEqual(["first", "second"]);
  });

  test("end with closing: what runs ends, what waits does not begin", async () => {
    const { begun, work, end } = held();
    const turns = createTurns(1);
    const first = turns.take("first", work("first"));
    void turns.take("second", work("second"));
    await settled();
    turns.close();
    await end("first");
    expect(await first).toBe("first");
    expect(begun).toStrictEqual(["first"]);
  });

  test("are never more at once than allowed, and everybody gets one", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 5 }),
        fc.array(fc.tuple(fc.constantFrom("a", "b", "c"), fc.integer({ min: 0, max: 3 })), { maxLength: 40 }),
        async (atOnceMax, wanted) => {
          const turns = createTurns(atOnceMax);
          let atWork = 0;
          let most = 0;
          const results = await Promise.all(
            wanted.map(([group, pauses]) =>
              turns.take(group, async () => {
                most = Math.max(most, ++atWork);
                for (let pause = 0; pause < pauses; pause++) await Promise.resolve();
                atWork--;
                return group;
              }),
            ),
          );
          expect(results).toStrictEqual(wanted.map(([group]) => group));
          expect(most).toBeLessThanOrEqual(atOnceMax);
        },
      ),
      { numRuns: 60 },
    );
  });
});
