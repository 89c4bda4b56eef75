/** @module Tokens: JWTs of an OIDC issuer, verified; and those that an installation without one mints for itself. */
import { SCOPES, type Scope } from "@atelier/core/caller";
import { AtelierError } from "@atelier/core/errors";
import type { Clock } from "@atelier/core/ids";
import {
  type CryptoKey,
  errors,
  type JWTPayload,
  type JWTVerifyGetKey,
  jwtVerify,
  type KeyObject,
  SignJWT,
} from "jose";
import * as z from "zod";
import type { TokenVerifier } from "./deps.ts";

/** Seconds since 1970 until which the issuer says that the caller is an adult. */
export const AGE_CLAIM = "age_attested_until";
/** Cognito writes `{resource server}/{scope}`. */
export const SCOPE_PREFIX = "atelier/";

/** Of header `typ`, where a token has one (RFC 9068; Cognito's have none). */
const TYPES = ["jwt", "at+jwt", "application/at+jwt"];
/** Clocks of issuers are never quite ours. */
const CLOCK_TOLERANCE_SECONDS = 5;

export type TokenKey = CryptoKey | KeyObject | Uint8Array;

export interface TokenRules {
  readonly issuer: string;
  /** One of them stands in `aud`; or, in an access token of Cognito, which has no `aud`, in `client_id`. */
  readonly audiences: readonly string[];
  /** The key, or a function that finds it: `createRemoteJWKSet(url)` of jose. */
  readonly keys: TokenKey | JWTVerifyGetKey;
  /** The only ones that are taken, such as `["RS256"]`. */
  readonly algorithms: readonly string[];
  /** Default: `SCOPE_PREFIX`. Scopes without it count as well. */
  readonly scopePrefix?: string;
  /** Default: `AGE_CLAIM`. */
  readonly ageClaim?: string;
  readonly clock: Clock;
}

const claimsSchema = z.object({
  /** Names the caller in records and in the audit. */
  sub: z.string().regex(/^[\x21-\x7e]{1,200}$/),
  aud: z.union([z.string(), z.array(z.string())]).optional(),
  client_id: z.string().optional(),
  /** Cognito's: `id` tokens are for the client itself, not for an API. */
  token_use: z.literal("access").optional(),
  scope: z.string().optional(),
  scp: z.union([z.string(), z.array(z.string())]).optional(),
});
type Claims = z.infer<typeof claimsSchema>;

/** `verify` throws AtelierError `StorageUnavailable` when the issuer's keys cannot be had. */
export function createTokenVerifier(rules: TokenRules): TokenVerifier {
  return {
    async verify(token) {
      const payload = await verifiedPayload(token, rules);
      const claims = claimsSchema.safeParse(payload);
      if (!claims.success || !isForUs(claims.data, rules.audiences)) return null;
      return {
        name: claims.data.sub,
        scopes: scopesOf(claims.data, rules.scopePrefix ?? SCOPE_PREFIX),
        ageAttestedUntilMs: untilMs(payload?.[rules.ageClaim ?? AGE_CLAIM]),
      };
    },
  };
}

async function verifiedPayload(token: string, rules: TokenRules): Promise<JWTPayload | null> {
  const { keys, issuer, algorithms, clock } = rules;
  const options = {
    issuer,
    algorithms: [...algorithms],
    currentDate: new Date(clock()),
    clockTolerance: CLOCK_TOLERANCE_SECONDS,
    requiredClaims: ["exp", "sub", "iss"],
  };
  try {
    const { payload, protectedHeader } =
      typeof keys === "function"
        ? await jwtVerify(token, keys, options)
        : await jwtVerify(token, keys, options);
    const { typ } = protectedHeader;
    return typ === undefined || TYPES.includes(typ.toLowerCase()) ? payload : null;
  } catch (error) {
    // A bad token is one of these; anything else comes from fetching the issuer's keys.
    if (error instanceof errors.JOSEError && !isOfKeySet(error)) return null;
    throw new AtelierError("StorageUnavailable", "The keys of the token's issuer cannot be fetched.", {
      cause: error,
    });
  }
}

function isOfKeySet({ code }: errors.JOSEError): boolean {
  return ["ERR_JWKS_TIMEOUT", "ERR_JWKS_INVALID", "ERR_JOSE_GENERIC"].includes(code);
}

function isForUs({ aud, client_id, token_use }: Claims, audiences: readonly string[]): boolean {
  if (aud !== undefined) return [aud].flat().some((audience) => audiences.includes(audience));
  return token_use === "access" && client_id !== undefined && audiences.includes(client_id);
}

/** What we do not know is nobody's permission. */
function scopesOf({ scope, scp }: Claims, prefix: string): Set<Scope> {
  const named = [scope ?? [], scp ?? []].flat().flatMap((names) => names.split(" "));
  const bare = named.map((name) => (name.startsWith(prefix) ? name.slice(prefix.length) : name));
  return new Set(SCOPES.filter((known) => bare.includes(known)));
}

function untilMs(claim: unknown): number | null {
  const seconds = typeof claim === "string" && /^\d{1,12}$/.test(claim) ? Number(claim) : claim;
  return typeof seconds === "number" && Number.isFinite(seconds) ? seconds * 1000 : null;
}

export interface MintedToken {
  readonly issuer: string;
  readonly audience: string;
  readonly subject: string;
  readonly scopes: readonly Scope[];
  /** Null: the token says nothing of the caller's age. */
  readonly ageAttestedUntilMs: number | null;
  readonly lifetimeMs: number;
}

/** A token for a caller of this very installation, signed with a key of its own. @param algorithm that of the key */
export async function mintToken(
  token: MintedToken,
  { key, algorithm, clock }: { key: TokenKey; algorithm: "HS256" | "EdDSA"; clock: Clock },
): Promise<string> {
  const nowSeconds = Math.floor(clock() / 1000);
  const claims = {
    scope: token.scopes.join(" "),
    ...(token.ageAttestedUntilMs !== null && { [AGE_CLAIM]: Math.floor(token.ageAttestedUntilMs / 1000) }),
  };
  return new SignJWT(claims)
    .setProtectedHeader({ alg: algorithm, typ: "at+jwt" })
    .setIssuer(token.issuer)
    .setAudience(token.audience)
    .setSubject(token.subject)
    .setIssuedAt(nowSeconds)
    .setExpirationTime(nowSeconds + Math.floor(token.lifetimeMs / 1000))
    .sign(key);
}
