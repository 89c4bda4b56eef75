/** @module A well-formed call of each operation: what would be done if nothing were wrong with it. Attacks spoil one thing of it. */

import { afterEvent, UNRESTRAINED } from "@atelier/core/caller-restraint";
import { occurrenceRequestId } from "@atelier/core/ids";
import { ATTACKER, PLANTED, type Stage, VICTIM } from "./stage.ts";

export interface Call {
  /** From the root, encoded. */
  readonly path: string;
  readonly json?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface WellFormed {
  /** Its own records each time: calls may use them up. */
  prepare(stage: Stage): Promise<Call>;
  /** The same for what belongs to somebody else; null where everything is everybody's who has the scope. */
  readonly foreign: ((stage: Stage) => Promise<Call>) | null;
}

type Records = (stage: Stage, askedBy: string) => Promise<Call>;

const owned = (make: Records): WellFormed => ({
  prepare: (stage) => make(stage, ATTACKER),
  foreign: (stage) => make(stage, VICTIM),
});
const everybodys = (make: Records): WellFormed => ({
  prepare: (stage) => make(stage, VICTIM),
  foreign: null,
});
const plain = (path: string, json?: unknown): WellFormed => everybodys(async () => ({ path, json }));

const ofImage = (suffix: string): WellFormed =>
  owned(async (stage, askedBy) => {
    const { imageId } = await stage.image(askedBy);
    return { path: `/v1/images/${imageId}${suffix}` };
  });
const ofFiled = (suffix: string, json?: unknown): WellFormed =>
  owned(async (stage, askedBy) => {
    const { imageId } = await stage.filedImage(askedBy, "completed");
    return { path: `/v1/images/${imageId}${suffix}`, json };
  });
const ofRequest = (suffix: string): WellFormed =>
  owned(async (stage, askedBy) => {
    const { requestId } = await stage.request(askedBy);
    return { path: `/v1/requests/${requestId}${suffix}` };
  });
const waiting = (path: (imageId: string) => string, json?: unknown): WellFormed =>
  everybodys(async (stage, askedBy) => {
    const { imageId } = await stage.filedImage(askedBy, "quarantined");
    return { path: path(imageId), json };
  });

const OCCURRENCE = "sunday@2026-11-22";

export const CALLS: Readonly<Record<string, WellFormed>> = {
  createRequest: plain("/v1/requests", { category: "weekend_special", template: "still_life", count: 1 }),
  listRequests: plain("/v1/requests"),
  getRequest: ofRequest(""),
  cancelRequest: ofRequest("/cancel"),
  watchRequest: ofRequest("/events"),
  listImages: plain("/v1/images"),
  getImage: ofImage(""),
  deleteImage: ofImage(""),
  getRendition: ofImage("/renditions/preview"),
  getContent: everybodys(async (stage, askedBy) => {
    const { imageId } = await stage.filedImage(askedBy, "completed");
    const answer = await stage.api.call(`/v1/images/${imageId}/renditions/preview`, { as: askedBy });
    const { url } = (await answer.json()) as { url: string };
    return { path: new URL(url).pathname };
  }),
  requestVersion: ofFiled("/versions", { enhance: "strong" }),
  listVersions: ofFiled("/versions"),
  getVersion: ofFiled("/versions/1"),
  chooseVersion: ofFiled("/versions/1/current"),
  listReviews: plain("/v1/reviews"),
  getReview: waiting((imageId) => `/v1/reviews/${imageId}`),
  reviewImage: waiting((imageId) => `/v1/images/${imageId}/review`, {
    action: "rate",
    rating: "general",
    reason: PLANTED.note,
  }),
  listCallers: plain("/v1/callers"),
  liftCaller: everybodys(async ({ api }, caller) => {
    const record = await api.deps.callers.get(caller);
    const restraint = Array.from({ length: 20 }).reduce<typeof UNRESTRAINED>(
      (state) => afterEvent(state, { kind: "refused" }, api.clock()),
      UNRESTRAINED,
    );
    await api.deps.callers.write({ caller, revision: (record?.revision ?? 0) + 1, restraint });
    return { path: `/v1/callers/${caller}/lift`, json: { reason: PLANTED.note } };
  }),
  listCategories: plain("/v1/categories"),
  listTemplates: plain("/v1/templates"),
  getTemplate: plain("/v1/templates/still_life"),
  previewTemplate: plain("/v1/templates/still_life/preview"),
  listModels: plain("/v1/models"),
  listTerms: plain("/v1/terms"),
  listBudgets: plain("/v1/budgets"),
  setBudget: plain("/v1/budgets/month", { limit: 150 }),
  getPlan: plain("/v1/plan?date=2026-11-22"),
  listOccurrences: plain("/v1/occurrences"),
  getOccurrence: everybodys(async ({ api }) => {
    const scheduledAtMs = Date.UTC(2026, 10, 22, 5);
    await api.deps.requests.occurrences.putIfAbsent({
      occurrenceId: OCCURRENCE,
      entry: "sunday",
      localDate: "2026-11-22",
      scheduledAtMs,
      requestId: occurrenceRequestId(OCCURRENCE, scheduledAtMs),
      category: "weekend_special",
      count: 2,
    });
    return { path: `/v1/occurrences/${encodeURIComponent(OCCURRENCE)}` };
  }),
  listAudit: plain("/v1/audit"),
  proveAudit: everybodys(async (stage, askedBy) => {
    const { imageId } = await stage.image(askedBy);
    await stage.api.deps.audit.write({
      auditId: `audit_${imageId}`,
      subject: imageId,
      kind: "asked",
      phase: "done",
      attemptId: null,
      atMs: stage.api.clock(),
      by: askedBy,
      facts: {},
    });
    return { path: `/v1/audit/${imageId}/proof` };
  }),
  listAttestations: plain("/v1/attestations"),
  exportSubject: everybodys(async (stage, askedBy) => ({
    path: `/v1/privacy/${(await stage.image(askedBy)).imageId}`,
  })),
  eraseSubject: everybodys(async (stage, askedBy) => ({
    path: `/v1/privacy/${(await stage.image(askedBy)).imageId}`,
  })),
  getMetrics: plain("/v1/metrics"),
  getHealth: plain("/v1/health"),
};

/** @throws Error for an operation that has none: whoever adds a route adds its call here */
export function callOf(operationId: string): WellFormed {
  const call = CALLS[operationId];
  if (!call) throw new Error(`There is no call of ${operationId} in test/hostile/calls.ts.`);
  return call;
}
