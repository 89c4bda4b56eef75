/**
 * @module Events as JSON lines in `events.jsonl` of the data folder: at least once, with a stable id, for others to tail. A process
 * writes an id once while it remembers it. A line begins where another ends: what a killed process left torn spoils no line but its own.
 */
import { open } from "node:fs/promises";
import { join } from "node:path";
import { type EventDocument, eventDocument, readEvent } from "@atelier/core/events";
import type { Events } from "@atelier/core/ports";
import { storageFault } from "./storage-fault.ts";

const FILE = "events.jsonl";
/** What is told again is told soon after: by a step that is repeated, or the next round of a reconciler. About a megabyte. */
const REMEMBERED_MAX = 10_000;
const NEWLINE = 0x0a;

export function createOutbox(folder: string, rememberedMax = REMEMBERED_MAX): Events {
  const path = join(folder, FILE);
  const written = new Set<string>();
  return {
    async publish(event) {
      if (written.has(event.id)) return;
      await appendLine(path, JSON.stringify(eventDocument(event))).catch((error: unknown) => {
        throw storageFault(error, path);
      });
      written.add(event.id);
      if (written.size > rememberedMax) for (const oldest of written) return void written.delete(oldest);
    },
  };
}

/** One write call: lines of several processes do not mix (O_APPEND). */
async function appendLine(path: string, line: string): Promise<void> {
  const file = await open(path, "a+");
  try {
    const { size } = await file.stat();
    const last = new Uint8Array(1);
    if (size > 0) await file.read(last, 0, 1, size - 1);
    // An empty line, where two processes find the same torn one, is no event.
    const isTorn = size > 0 && last[0] !== NEWLINE;
    await file.appendFile(`${isTorn ? "\n" : ""}${line}\n`);
  } finally {
    await file.close();
  }
}

/** The events of an outbox's text, in the order in which they were told; what is torn or of a later release is left out. */
export function readOutbox(text: string): EventDocument[] {
  return text.split("\n").flatMap((line) => {
    const event = readEvent(jsonOrNull(line));
    return event === null ? [] : [event];
  });
}

function jsonOrNull(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}
