/**
 * @module What is measured: every metric by name, unit and dimensions, and who writes it; and the figures of each model, derived
 * from its attempts. Dimensions hold names of the catalogue and of the error table alone, so their number is bounded.
 */
import type { Attempt } from "./attempt.ts";
import { chargedMicros, endedOf, percentile, secondsOf } from "./health.ts";
import { type Micros, usdFromMicros } from "./money.ts";
import { all } from "./pages.ts";
import type { Attempts } from "./ports.ts";

// ---------------------------------------------------------------------------------------------- what is measured

/** `provider` and `model` are names of the catalogue, `reason` one of the error table, `scope` is `day` or `month`. */
export type MetricDimension = "provider" | "model" | "reason" | "scope";

interface MetricEntry {
  readonly unit: "Count" | "Seconds" | "Percent" | "None";
  /** Sets of dimensions that it is kept by, each beside `service`. */
  readonly by: readonly (readonly MetricDimension[])[];
  /** The service that it stands under: a function, or `images` for what several functions tell about images. */
  readonly service: "images" | "reconcile" | "process" | "webhook";
  readonly meaning: string;
}

const entry = (
  service: MetricEntry["service"],
  unit: MetricEntry["unit"],
  by: MetricEntry["by"],
  meaning: string,
): MetricEntry => ({ service, unit, by, meaning });

const BARE: MetricEntry["by"] = [[]];
const BY_MODEL: MetricEntry["by"] = [["provider", "model"]];
const BY_PROVIDER: MetricEntry["by"] = [["provider"]];

/** Each name costs by the month and by each combination of its dimensions that was seen: what people look at or alarms watch. */
export const METRICS = {
  // Told with the end of an image, once, by whichever function ends it.
  ImagesCompleted: entry("images", "Count", BARE, "Images that were released."),
  ImagesQuarantined: entry("images", "Count", BARE, "Images that wait for a person."),
  ImagesRejected: entry("images", "Count", BARE, "Images that policy, terms or a verdict refused."),
  ImagesFailed: entry("images", "Count", BARE, "Images that ended without a picture."),
  AttemptsPerImage: entry("images", "Count", BARE, "Attempts that an image took."),
  GenerationSeconds: entry(
    "images",
    "Seconds",
    [["provider", "model"], ["provider"]],
    "From the create to the picture at the provider.",
  ),
  QueueSeconds: entry("images", "Seconds", BY_PROVIDER, "From planning an image to the create that made it."),
  Quality: entry("images", "None", BY_MODEL, "Measured quality, 0 to 100."),
  CostUsd: entry("images", "None", BY_MODEL, "What an image's attempts were charged, in US dollars."),
  AttemptsSucceeded: entry("images", "Count", BY_MODEL, "Attempts that brought a picture."),
  AttemptsFailed: entry("images", "Count", BY_MODEL, "Attempts that brought none."),
  Failures: entry(
    "images",
    "Count",
    [["reason"]],
    "Failed attempts, and images that failed without one, by error name.",
  ),
  RequestsWithoutPictures: entry("images", "Count", BARE, "Requests that ended without a single picture."),

  // Told by each pass of the reconciler.
  AttemptsOpen: entry("reconcile", "Count", BARE, "Attempts whose outcome is not known yet."),
  AttemptsLearned: entry("reconcile", "Count", BARE, "Attempts whose outcome the reconciler learned."),
  AttemptsGivenUp: entry("reconcile", "Count", BARE, "Attempts booked as charged because nobody can tell."),
  PartsRestarted: entry("reconcile", "Count", BARE, "Parts started again because their owner had ended."),
  ProvidersUnreachable: entry("reconcile", "Count", BARE, "Providers that did not answer."),
  ProvidersClosed: entry("reconcile", "Count", BARE, "Providers that nothing is bought from now."),
  ConsecutiveFailures: entry(
    "reconcile",
    "Count",
    [["provider", "model"], []],
    "Failed attempts in a row, by faults of the provider; without dimensions the worst.",
  ),
  BudgetShare: entry("reconcile", "Percent", [["scope"]], "Spent and held, of the limit."),
  QuotaShare: entry(
    "reconcile",
    "Percent",
    BY_PROVIDER,
    "Creates, of the provider's quota of the day or month.",
  ),
  HeldTooLong: entry(
    "reconcile",
    "Count",
    BARE,
    "Attempts whose money is still held an hour after their deadline.",
  ),
  PartsStuck: entry("reconcile", "Count", BARE, "Parts of requests that have been open for a day."),
  ReconcilerLagSeconds: entry(
    "reconcile",
    "Seconds",
    BARE,
    "How long the job that was asked about longest ago has waited.",
  ),

  ClassifierFailed: entry("process", "Count", BARE, "Pictures that Rekognition did not judge."),
  WebhookLagSeconds: entry(
    "webhook",
    "Seconds",
    BY_PROVIDER,
    "From sending a notification, as the provider dates it, to its arrival.",
  ),
} as const satisfies Record<string, MetricEntry>;

export type MetricName = keyof typeof METRICS;
export const METRIC_NAMES = Object.keys(METRICS) as MetricName[];

export type MetricDimensions = Readonly<Partial<Record<MetricDimension, string>>>;

