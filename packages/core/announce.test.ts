import { describe, expect, test } from "vitest";
import { someImage } from "../../test/contract/table-fixtures.ts";
import { announceEnd, announceIfUntold } from "./announce.ts";
import type { Attempt } from "./attempt.ts";
import type { AtelierEvent } from "./events.ts";
import type { Image } from "./image.ts";
import type { Attempts, AuditEntry } from "./ports.ts";

const NOW = Date.parse("2026-11-22T10:00:00Z");

/** A process that may be killed at its n-th write, and what stands after it. */
function books(attempts: readonly Attempt[]) {
  const entries: AuditEntry[] = [];
  const events: AtelierEvent[] = [];
  const writing = (killedAt: number) => {
    let writes = 0;
    const write = () => {
      if (++writes === killedAt) throw new Error("killed");
    };
    return {
      clock: () => NOW,
      actor: "somebody",
      attempts: { ofImage: async () => attempts } as unknown as Attempts,
      events: {
        publish: async (event: AtelierEvent) => {
          write();
          events.push(event);
        },
      },
      audit: {
        write: async (entry: AuditEntry) => {
          write();
          if (!entries.some(({ auditId }) => auditId === entry.auditId)) entries.push(entry);
        },
        ofSubject: async (subject: string) => entries.filter((entry) => entry.subject === subject),
      },
    };
  };
  return { entries, events, writing };
}

const ended = (change: Partial<Image> = {}): Image =>
  someImage({ status: "failed", finishedAtMs: NOW, verdict: null, ...change });

describe("an end is told at least once", () => {
  const sealed = ended({
    status: "quarantined",
    verdict: {
      decision: "quarantined",
      basis: "classifier",
      rating: null,
      reason: "a face that may be a minor's",
      sealed: true,
      priority: true,
      classifier: "test",
      scores: null,
      faces: [],
      thresholds: null,
    },
  });
  test.each([
    ["a failed image", ended(), 2],
    ["a sealed picture", sealed, 3],
  ])("%s, wherever whoever tells is killed", async (_name, image, writes) => {
    for (let killedAt = 1; killedAt <= writes; killedAt++) {
      const { entries, events, writing } = books([]);
      await expect(announceEnd(image, writing(killedAt))).rejects.toThrow("killed");
      await announceIfUntold(image, [], writing(Number.NaN));
      expect(entries.map(({ kind }) => kind)).toHaveLength(1);
      const told = new Map(events.map((event) => [event.id, event.type]));
      expect([...told.values()]).toStrictEqual(
        image === sealed ? ["image-quarantined", "suspected-minor"] : ["image-failed"],
      );
    }
  });

  test("and not again once the audit has it", async () => {
    const { events, writing } = books([]);
    await announceEnd(ended(), writing(Number.NaN));
    await announceIfUntold(ended(), [], writing(Number.NaN));
    expect(events).toHaveLength(1);
  });
});
