/** @module Replicate, and the sandbox: the same simulator and adapter under two names, with predictions on a disk. */

import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MICROS_PER_USD } from "@atelier/core/money";
import { priceOf } from "@atelier/core/price";
import { createReplicateProvider } from "@atelier/providers/replicate/provider";
import type { FaultInput } from "@atelier/providers/sandbox/faults";
import { endOf, type PredictionRecord, recordSchema } from "@atelier/providers/sandbox/predictions";
import { startSandbox } from "@atelier/providers/sandbox/start";
import { TEST_TOKEN, TEST_WEBHOOK_SECRET } from "../simulators/replicate.ts";
import { tinyPng } from "../simulators/tiny-png.ts";
import { type Account, type AccountDeps, type Bought, createWire, drawn, LATE_MS } from "./account.ts";

/** Of the call that creates. */
const CREATE_FAULTS: readonly FaultInput[] = [
  { kind: "delay", delayMs: 8 },
  // Beyond the time-out of whoever asked: it takes effect all the same.
  { kind: "delay", delayMs: LATE_MS },
  { kind: "rate-limit", seconds: 5, tell: "body" },
  { kind: "rate-limit", seconds: 3, tell: "header" },
  { kind: "rate-limit", seconds: 4, tell: "text" },
  { kind: "rate-limit", seconds: 2, tell: "nothing" },
  { kind: "status", status: 500 },
  { kind: "status", status: 502, accepted: true },
  { kind: "status", status: 402, title: "Insufficient credit", detail: "You have insufficient credit." },
  { kind: "status", status: 404, title: "Not found" },
  { kind: "reset" },
  { kind: "reset", accepted: true },
  { kind: "malformed" },
];
/** Of the job that is made. */
const JOB_FAULTS: readonly FaultInput[] = [
  { kind: "job", as: "nsfw" },
  { kind: "job", as: "failed" },
  { kind: "job", as: "hangs" },
  { kind: "job", as: "fewer-outputs" },
  { kind: "job", as: "data-removed" },
  { kind: "output", as: "truncated" },
  { kind: "output", as: "broken-off" },
  { kind: "output", as: "corrupt" },
  { kind: "output", as: "html" },
  { kind: "output", as: "mistyped" },
  { kind: "output", as: "huge-header" },
  { kind: "output", as: "redirect" },
  { kind: "output", as: "expired" },
  { kind: "output", as: "missing" },
  { kind: "output", as: "unavailable-once" },
  { kind: "output", as: "drip" },
  { kind: "webhook", as: "lost" },
  { kind: "webhook", as: "late", delayMs: 20 * 60_000 },
  { kind: "webhook", as: "late", delayMs: 70_000 },
  { kind: "webhook", as: "duplicated" },
  { kind: "webhook", as: "wrong-signature" },
  { kind: "webhook", as: "old-stamp" },
];
const READ_FAULTS: readonly FaultInput[] = [
  { kind: "status", status: 503 },
  { kind: "reset" },
  { kind: "malformed" },
  { kind: "rate-limit", seconds: 5, tell: "body" },
];
/** What is left of a picture that went wrong in these ways can be had all the same: the address is renewed, or tried again. */
const MENDED: ReadonlySet<string> = new Set(["expired", "unavailable-once", "drip"]);

