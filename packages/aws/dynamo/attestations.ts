/** @module Attestations of terms and of ages, one item each. */
import {
  type AttestationStore,
  ageAttestationSchema,
  termsAttestationSchema,
} from "@atelier/core/attestations";
import type { Dynamo } from "./client.ts";
import { AGES_ATTESTED, TERMS_ATTESTED } from "./keys.ts";
import { recordsOf } from "./small-records.ts";

export function createAttestations(dynamo: Dynamo): AttestationStore {
  const terms = recordsOf(
    { name: "terms attestation", schema: termsAttestationSchema },
    TERMS_ATTESTED,
    dynamo,
  );
  const ages = recordsOf({ name: "age attestation", schema: ageAttestationSchema }, AGES_ATTESTED, dynamo);
  return {
    terms: terms.all,
    putTerms: (attestation) => terms.put(`${attestation.provider}#${attestation.rating}`, attestation),
    removeTerms: (provider, rating) => terms.remove(`${provider}#${rating}`),
    ages: ages.all,
    age: ages.get,
    putAge: (attestation) => ages.put(attestation.viewer, attestation),
    removeAge: ages.remove,
  };
}
