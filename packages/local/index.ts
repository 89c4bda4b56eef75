/** @module Atelier on this machine: opens a data folder and answers what a program can ask of it. */
import { exportAudit, verifyAudit } from "@atelier/core/audit-trail";
import { budgetReport, changeBudget } from "@atelier/core/budget";
import { proveBudget } from "@atelier/core/budget-verify";
import { cancelImage, cancelRequest } from "@atelier/core/cancel";
import { SANDBOX } from "@atelier/core/catalogue";
import { type ImageDocument, imageDocument, purchaseDocument } from "@atelier/core/document";
import { AtelierError } from "@atelier/core/errors";
import { HEALTH_WINDOW_MS } from "@atelier/core/health";
import type { Image } from "@atelier/core/image";
import { metricsSince } from "@atelier/core/metrics";
import { type ModelReportDeps, modelReports } from "@atelier/core/model-report";
import { requestSummaries } from "@atelier/core/request-progress";
import { instantOf } from "@atelier/core/schedule";
import { alertDepsOf, lookAtAlarms } from "./alerts.ts";
import { createAttestDesk } from "./attest-desk.ts";
import { writeContactSheet } from "./contact-sheets.ts";
import type { Atelier, OpenOptions, RunOptions } from "./facade.ts";
import { type Installation, openInstallation } from "./installation.ts";
import { planOf, runPlanOf } from "./planned.ts";
import { privacyOf } from "./privacy.ts";
import { reportProgress } from "./progress.ts";
import { previewCustom, previewGenerate, produceCustom, produceGenerate } from "./requests.ts";
import { createReviewDesk } from "./review-desk.ts";
import { resumeAll, settleBooks, withBackstop } from "./runs.ts";
import { subjectOf } from "./token.ts";
import { createVersionDesk } from "./versions.ts";

export type { Atelier, OpenOptions } from "./facade.ts";

const PAGE_SIZE = 100;

/** What is known of models. */
function reporting({ steps, gate, configuration, today, providerState }: Installation): ModelReportDeps {
  return {
    ...steps,
    today,
    providerState,
    provider: configuration.provider,
    providersOff: configuration.providers.off,
    termsAttested: async () => gate.termsAttested(),
  };
}

function noImage(id: string): AtelierError {
  return new AtelierError("UnknownName", `There is no image "${id}" here; \`atelier images\` lists them.`);
}

/**
 * Opens a data folder: reads the catalogue and the configuration, joins or hosts the engine.
 *
 * @throws AtelierError `CatalogueInvalid`, `ConfigurationInvalid`, `UsageError`, `UnknownName`, `FolderUnusable`,
 * `StorageFull`; nothing is started with a bad file or setting
 */
