/** @module Faults on demand: what the sandbox does wrong, scripted by a test or by a file in its folder. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";

/** `times`: how many matching requests it befalls, null for all. `seed`: only creates with this seed. */
const common = {
  times: z.int().positive().nullable().default(1),
  seed: z.int().optional(),
};
/** The call that an answer fault befalls. */
const on = z.enum(["create", "get", "list", "cancel"]).default("create");

export const faultSchema = z.discriminatedUnion("kind", [
  // Answers of the API. `accepted`: the create takes effect all the same.
  z.strictObject({ ...common, on, kind: z.literal("delay"), delayMs: z.int().nonnegative() }),
  z.strictObject({
    ...common,
    on,
    kind: z.literal("rate-limit"),
    seconds: z.number().nonnegative(),
    tell: z.enum(["body", "header", "text", "nothing"]).default("body"),
  }),
  z.strictObject({
    ...common,
    on,
    kind: z.literal("status"),
    status: z.int().min(300).max(599),
    title: z.string().default("Error"),
    detail: z.string().default("The request could not be handled."),
    accepted: z.boolean().default(false),
  }),
  z.strictObject({ ...common, on, kind: z.literal("reset"), accepted: z.boolean().default(false) }),
  z.strictObject({ ...common, on, kind: z.literal("malformed") }),

  // What becomes of the job.
  z.strictObject({
    ...common,
    kind: z.literal("job"),
    as: z.enum(["nsfw", "failed", "hangs", "fewer-outputs", "data-removed"]),
  }),
  // What the picture's address serves.
  z.strictObject({
    ...common,
    kind: z.literal("output"),
    as: z.enum([
      "truncated",
      "broken-off",
      "corrupt",
      "html",
      "mistyped",
      "huge-header",
      "endless",
      "drip",
      "redirect",
      "expired",
      "missing",
      "unavailable-once",
    ]),
    /** Where a redirect leads. */
    location: z.string().default("https://169.254.169.254/latest/meta-data/"),
  }),
  // What becomes of the final webhook.
  z.strictObject({
    ...common,
    kind: z.literal("webhook"),
    as: z.enum(["lost", "late", "duplicated", "wrong-signature", "old-stamp"]),
    /** How late. */
    delayMs: z.int().nonnegative().default(0),
  }),
]);
export type FaultInput = z.input<typeof faultSchema>;
export type Fault = z.infer<typeof faultSchema>;
export type JobFault = Extract<Fault, { kind: "job" }>;
export type OutputFault = Extract<Fault, { kind: "output" }>;
export type WebhookFault = Extract<Fault, { kind: "webhook" }>;
export type AnswerFault = Exclude<Fault, JobFault | OutputFault | WebhookFault>;

const fileSchema = z.strictObject({
  delayMs: z.int().nonnegative().optional(),
  faults: z.array(faultSchema).default([]),
});

/** In the sandbox's folder, read at each request: another process may write it (to a temporary name, then rename). */
export const SETTINGS_FILE = "settings.json";

export interface Faults {
  add(...faults: FaultInput[]): void;
  clear(): void;
  /** The faults that befall this call; each is used up by it. */
  answers(on: AnswerFault["on"], seed: number | undefined): AnswerFault[];
  /** The fault of one kind that befalls an accepted create. */
  ofJob<K extends "job" | "output" | "webhook">(
    kind: K,
    seed: number | undefined,
  ): Extract<Fault, { kind: K }> | null;
  /** The delay that the settings file asks for. */
  delayMs(): number | undefined;
}

/** Uses are counted in this process; a restarted sandbox reads the settings file afresh. */
export function createFaults(
  folder: string,
  initial: readonly FaultInput[],
  onError: (error: unknown) => void,
): Faults {
  type Armed = { fault: Fault; left: number };
  const arm = (fault: Fault): Armed => ({ fault, left: fault.times ?? Number.POSITIVE_INFINITY });
  let added = initial.map((fault) => arm(faultSchema.parse(fault)));
  let fileText = "";
  let fromFile: Armed[] = [];
  let fileDelayMs: number | undefined;

  const unusable = (reason: string, cause: unknown) =>
    new Error(
      `${join(folder, SETTINGS_FILE)} cannot be used (${reason}); what held before it stays; correct or delete the file.`,
      { cause },
    );

  function refresh(): void {
    let text = "";
    try {
      text = readFileSync(join(folder, SETTINGS_FILE), "utf8");
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== "ENOENT") {
        onError(unusable(code ?? "it cannot be read", error));
        return;
      }
    }
    if (text === fileText) return;
    fileText = text;
    try {
      const settings = fileSchema.parse(text === "" ? {} : JSON.parse(text));
      fromFile = settings.faults.map(arm);
      fileDelayMs = settings.delayMs;
    } catch (cause) {
      onError(unusable(reasonOf(cause), cause));
    }
  }

  function take<T extends Fault>(
    wanted: (fault: Fault) => fault is T,
    seed: number | undefined,
    most: number,
  ): T[] {
    refresh();
    const taken: T[] = [];
    for (const armed of [...added, ...fromFile]) {
      const { fault } = armed;
      if (taken.length === most || armed.left === 0 || !wanted(fault)) continue;
      if (fault.seed !== undefined && fault.seed !== seed) continue;
      armed.left--;
      taken.push(fault);
    }
    return taken;
  }

  return {
    add: (...faults) => {
      added = [...added, ...faults.map((fault) => arm(faultSchema.parse(fault)))];
    },
    clear: () => {
      added = [];
    },
    answers: (call, seed) =>
      take(
        (fault): fault is AnswerFault => "on" in fault && fault.on === call,
        seed,
        Number.POSITIVE_INFINITY,
      ),
    ofJob: <K extends "job" | "output" | "webhook">(kind: K, seed: number | undefined) =>
      take((fault): fault is Extract<Fault, { kind: K }> => fault.kind === kind, seed, 1)[0] ?? null,
    delayMs: () => {
      refresh();
      return fileDelayMs;
    },
  };
}

/** What is wrong with a settings file, for one line. */
function reasonOf(cause: unknown): string {
  if (!(cause instanceof z.ZodError)) return "it is not JSON";
  const [issue] = cause.issues;
  const path = issue?.path.join(".") ?? "";
  return path === "" ? (issue?.message ?? "") : `${path}: ${issue?.message}`;
}
