/** @module The accounts of a simulation: one at every provider. */
import type { Account, AccountDeps } from "./account.ts";
import { openMidjourneyAccount } from "./account-midjourney.ts";
import { openA1111Account, openComfyuiAccount } from "./account-own.ts";
import { openReplicateAccount } from "./account-replicate.ts";
import { openStabilityAccount } from "./account-stability.ts";

/** @param seed also chooses what kind of wrapper Midjourney has, and what becomes of its grids */
export async function openAccounts(deps: AccountDeps, seed: number): Promise<Account[]> {
  const variant = (["change", "action"] as const)[seed % 2] ?? "change";
  return [
    await openReplicateAccount("replicate", deps),
    await openReplicateAccount("sandbox", deps),
    await openStabilityAccount(deps),
    await openMidjourneyAccount(deps, {
      dialect: variant,
      outputs: Math.floor(seed / 2) % 2 === 0 ? "crop" : "upscale",
      windows: variant === "action" && Math.floor(seed / 4) % 2 === 0,
    }),
    await openA1111Account(deps),
    await openComfyuiAccount(deps),
  ];
}
