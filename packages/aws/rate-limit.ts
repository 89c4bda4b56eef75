/**
 * @module How often a caller may call, counted in the table, where every process of the function sees it: one UpdateItem a call, one
 * item for each caller and minute.
 */
import type { Clock } from "@atelier/core/ids";
import type { Dynamo } from "./dynamo/client.ts";
import { counting } from "./dynamo/expressions.ts";
import { rateKey } from "./dynamo/keys.ts";

const WINDOW_MS = 60_000;

/** DynamoDB deletes what has expired within days; nobody reads it meanwhile. */
const KEPT_SECONDS = 3_600;

type RateAnswer = { readonly ok: true } | { readonly ok: false; readonly retryAfterMs: number };

/**
 * A window is a minute of the clock: whoever asks at the end of one and at the beginning of the next gets twice as many through
 * at once, and never more than the limit in a minute of the clock. Refused calls count as well.
 *
 * @param perMinute calls that a caller may make; at least 1
 * @returns `take`, which throws AtelierError as the table's client does
 */
export function createTableRateLimit(
  perMinute: number,
  { dynamo, clock }: { readonly dynamo: Pick<Dynamo, "update">; readonly clock: Clock },
): { take(caller: string): Promise<RateAnswer> } {
  return {
    async take(caller) {
      const nowMs = clock();
      const window = Math.floor(nowMs / WINDOW_MS);
      const endsAtMs = (window + 1) * WINDOW_MS;
      const expiresAt = endsAtMs / 1000 + KEPT_SECONDS;
      const counted = await dynamo.update(rateKey(caller, window), counting("calls", { expiresAt }));
      // An update without a condition is always carried out, and says what stands then.
      const calls = counted.ok ? Number(counted.item?.calls) : 1;
      return calls <= perMinute ? { ok: true } : { ok: false, retryAfterMs: endsAtMs - nowMs };
    },
  };
}
