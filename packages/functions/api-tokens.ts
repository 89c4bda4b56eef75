/** @module Tokens of the issuer that the stack names: its keys are found by its own document, and kept. */
import { createTokenVerifier } from "@atelier/api/tokens";
import { readSettings } from "@atelier/aws/config";
import { AtelierError } from "@atelier/core/errors";
import { createRemoteJWKSet } from "jose";
import * as z from "zod";
import type { Surroundings } from "./runtime.ts";

/** Those that the authorizer of an HTTP API takes. */
const ALGORITHMS = ["RS256", "RS384", "RS512"];

const TIMEOUT_MS = 5_000;

type IssuerKeys = ReturnType<typeof createRemoteJWKSet>;

export function openTokens({ clock }: Pick<Surroundings, "clock">) {
  const settings = readSettings(["ATELIER_OIDC_ISSUER", "ATELIER_OIDC_AUDIENCE"]);
  const { ATELIER_OIDC_ISSUER: issuer, ATELIER_OIDC_AUDIENCE: audiences } = settings;
  const keys = issuerKeys(issuer);
  return { tokens: createTokenVerifier({ issuer, audiences, keys, algorithms: ALGORITHMS, clock }) };
}

/** The document is asked for at the first token, and again only when that failed; keys as often as jose finds right. */
function issuerKeys(issuer: string): (...asked: Parameters<IssuerKeys>) => ReturnType<IssuerKeys> {
  let known: Promise<IssuerKeys> | undefined;
  return async (header, token) => {
    known ??= discovered(issuer).catch((error: unknown) => {
      known = undefined;
      throw error;
    });
    return (await known)(header, token);
  };
}

const documentSchema = z.object({ issuer: z.string(), jwks_uri: z.url() });

/** OpenID Connect Discovery 1.0, section 4. */
async function discovered(issuer: string): Promise<IssuerKeys> {
  const address = `${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`;
  const answer = await fetch(address, { signal: AbortSignal.timeout(TIMEOUT_MS), redirect: "error" });
  const document = documentSchema.safeParse(await answer.json());
  if (!document.success || document.data.issuer !== issuer) {
    throw new AtelierError("StorageUnavailable", `${address} is not the document of that issuer.`);
  }
  return createRemoteJWKSet(new URL(document.data.jwks_uri), { timeoutDuration: TIMEOUT_MS });
}
