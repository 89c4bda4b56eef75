import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type ChainedEntry,
  linkedEntry,
  pseudonymised,
  type StoredChain,
  verifyChain,
} from "./audit-chain.ts";
import type { AuditEntry } from "./ports.ts";

const SUBJECT = "img_a_00000";

function entryNumbered(index: number, by = "alice"): AuditEntry {
  return {
    auditId: `id-${index}`,
    subject: SUBJECT,
    kind: "decided",
    phase: "done",
    attemptId: null,
    atMs: 1_000 + index,
    by,
    facts: { model: "sdxl", costMicros: index, promptHash: `hash-${index}`, rule: null, paid: true },
  };
}

function chainOf(length: number, unchainedLength = 0): StoredChain {
  const unchained = Array.from({ length: unchainedLength }, (_, index) => entryNumbered(100 + index));
  const chained: ChainedEntry[] = [];
  for (let index = 0; index < length; index++) {
    chained.push(linkedEntry(entryNumbered(index), chained.at(-1) ?? null, unchained, `salt-${index}`));
  }
  return { subject: SUBJECT, unchained, chained, head: chained.at(-1) ?? null };
}
const problemsOf = (chain: StoredChain) => verifyChain(chain).problems;

/** Every way to alter one scalar, wherever it stands. */
const alteredScalar = (value: unknown, by: number): unknown => {
  if (typeof value === "string")
    return `${value.slice(0, by % (value.length + 1))}x${value.slice(by % (value.length + 1))}`;
  if (typeof value === "number") return value + 1 + by;
  if (typeof value === "boolean") return !value;
  return by % 2 === 0 ? "something" : 0;
};

describe("a chain", () => {
  it("holds as it was written, in any order of reading, after entries of the first release or without", () => {
    for (const unchained of [0, 1, 3]) {
      for (const length of [0, 1, 2, 7]) {
        const chain = chainOf(length, unchained);
        expect(problemsOf({ ...chain, chained: chain.chained.toReversed() })).toEqual([]);
        expect(verifyChain(chain).entries).toBe(length + unchained);
      }
    }
  });

  it("shows a change of any field of any entry, of the head and of what stood before", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 0, max: 2 }),
        fc.nat(),
        fc.nat(),
        fc.nat(),
        (length, unchainedLength, which, field, by) => {
          const chain = chainOf(length, unchainedLength);
          const stored = structuredClone([...chain.unchained, ...chain.chained, chain.head]);
          const altered = stored[which % stored.length] as unknown as Record<string, unknown>;
          const facts = altered.facts as Record<string, unknown>;
          const fields = [...Object.keys(altered).filter((name) => name !== "facts"), ...Object.keys(facts)];
          const name = fields[field % fields.length] ?? "";
          const owner = name in facts ? facts : altered;
          owner[name] = alteredScalar(owner[name], by);
          const again: StoredChain = {
            subject: SUBJECT,
            unchained: stored.slice(0, unchainedLength) as AuditEntry[],
            chained: stored.slice(unchainedLength, -1) as ChainedEntry[],
            head: stored.at(-1) as ChainedEntry,
          };
          // The head is a copy: who acted is looked at in the entry itself.
          const isPersonalOfHead =
            which % stored.length === stored.length - 1 && ["by", "promptHash", "salt"].includes(name);
          if (!isPersonalOfHead) expect(problemsOf(again)).not.toEqual([]);
        },
      ),
      { numRuns: 500 },
    );
  });

  it("shows what was left out, put in, repeated or cut off, and says where", () => {
    const chain = chainOf(5);
    const without = (...left: number[]) => ({
      ...chain,
      chained: chain.chained.filter(({ sequence }) => !left.includes(sequence)),
    });
    expect(problemsOf(without(3))[0]).toBe("entry 3 is missing");
    expect(problemsOf(without(2, 3))[0]).toBe("entries 2 to 3 are missing");
    expect(problemsOf(without(1))[0]).toBe("entry 1 is missing");
    expect(problemsOf(without(5))).toEqual(["entry 5 (id-4) was cut off"]);
    expect(problemsOf(without(1, 2, 3, 4, 5))).toEqual(["entry 5 (id-4) was cut off"]);
    expect(problemsOf({ ...chain, head: null })[0]).toMatch(/^the head is missing/);
    expect(problemsOf({ ...chain, unchained: [entryNumbered(200)] })).not.toEqual([]);
    const added = linkedEntry(entryNumbered(9), chain.head, [], "salt");
    expect(problemsOf({ ...chain, chained: [...chain.chained, added] })[0]).toMatch(
      /^entry 6 \(id-9\) was added/,
    );
  });

  it("shows entries that changed places", () => {
    const chain = chainOf(4);
    const swapped = chain.chained.map((entry) =>
      entry.sequence === 2
        ? { ...entry, sequence: 3 }
        : entry.sequence === 3
          ? { ...entry, sequence: 2 }
          : entry,
    );
    expect(problemsOf({ ...chain, chained: swapped })).not.toEqual([]);
  });

  it("shows a part that was made anew, unless everything after it was, with the head", () => {
    const chain = chainOf(3);
    const second = linkedEntry({ ...entryNumbered(1), atMs: 7 }, chain.chained[0] ?? null, [], "salt-1");
    const chained = chain.chained.map((entry) => (entry.sequence === 2 ? second : entry));
    expect(problemsOf({ ...chain, chained })).toEqual(["entry 3 (id-2) does not follow the entry before it"]);
  });
});

describe("a chain without persons", () => {
  const bare = (chain: StoredChain): StoredChain => ({
    ...chain,
    chained: chain.chained.map(pseudonymised),
    head: chain.head && pseudonymised(chain.head),
  });

  it("still holds, in part and as a whole, and says nothing of anybody", () => {
    const chain = chainOf(4, 1);
    expect(problemsOf(bare(chain))).toEqual([]);
    const half = chain.chained.map((entry, index) => (index < 2 ? pseudonymised(entry) : entry));
    expect(problemsOf({ ...chain, chained: half })).toEqual([]);
    const text = JSON.stringify(bare({ ...chain, unchained: [] }));
    expect(text).not.toMatch(/alice|hash-\d|salt-\d/);
    expect(pseudonymised(pseudonymised(chain.chained[0] as ChainedEntry))).toEqual(
      pseudonymised(chain.chained[0] as ChainedEntry),
    );
  });

  it("takes no other person into it, and shows changes as before", () => {
    const chain = bare(chainOf(3));
    const altered = (change: Partial<ChainedEntry>) => ({
      ...chain,
      chained: chain.chained.map((entry) => (entry.sequence === 2 ? { ...entry, ...change } : entry)),
    });
    for (const change of [{ by: "bob" }, { facts: { model: "sdxl" } }, { atMs: 1 }]) {
      expect(problemsOf(altered(change))).toEqual([expect.stringContaining("entry 2 (id-1) was changed")]);
    }
  });

  it("adds entries to it", () => {
    const chain = bare(chainOf(2));
    const next = linkedEntry(entryNumbered(2, "bob"), chain.head, [], "salt-2");
    expect(problemsOf({ ...chain, chained: [...chain.chained, next], head: next })).toEqual([]);
  });
});
