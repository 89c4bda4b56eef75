/** @module Stability AI: the answer to a create is the picture, and a lost answer is a lost picture that was paid for. */
import { createStabilityProvider } from "@atelier/providers/stability/provider";
import { type StabilityFault, startTestStability } from "../simulators/stability.ts";
import { tinyPng } from "../simulators/tiny-png.ts";
import { type Account, type AccountDeps, createWire, drawn, IMPATIENT_MS } from "./account.ts";

const KEY = "sk-test-of-the-simulation";

const CREATE_FAULTS: readonly StabilityFault[] = [
  { kind: "rate-limit", seconds: 4, in: "header" },
  { kind: "rate-limit", seconds: 3, in: "body" },
  { kind: "insufficient-balance", status: 402 },
  { kind: "insufficient-balance", status: 429 },
  { kind: "status", status: 500 },
  { kind: "status", status: 502, accepted: true },
  { kind: "status", status: 503 },
  { kind: "reset" },
  { kind: "reset", accepted: true },
  { kind: "moderated" },
  { kind: "engine-gone" },
  { kind: "delay", ms: 5 },
  { kind: "drip", ms: 5 },
  // Longer than anybody waits.
  { kind: "drip", ms: IMPATIENT_MS },
  { kind: "answer", as: "malformed" },
  { kind: "answer", as: "text" },
  { kind: "answer", as: "truncated" },
  { kind: "answer", as: "cut" },
  { kind: "answer", as: "json" },
  { kind: "answer", as: "bare-list" },
  { kind: "answer", as: "failed" },
  { kind: "answer", as: "filtered" },
];

export async function openStabilityAccount({ clock, faultsPerThousand }: AccountDeps): Promise<Account> {
  const stability = await startTestStability({
    clock,
    apiKey: KEY,
    balanceMicros: Number.MAX_SAFE_INTEGER,
    draw: (_width, _height, seed) => tinyPng(64, 64, seed),
  });
  const wire = createWire();
  const provider = createStabilityProvider(
    { baseUrl: stability.origin, apiKey: KEY },
    { clock, transport: wire.transport },
  );
  return {
    name: "stability",
    provider,
    canBeAsked: false,
    spoil(occasion, { random }) {
      if (occasion !== "submit") return null;
      const fault = drawn(CREATE_FAULTS, faultsPerThousand, random);
      const isSlow = fault?.kind === "drip" && fault.ms === IMPATIENT_MS;
      wire.expectSilence(isSlow);
      if (!fault) return null;
      stability.spoilCreates(fault);
      const detail = "as" in fault ? fault.as : "status" in fault ? fault.status : "";
      const accepted = "accepted" in fault && fault.accepted ? " accepted" : "";
      return { fault: `${fault.kind} ${detail}${accepted}`.trim(), isSlow };
    },
    tick: async () => undefined,
    bought: () =>
      stability.made.map(({ seed, chargedMicros }) => ({ attempt: seed, chargedMicros, hasPicture: false })),
    close: () => stability.close(),
  };
}