export async function openAtelier(options: OpenOptions): Promise<Atelier> {
  const installation = await openInstallation(options);
  const { steps, today } = installation;
  const account = installation.configuration.provider === "sandbox" ? "sandbox" : "real";

  const documentOf = async (image: Image): Promise<ImageDocument> =>
    imageDocument(image, await steps.vault.get(image.imageId));
  const documentsOf = (images: readonly Image[]) => Promise.all(images.map(documentOf));

  /** Runs some work with progress and backstop, and answers the documents of its images. */
  async function produced<T>(run: RunOptions, work: () => Promise<T>): Promise<T> {
    const stop = reportProgress(installation, run, documentOf);
    try {
      return await withBackstop(installation, work());
    } finally {
      stop();
    }
  }

  return {
    dataFolder: installation.dataFolder,
    catalogue: installation.catalogue,
    today,
    plan: (date) => planOf(date, installation),
    runPlan: (date, run) => produced(run, async () => documentsOf(await runPlanOf(date, run, installation))),
    previewGenerate: async (generate) => previewGenerate(generate, installation),
    generate: (generate, run) =>
      produced(run, async () => documentsOf(await produceGenerate(generate, run, installation))),
    previewCustom: async (prompts) => previewCustom(prompts, installation),
    custom: (prompts, limits, run) =>
      produced(run, async () =>
        Promise.all(
          (await produceCustom(prompts, limits, run, installation)).map((one) =>
            "imageId" in one ? documentOf(one) : one,
          ),
        ),
      ),
    async *images(filter) {
      const { since, until, limit, ...rest } = filter;
      const { timezone } = installation.configuration;
      const query = {
        ...rest,
        ...(since !== undefined && { sinceMs: instantOf(since, "00:00", timezone) }),
        ...(until !== undefined && { untilMs: instantOf(dayAfter(until), "00:00", timezone) }),
      };
      let cursor: string | null | undefined;
      for (let left = limit; left > 0 && cursor !== null; ) {
        const page = await steps.images.list(query, {
          limit: Math.min(PAGE_SIZE, left),
          ...(cursor === undefined ? {} : { cursor }),
        });
        for (const image of page.items) yield documentOf(image);
        left -= page.items.length;
        cursor = page.cursor;
      }
    },
    async *requests({ status, limit }) {
      const askedBy = [null, subjectOf(steps.actor)];
      let left = limit;
      for (let cursor: string | null | undefined; left > 0 && cursor !== null; ) {
        const page = await steps.requests.list(
          { askedBy },
          { limit: Math.min(PAGE_SIZE, left), ...(cursor !== undefined && { cursor }) },
        );
        for (const summary of await requestSummaries(page.items, steps)) {
          if (status !== undefined && summary.status !== status) continue;
          yield summary;
          left--;
        }
        cursor = page.cursor;
      }
    },
    async show(imageId) {
      const image = await steps.images.get(imageId);
      if (!image) throw noImage(imageId);
      const purchases = (await steps.attempts.ofImage(imageId)).map(purchaseDocument);
      return { ...(await documentOf(image)), purchases };
    },
    async cancel(id) {
      const request = await steps.requests.get(id);
      const image = request ? undefined : await steps.images.get(id);
      const report = request
        ? await cancelRequest(request, steps)
        : image && (await cancelImage(image, steps));
      if (!report) throw noImage(id);
      const { cancelled, running } = report;
      // It is cancelled; what fails of the books may be somebody else's.
      await settleBooks(installation).catch(installation.onFault);
      return { images: await documentsOf(cancelled), running: running.map(({ attemptId }) => attemptId) };
    },
    resume: (run) => produced(run, async () => documentsOf(await resumeAll(installation, run.signal))),
    alerts: () => lookAtAlarms(alertDepsOf(installation)),
    metrics: (since) => {
      const { timezone } = installation.configuration;
      const sinceMs =
        since === null ? installation.clock() - HEALTH_WINDOW_MS : instantOf(since, "00:00", timezone);
      return metricsSince(sinceMs, steps);
    },
    models: ({ probe }) => modelReports(reporting(installation), probe ? steps.providerOf : null),
    budget: () => budgetReport(account, today(), steps),
    async setBudget(scope, limitMicros) {
      await changeBudget({ account, localDate: today(), scope, limitMicros }, steps);
      return budgetReport(account, today(), steps);
    },
    proveBudget: () => {
      const month = today().slice(0, 7);
      const providers = installation.catalogue.providers
        .map(({ name }) => name)
        .filter((name) => (name === SANDBOX) === (account === "sandbox"));
      const monthStartMs = instantOf(`${month}-01`, "00:00", installation.configuration.timezone);
      return proveBudget(
        { account, month, providers, monthStartMs, today: today(), nowMs: installation.clock() },
        steps,
      );
    },
    audit: async (subject, limit) =>
      subject === null
        ? (await installation.audit.list({ limit })).items
        : (await installation.audit.ofSubject(subject)).slice(-limit),
    verifyAudit: (subject) => verifyAudit(subject, installation),
    exportAudit: (subject) => exportAudit(subject, installation),
    privacy: privacyOf(installation),
    async exportLibrary(target, exporting) {
      // Loaded by whoever exports: no other command waits for it.
      const { exportLibrary } = await import("./library-export.ts");
      const { dataFolder, clock, snapshot } = installation;
      const { blobs, randomBytes } = steps;
      return exportLibrary(target, exporting, { dataFolder, clock, snapshot, blobs, randomBytes });
    },
    review: createReviewDesk(installation),
    versions: createVersionDesk(installation, documentOf),
    attest: createAttestDesk(installation),
    async serve(serving) {
      // The API is loaded by who serves it.
      const { openServing } = await import("./serve.ts");
      return openServing(installation, serving, (error) => options.onFault?.(error));
    },
    contactSheet: (images) => writeContactSheet(images, installation),
    close: installation.close,
  };
}

function dayAfter(day: string): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + 24 * 60 * 60 * 1000).toISOString().slice(0, 10);
}
