/** @module A pass over the parts of requests in which nothing may fail. */
import { reconcileParts } from "@atelier/core/reconcile-parts";
import { throwFailures } from "@atelier/core/turns";

/** @throws AtelierError what failed: the report alone would be passed over by whoever looks at its counts */
export async function partsPass(...given: Parameters<typeof reconcileParts>) {
  const report = await reconcileParts(...given);
  throwFailures(report.failed);
  return report;
}
