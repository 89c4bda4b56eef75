/** @module Everything that one process needs on a data folder, opened once: engine, stores, files, providers, state machine. */
import { randomBytes as unpredictable } from "node:crypto";
import * as files from "node:fs/promises";
import { userInfo } from "node:os";
import { createAttempts } from "@atelier/aws/dynamo/attempts";
import { createAudit } from "@atelier/aws/dynamo/audit";
import { createDynamo } from "@atelier/aws/dynamo/client";
import { createExecutions, type Executions } from "@atelier/aws/dynamo/executions";
import { createImages } from "@atelier/aws/dynamo/images";
import { createLedgerStore } from "@atelier/aws/dynamo/ledger";
import { createPacingStore } from "@atelier/aws/dynamo/pacing";
import { createPromptVault } from "@atelier/aws/dynamo/prompts";
import { createRequests } from "@atelier/aws/dynamo/requests";
import { TABLE_DEFINITION } from "@atelier/aws/dynamo/table-definition";
import { createVersions } from "@atelier/aws/dynamo/versions";
import { type Catalogue, type ProviderName, SANDBOX } from "@atelier/core/catalogue";
import type { Clock, RandomBytes } from "@atelier/core/ids";
import { accountReport, installedHealth } from "@atelier/core/installed-health";
import { installedRouting } from "@atelier/core/installed-routing";
import type { PacingReport } from "@atelier/core/pacing";
import { createPacing, jobRunning, limitsIn } from "@atelier/core/pacing-rounds";
import type { Audit, Blobs, PacingStore, PromptVault, TextVault } from "@atelier/core/ports";
import type { Place } from "@atelier/core/privacy";
import type { ReconcileDeps } from "@atelier/core/reconcile";
import { reindex } from "@atelier/core/reindex";
import { DEFAULT_RETENTION, type Retention } from "@atelier/core/retention";
import { localDateOf } from "@atelier/core/schedule";
import type { StoredItem } from "@atelier/core/schema-versions";
import { allInTurn } from "@atelier/core/turns";
import type { Versions } from "@atelier/core/version";
import { webhookPath } from "@atelier/core/webhook";
import { definition } from "@atelier/core/workflow/definition";
import { createImaging } from "@atelier/imaging/open";
import { DEFAULT_RECIPE } from "@atelier/imaging/renditions";
import { createPool } from "@atelier/providers/pool";
import { createProviders } from "@atelier/providers/registry";
import { createOutputFetcher } from "@atelier/providers/safe-url";
import { mirrored } from "./backup.ts";
import { type Configuration, readConfiguration } from "./configuration.ts";
import { type DataFolder, type DataKeys, prepareDataFolder, readDataKeys } from "./data-folder.ts";
import { openEngine } from "./engine.ts";
import type { OpenOptions } from "./facade.ts";
import { createFileBlobs, removeLeftovers } from "./file-blobs.ts";
import { type Gate, openGate } from "./gate.ts";
import { createHandlers, LOCAL_FUNCTIONS, type StepDeps } from "./handlers.ts";
import { loadInstalledCatalogue } from "./installed-catalogue.ts";
import { withOpenedTexts } from "./opened-texts.ts";
import { createOutbox } from "./outbox.ts";
import { openProcessLease } from "./process-lease.ts";
import { openTextVault, rotatePromptKey } from "./prompt-keys.ts";
import { openProvenanceSigner } from "./provenance-key.ts";
import { openSandbox } from "./sandbox-host.ts";
import { readSettings } from "./settings.ts";
import { createStateMachine, type LocalStateMachine } from "./state-machine.ts";
import { type StepListener, watched } from "./step-listener.ts";
import { storageFault } from "./storage-fault.ts";
import { TABLE_NAME } from "./table-name.ts";
import { createVersionWork, type VersionWork } from "./versions.ts";
import { openWebhookServer } from "./webhook-server.ts";
import { ensureFolder } from "./whole-file.ts";

/** On one machine a dead submitter's last bytes arrive at once; five seconds are generous. */
const LOCAL_TIMES = { lostCreateGraceMs: 5_000, checkIntervalMs: 2_000 };

