/** @module Who a process is: its machine, its number and when it started, so that a reused number is no disguise. */
import { createHash } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";

/**
 * Names the place where process numbers mean the same: host, boot and (in containers) process namespace.
 *
 * @returns the host's name in lower case, `-`, and 8 hexadecimal digits
 */
export function machineName(): string {
  const place = [
    hostname(),
    textOf(() => readFileSync("/proc/sys/kernel/random/boot_id", "utf8")),
    textOf(() => readlinkSync("/proc/self/ns/pid")),
  ];
  const digits = createHash("sha256").update(place.join("\n")).digest("hex").slice(0, 8);
  const host = hostname()
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-");
  return `${host.slice(0, 40)}-${digits}`;
}

/** `startedAt` is opaque (clock ticks since boot), and null where the system does not tell. */
export type ProcessSighting =
  | { readonly running: false }
  | { readonly running: true; readonly startedAt: string | null };

/** Looks for a process of this machine. One that was killed and not yet reaped by its parent counts as gone. */
export function sightProcess(pid: number): ProcessSighting {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it runs and belongs to somebody else.
    if ((error as NodeJS.ErrnoException).code !== "EPERM") return { running: false };
  }
  const stat = textOf(() => readFileSync(`/proc/${pid}/stat`, "utf8"));
  // proc(5): the command's name stands in parentheses and may hold anything; state is field 3, starttime field 22.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const startedAt = fields[22 - 3];
  if (startedAt === undefined) return { running: true, startedAt: null };
  return fields[0] === "Z" || fields[0] === "X" ? { running: false } : { running: true, startedAt };
}

function textOf(read: () => string): string {
  try {
    return read();
  } catch {
    return "";
  }
}
