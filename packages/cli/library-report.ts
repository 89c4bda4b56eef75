/** @module An exported or imported library, as a document and for people. */
import type { LibraryReport } from "@atelier/core/library";
import { countOf } from "./image-report.ts";
import type { Output } from "./output.ts";

export function libraryDocument(report: LibraryReport) {
  const { path, made_at, made_by, format, records, files, with_keys, missing, missing_files } = report;
  return { path, format, made_at, made_by, records, files, with_keys, missing, missing_files };
}

/** What is in it, and a note for what is not. */
export function tellLibrary(done: string, report: LibraryReport, output: Output): void {
  const { records, files, missing, missing_files } = report;
  const megabytes = (files.bytes / 1e6).toFixed(1);
  output.text(
    `${done}: ${countOf(records.kinds.image ?? 0, "image")}, ${countOf(records.count, "record")}, ${countOf(files.count, "file")} with ${megabytes} MB.`,
  );
  for (const key of missing_files) output.note(`Missing, although a record names it: ${key}`);
  if (missing > missing_files.length) output.note(`Missing as well: ${missing - missing_files.length} more.`);
}
