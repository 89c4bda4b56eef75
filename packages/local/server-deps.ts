/** @module What the API needs, over an installation. */
import type { ApiDeps, TokenVerifier } from "@atelier/api/deps";
import { SANDBOX } from "@atelier/core/catalogue";
import { AtelierError } from "@atelier/core/errors";
import type { Installation } from "./installation.ts";
import { reviewing } from "./review-desk.ts";

export function apiDepsOf(
  installation: Installation,
  tokens: TokenVerifier,
  onFault: (error: unknown) => void,
): ApiDeps {
  const { steps, gate, catalogue, configuration, machine, clock, today } = installation;
  const { provider, providers, timezone } = configuration;
  return {
    ...reviewing(installation),
    ...steps,
    reviews: gate.reviews,
    catalogue,
    clock,
    today,
    timezone,
    workflow: machine,
    audit: installation.audit,
    vault: installation.vault,
    texts: installation.texts,
    places: installation.places,
    callers: gate.callers,
    attestations: gate.attestations,
    linkKey: gate.linkKey,
    provider,
    account: provider === SANDBOX ? SANDBOX : "real",
    providersOff: providers.off,
    termsAttested: async () => gate.termsAttested(),
    providerState: installation.providerState,
    pacingStore: installation.pacingStore,
    beginVersion: installation.versionWork.begin,
    tokens,
    // Whoever reaches loopback could take the machine's time anyway.
    rateLimit: null,
    async deliver(_image, rendition) {
      const blob = await steps.blobs.get(rendition.path);
      if (!blob) {
        throw new AtelierError("StorageUnavailable", "The file is missing; restore it from a backup.", {
          data: { path: rendition.path },
        });
      }
      return { kind: "bytes", bytes: blob.bytes };
    },
    onFault,
  };
}
