/** @module Whether a provider's conditions allow a rating. Unknown, unclear and expired all mean no. */
import {
  type ProviderEntry,
  type ProviderName,
  RATINGS,
  type Rating,
  ratingRank,
  ratingSchema,
} from "./catalogue.ts";
import { closestName } from "./closest.ts";
import { AtelierError } from "./errors.ts";

/** An operator's word for their own account or machine. It covers the ratings below it. */
export interface Attestation {
  readonly provider: ProviderName;
  readonly rating: Rating;
  /** Who attests: the operating system's user, or a token's subject. */
  readonly by: string;
  /** yyyy-mm-dd */
  readonly date: string;
}

export interface TermsDecision {
  readonly allowed: boolean;
  /** One sentence for people. */
  readonly reason: string;
  /** When and where the terms that decided were read; null when there are none. */
  readonly date: string | null;
  readonly source: string | null;
}

/**
 * Decides by the provider's entry for the rating, then by attestations. An attestation settles what is unclear or has
 * expired; it never overrides terms that were read and say no.
 *
 * @param input.today yyyy-mm-dd; entries and attestations older than `termsExpireAfterDays` count for nothing
 */
export function termsAllow(input: {
  provider: ProviderName;
  rating: Rating;
  providers: readonly ProviderEntry[];
  attestations: readonly Attestation[];
  today: string;
  termsExpireAfterDays: number;
}): TermsDecision {
  const { provider, rating, today, termsExpireAfterDays } = input;
  const entry = input.providers.find((candidate) => candidate.name === provider)?.terms[rating];
  // The sandbox is part of this product: its terms cannot change behind our back, so they do not age.
  const current =
    entry !== undefined &&
    (provider === "sandbox" || !isExpired(entry.reviewed, today, termsExpireAfterDays));
  if (entry?.allows === "denied") {
    return decision(false, `the terms of ${provider} do not allow ${rating}`, entry.reviewed, entry.source);
  }
  if (entry?.allows === "allowed" && current) {
    return decision(true, `the terms of ${provider} allow ${rating}`, entry.reviewed, entry.source);
  }
  const attestation = input.attestations.find(
    (candidate) =>
      candidate.provider === provider &&
      ratingRank(candidate.rating) >= ratingRank(rating) &&
      !isExpired(candidate.date, today, termsExpireAfterDays),
  );
  if (attestation !== undefined) {
    return decision(
      true,
      `${attestation.by} attests that the terms of ${provider} allow ${attestation.rating}`,
      attestation.date,
      `attested by ${attestation.by}`,
    );
  }
  const remedy = `attest your own account's with ATELIER_TERMS=${provider}=${rating}`;
  if (entry === undefined) {
    return decision(false, `no terms of ${provider} are known for ${rating}; ${remedy}`, null, null);
  }
  const state = current ? "are unclear" : `were read on ${entry.reviewed} and have expired`;
  return decision(
    false,
    `the terms of ${provider} for ${rating} ${state}; ${remedy}`,
    entry.reviewed,
    entry.source,
  );
}

/** Whether something reviewed on a day counts for nothing any more. Days as yyyy-mm-dd; a later day is current. */
export function isExpired(reviewed: string, today: string, expireAfterDays: number): boolean {
  const ageDays = (Date.parse(today) - Date.parse(reviewed)) / 86_400_000;
  return !(ageDays <= expireAfterDays);
}

/**
 * Reads ATELIER_TERMS, such as "replicate=nudity,a1111=nudity". Empty gives none.
 *
 * @param providers the names that the catalogue knows
 * @throws AtelierError `ConfigurationInvalid` for anything else
 */
export function parseAttestations(
  text: string,
  by: string,
  date: string,
  providers: readonly ProviderName[],
): Attestation[] {
  return text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "")
    .map((part) => {
      const [name = "", value = "", ...rest] = part.split("=").map((side) => side.trim().toLowerCase());
      if (!providers.includes(name)) throw invalid(name, "provider", providers);
      const rating = ratingSchema.safeParse(value);
      if (!rating.success || rest.length > 0) throw invalid([value, ...rest].join("="), "rating", RATINGS);
      return { provider: name, rating: rating.data, by, date };
    });
}

function invalid(found: string, kind: string, names: readonly string[]): AtelierError {
  const closest = closestName(found, names);
  const hint = closest === null ? "" : ` Did you mean "${closest}"?`;
  return new AtelierError(
    "ConfigurationInvalid",
    `ATELIER_TERMS names the ${kind} "${found}", but must be a list such as replicate=nudity with a ${kind} of ${names.join(", ")}.${hint}`,
  );
}

function decision(
  allowed: boolean,
  reason: string,
  date: string | null,
  source: string | null,
): TermsDecision {
  return { allowed, reason, date, source };
}
