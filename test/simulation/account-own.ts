/** @module One's own machines, which bill nothing: AUTOMATIC1111, which forgets a picture once answered, and ComfyUI. */
import { createA1111Provider } from "@atelier/providers/a1111/provider";
import { createComfyuiProvider } from "@atelier/providers/comfyui/provider";
import { type A1111JobFault, startTestA1111 } from "../simulators/a1111.ts";
import { type ComfyuiJobFault, startTestComfyui } from "../simulators/comfyui.ts";
import type { MachineFault } from "../simulators/machine-server.ts";
import { WORKFLOWS } from "../simulators/own-models.ts";
import { type Account, type AccountDeps, createWire, drawn, type Spoilt } from "./account.ts";

const CREATE_FAULTS: readonly MachineFault[] = [
  { kind: "rate-limit", seconds: 3 },
  { kind: "rate-limit" },
  { kind: "status", status: 500 },
  { kind: "status", status: 502, accepted: true },
  { kind: "reset" },
  { kind: "reset", accepted: true },
  { kind: "silence" },
  { kind: "silence", accepted: true },
  { kind: "malformed" },
  { kind: "cut" },
  { kind: "drip", pieceBytes: 64 },
];
const A1111_FAULTS: readonly A1111JobFault[] = [
  "out-of-memory",
  "failed",
  "checkpoint-refused",
  "no-picture",
  "wrong-picture",
  "truncated-picture",
  "grid",
  "no-info",
];
const COMFYUI_FAULTS: readonly ComfyuiJobFault[] = [
  "failed",
  "out-of-memory",
  "interrupted",
  "lost",
  "no-picture",
  "preview",
  "wrong-picture",
  "truncated-picture",
  "deleted-picture",
];
/** Half an hour's pictures in a row would not be a test of anything else. */
const COMFYUI_JOB_MS = 1_000;

export async function openA1111Account({ clock, faultsPerThousand }: AccountDeps): Promise<Account> {
  const machine = await startTestA1111({ clock });
  const wire = createWire();
  const provider = createA1111Provider(
    { baseUrl: machine.origin, user: null, password: null },
    { clock, transport: wire.transport },
  );
  return {
    name: "a1111",
    provider,
    canBeAsked: false,
    spoil: (occasion, { random }) => {
      if (occasion !== "submit") return null;
      const create = drawn(CREATE_FAULTS, faultsPerThousand, random);
      const job = create ? undefined : drawn(A1111_FAULTS, faultsPerThousand, random);
      wire.expectSilence(create?.kind === "silence");
      if (create) machine.spoilCreates(create);
      if (job) machine.spoilJobs(job);
      return spoilt(create, job);
    },
    tick: () => machine.tick(),
    bought: () => machine.tasks.map(({ id }) => ({ attempt: id, chargedMicros: 0, hasPicture: false })),
    close: () => machine.close(),
  };
}

export async function openComfyuiAccount({ clock, faultsPerThousand }: AccountDeps): Promise<Account> {
  const machine = await startTestComfyui({ clock, jobMs: COMFYUI_JOB_MS });
  const spoiltAttempts = new Set<unknown>();
  const wire = createWire();
  const provider = createComfyuiProvider(
    { baseUrl: machine.origin },
    { clock, workflows: WORKFLOWS, transport: wire.transport },
  );
  return {
    name: "comfyui",
    provider,
    canBeAsked: true,
    spoil(occasion, { random, create: asked }) {
      wire.expectSilence(false);
      if (occasion === "submit") {
        const create = drawn(CREATE_FAULTS, faultsPerThousand, random);
        const job = create ? undefined : drawn(COMFYUI_FAULTS, faultsPerThousand, random);
        wire.expectSilence(create?.kind === "silence");
        if (create) machine.spoilCreates(create);
        if (job) {
          machine.spoilJobs(job);
          spoiltAttempts.add(asked?.attemptId);
        }
        return spoilt(create, job);
      }
      if (drawn([true], faultsPerThousand, random) === undefined) return null;
      machine.spoilReads(1);
      return { fault: `${occasion} 502`, isSlow: false };
    },
    tick: () => machine.tick(),
    bought: () =>
      machine.jobs().map(({ attemptId, state }) => ({
        attempt: String(attemptId),
        chargedMicros: 0,
        hasPicture: state === "done" && !spoiltAttempts.has(attemptId),
      })),
    close: () => machine.close(),
  };
}

function spoilt(create: MachineFault | undefined, job: string | undefined): Spoilt | null {
  if (create) return { fault: faultName(create), isSlow: create.kind === "silence" };
  return job === undefined ? null : { fault: `job ${job}`, isSlow: false };
}

function faultName(fault: MachineFault): string {
  const detail = "status" in fault ? ` ${fault.status}` : "";
  return `${fault.kind}${detail}${"accepted" in fault && fault.accepted ? " accepted" : ""}`;
}
