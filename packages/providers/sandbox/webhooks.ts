/** @module Delivers the final webhook of each prediction: signed, retried with growing pauses, resumed after a restart. */
import type { Clock } from "@atelier/core/ids";
import { signWebhook } from "../replicate/webhook.ts";
import { endOf, type PredictionRecord, type PredictionStore } from "./predictions.ts";

/** Pauses after a failed delivery; the last one falls about a minute after the end, as at Replicate. */
const PAUSES_MS = [500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000];
const DELIVERY_TIMEOUT_MS = 5_000;
const STALE_BY_SECONDS = 3_600;
/** A sleeping timer looks again after this long: the injected clock may run by itself. */
const LOOK_AGAIN_MS = 30_000;

export interface Deliveries {
  /** Sends what is due by the clock and sets the timer for what comes next. */
  run(): Promise<void>;
  close(): Promise<void>;
}

export interface DeliveryDeps {
  readonly store: PredictionStore;
  readonly clock: Clock;
  readonly secret: string;
  readonly view: (record: PredictionRecord) => Record<string, unknown>;
  readonly onError: (error: unknown) => void;
}

export function createDeliveries({ store, clock, secret, view, onError }: DeliveryDeps): Deliveries {
  const underway = new Map<string, Promise<void>>();
  const closing = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let timerAtMs = Infinity;

  async function deliver(record: PredictionRecord, url: string): Promise<void> {
    const fault = record.faults.webhook?.kind === "webhook" ? record.faults.webhook.as : null;
    let done = fault === "lost";
    if (!done) {
      done = await post(record, url, fault);
      if (done && fault === "duplicated") await post(record, url, fault);
    }
    if (closing.signal.aborted) return;
    const tries = record.delivery.tries + 1;
    const pauseMs = PAUSES_MS[tries - 1];
    // Without a pause left it is given up, until a restart looks at what was never confirmed.
    const nextAtMs = pauseMs === undefined ? Number.MAX_SAFE_INTEGER : clock() + pauseMs;
    const current = store.get(record.id) ?? record;
    await store.save({ ...current, delivery: { done, tries, nextAtMs } });
  }

  async function post(record: PredictionRecord, url: string, fault: string | null): Promise<boolean> {
    const body = Buffer.from(JSON.stringify(view(record)));
    const id = `msg_${record.id}`;
    const seconds = Math.floor(clock() / 1000) - (fault === "old-stamp" ? STALE_BY_SECONDS : 0);
    const key =
      fault === "wrong-signature" ? `whsec_${Buffer.from("another secret").toString("base64")}` : secret;
    try {
      const response = await fetch(url, {
        method: "POST",
        // Replicate does not follow redirects.
        redirect: "manual",
        headers: {
          "content-type": "application/json",
          "webhook-id": id,
          "webhook-timestamp": String(seconds),
          "webhook-signature": signWebhook(key, id, String(seconds), body),
        },
        body,
        signal: AbortSignal.any([closing.signal, AbortSignal.timeout(DELIVERY_TIMEOUT_MS)]),
      });
      await response.body?.cancel();
      return response.ok;
    } catch {
      return false;
    }
  }

  function dueAtMs(record: PredictionRecord): number {
    const end = endOf(record);
    if (end === null || record.webhook === null || record.delivery.done) return Infinity;
    if (record.webhookEvents !== null && !record.webhookEvents.includes("completed")) return Infinity;
    const lateMs = record.faults.webhook?.kind === "webhook" ? record.faults.webhook.delayMs : 0;
    return Math.max(end.atMs + lateMs, record.delivery.nextAtMs);
  }

  async function run(): Promise<void> {
    if (closing.signal.aborted) return;
    stopTimer();
    const nowMs = clock();
    let nextAtMs = Infinity;
    for (const record of store.undelivered()) {
      const atMs = dueAtMs(record);
      if (atMs === Infinity || record.webhook === null || underway.has(record.id)) continue;
      if (atMs > nowMs) {
        nextAtMs = Math.min(nextAtMs, atMs);
        continue;
      }
      const delivery = deliver(record, record.webhook)
        .catch(onError)
        .finally(() => {
          underway.delete(record.id);
          schedule(Math.max(0, dueAtMs(store.get(record.id) ?? record) - clock()));
        });
      underway.set(record.id, delivery);
    }
    schedule(nextAtMs - nowMs);
    await Promise.all(underway.values());
  }

  /** Keeps one timer, for the earliest time asked for. Real time, whatever the clock is. */
  function schedule(inMs: number): void {
    if (inMs === Infinity || closing.signal.aborted) return;
    const waitMs = Math.min(inMs, LOOK_AGAIN_MS);
    const atMs = performance.now() + waitMs;
    if (timer !== undefined && timerAtMs <= atMs) return;
    stopTimer();
    timerAtMs = atMs;
    timer = setTimeout(() => void run().catch(onError), waitMs);
    timer.unref();
  }

  function stopTimer(): void {
    clearTimeout(timer);
    timer = undefined;
  }

  return {
    run,
    async close() {
      closing.abort();
      stopTimer();
      await Promise.all(underway.values());
    },
  };
}
