/** @module The port `Atelier` without engines: it answers what a test gives it and remembers what it was asked. */
import type { AlarmReport } from "@atelier/core/alarms";
import { AtelierError } from "@atelier/core/errors";
import type { ModelMetrics } from "@atelier/core/metrics";
import type { PlannedEntry } from "@atelier/core/plan-report";
import type { ReviewDocument } from "@atelier/core/review-document";
import type { VersionDocument } from "@atelier/core/version-document";
import type { Atelier } from "@atelier/local/facade";
import { CATALOGUE, imageNumbered, purchaseOf, variation } from "./documents.ts";

export interface AtelierInMemory extends Atelier {
  /** Method and arguments, in order; progress callbacks and signals are left out. */
  readonly calls: readonly (readonly unknown[])[];
}

const REVIEWED: ReviewDocument = {
  image_id: imageNumbered(0).image_id,
  status: "quarantined",
  category: "feet",
  rating: "general",
  rating_seen: "suggestive",
  sealed: false,
  priority: true,
  reason: "A person has to look at it.",
  votes: [{ action: "release", rating: "suggestive", by: "ada" }],
  pending: null,
  created_at: "2026-11-22T05:00:00.000Z",
  preview: "quarantine/preview.webp",
};

const QUIET: AlarmReport = {
  alarm: "budget-100",
  state: "ok",
  severity: "critical",
  sinceMs: null,
  provider: null,
  model: null,
  facts: {},
  runbook: "docs/operations.md#budget-100",
  message: "A budget is used up.",
};
const RINGING: AlarmReport = {
  ...QUIET,
  alarm: "consecutive-failures",
  state: "ringing",
  sinceMs: Date.parse("2026-11-22T05:00:00Z"),
  provider: "replicate",
  model: "sdxl",
  facts: { failures: 4 },
  runbook: "docs/operations.md#consecutive-failures",
  message: "The last 4 attempts failed.",
};
const MEASURED: ModelMetrics = {
  provider: "replicate",
  model: "sdxl",
  count: 4,
  successRate: 0.75,
  p50Seconds: 8,
  p95Seconds: 12.5,
  costMicros: 25_200,
  quality: null,
};

export function versionNumbered(version: number, fields: Partial<VersionDocument> = {}): VersionDocument {
  return {
    image_id: imageNumbered(0).image_id,
    version,
    current: false,
    state: "ready",
    recipe: { upscale: version === 1 ? null : 2, enhance: null },
    renditions: imageNumbered(0).renditions,
    failure: null,
    created_at: "2026-11-22T05:00:00.000Z",
    finished_at: "2026-11-22T05:00:01.000Z",
    ...fields,
  };
}

