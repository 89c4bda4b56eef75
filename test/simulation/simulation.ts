/**
 * @module Thousands of images over all providers in a few virtual days, with everything going wrong that a seed can think of,
 * and deaths at every boundary between steps and inside them; then the reconciler until all is quiet, and the reckoning.
 */
import { createAttempts } from "@atelier/aws/dynamo/attempts";
import { createImages } from "@atelier/aws/dynamo/images";
import { createLedgerStore } from "@atelier/aws/dynamo/ledger";
import { createRequests } from "@atelier/aws/dynamo/requests";
import { cancelRequest } from "@atelier/core/cancel";
import type { Imaging, Recipe } from "@atelier/core/pictures";
import type { Events } from "@atelier/core/ports";
import type { Provider } from "@atelier/core/provider";
import { reconcile } from "@atelier/core/reconcile";
import { startRequest } from "@atelier/core/start";
import { startScriptedServer } from "../simulators/scripted-server.ts";
import { openAccounts } from "./accounts.ts";
import { ASKING_MS, type Asking, HOUR_MS, requestsFor, START_MS } from "./asked.ts";
import { MODELS } from "./catalogue.ts";
import { createCheapImaging } from "./cheap-imaging.ts";
import { type Findings, findings } from "./figures.ts";
import type { Misfortunes } from "./gates.ts";
import { type Counts, createHosts, type HostRates, type Hosts } from "./hosts.ts";
import { createInstaller } from "./installation.ts";
import { type LedgerWatch, limitsFor, watched } from "./ledger-watch.ts";
import { createMemoryBlobs, type MemoryBlobs } from "./memory-blobs.ts";
import { createWebhooks } from "./notices.ts";
import { type MishapRates, Scheduler } from "./scheduler.ts";
import { connectDirectly } from "./table-client.ts";
import { type Billed, createTableEngine } from "./table-engine.ts";

const MONTHS = ["2026-11", "2026-12"];
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
export const HOST_RATES: HostRates = { atBoundary: 60, atNewBoundary: 50_000, forsaken: 300, onMachines: 65 };

export interface SimulationOptions extends Asking {
  readonly seed: number;
  readonly imaging?: Imaging;
  readonly mishaps?: MishapRates;
  readonly hosts?: HostRates;
  /** Faults of providers in a thousand calls. Default 60. */
  readonly faultsPerThousand?: number;
  /** Told of each call to the table that AWS would bill. */
  readonly billed?: (call: Billed) => void;
  /** Told of each outside call, with the name of the function or process that made it. */
  readonly called?: (by: string, label: string) => void;
  /** How long a call takes at least and at most, by its label. */
  readonly tookMsOf?: Scheduler["tookMsOf"];
  /** How long a job takes at Replicate. */
  readonly jobMs?: number;
  readonly recipe?: Recipe;
  /** Of both ledgers, in micro-USD. Default: so tight that some images are refused. */
  readonly limits?: Readonly<Record<string, number>>;
  /** Webhooks come once each, at once. */
  readonly quiet?: boolean;
  /** What a test does to the providers to see that it is found out. */
  readonly tamper?: (provider: Provider) => Provider;
}

export interface SimulationResult extends Findings {
  readonly seed: number;
  readonly imagesAsked: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly mishaps: Readonly<Record<string, number>>;
  readonly deaths: Readonly<Record<string, number>>;
  readonly boundaries: Readonly<Record<string, number>>;
  readonly leastRemainingMicros: LedgerWatch["leastRemainingMicros"];
  readonly overspentWrites: LedgerWatch["overspentWrites"];
  readonly counts: Counts;
  readonly blobRequests: MemoryBlobs["requests"];
  readonly turns: number;
  readonly virtualHours: number;
}

export async function simulate(options: SimulationOptions): Promise<SimulationResult> {
  const { seed, images, faultsPerThousand = 60 } = options;
  const scheduler = new Scheduler(seed, START_MS, options.mishaps ?? MISHAPS);
  if (options.tookMsOf) scheduler.tookMsOf = options.tookMsOf;
  scheduler.onCall = ({ name }, label) => options.called?.(name, label);
  const misfortunes: Misfortunes = { faults: {}, delivered: new Map(), sent: new Map() };
  const published: Parameters<Events["publish"]>[0][] = [];
  const webhooks = createWebhooks(scheduler, options.quiet === true);
  const receiver = await startScriptedServer((request) => ({ status: webhooks.receive(request) }));
  let providersNowMs = START_MS;
  const opened = await openAccounts(
    {
      clock: () => providersNowMs,
      models: MODELS,
      faultsPerThousand,
      ...(options.jobMs !== undefined && { jobMs: options.jobMs }),
    },
    seed,
  );
  const { tamper = (provider: Provider) => provider } = options;
  const accounts = opened.map((account) => ({ ...account, provider: tamper(account.provider) }));
  const watch: LedgerWatch = { leastRemainingMicros: Number.POSITIVE_INFINITY, overspentWrites: 0 };
  // What the simulation itself looks at is nobody's bill.
  let isBilled = true;
  const engine = createTableEngine((call) => isBilled && options.billed?.(call));
  const dynamo = watched(connectDirectly(engine), watch, (look) => {
    isBilled = false;
    const looked = look();
    isBilled = true;
    return looked;
  });
  const blobs = createMemoryBlobs(
    (key) => /^(content|quarantine|originals)\//.test(key) && !key.endsWith(".json"),
  );
  const limits = options.limits ?? limitsFor(images);
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
        ...(options.recipe && { recipe: options.recipe }),
        firstLimits: { dayMicros: limits.d ?? 0, monthMicros: limits.m ?? 0 },
        webhookOrigin: receiver.origin,
        published,
      }),
      options.hosts ?? HOST_RATES,
    );
    const requests = requestsFor(options, scheduler.random);
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
    const letProvidersWork = async () => {
      providersNowMs = scheduler.nowMs();
      for (const account of accounts) await account.tick();
      webhooks.dispatch(hosts);
    };
    for (const { atMs } of requests) scheduler.after(atMs - START_MS, letProvidersWork);
    const tick = async () => {
      await letProvidersWork();
      scheduler.after(isBusy() ? TICK_MS : IDLE_TICK_MS, tick);
    };
    scheduler.after(TICK_MS, tick);
    const pass = async () => {
      const { installation, over } = hosts.asFunction("reconcile");
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
    isBilled = false;
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
      blobRequests: blobs.requests,
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
    const { installation, over } = hosts.asFunction(name, () => died.resolve("died"));
    const ended = await Promise.race([
      work(installation).then(
        () => "done",
        () => "failed",
      ),
      died.promise,
    ]);
    over();
    if (ended === "done") return;
    await new Promise<void>((resolve) => scheduler.after(5_000, resolve));
  }
}
