/** @module Settings written in the data folder (`settings.json`): what a person decided for this folder once. */
import * as files from "node:fs/promises";
import { AtelierError } from "@atelier/core/errors";
import type { RandomBytes } from "@atelier/core/ids";
import { retentionSchema } from "@atelier/core/retention";
import * as z from "zod";
import type { DataFolder } from "./data-folder.ts";
import { faultCode, storageFault } from "./storage-fault.ts";
import { createFileWriter, replaceFile } from "./whole-file.ts";

const usdSchema = z
  .number()
  // Whole micro-USD, so that nothing is rounded on the way into the ledger.
  .refine((usd) => /^\d{1,9}(\.\d{1,6})?$/.test(String(usd)), "US dollars from 0, six decimals at most");

/** Every field may be left out; then the environment or the built-in default decides. */
export const settingsSchema = z.strictObject({
  /** Who makes the pictures: a provider's name, or `any`; `sandbox` when absent. Only this or `--provider` makes a command buy. */
  provider: z.string().min(1).optional(),
  /** US dollars a day and a month, six decimals at most. They initialise a period; `budget set` wins afterwards. */
  budget_usd: usdSchema.optional(),
  budget_month_usd: usdSchema.optional(),
  /** True: rated pictures need two different reviewers to be let out, or rated down. */
  review_four_eyes: z.boolean().optional(),
  /** An IANA name such as Europe/Paris. */
  timezone: z.string().refine(isTimezone, "a time zone such as Europe/Paris").optional(),
  /** Days that pictures are kept after their end, by status or by status and rating; null: for good. */
  retention: retentionSchema.optional(),
});
export type Settings = z.infer<typeof settingsSchema>;

/** @throws AtelierError `ConfigurationInvalid` naming file, field and what is expected */
export async function readSettings(folder: DataFolder): Promise<Settings> {
  let text: string;
  try {
    text = await files.readFile(folder.settings, "utf8");
  } catch (error) {
    if (faultCode(error) === "ENOENT") return {};
    throw storageFault(error, folder.settings);
  }
  let written: unknown;
  try {
    written = JSON.parse(text);
  } catch (cause) {
    throw invalid(folder, `is not JSON (${(cause as Error).message})`);
  }
  return parse(folder, written);
}

/** Merges the change into what is written. `undefined` removes a setting. Two writers at once: the last one wins. */
export async function changeSettings(
  deps: { folder: DataFolder; randomBytes: RandomBytes },
  change: { [K in keyof Settings]?: Settings[K] | undefined },
): Promise<Settings> {
  const merged = parse(deps.folder, { ...(await readSettings(deps.folder)), ...change });
  const text = `${JSON.stringify(merged, null, 2)}\n`;
  try {
    await replaceFile(createFileWriter(deps.randomBytes), deps.folder.settings, Buffer.from(text));
  } catch (error) {
    throw storageFault(error, deps.folder.settings);
  }
  return merged;
}

function parse(folder: DataFolder, written: unknown): Settings {
  const parsed = settingsSchema.safeParse(written);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const field = issue?.path.join(".") ?? "";
    throw invalid(folder, `${field === "" ? "is wrong" : `has a wrong "${field}"`}: ${issue?.message}`);
  }
  return parsed.data;
}

function invalid(folder: DataFolder, what: string): AtelierError {
  return new AtelierError("ConfigurationInvalid", `${folder.settings} ${what}; correct or delete the file.`);
}

function isTimezone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
