/**
 * @module What operators give their word for: the terms of their own account or machine at a provider, and that a viewer is
 * an adult. Stored with who, how, when and until when; audited; each expires.
 */
import * as z from "zod";
import { type AuditDeps, audited } from "./audit.ts";
import { type Catalogue, providerNameSchema, type Rating, ratingSchema, SANDBOX } from "./catalogue.ts";
import { AtelierError } from "./errors.ts";
import { eventIdOf } from "./ids.ts";
import type { Events } from "./ports.ts";
import type { Attestation } from "./terms.ts";

const saidSchema = {
  /** Who gives their word: the operating system's user, or a token's subject. */
  by: z.string().min(1).max(200),
  /** How they know, in their words. */
  how: z.string().min(1).max(500),
  atMs: z.int(),
};

/** One per provider and rating: the latest counts. */
export const termsAttestationSchema = z.object({
  ...saidSchema,
  provider: providerNameSchema,
  rating: ratingSchema,
  /** yyyy-mm-dd; it counts as long as terms in the catalogue do. */
  date: z.string(),
});
export type TermsAttestation = z.infer<typeof termsAttestationSchema>;

/** One per viewer: the latest counts. */
export const ageAttestationSchema = z.object({
  ...saidSchema,
  /** Whose age: a token's subject, or the operating system's user. */
  viewer: z.string().min(1).max(200),
  untilMs: z.int(),
});
export type AgeAttestation = z.infer<typeof ageAttestationSchema>;

export interface AttestationStore {
  terms(): Promise<readonly TermsAttestation[]>;
  putTerms(attestation: TermsAttestation): Promise<void>;
  /** True when there was one. */
  removeTerms(provider: string, rating: Rating): Promise<boolean>;
  ages(): Promise<readonly AgeAttestation[]>;
  age(viewer: string): Promise<AgeAttestation | undefined>;
  putAge(attestation: AgeAttestation): Promise<void>;
  removeAge(viewer: string): Promise<boolean>;
}

export interface AttestationDeps extends AuditDeps {
  readonly attestations: AttestationStore;
}

const DAY_MS = 24 * 60 * 60 * 1000;

/** An age attestation counts for so long when nothing shorter is said. */
export const AGE_ATTESTATION_DAYS_MAX = 365;

/** People are told so many days before something expires. */
export const EXPIRY_WARNING_DAYS = 30;

/**
 * @throws AtelierError `UnknownName` for a provider that the catalogue does not list, `TermsDenied` where terms that were read
 *   say no: an attestation settles what is unclear, it does not override
 */
export async function attestTerms(
  said: Pick<TermsAttestation, "provider" | "rating" | "how" | "date">,
  deps: AttestationDeps & { readonly catalogue: Pick<Catalogue, "providers"> },
): Promise<TermsAttestation> {
  const { provider, rating } = said;
  const entry = deps.catalogue.providers.find(({ name }) => name === provider);
  if (!entry) throw new AtelierError("UnknownName", `The catalogue lists no provider "${provider}".`);
  const terms = entry.terms[rating];
  if (terms?.allows === "denied") {
    throw new AtelierError(
      "TermsDenied",
      `The terms of ${provider} do not allow ${rating} (${terms.reviewed}, ${terms.source}); an attestation cannot override them.`,
      { data: { rule: "terms" } },
    );
  }
  const attestation = termsAttestationSchema.parse({ ...said, by: deps.actor, atMs: deps.clock() });
  const facts = { action: "attested", provider, rating, date: said.date, attestedBy: deps.actor };
  await told(`terms:${provider}`, facts, deps, () => deps.attestations.putTerms(attestation));
  return attestation;
}

/** @returns false when nothing was attested */
export async function withdrawTerms(
  { provider, rating }: Pick<TermsAttestation, "provider" | "rating">,
  deps: AttestationDeps,
): Promise<boolean> {
  return told(`terms:${provider}`, { action: "withdrawn", provider, rating }, deps, () =>
    deps.attestations.removeTerms(provider, rating),
  );
}

/** @throws AtelierError `UsageError` for an end in the past or further away than `AGE_ATTESTATION_DAYS_MAX` */
export async function attestAge(
  said: { readonly viewer: string; readonly how: string; readonly untilMs?: number | undefined },
  deps: AttestationDeps,
): Promise<AgeAttestation> {
  const atMs = deps.clock();
  const latestMs = atMs + AGE_ATTESTATION_DAYS_MAX * DAY_MS;
  const untilMs = said.untilMs ?? latestMs;
  if (untilMs <= atMs || untilMs > latestMs) {
    throw new AtelierError(
      "UsageError",
      `An age attestation must end after today and within ${AGE_ATTESTATION_DAYS_MAX} days; it can be given again.`,
    );
  }
  const { viewer, how } = said;
  const attestation = ageAttestationSchema.parse({ viewer, how, by: deps.actor, atMs, untilMs });
  await told(`age:${viewer}`, { action: "attested", untilMs, attestedBy: deps.actor }, deps, () =>
    deps.attestations.putAge(attestation),
  );
  return attestation;
}

