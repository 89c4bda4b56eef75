/**
 * @module Thousands of images over all providers in a few virtual days, with everything going wrong that a seed can think of,
 * and deaths at every boundary between steps and inside them; then the reconciler until all is quiet, and the reckoning.
 */
import { createAttempts } from "@atelier/aws/dynamo/attempts";
import type { Dynamo } from "@atelier/aws/dynamo/client";
import { createImages } from "@atelier/aws/dynamo/images";
import { createLedgerStore } from "@atelier/aws/dynamo/ledger";
import { createRequests } from "@atelier/aws/dynamo/requests";
import { cancelRequest } from "@atelier/core/cancel";
import type { Imaging } from "@atelier/core/pictures";
import type { Events } from "@atelier/core/ports";
import { reconcile } from "@atelier/core/reconcile";
import type { ImageRequest } from "@atelier/core/request";
import { localDateOf } from "@atelier/core/schedule";
import { partsOf, startRequest } from "@atelier/core/start";
import { readWebhookPath, receiveWebhook } from "@atelier/core/webhook";
import { someRequest } from "../contract/table-fixtures.ts";
import { startScriptedServer } from "../simulators/scripted-server.ts";
import type { Account } from "./account.ts";
import { openMidjourneyAccount } from "./account-midjourney.ts";
import { openA1111Account, openComfyuiAccount } from "./account-own.ts";
import { openReplicateAccount } from "./account-replicate.ts";
import { openStabilityAccount } from "./account-stability.ts";
import { MODELS, PROVIDERS } from "./catalogue.ts";
import { createCheapImaging } from "./cheap-imaging.ts";
import { type Findings, findings } from "./figures.ts";
import type { Misfortunes } from "./gates.ts";
import { type Counts, createHosts, type HostRates, type Hosts } from "./hosts.ts";
import { createInstaller, TIMEZONE } from "./installation.ts";
import { createMemoryBlobs } from "./memory-blobs.ts";
import { type MishapRates, Scheduler } from "./scheduler.ts";
import { connectDirectly } from "./table-client.ts";
import { type Billed, createTableEngine } from "./table-engine.ts";

/** The last days of a month: day and month change on the way. */
const START_MS = Date.parse("2026-11-28T20:00:00Z");
const MONTHS = ["2026-11", "2026-12"];
const HOUR_MS = 3_600_000;
/** Requests come in bursts over this time. */
const ASKING_MS = 60 * HOUR_MS;
const BURSTS = 6;
/** Longer than anybody looks for a late success. */
const PATIENCE_MS = 34 * HOUR_MS;
const TICK_MS = 1_000;
const IDLE_TICK_MS = 30_000;
const PASS_MS = 60_000;
/** While nothing runs, only what was given up is looked at. */
const QUIET_PASS_MS = 5 * 60_000;

export const MISHAPS: MishapRates = {
  death: { machine: 8, function: 150, cloud: 0 },
  notReached: 150,
  lostAnswer: 100,
  repeated: 200,
  stalled: 60,
};
export const HOST_RATES: HostRates = { atBoundary: 60, atNewBoundary: 20_000, forsaken: 300, onMachines: 50 };

export interface SimulationOptions {
  readonly seed: number;
  readonly images: number;
  readonly imaging?: Imaging;
  readonly mishaps?: MishapRates;
  readonly hosts?: HostRates;
  /** Faults of providers in a thousand calls. Default 60. */
  readonly faultsPerThousand?: number;
  /** Told of each call to the table. */
  readonly billed?: (call: Billed) => void;
}

export interface SimulationResult extends Findings {
  readonly seed: number;
  readonly imagesAsked: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly mishaps: Readonly<Record<string, number>>;
  readonly deaths: Readonly<Record<string, number>>;
  readonly boundaries: Readonly<Record<string, number>>;
  /** The least that any limited counter ever had left, in micro-USD. */
  readonly leastRemainingMicros: number;
  readonly overspentWrites: number;
  readonly counts: Counts;
  readonly turns: number;
  readonly virtualHours: number;
}

