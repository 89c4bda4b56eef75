/** @module The health of providers as one installation sees it: its attempts, and what pacing remembers of each account. */
import type { Catalogue, ProviderName } from "./catalogue.ts";
import { createHealth } from "./health.ts";
import type { Clock } from "./ids.ts";
import { type PacingReport, pacingReport, UNLIMITED } from "./pacing.ts";
import type { Attempts, PacingStore } from "./ports.ts";
import type { HealthView } from "./routing.ts";

export interface HealthDeps {
  readonly catalogue: Pick<Catalogue, "providers">;
  readonly attempts: Pick<Attempts, "ofProvider">;
  readonly pacingStore: Pick<PacingStore, "read">;
  readonly clock: Clock;
  readonly timezone: string;
}

/** @param providers those that may be bought from */
export function installedHealth(
  providers: readonly ProviderName[],
  deps: HealthDeps,
): () => Promise<HealthView> {
  return createHealth({
    providers,
    attempts: deps.attempts,
    clock: deps.clock,
    closed: async (provider) => closedReason(await accountReport(provider, deps)),
  });
}

/** How a provider's account stands. */
export async function accountReport(
  provider: ProviderName,
  deps: Omit<HealthDeps, "attempts">,
): Promise<PacingReport> {
  const limits = deps.catalogue.providers.find(({ name }) => name === provider)?.limits ?? UNLIMITED;
  return pacingReport(await deps.pacingStore.read(provider), limits, deps.clock(), deps.timezone);
}

/** Why a provider takes no create now; null: it does. A half-open breaker lets one attempt try, so routing leaves it in. */
export function closedReason({ circuit, openUntilMs, day, month }: PacingReport): string | null {
  if (circuit === "open" && openUntilMs !== null) {
    return `the provider is left alone until ${new Date(openUntilMs).toISOString()}`;
  }
  for (const [period, { used, limit }] of [
    ["day", day],
    ["month", month],
  ] as const) {
    if (limit !== null && used >= limit)
      return `the provider's quota of the ${period} is used up (${used} of ${limit})`;
  }
  return null;
}