export function atelierInMemory(answers: Partial<Atelier> = {}): AtelierInMemory {
  const calls: unknown[][] = [];
  const asked =
    <Given extends unknown[], Answer>(name: string, answer: (...given: Given) => Answer) =>
    (...given: Given): Answer => {
      calls.push([name, ...given.filter((value) => !isRunOptions(value))]);
      return answer(...given);
    };
  const planned: PlannedEntry[] = [
    {
      occurrenceId: "sunday_feet@2026-11-22",
      entry: "sunday_feet",
      scheduledAt: "2026-11-22T05:00:00.000Z",
      action: "generate",
      category: "feet",
      count: 1,
      variations: [variation({ occurrence: "sunday_feet@2026-11-22" })],
    },
  ];
  const methods: Omit<Atelier, "dataFolder" | "catalogue"> = {
    today: () => "2026-11-22",
    plan: async () => planned,
    runPlan: async () => [imageNumbered(0)],
    previewGenerate: async () => [variation()],
    generate: async () => [imageNumbered(0)],
    previewCustom: async (prompts) => prompts.map(() => variation({ template: null, category: "custom" })),
    custom: async (prompts) => prompts.map((_, index) => imageNumbered(index, { template: null })),
    async *images() {
      yield imageNumbered(0);
    },
    async *requests() {},
    async show(imageId) {
      if (imageId !== imageNumbered(0).image_id)
        throw new AtelierError("UnknownName", "There is no such image.");
      return { ...imageNumbered(0), purchases: [purchaseOf(imageNumbered(0))] };
    },
    cancel: async () => ({ images: [imageNumbered(0, { status: "cancelled" })], running: [] }),
    alerts: async () => [RINGING, QUIET],
    metrics: asked("metrics", async () => ({ sinceMs: 0, partial: [], models: [MEASURED] })),
    proveBudget: async () => ({
      account: "sandbox",
      month: "2026-11",
      attempts: 1,
      counters: [
        {
          scope: "day",
          period: "2026-11-22",
          limitMicros: 10_000_000,
          remainingMicros: 9_950_000,
          spentMicros: 50_000,
          heldMicros: 0,
          differenceMicros: 0,
        },
      ],
      leakedHolds: [],
      isProved: true,
    }),
    resume: async () => [],
    models: async () => [
      {
        name: "sdxl",
        provider: "replicate",
        version: "0".repeat(64),
        listMicros: 50_000,
        mostMicros: 80_000,
        offered: true,
        reason: "",
        ratings: [
          {
            rating: "general",
            allowed: true,
            reason: "",
            date: "2026-11-20",
            source: "https://example.com/terms",
          },
          {
            rating: "nudity",
            allowed: false,
            reason: "the terms are unclear",
            date: "2026-11-20",
            source: "",
          },
        ],
        typicalSeconds: 6,
        sizes: "512 to 1024",
        health: {
          provider: "replicate",
          model: "sdxl",
          ended: 12,
          successRate: 0.75,
          p50Seconds: 6.5,
          p95Seconds: 9,
          consecutiveFailures: 2,
          spentMicros: 600_000,
          meanCostMicros: 50_000,
          meanQuality: 81,
          problem: null,
        },
        account: {
          circuit: "half-open",
          openUntilMs: Date.UTC(2026, 10, 22, 5),
          day: { used: 80, limit: 100 },
          month: { used: 80, limit: null },
          running: 1,
          restUntilMs: null,
        },
        probed: { served: "available", balanceMicros: 12_500_000, said: "" },
      },
    ],
    budget: async () => [
      {
        scope: "day",
        period: "2026-11-22",
        limit: 10,
        remaining: 9.95,
        spent: 0.05,
        held: 0,
        resets_at: "2026-11-22T23:00:00.000Z",
      },
    ],
    setBudget: async () => [],
    audit: async () => [
      {
        auditId: "a1",
        subject: imageNumbered(0).image_id,
        kind: "bought",
        phase: "done",
        attemptId: `${imageNumbered(0).image_id}-1`,
        atMs: Date.UTC(2026, 10, 22, 5, 0, 1),
        by: "cli",
        facts: { model: "sdxl", cost: 0.05, rule: null },
      },
    ],
    async *verifyAudit() {
      yield { subject: imageNumbered(0).image_id, entries: 3, head: "a".repeat(64), problems: [] };
    },
    async *exportAudit() {},
    exportLibrary: async () => {
      throw new Error("Nothing is exported here.");
    },
    privacy: {
      async *export(subject) {
        yield { kind: "image", imageId: subject };
      },
      erase: async (subject) => ({
        subject,
        images: [subject],
        prompts: 1,
        files: [{ place: "/data", key: "content/a.jpg", bytes: 1, sha256: "0", contentType: "image/jpeg" }],
        auditEntries: 2,
        places: ["/data"],
        left: [],
      }),
      sweep: async () => ({ images: [imageNumbered(0).image_id], files: 2 }),
      rotateKeys: async () => ({ key: 2, renewed: 1, kept: 0 }),
    },
    versions: {
      list: async () => [versionNumbered(1, { current: true }), versionNumbered(2)],
      make: async (_imageId, { upscale = null, enhance = null }) =>
        versionNumbered(2, { recipe: { upscale, enhance } }),
      choose: async (_imageId, version) => imageNumbered(0, { version }),
    },
    review: {
      list: async () => [REVIEWED],
      show: async () => ({
        ...REVIEWED,
        evidence: {
          decision: "quarantined",
          basis: "classifier",
          classifier: "a test's",
          scores: { suggestive: 0.5, nudity: 0.1, explicit: 0, other: 0 },
          thresholds: { holdScore: 0.4 },
          faces: [{ score: 0.9, age_years: 22.4 }],
        },
        files: [{ name: "preview", path: "quarantine/preview.webp" }],
        waiting: [{ by: "ada", at: "2026-11-22T05:00:00.000Z", reason: "an adult" }],
        history: [
          {
            action: "rate",
            from_rating: "general",
            rating: "suggestive",
            at: "2026-11-22T05:00:00.000Z",
            said: [{ by: "ada", at: "2026-11-22T05:00:00.000Z", reason: "" }],
          },
        ],
      }),
      decide: async ({ action }) => ({ image: REVIEWED, isAwaiting: action === "unseal" }),
      callers: async () => [
        {
          caller: "ada",
          state: "waits",
          refusals: 5,
          retry_at: "2026-11-22T05:00:02.000Z",
          suspended_at: null,
          lifted: null,
        },
      ],
      lift: async () => {},
    },
    attest: {
      list: async () => [
        {
          kind: "terms",
          provider: "a1111",
          rating: "nudity",
          by: "ada",
          date: "2026-11-22",
          how: "said on the command line",
        },
      ],
      terms: async ({ provider, rating, how }) => ({
        kind: "terms",
        provider,
        rating,
        how,
        by: "ada",
        date: "2026-11-22",
      }),
      age: async ({ viewer, how }) => ({
        kind: "age",
        viewer: viewer ?? "ada",
        how,
        by: "ada",
        at: "2026-11-22T05:00:00.000Z",
        until: "2027-11-22T05:00:00.000Z",
        valid: true,
      }),
      withdrawTerms: async () => true,
      withdrawAge: async () => false,
      expiring: async () => [],
    },
    serve: async ({ port }) => ({ url: `http://127.0.0.1:${port}`, token: "a.b.c", close: async () => {} }),
    contactSheet: async () => "content/contact-sheet.jpg",
    close: async () => {},
  };
  const recorded = Object.entries({ ...methods, ...answers }).map(([name, method]) => [
    name,
    typeof method === "function" ? asked(name, method as (...given: unknown[]) => unknown) : method,
  ]);
  return { dataFolder: "/data", catalogue: CATALOGUE, ...Object.fromEntries(recorded), calls };
}

function isRunOptions(value: unknown): boolean {
  return typeof value === "object" && value !== null && "signal" in value;
}