/** One value of one metric. */
export interface Measurement {
  readonly name: MetricName;
  readonly value: number;
  readonly dimensions?: MetricDimensions;
}

/** What dimensions may name: anything else counts as `other`, so that no text ever makes a metric of its own. */
export interface KnownNames {
  readonly providers: ReadonlySet<string>;
  readonly models: ReadonlySet<string>;
}

export function knownNames(offers: {
  readonly providers: readonly { readonly name: string }[];
  readonly models: readonly { readonly name: string }[];
}): KnownNames {
  const namesOf = (list: readonly { readonly name: string }[]) => new Set(list.map(({ name }) => name));
  return { providers: namesOf(offers.providers), models: namesOf(offers.models) };
}

export function bounded(measurements: readonly Measurement[], known: KnownNames): Measurement[] {
  const orOther = (name: string, names: ReadonlySet<string>) => (names.has(name) ? name : "other");
  return measurements.map((measurement) => {
    const { provider, model, ...others } = measurement.dimensions ?? {};
    const dimensions = {
      ...(provider !== undefined && { provider: orOther(provider, known.providers) }),
      ...(model !== undefined && { model: orOther(model, known.models) }),
      ...others,
    };
    return { ...measurement, dimensions };
  });
}

// ---------------------------------------------------------------------------------------------- figures of the models

/** So many of a provider's newest attempts are looked at. */
export const METRICS_ATTEMPTS_MAX = 10_000;

export interface ModelMetrics {
  readonly provider: string;
  readonly model: string;
  /** Attempts that ended with a picture or by a fault of the provider. */
  readonly count: number;
  /** 0 to 1; null before the first has ended. */
  readonly successRate: number | null;
  /** From the create to the outcome, of successes, by nearest rank; null with none. */
  readonly p50Seconds: number | null;
  readonly p95Seconds: number | null;
  /** Settled and corrected, all attempts, those that were cancelled too. */
  readonly costMicros: Micros;
  /** Mean of the pictures that were measured, 0 to 100; null with none. */
  readonly quality: number | null;
}

export interface MetricsReport {
  readonly sinceMs: number;
  /** One for each provider and model that has attempts, in order of their names. */
  readonly models: readonly ModelMetrics[];
  /** Providers with more attempts than were looked at: of these the figures are of the newest 10,000. */
  readonly partial: readonly string[];
}

/**
 * How each model has done since a time: what `atelier metrics` and `GET /v1/metrics` show. What counts as ended, fault and time
 * is as for the health that routing goes by.
 */
export async function metricsSince(
  sinceMs: number,
  deps: {
    readonly catalogue: { readonly providers: readonly { readonly name: string }[] };
    readonly attempts: Pick<Attempts, "ofProvider">;
  },
): Promise<MetricsReport> {
  const partial: string[] = [];
  const lists = await Promise.all(
    deps.catalogue.providers.map(async ({ name }) => {
      const found: Attempt[] = [];
      for await (const attempt of all((page) => deps.attempts.ofProvider(name, sinceMs, page))) {
        if (found.length === METRICS_ATTEMPTS_MAX) {
          partial.push(name);
          break;
        }
        found.push(attempt);
      }
      return found;
    }),
  );
  return { sinceMs, models: metricsOf(lists.flat()), partial: partial.sort() };
}

/** @param attempts of any providers and models, in any order */
export function metricsOf(attempts: readonly Attempt[]): ModelMetrics[] {
  return byModel(attempts).map(({ provider, model, attempts: own }) => {
    const ended = endedOf(own);
    const successes = ended.filter(({ outcome }) => outcome.kind === "succeeded");
    const seconds = successes.map(secondsOf).sort((one, other) => one - other);
    const qualities = successes.flatMap(({ attempt }) => (attempt.quality === null ? [] : [attempt.quality]));
    return {
      provider,
      model,
      count: ended.length,
      successRate: ended.length === 0 ? null : successes.length / ended.length,
      p50Seconds: percentile(seconds, 0.5),
      p95Seconds: percentile(seconds, 0.95),
      costMicros: own.reduce((sum, attempt) => sum + chargedMicros(attempt), 0),
      quality:
        qualities.length === 0 ? null : qualities.reduce((sum, each) => sum + each, 0) / qualities.length,
    };
  });
}

/** Attempts by provider and model, in order of these names. */
export function byModel(
  attempts: readonly Attempt[],
): { readonly provider: string; readonly model: string; readonly attempts: readonly Attempt[] }[] {
  const groups = new Map<string, Attempt[]>();
  for (const attempt of attempts) {
    const key = `${attempt.provider} ${attempt.model}`;
    const group = groups.get(key);
    if (group) group.push(attempt);
    else groups.set(key, [attempt]);
  }
  return [...groups]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .flatMap(([, group]) =>
      group[0] ? [{ provider: group[0].provider, model: group[0].model, attempts: group }] : [],
    );
}

/** As `atelier metrics --json` and the API show it; US dollars, seconds. */
export function metricsDocument(metrics: ModelMetrics) {
  return {
    provider: metrics.provider,
    model: metrics.model,
    count: metrics.count,
    success_rate: metrics.successRate,
    seconds_p50: metrics.p50Seconds,
    seconds_p95: metrics.p95Seconds,
    cost: usdFromMicros(metrics.costMicros),
    quality: metrics.quality,
  };
}
