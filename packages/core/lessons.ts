/** @module What the attempts that failed for an image teach: which models, and which providers, are not asked again, or last. */
import type { Attempt } from "./attempt.ts";
import type { ErrorName } from "./errors.ts";

/** A create that never arrived, or was never sent, says nothing against the model. */
const SAYS_NOTHING_OF_MODEL: ReadonlySet<string> = new Set<ErrorName>(["NotCreated", "ProviderResting"]);

/** What any other model of the same provider would meet as well. */
const OF_PROVIDER: ReadonlySet<string> = new Set<ErrorName>([
  "KeyRefused",
  "OutOfCredit",
  "ProviderAborted",
  "ProviderResting",
  "QuotaUsedUp",
]);

/** The name of an attempt's failure; empty without one. */
function failedWith({ outcome }: Attempt): string {
  return outcome?.kind === "failed" ? outcome.name : "";
}

/** As routing takes it. */
export function lessonsOf(earlier: readonly Attempt[]) {
  return {
    tried: earlier.filter((attempt) => {
      const name = failedWith(attempt);
      return name !== "" && !SAYS_NOTHING_OF_MODEL.has(name);
    }),
    rejectedBy: earlier
      .filter((attempt) => failedWith(attempt) === "ContentRejected")
      .map(({ provider }) => provider),
    failedProviders: earlier
      .filter((attempt) => OF_PROVIDER.has(failedWith(attempt)))
      .map(({ provider }) => provider),
  };
}
