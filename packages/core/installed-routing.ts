/** @module Routing as one installation has it: its catalogue, its keys, its operator's attestations, its day. */
import type { Catalogue, ProviderName } from "./catalogue.ts";
import { charactersOf } from "./prompt.ts";
import { type HealthView, type ProviderOff, type Routing, rankCandidates } from "./routing.ts";
import type { Attestation } from "./terms.ts";
import type { RoutingQuery } from "./workflow/steps/validate.ts";

/** @returns ranks candidates for a query; with the health that is given, or without (null) for a dry run */
export function installedRouting(installation: {
  readonly catalogue: Catalogue;
  /** Read at each query: somebody may attest meanwhile. */
  readonly attestations: readonly Attestation[];
  /** Providers that are configured and switched on. */
  readonly on: readonly ProviderName[];
  /** Why others are not. */
  readonly off: ReadonlyMap<ProviderName, ProviderOff>;
  /** yyyy-mm-dd, local. */
  readonly today: () => string;
}): (query: RoutingQuery, health?: HealthView | null) => Routing {
  const { catalogue, on, off, today } = installation;
  const templates = catalogue.categories.flatMap((category) => category.templates);
  return (query, health = null) =>
    rankCandidates({
      models: catalogue.models,
      providers: catalogue.providers,
      wanted: { model: query.wantedModel, provider: query.wantedProvider },
      templateModels: templates.find(({ name }) => name === query.template)?.models ?? [],
      rating: query.rating,
      parameters: query.parameters,
      promptCharacters: charactersOf(query.prompt.prompt),
      negativePrompt: query.prompt.negativePrompt !== "",
      attestations: installation.attestations,
      on,
      off,
      tried: query.tried,
      rejectedBy: query.rejectedBy,
      failedProviders: query.failedProviders,
      capMicros: query.capMicros,
      health,
      today: today(),
      termsExpireAfterDays: catalogue.termsExpireAfterDays,
    });
}
