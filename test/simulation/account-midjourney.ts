/** @module A Midjourney wrapper: jobs that take long, grids of four, hooks that nobody signs. */
import { createMidjourneyProvider } from "@atelier/providers/midjourney/provider";
import { startMidjourney, type WireFault } from "../simulators/midjourney.ts";
import type { Dialect, HookFault, JobFault } from "../simulators/midjourney-tasks.ts";
import { type Account, type AccountDeps, createWire, drawn, LATE_MS } from "./account.ts";

const KEY = "a key of the simulation";

const IMAGINE_FAULTS: readonly WireFault[] = [
  { kind: "rate-limit", seconds: 4, where: "header" },
  { kind: "rate-limit", seconds: 3, where: "body" },
  { kind: "status", status: 500 },
  { kind: "status", status: 502, accepted: true },
  { kind: "reset" },
  { kind: "reset", accepted: true },
  { kind: "silence" },
  { kind: "silence", accepted: true },
  { kind: "malformed" },
  { kind: "delay", ms: 6 },
  { kind: "delay", ms: LATE_MS },
  { kind: "code", code: 22, description: "queued" },
  { kind: "code", code: 23, description: "queue full" },
  { kind: "code", code: 24, description: "banned prompt" },
];
const JOB_FAULTS: readonly JobFault[] = [
  { as: "moderated" },
  { as: "failed" },
  { as: "invalid-parameter" },
  { as: "no-picture" },
  { as: "stuck" },
  { as: "timed-out", pictureAfterMs: 90_000 },
  { as: "timed-out", pictureAfterMs: null },
];
const HOOK_FAULTS: readonly HookFault[] = ["lost", "late", "duplicated", "reordered"];
const READ_FAULTS: readonly WireFault[] = [
  { kind: "status", status: 502 },
  { kind: "reset" },
  { kind: "malformed" },
  { kind: "silence" },
];
const PICTURE_FAULTS: readonly WireFault[] = [
  { kind: "status", status: 503 },
  { kind: "reset" },
  { kind: "truncated" },
  { kind: "drip", pieceMs: 25 },
];

export const GRID_MS = 20_000;

export async function openMidjourneyAccount(
  { clock, faultsPerThousand }: AccountDeps,
  variant: { readonly dialect: Dialect; readonly outputs: "crop" | "upscale"; readonly windows: boolean },
): Promise<Account> {
  const { dialect, outputs, windows } = variant;
  const midjourney = await startMidjourney({
    dialect,
    clock,
    apiKey: KEY,
    gridMs: GRID_MS,
    upscaleMs: 4_000,
    windows,
  });
  const wire = createWire();
  const provider = createMidjourneyProvider(
    { baseUrl: midjourney.origin, apiKey: KEY, outputs },
    { clock, transport: wire.transport },
  );
  return {
    name: "midjourney",
    provider,
    canBeAsked: true,
    spoil(occasion, { random }) {
      let isSlow = false;
      const told: string[] = [];
      const spoilt = (place: Parameters<typeof midjourney.spoil>[0], fault: WireFault | undefined) => {
        if (!fault) return;
        midjourney.spoil(place, fault);
        isSlow ||=
          fault.kind === "silence" || fault.kind === "drip" || ("ms" in fault && fault.ms === LATE_MS);
        told.push(
          [place, fault.kind, ...("accepted" in fault && fault.accepted ? ["accepted"] : [])].join(" "),
        );
      };
      switch (occasion) {
        case "submit": {
          spoilt("imagine", drawn(IMAGINE_FAULTS, faultsPerThousand, random));
          const job = drawn(JOB_FAULTS, faultsPerThousand, random);
          // A fault of the job waits for one to be made.
          if (job && told.length === 0) {
            midjourney.spoilJob(job);
            told.push(`job ${job.as}`);
          }
          const hook = drawn(HOOK_FAULTS, faultsPerThousand, random);
          if (hook && told.length === 0) {
            midjourney.spoilHooks(hook);
            told.push(`hook ${hook}`);
          }
          break;
        }
        case "check":
          spoilt("fetch", drawn(READ_FAULTS, faultsPerThousand / 2, random));
          break;
        case "find":
          spoilt("list", drawn(READ_FAULTS, faultsPerThousand, random));
          break;
        case "followUp":
          spoilt("upscale", drawn(IMAGINE_FAULTS.slice(2, 9), faultsPerThousand, random));
          break;
        case "fetch":
          spoilt("picture", drawn(PICTURE_FAULTS, faultsPerThousand, random));
          break;
        case "cancel":
          break;
      }
      wire.expectSilence(isSlow);
      return told.length > 0 ? { fault: told.join(" + "), isSlow } : null;
    },
    tick: () => midjourney.tick(),
    bought: () =>
      midjourney
        .tasks()
        .filter(
          ({ action, startedAtMs, state }) => action === "IMAGINE" && startedAtMs !== null && state !== null,
        )
        .map((task) => ({
          attempt: task.state ?? "",
          chargedMicros: null,
          hasPicture: task.cancelledAtMs === null && task.fault === null,
        })),
    close: () => midjourney.close(),
  };
}