export async function simulate(options: SimulationOptions): Promise<SimulationResult> {
  const { seed, images, faultsPerThousand = 60 } = options;
  const scheduler = new Scheduler(seed, START_MS, options.mishaps ?? MISHAPS);
  const misfortunes: Misfortunes = { faults: {}, delivered: new Set(), sent: new Map() };
  const published: Parameters<Events["publish"]>[0][] = [];
  const webhooks = createWebhooks(scheduler);
  const receiver = await startScriptedServer((request) => ({ status: webhooks.receive(request) }));
  let providersNowMs = START_MS;
  const accounts = await openAccounts(
    {
      clock: () => providersNowMs,
      models: MODELS,
      faultsPerThousand,
      webhookUrl: receiver.origin,
    },
    seed,
  );
  const watch = { leastRemainingMicros: Number.POSITIVE_INFINITY, overspentWrites: 0 };
  const dynamo = watched(connectDirectly(createTableEngine(options.billed)), watch);
  const blobs = createMemoryBlobs(
    (key) => /^(content|quarantine|originals)\//.test(key) && !key.endsWith(".json"),
  );
  const limits = limitsFor(images);
  try {
    const ledger = createLedgerStore(dynamo);
    for (const account of ["real", "sandbox"] as const) await ledger.open(account, MONTHS[0] ?? "", limits);
    const hosts = createHosts(
      scheduler,
      createInstaller({
        scheduler,
        dynamo,
        blobs,
        imaging: options.imaging ?? createCheapImaging(),
        accounts,
        misfortunes,
        firstLimits: { dayMicros: limits.d ?? 0, monthMicros: limits.m ?? 0 },
        webhookOrigin: receiver.origin,
        published,
      }),
      options.hosts ?? HOST_RATES,
    );
    const requests = requestsFor(images, scheduler);
    let toStart = requests.length;
    for (const { request, atMs, cancelAfterMs } of requests) {
      scheduler.after(atMs - START_MS, () => {
        void untilDone("start", hosts, scheduler, (installation) => startRequest(request, installation)).then(
          () => {
            toStart--;
          },
        );
        if (cancelAfterMs === null) return;
        scheduler.after(cancelAfterMs, () => {
          void untilDone("cancel", hosts, scheduler, async (installation) => {
            const standing = await installation.requests.get(request.requestId);
            if (standing) await cancelRequest(standing, installation);
          });
        });
      });
    }

    const attempts = createAttempts(dynamo);
    const stored = createRequests(dynamo);
    let isQuiet = false;
    const isBusy = () => hosts.running() > 0 || webhooks.waiting() > 0;
    const tick = async () => {
      providersNowMs = scheduler.nowMs();
      for (const account of accounts) await account.tick();
      webhooks.dispatch(hosts);
      scheduler.after(isBusy() ? TICK_MS : IDLE_TICK_MS, tick);
    };
    scheduler.after(TICK_MS, tick);
    const pass = async () => {
      const { life, installation } = hosts.asFunction("reconcile");
      const over = () => {
        life.isDead = true;
      };
      reconcile(installation).then(over, over);
      // Once in a while two come together.
      scheduler.after(scheduler.random(50) === 0 ? 0 : isBusy() ? PASS_MS : QUIET_PASS_MS, pass);
      const open =
        (await attempts.open({ limit: 1 })).items.length +
        (await stored.parts.open({ limit: 1 })).items.length;
      isQuiet = toStart === 0 && !isBusy() && open === 0;
    };
    scheduler.after(PASS_MS, pass);
    await scheduler.run(() => isQuiet || scheduler.nowMs() > START_MS + ASKING_MS + PATIENCE_MS);
    // Nothing goes wrong any more; what is left is what the last passes bring into order.
    const found = await findings(
      {
        requestIds: requests.map(({ request }) => request.requestId),
        imagesAsked: images,
        startMs: START_MS,
        months: MONTHS,
        accounts,
        misfortunes,
        published,
      },
      { images: createImages(dynamo), attempts, ledger, blobs },
    );
    if (watch.overspentWrites > 0) found.problems.push(`${watch.overspentWrites} writes went below a limit`);
    return {
      ...found,
      seed,
      imagesAsked: images,
      faults: misfortunes.faults,
      mishaps: scheduler.mishaps,
      deaths: scheduler.deaths,
      boundaries: Object.fromEntries(scheduler.boundaries),
      ...watch,
      counts: hosts.counts,
      turns: scheduler.turns,
      virtualHours: Math.round((scheduler.nowMs() - START_MS) / HOUR_MS),
    };
  } finally {
    await receiver.close();
    for (const account of accounts) await account.close();
  }
}

/** Somebody who calls again until it is done: whoever was told nothing asks again. */
async function untilDone(
  name: string,
  hosts: Hosts,
  scheduler: Scheduler,
  work: (installation: ReturnType<Hosts["asFunction"]>["installation"]) => Promise<unknown>,
): Promise<void> {
  for (;;) {
    const died = Promise.withResolvers<"died">();
    const { life, installation } = hosts.asFunction(name, () => died.resolve("died"));
    const ended = await Promise.race([
      work(installation).then(
        () => "done",
        () => "failed",
      ),
      died.promise,
    ]);
    life.isDead = true;
    if (ended === "done") return;
    await new Promise<void>((resolve) => scheduler.after(5_000, resolve));
  }
}

// ---------------------------------------------------------------------------------------------- the money