export async function openReplicateAccount(
  name: "replicate" | "sandbox",
  { clock, models, faultsPerThousand, jobMs = 2_000 }: AccountDeps,
): Promise<Account> {
  const folder = await mkdtemp(join(tmpdir(), "simulated-"));
  const errors: unknown[] = [];
  let ids = 0;
  const sandbox = await startSandbox({
    folder,
    port: 0,
    clock,
    models,
    draw: async ({ seed }) => tinyPng(64, 64, seed),
    settings: {
      delayMs: jobMs,
      token: TEST_TOKEN,
      webhookSecret: TEST_WEBHOOK_SECRET,
      outputKey: "an output key for tests",
      tellsUsage: true,
    },
    onError: (error) => errors.push(error),
    newId: () => `${name}${String(++ids).padStart(20, "0")}`,
  });
  const wire = createWire();
  const provider = createReplicateProvider(
    { name, baseUrl: sandbox.apiUrl, token: TEST_TOKEN, webhookSecret: TEST_WEBHOOK_SECRET },
    { clock, transport: wire.transport },
  );
  const modelOf = ({ model, version }: PredictionRecord) =>
    models.find((one) => one.model === model && (one.version ?? "hidden") === version);

  function chargeOf(record: PredictionRecord): number {
    const end = endOf(record);
    const model = modelOf(record);
    if (end === null || end.status === "aborted" || !model?.price) return 0;
    if (name === "sandbox") {
      return priceOf(model, { width: 256, height: 256, steps: 20 })?.listMicros ?? 0;
    }
    const seconds = (end.atMs - record.startsAtMs) / 1_000;
    return model.price.per === "second" ? Math.ceil(model.price.usd * seconds * MICROS_PER_USD - 1e-6) : 0;
  }

  function boughtBy(record: PredictionRecord): Bought {
    const { job, output } = record.faults;
    const isSpoilt =
      (job?.kind === "job" && ["data-removed", "fewer-outputs"].includes(job.as)) ||
      (output?.kind === "output" && !MENDED.has(output.as));
    return {
      attempt: record.webhook?.split("/").at(-2) ?? "",
      chargedMicros: chargeOf(record),
      hasPicture: endOf(record)?.status === "succeeded" && !isSpoilt,
    };
  }

  return {
    name,
    provider,
    canBeAsked: true,
    spoil(occasion, { random, create: asked }) {
      sandbox.faults.clear();
      wire.expectSilence(false);
      if (occasion !== "submit") {
        if (occasion === "fetch") return null;
        const on = ({ find: "list", check: "get", followUp: "get", cancel: "cancel" } as const)[occasion];
        const fault = drawn(READ_FAULTS, faultsPerThousand, random);
        if (!fault) return null;
        sandbox.faults.add({ ...fault, on } as FaultInput);
        return { fault: `${fault.kind} on ${on}`, isSlow: false };
      }
      const seed = asked?.request.seed;
      const create = drawn(CREATE_FAULTS, faultsPerThousand, random);
      const job = drawn(JOB_FAULTS, faultsPerThousand, random);
      const isSlow = create?.kind === "delay" && create.delayMs === LATE_MS;
      wire.expectSilence(isSlow);
      if (create) sandbox.faults.add({ ...create, seed } as FaultInput);
      if (job) sandbox.faults.add({ ...job, seed } as FaultInput);
      const faults = [create, job].flatMap((fault) => (fault ? [nameOf(fault)] : []));
      return faults.length > 0 ? { fault: faults.join(" + "), isSlow } : null;
    },
    tick: () => sandbox.tick(),
    bought: () => {
      const predictions = join(folder, "predictions");
      return readdirSync(predictions)
        .filter((file) => file.endsWith(".json"))
        .map((file) =>
          boughtBy(recordSchema.parse(JSON.parse(readFileSync(join(predictions, file), "utf8")))),
        );
    },
    async close() {
      await sandbox.close();
      await rm(folder, { recursive: true, force: true });
      if (errors.length > 0) throw new Error(`The simulator of ${name} failed.`, { cause: errors[0] });
    },
  };
}

function nameOf(fault: FaultInput): string {
  const detail =
    "delayMs" in fault && fault.kind === "delay"
      ? fault.delayMs
      : "as" in fault
        ? fault.as
        : "status" in fault
          ? fault.status
          : "tell" in fault
            ? fault.tell
            : "";
  const accepted = "accepted" in fault && fault.accepted ? " accepted" : "";
  return `${fault.kind}${detail === "" ? "" : ` ${detail}`}${accepted}`;
}
