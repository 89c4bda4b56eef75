/**
 * @module Alarms on one machine: evaluated from its records, and every change told in the outbox. What rings is kept in
 * `alarms.json` of the data folder, from one look to the next, whoever looks.
 */
import * as files from "node:fs/promises";
import { join } from "node:path";
import { alarmChanges, type Ringing, ringingSchema } from "@atelier/core/alarm-changes";
import { type AlarmDeps, type AlarmReport, evaluateAlarms } from "@atelier/core/alarms";
import { SANDBOX } from "@atelier/core/catalogue";
import type { RandomBytes } from "@atelier/core/ids";
import type { Events } from "@atelier/core/ports";
import type { Installation } from "./installation.ts";
import { faultCode, storageFault } from "./storage-fault.ts";
import { createFileWriter, replaceFile } from "./whole-file.ts";

const FILE = "alarms.json";

export interface AlertDeps extends AlarmDeps {
  readonly dataFolder: string;
  readonly events: Events;
  readonly randomBytes: RandomBytes;
}

export function alertDepsOf(installation: Installation): AlertDeps {
  const { steps, dataFolder, pacingStore, configuration } = installation;
  const account = configuration.provider === SANDBOX ? SANDBOX : "real";
  return { ...steps, dataFolder, pacingStore, account };
}

/** @throws AtelierError `StorageUnavailable`, `StorageFull` */
export async function lookAtAlarms(deps: AlertDeps): Promise<readonly AlarmReport[]> {
  const path = join(deps.dataFolder, FILE);
  const before = await readRinging(path);
  const { reports, ringing, events } = alarmChanges(before, await evaluateAlarms(deps), deps.clock());
  if (events.length === 0) return reports;
  for (const event of events) await deps.events.publish(event);
  const text = new TextEncoder().encode(`${JSON.stringify(ringing)}\n`);
  await replaceFile(createFileWriter(deps.randomBytes), path, text).catch((error: unknown) => {
    throw storageFault(error, path);
  });
  return reports;
}

/** What cannot be read is told anew. */
async function readRinging(path: string): Promise<Ringing> {
  try {
    const parsed = ringingSchema.safeParse(JSON.parse(await files.readFile(path, "utf8")));
    return parsed.success ? parsed.data : {};
  } catch (error) {
    if (faultCode(error) === "ENOENT" || error instanceof SyntaxError) return {};
    throw storageFault(error, path);
  }
}
