/** @module The ports of a simulation: each call outside waits for its turn and may meet a mishap; see `scheduler.ts`. */
import { setTimeout as wait } from "node:timers/promises";
import type { Dynamo } from "@atelier/aws/dynamo/client";
import { isAtelierError } from "@atelier/core/errors";
import type { Imaging, OpenPicture } from "@atelier/core/pictures";
import type { Blobs, OutputFetcher } from "@atelier/core/ports";
import type { Provider, Submission } from "@atelier/core/provider";
import { createOutputFetcher } from "@atelier/providers/safe-url";
import { type Account, IMPATIENT_MS, LATE_MS, type Occasion, type SpoiltCall } from "./account.ts";
import type { Life, Scheduler } from "./scheduler.ts";

const STORE_MS = () => [1, 6] as const;

export function gatedTable(dynamo: Dynamo, life: Life, scheduler: Scheduler): Dynamo {
  const call = <T>(name: string, make: () => Promise<T>) =>
    scheduler.call(life, { label: `table.${name}`, isStore: true, tookMs: STORE_MS }, make);
  return {
    get: (key) => call("get", () => dynamo.get(key)),
    getMany: (keys) => call("getMany", () => dynamo.getMany(keys)),
    put: (item, condition) => call("put", () => dynamo.put(item, condition)),
    putMany: (items) => call("putMany", () => dynamo.putMany(items)),
    removeMany: (keys) => call("removeMany", () => dynamo.removeMany(keys)),
    update: (key, update) => call("update", () => dynamo.update(key, update)),
    remove: (key) => call("remove", () => dynamo.remove(key)),
    query: (range, page) => call("query", () => dynamo.query(range, page)),
    count: (range) => call("count", () => dynamo.count(range)),
  };
}

export function gatedBlobs(blobs: Blobs, life: Life, scheduler: Scheduler): Blobs {
  const call = <T>(name: string, make: () => Promise<T>) =>
    scheduler.call(life, { label: `blobs.${name}`, isStore: true, tookMs: STORE_MS }, make);
  return {
    put: (key, bytes, contentType) => call("put", () => blobs.put(key, bytes, contentType)),
    get: (key) => call("get", () => blobs.get(key)),
    head: (key) => call("head", () => blobs.head(key)),
    copy: (fromKey, toKey) => call("copy", () => blobs.copy(fromKey, toKey)),
    list: (prefix) => blobs.list(prefix),
    remove: (key) => call("remove", () => blobs.remove(key)),
  };
}

/** What providers and their wire did to us, by the seed. */
export interface Misfortunes {
  /** Provider and fault to number. */
  readonly faults: Record<string, number>;
  /** Attempts whose picture was in the answer to a create, and who was given it. */
  readonly delivered: Map<string, Life>;
  /** Creates that were sent, by attempt. */
  readonly sent: Map<string, number>;
}

export function gatedProvider(
  account: Account,
  life: Life,
  scheduler: Scheduler,
  { faults, delivered, sent }: Misfortunes,
): Provider {
  const { provider, name } = account;
  async function call<T>(
    occasion: Occasion,
    make: () => Promise<T>,
    create?: SpoiltCall["create"],
  ): Promise<T> {
    let isSlow = false;
    const tookMs = () => (isSlow ? ([30_000, 30_000] as const) : ([20, 1_500] as const));
    return scheduler.call(life, { label: `${name}.${occasion}`, isStore: false, tookMs }, async () => {
      const spoilt = account.spoil(occasion, { random: scheduler.random, ...(create && { create }) });
      if (spoilt) faults[`${name}: ${spoilt.fault}`] = (faults[`${name}: ${spoilt.fault}`] ?? 0) + 1;
      isSlow = spoilt?.isSlow === true;
      try {
        return await make();
      } finally {
        // What takes effect although nobody waits for it any more does so now, not at some time.
        if (isSlow) await wait(LATE_MS + IMPATIENT_MS);
        if (occasion !== "check") await account.tick();
      }
    });
  }
  const { find, cancel, followUp, parseWebhook } = provider;
  return {
    name,
    trustedOrigin: provider.trustedOrigin,
    async submit(request, context): Promise<Submission> {
      const { attemptId } = context;
      const make = () => {
        sent.set(attemptId, (sent.get(attemptId) ?? 0) + 1);
        return provider.submit(request, context);
      };
      const submission = await call("submit", make, { request, attemptId });
      if (submission.kind === "done") delivered.set(attemptId, life);
      return submission;
    },
    check: (operation, model) => call("check", () => provider.check(operation, model)),
    ...(find && { find: (create) => call("find", () => find(create)) }),
    ...(cancel && { cancel: (operation) => call("cancel", () => cancel(operation)) }),
    ...(followUp && {
      followUp: (operation, model, context) => call("followUp", () => followUp(operation, model, context)),
    }),
    ...(parseWebhook && { parseWebhook }),
  };
}

/** Pictures come over the wire as everything does; whose they are is told by where they lie. */
export function gatedFetcher(
  accounts: readonly Account[],
  life: Life,
  scheduler: Scheduler,
  { faults }: Misfortunes,
): OutputFetcher {
  const patient = createOutputFetcher({ timeoutMs: 20_000 });
  const impatient = createOutputFetcher({ timeoutMs: IMPATIENT_MS });
  return {
    fetch: (url, trustedOrigin) =>
      scheduler.call(life, { label: "fetch", isStore: false, tookMs: () => [20, 500] }, async () => {
        const account = accounts.find(({ provider }) => provider.trustedOrigin === trustedOrigin);
        const spoilt = trustedOrigin === null ? null : account?.spoil("fetch", { random: scheduler.random });
        if (account && spoilt) {
          const fault = `${account.name}: ${spoilt.fault}`;
          faults[fault] = (faults[fault] ?? 0) + 1;
        }
        try {
          return await (spoilt?.isSlow ? impatient : patient).fetch(url, trustedOrigin);
        } catch (error) {
          // A socket that waits for its next byte must not meet the next call.
          if (isAtelierError(error) && spoilt?.isSlow) await wait(IMPATIENT_MS);
          throw error;
        }
      }),
  };
}

export function gatedImaging(imaging: Imaging, life: Life, scheduler: Scheduler): Imaging {
  const call = <T>(name: string, make: () => Promise<T>) =>
    scheduler.call(life, { label: `imaging.${name}`, isStore: false, tookMs: () => [20, 200] }, make);
  const gated = (picture: OpenPicture): OpenPicture => ({
    width: picture.width,
    height: picture.height,
    format: picture.format,
    pixels: picture.pixels,
    markedBy: (key) => picture.markedBy(key),
    measure: () => call("measure", () => picture.measure()),
    proxyJpeg: (edgePixels) => picture.proxyJpeg(edgePixels),
    async *develop(recipe, provenance) {
      const renditions = picture.develop(recipe, provenance)[Symbol.asyncIterator]();
      for (;;) {
        const { done, value } = await call("develop", () => renditions.next());
        if (done) return;
        yield value;
      }
    },
  });
  return {
    open: async (bytes) => gated(await call("open", () => imaging.open(bytes))),
    quarters: (bytes) => call("quarters", () => imaging.quarters(bytes)),
  };
}
