/** @module A snapshot of the table, from whoever serves it. */
import type { Agent, IncomingMessage } from "node:http";
import { fromStored } from "@atelier/aws/dynamo/client";
import { AtelierError, isAtelierError } from "@atelier/core/errors";
import type { StoredItem } from "@atelier/core/schema-versions";
import { httpGet } from "@atelier/providers/node-http";
import { SNAPSHOT_PATH } from "./dynalite.ts";
import { linesOf } from "./json-lines.ts";

/** @throws AtelierError `StorageUnavailable` when it is cut off */
export async function* snapshotFrom(agent: Agent): AsyncGenerator<StoredItem> {
  let isWhole = false;
  try {
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      httpGet({ agent, path: SNAPSHOT_PATH }, resolve).on("error", reject);
    });
    for await (const line of linesOf(answer)) {
      isWhole = line === "";
      if (!isWhole) yield fromStored(JSON.parse(line));
    }
  } catch (cause) {
    throw isAtelierError(cause) ? cause : cutOff(cause);
  }
  if (!isWhole) throw cutOff();
}

function cutOff(cause?: unknown): AtelierError {
  return new AtelierError(
    "StorageUnavailable",
    "The database ended while it was being read, perhaps with the process that served it; begin again.",
    { cause },
  );
}