export interface Installation {
  /** Absolute. */
  readonly dataFolder: string;
  readonly folder: DataFolder;
  readonly keys: DataKeys;
  readonly catalogue: Catalogue;
  readonly configuration: Configuration;
  readonly steps: StepDeps;
  readonly gate: Gate;
  /** Versions that are made anew of pictures. */
  readonly versions: Versions;
  readonly versionWork: VersionWork;
  readonly audit: Audit;
  readonly reconciling: ReconcileDeps;
  readonly executions: Executions;
  readonly vault: PromptVault;
  /** For what else people write: sealed before it is stored. */
  readonly texts: TextVault;
  /** Every place that files are kept in, one by one. */
  readonly places: readonly Place[];
  /** Every record as it stood at one moment. */
  snapshot(): AsyncIterable<StoredItem>;
  /** How long things are kept. */
  readonly retention: Retention;
  /** A new key, which encrypts from the next opening on. @returns its number */
  rotatePromptKey(): Promise<number>;
  /** The prompts, opened now: with every key that there is. */
  promptsUnderNewestKey(): Promise<PromptVault>;
  readonly machine: LocalStateMachine;
  readonly pacingStore: PacingStore;
  readonly clock: Clock;
  today(): string;
  /** How a provider's account stands: breaker, quotas, rests. */
  providerState(provider: ProviderName): Promise<PacingReport>;
  /** Told of each step as it begins and ends. */
  onStep(listener: StepListener | null): void;
  /** Told of what stops nothing, but somebody should know. */
  onFault(error: unknown): void;
  close(): Promise<void>;
}

