/** @module How often a caller may call: a bucket of tokens each, in this process's memory. */
import type { Clock } from "@atelier/core/ids";
import type { RateLimit } from "./deps.ts";

interface Bucket {
  readonly tokens: number;
  readonly atMs: number;
}

/**
 * @param limit.perMinute calls that a caller may make in the long run
 * @param limit.burst calls that may come at once; default: a minute's
 * @param limit.callersMax remembered; beyond, whoever called longest ago is forgotten, and has a full bucket again
 */
export function createRateLimit(
  {
    perMinute,
    burst = perMinute,
    callersMax = 10_000,
  }: { perMinute: number; burst?: number; callersMax?: number },
  clock: Clock,
): RateLimit {
  const msPerToken = 60_000 / perMinute;
  /** The one who called longest ago comes first. */
  const buckets = new Map<string, Bucket>();
  return {
    async take(caller) {
      const nowMs = clock();
      const before = buckets.get(caller) ?? { tokens: burst, atMs: nowMs };
      const tokens = Math.min(burst, before.tokens + Math.max(0, nowMs - before.atMs) / msPerToken);
      const isAllowed = tokens >= 1;
      buckets.delete(caller);
      buckets.set(caller, { tokens: isAllowed ? tokens - 1 : tokens, atMs: nowMs });
      if (buckets.size > callersMax) {
        for (const oldest of buckets.keys()) {
          buckets.delete(oldest);
          break;
        }
      }
      return isAllowed ? { ok: true } : { ok: false, retryAfterMs: Math.ceil((1 - tokens) * msPerToken) };
    },
  };
}
