/** @module An installation for a simulation: the product's own steps, stores and reconciler, for whoever lives and may die. */
import { createAttempts } from "@atelier/aws/dynamo/attempts";
import { createAudit } from "@atelier/aws/dynamo/audit";
import type { Dynamo } from "@atelier/aws/dynamo/client";
import { createImages } from "@atelier/aws/dynamo/images";
import { createLedgerStore } from "@atelier/aws/dynamo/ledger";
import { createPacingStore } from "@atelier/aws/dynamo/pacing";
import { createPromptVault } from "@atelier/aws/dynamo/prompts";
import { createRequests } from "@atelier/aws/dynamo/requests";
import { createBlockedPictures } from "@atelier/aws/dynamo/reviews";
import { createEvents } from "@atelier/aws/events";
import { installedHealth } from "@atelier/core/installed-health";
import { installedRouting } from "@atelier/core/installed-routing";
import type { LedgerLimits } from "@atelier/core/ledger-month";
import { knownNames } from "@atelier/core/metrics";
import { createPacing, jobRunning, limitsIn } from "@atelier/core/pacing-rounds";
import { createPictureBlock } from "@atelier/core/picture-block";
import type { Imaging, Recipe } from "@atelier/core/pictures";
import type { Blobs, Events, TextVault, Workflow } from "@atelier/core/ports";
import type { ReconcileTimes } from "@atelier/core/reconcile-attempts";
import { localDateOf } from "@atelier/core/schedule";
import { webhookPath } from "@atelier/core/webhook";
import type { StepDeps } from "@atelier/local/handlers";
import { classifierSaying } from "../builders/classifier.ts";
import type { Account } from "./account.ts";
import { CATALOGUE, MODELS, PROVIDERS } from "./catalogue.ts";
import {
  gatedBlobs,
  gatedFetcher,
  gatedImaging,
  gatedProvider,
  gatedTable,
  type Misfortunes,
} from "./gates.ts";
import type { Life, Scheduler } from "./scheduler.ts";

export const TIMEZONE = "Europe/Paris";
const RECIPE: Recipe = {
  name: "simulated-1",
  enhance: "none",
  steps: [
    { rendition: "full", format: "jpeg", edge: null, quality: 80 },
    { rendition: "thumbnail", format: "webp", edge: 64, quality: 70 },
  ],
};

/** Encryption is tested elsewhere, and would take most of the time here. */
const PLAIN_TEXTS: TextVault = {
  seal: async (_about, text) => text,
  open: async (_about, sealed) => sealed,
  reseal: async () => null,
};

const PICTURE_KEY = Buffer.from("a picture key for tests");

export interface Ground {
  readonly scheduler: Scheduler;
  readonly dynamo: Dynamo;
  readonly blobs: Blobs;
  readonly imaging: Imaging;
  readonly accounts: readonly Account[];
  readonly misfortunes: Misfortunes;
  /** Default: two renditions. */
  readonly recipe?: Recipe;
  readonly firstLimits: LedgerLimits;
  /** Where webhooks arrive: an origin. */
  readonly webhookOrigin: string;
  readonly published: Parameters<Events["publish"]>[0][];
}

/** Everything that a step, a webhook, the reconciler or a command takes, for one life. */
export type Installation = StepDeps & {
  readonly audit: ReturnType<typeof createAudit>;
  readonly webhookKey: Uint8Array;
  readonly workflow: Workflow;
  readonly times: ReconcileTimes;
};

export type Installer = (
  life: Life,
  own: { readonly workflow: Workflow; readonly submitter: string; readonly times: ReconcileTimes },
) => Installation;

export function createInstaller(ground: Ground): Installer {
  const { scheduler, accounts, misfortunes } = ground;
  const clock = scheduler.nowMs;
  const randomBytes = (size: number) => Uint8Array.from({ length: size }, () => scheduler.random(256));
  const webhookKey = Buffer.from("a webhook key for tests");
  // What is remembered about providers is read beside the turns: it decides nothing that must hold.
  const health = installedHealth(PROVIDERS, {
    catalogue: CATALOGUE,
    attempts: createAttempts(ground.dynamo),
    pacingStore: createPacingStore(ground.dynamo),
    clock,
    timezone: TIMEZONE,
  });
  const route = installedRouting({
    catalogue: CATALOGUE,
    attestations: [],
    on: PROVIDERS.filter((name) => name !== "sandbox"),
    off: new Map(),
    today: () => localDateOf(clock(), TIMEZONE),
  });

  return (life, { workflow, submitter, times }) => {
    const dynamo = gatedTable(ground.dynamo, life, scheduler);
    const attempts = createAttempts(dynamo);
    const events = createEvents({
      dynamo,
      telemetry: { measure: () => undefined },
      bus: { send: async () => undefined },
      known: knownNames({ providers: [], models: [] }),
    });
    const providers = new Map(
      accounts.map((account) => [account.name, gatedProvider(account, life, scheduler, misfortunes)]),
    );
    return {
      images: createImages(dynamo),
      attempts,
      requests: createRequests(dynamo),
      ledger: createLedgerStore(dynamo),
      vault: createPromptVault(dynamo, PLAIN_TEXTS),
      audit: createAudit(dynamo, randomBytes),
      blobs: gatedBlobs(ground.blobs, life, scheduler),
      pacing: createPacing({
        store: createPacingStore(dynamo),
        clock,
        limitsOf: limitsIn(CATALOGUE),
        timezone: TIMEZONE,
        isRunning: jobRunning(attempts),
      }),
      events: {
        async publish(event) {
          await events.publish(event);
          ground.published.push(event);
        },
      },
      // Made where it is asked: its key is worked over at length, and most lives never see a picture.
      isBlocked: (fingerprint) =>
        createPictureBlock(createBlockedPictures(dynamo), PICTURE_KEY).isBlocked(fingerprint),
      imaging: gatedImaging(ground.imaging, life, scheduler),
      fetcher: gatedFetcher(accounts, life, scheduler, misfortunes),
      classifier: classifierSaying(),
      catalogue: CATALOGUE,
      providerOf: (name) => providers.get(name),
      modelOf: (name) => MODELS.find((model) => model.name === name),
      route,
      health,
      clock,
      timezone: TIMEZONE,
      randomBytes,
      recipe: ground.recipe ?? RECIPE,
      firstLimits: ground.firstLimits,
      actor: life.name,
      submitter,
      promptKey: Buffer.from("a prompt key for tests"),
      sandboxKey: null,
      providerForOccurrences: null,
      webhookUrlOf: ({ attemptId, provider }) =>
        provider === "stability" || provider === "a1111" || provider === "comfyui"
          ? null
          : ground.webhookOrigin + webhookPath(provider, attemptId, webhookKey),
      webhookKey,
      workflow,
      times,
    };
  };
}