/** @throws AtelierError `ConfigurationInvalid`, `CatalogueInvalid`, `FolderUnusable`, `StorageFull`, before anything starts */
export async function openInstallation(options: OpenOptions): Promise<Installation> {
  const clock: Clock = () => Date.now();
  const randomBytes = (size: number) => new Uint8Array(unpredictable(size));
  const written = options.catalogue ?? (await loadInstalledCatalogue());
  const folder = await prepareDataFolder({ path: options.dataFolder, clock, randomBytes });
  const settings = await readSettings(folder);
  const configuration = readConfiguration({
    provider: options.provider,
    environment: options.environment,
    settings,
    timezone: written.schedule.timezone,
    user: userInfo().username,
    todayIn: (timezone) => localDateOf(clock(), timezone),
    knownProviders: written.providers.map(({ name }) => name),
  });
  // One time zone for calendar, budgets and folders.
  const catalogue = { ...written, schedule: { ...written.schedule, timezone: configuration.timezone } };
  const keys = await readDataKeys(folder);
  const signer = await openProvenanceSigner({ folder, clock, randomBytes });
  const texts = withOpenedTexts(await openTextVault({ folder, randomBytes }));
  const closers: (readonly [what: string, close: () => Promise<void>])[] = [];
  /** The folder is let go of whatever cannot be closed before. */
  const closeAll = () => allInTurn(Object.fromEntries(closers.splice(0).reverse()));
  try {
    const lease = await openProcessLease({ folder: folder.processes, clock, randomBytes });
    closers.push(["lease", lease.close]);
    const report = (error: unknown) => options.onFault?.(error);
    const engine = await openEngine({
      dataFolder: folder,
      table: { TableName: TABLE_NAME, ...TABLE_DEFINITION },
      clock,
      randomBytes,
      onFault: report,
    });
    closers.push(["engine", engine.close]);
    const sandbox = await openSandbox({
      folder,
      engine,
      key: keys.sandboxKey,
      models: catalogue.models,
      clock,
      randomBytes,
      onError: report,
    });
    const dynamo = createDynamo({ client: engine.client, tableName: TABLE_NAME });
    const attempts = createAttempts(dynamo);
    const images = createImages(dynamo, { wordKey: keys.auditKey });
    const reindexing = new AbortController();
    const reindexed = reindex(images, reindexing.signal).catch(report);
    closers.push([
      "reindexing",
      () => {
        reindexing.abort();
        return reindexed;
      },
    ]);
    const requests = createRequests(dynamo);
    const executions = createExecutions(dynamo);
    const ledger = createLedgerStore(dynamo);
    const { blobs, places } = await openBlobs(folder.path, configuration.backupFolder, randomBytes);
    // What killed runs left half-written is invisible: removing it delays nobody.
    if (engine.hosting()) void removeLeftovers({ folder: folder.path, clock }).catch(report);
    const providers = createProviders(
      { ...configuration.providers.settings, sandbox: { ...sandbox } },
      { clock, workflows: catalogue.workflows, transport: createPool() },
    );
    const models = new Map(catalogue.models.map((model) => [model.name, model]));
    const providerOf: StepDeps["providerOf"] = (name) => providers.get(name);
    const modelOf = (name: string) => models.get(name);
    const timezone = configuration.timezone;
    const today = () => localDateOf(clock(), timezone);

    const pacingStore = createPacingStore(dynamo);
    const healthDeps = { catalogue, attempts, pacingStore, clock, timezone };
    const configured = Object.keys(configuration.providers.settings);
    const sellers = configuration.provider === SANDBOX ? [SANDBOX] : configured;
    const classifier = await openClassifier(report);
    if (classifier) closers.push(["classifier", () => classifier.close()]);
    let listener: StepListener | null = null;
    // The steps' workflow is the machine that runs them: it exists a moment later.
    const workflow: Pick<LocalStateMachine, "answer" | "start"> = {
      answer: (token, answer) => machine.answer(token, answer),
      start: (name, input) => machine.start(name, input),
    };
    const receiver = await openWebhookServer(0, {
      attempts,
      workflow,
      blobs,
      providerOf,
      modelOf,
      webhookKey: keys.webhookKey,
      clock,
      onFault: report,
    });
    closers.push(["webhooks", receiver.close]);

    const gate = await openGate(dynamo, keys, { texts, attestations: configuration.attestations });
    const audit = createAudit(dynamo);
    const vault = createPromptVault(dynamo, texts);
    const steps: StepDeps = {
      images,
      attempts,
      requests,
      ledger,
      blobs,
      catalogue,
      workflow,
      providerOf,
      modelOf,
      clock,
      randomBytes,
      timezone,
      vault,
      audit,
      pacing: createPacing({
        store: pacingStore,
        clock,
        limitsOf: limitsIn(catalogue),
        timezone,
        isRunning: jobRunning(attempts),
      }),
      events: createOutbox(folder.path),
      imaging: createImaging({ concurrency: 2, signer }),
      recipe: DEFAULT_RECIPE,
      ...(classifier && { classifier }),
      fetcher: createOutputFetcher(),
      firstLimits: configuration.firstLimits,
      actor: userInfo().username,
      submitter: lease.processId,
      promptKey: keys.auditKey,
      sandboxKey: keys.sandboxKey,
      isBlocked: gate.pictureBlock.isBlocked,
      reviews: gate.reviews,
      providerForOccurrences: configuration.provider,
      health: installedHealth(sellers, healthDeps),
      route: installedRouting({
        catalogue,
        get attestations() {
          return gate.termsAttested();
        },
        on: configured,
        off: configuration.providers.off,
        today,
      }),
      webhookUrlOf: ({ attemptId, provider }) => {
        const base = provider === "sandbox" ? receiver.url : configuration.publicWebhookUrl;
        return base === null ? null : base + webhookPath(provider, attemptId, keys.webhookKey);
      },
    };
    const machine = createStateMachine({
      definition: definition(LOCAL_FUNCTIONS),
      isProven: true,
      handlers: watched(createHandlers(steps), (step) => listener?.(step)),
      executions,
      processId: lease.processId,
      isAlive: lease.isAlive,
      clock,
      // The document's hour of patience with a failing plan is for a cloud that nobody watches.
      overrides: { retryMs: { Plan: 250 } },
    });
    const versions = createVersions(dynamo);
    const versionWork = createVersionWork({
      ...steps,
      versions,
      processId: lease.processId,
      isAlive: lease.isAlive,
      onFault: report,
    });
    closers.push(["state machine", () => machine.stop()], ["versions", () => versionWork.stop()]);
    return {
      dataFolder: folder.path,
      folder,
      keys,
      catalogue,
      configuration,
      steps,
      gate,
      versions,
      versionWork,
      audit,
      executions,
      vault,
      texts,
      places,
      snapshot: engine.snapshot,
      retention: { ...DEFAULT_RETENTION, ...settings.retention },
      rotatePromptKey: () => rotatePromptKey({ folder, randomBytes }),
      promptsUnderNewestKey: async () =>
        createPromptVault(dynamo, await openTextVault({ folder, randomBytes })),
      machine,
      pacingStore,
      clock,
      today,
      reconciling: { ...steps, audit, workflow: machine, times: LOCAL_TIMES },
      providerState: (provider) => accountReport(provider, healthDeps),
      onFault: report,
      onStep(wanted) {
        listener = wanted;
      },
      async close() {
        await closeAll();
      },
    };
  } catch (error) {
    await closeAll().catch((fault: unknown) => options.onFault?.(fault));
    throw error;
  }
}

/** Null where the classifiers are not installed: everything that a real provider made then waits for a person. */
async function openClassifier(onFault: (error: unknown) => void) {
  try {
    const { openInspection } = await import("@atelier/inspection/classifier");
    return openInspection({ onFault });
  } catch (error) {
    onFault(error);
    return null;
  }
}

async function openBlobs(
  folder: string,
  backup: string | null,
  randomBytes: RandomBytes,
): Promise<{ blobs: Blobs; places: Place[] }> {
  const blobs = createFileBlobs({ folder, randomBytes });
  const places = [{ name: folder, blobs }];
  if (backup === null) return { blobs, places };
  await ensureFolder(files, backup).catch((error: unknown) => {
    throw storageFault(error, backup);
  });
  const copies = createFileBlobs({ folder: backup, randomBytes });
  return { blobs: mirrored(blobs, copies), places: [...places, { name: backup, blobs: copies }] };
}
