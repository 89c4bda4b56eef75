/** @module Attestations on one machine: terms of one's own accounts, ages of viewers, and what expires. */
import {
  announceExpiring,
  attestAge,
  attestTerms,
  type Expiring,
  expiring,
  withdrawAge,
  withdrawTerms,
} from "@atelier/core/attestations";
import type { ProviderName, Rating } from "@atelier/core/catalogue";
import {
  type AttestationDocument,
  ageAttestationDocument,
  type ExpiringDocument,
  expiringDocument,
  termsAttestationDocument,
} from "@atelier/core/review-document";
import { instantOf } from "@atelier/core/schedule";
import type { Installation } from "./installation.ts";

export interface AttestDesk {
  list(): Promise<readonly AttestationDocument[]>;
  /** @throws AtelierError `UnknownName`, `TermsDenied` */
  terms(said: {
    readonly provider: ProviderName;
    readonly rating: Rating;
    readonly how: string;
  }): Promise<AttestationDocument>;
  /**
   * @param said.viewer null: the operating system's user
   * @param said.until yyyy-mm-dd, the first day on which it counts no more; null: after a year
   * @throws AtelierError `UsageError`
   */
  age(said: {
    readonly viewer: string | null;
    readonly how: string;
    readonly until: string | null;
  }): Promise<AttestationDocument>;
  /** @returns false when nothing was attested */
  withdrawTerms(said: { readonly provider: ProviderName; readonly rating: Rating }): Promise<boolean>;
  withdrawAge(viewer: string | null): Promise<boolean>;
  /** What counts for nothing soon, or already. */
  expiring(): Promise<readonly ExpiringDocument[]>;
}

export function createAttestDesk(installation: Installation): AttestDesk {
  const { gate, steps, catalogue, clock, configuration, today } = installation;
  const deps = { ...steps, attestations: gate.attestations, catalogue };
  return {
    list: async () => [
      ...(await gate.attestations.terms()).map(termsAttestationDocument),
      ...(await gate.attestations.ages()).map((one) => ageAttestationDocument(one, clock())),
    ],
    async terms(said) {
      const attestation = await attestTerms({ ...said, date: today() }, deps);
      await gate.refresh();
      return termsAttestationDocument(attestation);
    },
    async age({ viewer, how, until }) {
      const untilMs = until === null ? undefined : instantOf(until, "00:00", configuration.timezone);
      return ageAttestationDocument(
        await attestAge({ viewer: viewer ?? steps.actor, how, untilMs }, deps),
        clock(),
      );
    },
    async withdrawTerms(said) {
      const wasThere = await withdrawTerms(said, deps);
      await gate.refresh();
      return wasThere;
    },
    withdrawAge: (viewer) => withdrawAge(viewer ?? steps.actor, deps),
    expiring: async () => (await expiringNow(installation)).map(expiringDocument),
  };
}

async function expiringNow({ gate, catalogue, today }: Installation): Promise<Expiring[]> {
  const attestations = gate.termsAttested();
  return expiring({ catalogue, attestations, ages: await gate.attestations.ages(), today: today() });
}

/** The day's report: one event a day, however often it is made. */
export async function reportExpiring(installation: Installation): Promise<void> {
  await announceExpiring(await expiringNow(installation), installation.today(), installation.steps);
}
