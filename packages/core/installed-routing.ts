/** @module Routing as one installation has it: its catalogue, its keys, its operator's attestations, its day. */
import type { Catalogue, ProviderName } from "./catalogue.ts";
import { charactersOf } from "./prompt.ts";
import { type Routing, rankCandidates } from "./routing.ts";
import type { Attestation } from "./terms.ts";
import type { RoutingQuery } from "./workflow/steps/validate.ts";

export function installedRouting(installation: {
  readonly catalogue: Catalogue;
  readonly attestations: readonly Attestation[];
  /** Providers that a key is configured for. */
  readonly keysPresent: readonly ProviderName[];
  /** yyyy-mm-dd, local. */
  readonly today: () => string;
}): (query: RoutingQuery) => Routing {
  const { catalogue, attestations, keysPresent, today } = installation;
  const templates = catalogue.categories.flatMap((category) => category.templates);
  return (query) =>
    rankCandidates({
      models: catalogue.models,
      providers: catalogue.providers,
      wanted: { model: query.wantedModel, provider: query.wantedProvider },
      templateModels: templates.find(({ name }) => name === query.template)?.models ?? [],
      rating: query.rating,
      parameters: query.parameters,
      promptCharacters: charactersOf(query.prompt.prompt),
      negativePrompt: query.prompt.negativePrompt !== "",
      attestations,
      keysPresent,
      tried: query.tried,
      today: today(),
      termsExpireAfterDays: catalogue.termsExpireAfterDays,
    });
}