/** After every write to a ledger: nothing is below zero that has a limit. */
function watched(dynamo: Dynamo, watch: { leastRemainingMicros: number; overspentWrites: number }): Dynamo {
  const ledger = createLedgerStore(dynamo);
  return {
    ...dynamo,
    async update(key, update) {
      const updated = await dynamo.update(key, update);
      const account = key.pk === "LEDGER#real" ? "real" : key.pk === "LEDGER#sandbox" ? "sandbox" : null;
      const row = account && (await ledger.read(account, key.sk));
      if (!row) return updated;
      for (const [counter, left] of Object.entries(row.remaining)) {
        const limit = counter.startsWith("d.") ? "d" : counter;
        if (row.limits[limit] === undefined) continue;
        watch.leastRemainingMicros = Math.min(watch.leastRemainingMicros, left);
        if (left < 0) watch.overspentWrites++;
      }
      return updated;
    },
  };
}

/** Tight on purpose: some images must be refused, some by each kind of limit. */
function limitsFor(images: number): Record<string, number> {
  const perImage = (micros: number) => Math.round(images * micros);
  return {
    m: perImage(36_000),
    d: perImage(13_500),
    "p.midjourney": perImage(18_000),
    "c.weekend_special": perImage(34_000),
  };
}

// ---------------------------------------------------------------------------------------------- the work

interface Planned {
  readonly request: ImageRequest;
  readonly atMs: number;
  /** Null: nobody cancels it. */
  readonly cancelAfterMs: number | null;
}

function requestsFor(images: number, scheduler: Scheduler): Planned[] {
  const { random } = scheduler;
  const planned: Planned[] = [];
  for (let left = images, number = 0; left > 0; number++) {
    // Few are larger than a part.
    const count = Math.min(
      left,
      images < 1_000 ? 1 + random(12) : random(12) === 0 ? 40 + random(40) : 1 + random(24),
    );
    left -= count;
    const burst = Math.floor((number * BURSTS) / Math.max(1, images / 12)) % BURSTS;
    const atMs = START_MS + 1_000 + (burst * ASKING_MS) / BURSTS + random(20 * 60_000);
    // Every provider by name, and some left to routing.
    const wanted = [...PROVIDERS, null][number % (PROVIDERS.length + 1)] ?? null;
    const isLarge = random(10) === 0 && (wanted === "stability" || wanted === null);
    planned.push({
      request: someRequest({
        requestId: `req_sim${String(number).padStart(5, "0")}`,
        category: "weekend_special",
        template: isLarge ? "large_bowl" : "bowl",
        count,
        parts: partsOf(count),
        seed: 1 + random(2 ** 31 - 3),
        priority: random(2) === 0 ? "plan" : "interactive",
        wantedProvider: wanted,
        createdAtMs: atMs,
        localDate: localDateOf(atMs, TIMEZONE),
      }),
      atMs,
      cancelAfterMs: random(25) === 0 ? random(90_000) : null,
    });
  }
  return planned;
}

async function openAccounts(
  deps: Parameters<typeof openStabilityAccount>[0],
  seed: number,
): Promise<Account[]> {
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

// ---------------------------------------------------------------------------------------------- webhooks

interface Notice {
  readonly path: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
}

/** Takes in what simulators send over the wire, and hands it on in an order, and as often, as the seed says. */
function createWebhooks(scheduler: Scheduler) {
  const received: Notice[] = [];
  let waiting = 0;

  function deliver(notice: Notice, hosts: Hosts): void {
    const named = readWebhookPath(notice.path);
    if (!named) throw new Error(`A webhook came to ${notice.path}.`);
    const answered = ({ status }: { status: number }) => scheduler.count(`webhook answered ${status}`);
    // Who was told nothing sends it again, most of the time.
    const again = () => {
      scheduler.count("webhook not confirmed");
      if (scheduler.random(10) < 7) later(notice, hosts, 1_000 + scheduler.random(30_000));
    };
    const call = { ...named, headers: notice.headers, rawBody: Buffer.from(notice.body) };
    if (scheduler.random(3) === 0) {
      // A server in a process: what it dies of is more than this.
      receiveWebhook(call, hosts.asMachine().installation).then(answered, again);
      return;
    }
    const { life, installation } = hosts.asFunction("webhook", again);
    const over = () => {
      life.isDead = true;
    };
    receiveWebhook(call, installation).finally(over).then(answered, again);
  }

  function later(notice: Notice, hosts: Hosts, inMs: number): void {
    waiting++;
    scheduler.after(inMs, () => {
      waiting--;
      deliver(notice, hosts);
    });
  }

  return {
    waiting: () => waiting,
    receive({ path, headers, body }: { path: string; headers: object; body: string }): number {
      received.push({ path, headers: { ...headers }, body });
      return 200;
    },
    dispatch(hosts: Hosts): void {
      // Several came at once over several connections: their order is the seed's, not the machine's.
      const notices = received
        .splice(0)
        .sort((one, other) => (one.path < other.path ? -1 : one.path > other.path ? 1 : 0));
      for (const notice of notices) {
        const isLate = scheduler.random(40) === 0;
        later(notice, hosts, isLate ? scheduler.random(180_000) : scheduler.random(1_500));
        if (scheduler.random(40) === 0) later(notice, hosts, scheduler.random(60_000));
      }
    },
  };
}