/** @returns false when nothing was attested */
export async function withdrawAge(viewer: string, deps: AttestationDeps): Promise<boolean> {
  return told(`age:${viewer}`, { action: "withdrawn" }, deps, () => deps.attestations.removeAge(viewer));
}

export function isAgeAttested(attestation: AgeAttestation | undefined, nowMs: number): boolean {
  return attestation !== undefined && attestation.atMs <= nowMs && nowMs < attestation.untilMs;
}

/** As routing takes them. */
export function termsOf(stored: readonly TermsAttestation[]): Attestation[] {
  return stored.map(({ provider, rating, by, date }) => ({ provider, rating, by, date }));
}

async function told<T>(
  subject: string,
  facts: Readonly<Record<string, string | number>>,
  deps: AuditDeps,
  write: () => Promise<T>,
): Promise<T> {
  const entry = { subject, kind: "attested", facts, occasion: `${deps.clock()} ${facts.action}` } as const;
  await audited({ ...entry, phase: "intended" }, deps);
  const result = await write();
  await audited({ ...entry, phase: "done" }, deps);
  return result;
}

/** Something that will count for nothing soon, or does so already. */
export interface Expiring {
  readonly what: "terms" | "licence" | "terms-attestation" | "age-attestation";
  /** A provider, a model, a viewer. */
  readonly name: string;
  /** Null for a viewer's age. */
  readonly rating: Rating | null;
  /** yyyy-mm-dd: the last day on which it counts. */
  readonly lastDay: string;
  /** Below zero: it has expired. */
  readonly daysLeft: number;
}

/**
 * What expires within `EXPIRY_WARNING_DAYS`, or has expired, the soonest first. Only what allows something: that a denial
 * grows old changes nothing. The sandbox's terms are ours and do not age.
 *
 * @param input.today yyyy-mm-dd
 */
export function expiring(input: {
  readonly catalogue: Pick<Catalogue, "providers" | "models" | "termsExpireAfterDays">;
  readonly attestations: readonly Attestation[];
  readonly ages: readonly AgeAttestation[];
  readonly today: string;
}): Expiring[] {
  const { catalogue, today } = input;
  const counted = (reviewed: string) => Date.parse(reviewed) + catalogue.termsExpireAfterDays * DAY_MS;
  const due = (what: Expiring["what"], name: string, rating: Rating | null, lastMs: number): Expiring => ({
    what,
    name,
    rating,
    lastDay: new Date(lastMs).toISOString().slice(0, 10),
    daysLeft: Math.floor((lastMs - Date.parse(today)) / DAY_MS),
  });
  const found = [
    ...catalogue.providers
      .filter(({ name, buyable }) => buyable && name !== SANDBOX)
      .flatMap(({ name, terms }) =>
        ratingSchema.options.flatMap((rating) => {
          const entry = terms[rating];
          return entry?.allows === "allowed" ? [due("terms", name, rating, counted(entry.reviewed))] : [];
        }),
      ),
    ...catalogue.models
      .filter(({ buyable }) => buyable)
      .map(({ name, licence }) => due("licence", name, licence.rating, counted(licence.reviewed))),
    ...input.attestations.map(({ provider, rating, date }) =>
      due("terms-attestation", provider, rating, counted(date)),
    ),
    ...input.ages.map(({ viewer, untilMs }) => due("age-attestation", viewer, null, untilMs)),
  ];
  return found
    .filter(({ daysLeft }) => daysLeft <= EXPIRY_WARNING_DAYS)
    .sort((one, other) => one.daysLeft - other.daysLeft || (one.name < other.name ? -1 : 1));
}

/** "the terms of replicate for general count until 2026-12-01 (9 days)" */
export function expiringText({ what, name, rating, lastDay, daysLeft }: Expiring): string {
  const subject = {
    terms: `the terms of ${name} for ${rating}`,
    licence: `the licence of ${name}`,
    "terms-attestation": `the attestation that ${name} may make ${rating}`,
    "age-attestation": `the age attestation of ${name}`,
  }[what];
  return daysLeft < 0
    ? `${subject} expired after ${lastDay}`
    : `${subject} expires after ${lastDay} (${daysLeft} day${daysLeft === 1 ? "" : "s"})`;
}

/** One event a day, whoever looks how often. */
export async function announceExpiring(
  found: readonly Expiring[],
  today: string,
  deps: { readonly events: Events },
): Promise<void> {
  if (found.length === 0) return;
  await deps.events.publish({
    id: eventIdOf("terms-expiring", today),
    type: "terms-expiring",
    atMs: Date.parse(today),
    // A viewer's name is nobody's business who follows events.
    detail: {
      expiring: found.map(({ what, name, rating, lastDay, daysLeft }) => ({
        what,
        name: what === "age-attestation" ? "" : name,
        rating,
        last_day: lastDay,
        days_left: daysLeft,
      })),
    },
  });
}
