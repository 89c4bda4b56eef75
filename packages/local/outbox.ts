/**
 * @module Events as JSON lines in `events.jsonl` of the data folder: at least once, with a stable id, for others to tail. A process
 * writes an id once.
 */
import { appendFile } from "node:fs/promises";
import { join } from "node:path";
import type { Events } from "@atelier/core/ports";
import { storageFault } from "./storage-fault.ts";

export function createOutbox(folder: string): Events {
  const path = join(folder, "events.jsonl");
  const written = new Set<string>();
  return {
    async publish(event) {
      if (written.has(event.id)) return;
      // One write call: lines of several processes do not mix (O_APPEND).
      await appendFile(path, `${JSON.stringify(event)}\n`).catch((error: unknown) => {
        throw storageFault(error, path);
      });
      written.add(event.id);
    },
  };
}
