import { SCOPES } from "@atelier/core/caller";
import { createLocalJWKSet, exportJWK, generateKeyPair, type JWTPayload, SignJWT, UnsecuredJWT } from "jose";
import { beforeAll, describe, expect, test } from "vitest";
import { createTokenVerifier, mintToken, type TokenRules } from "./tokens.ts";

const NOW_MS = Date.UTC(2026, 10, 22, 12);
const NOW_SECONDS = NOW_MS / 1000;
const KEY = Buffer.from("a key of 32 bytes for the tokens");
const RULES: TokenRules = {
  issuer: "https://issuer.test",
  audiences: ["atelier"],
  keys: KEY,
  algorithms: ["HS256"],
  clock: () => NOW_MS,
};
const CLAIMS = {
  iss: RULES.issuer,
  aud: "atelier",
  sub: "ada",
  exp: NOW_SECONDS + 60,
  scope: "images:read",
};

const signed = (claims: JWTPayload, header: { alg?: string; typ?: string } = {}, key: Uint8Array = KEY) =>
  new SignJWT(claims).setProtectedHeader({ alg: "HS256", ...header }).sign(key);
const verified = async (claims: JWTPayload, rules: Partial<TokenRules> = {}) =>
  createTokenVerifier({ ...RULES, ...rules }).verify(await signed(claims));

describe("a token", () => {
  test("of the issuer, for us, names its caller and their scopes", async () => {
    expect(await verified(CLAIMS)).toEqual({
      name: "ada",
      scopes: new Set(["images:read"]),
      ageAttestedUntilMs: null,
    });
  });

  test.each<[string, JWTPayload]>([
    ["of another issuer", { iss: "https://other.test" }],
    ["for somebody else", { aud: "other" }],
    ["without an audience", { aud: undefined }],
    ["without an expiry", { exp: undefined }],
    ["that has expired", { exp: NOW_SECONDS - 6 }],
    ["of the future", { nbf: NOW_SECONDS + 60 }],
    ["without a subject", { sub: undefined }],
    ["with a subject that holds spaces or lines", { sub: "ada\nroot" }],
    ["with a subject too long", { sub: "a".repeat(201) }],
    ["for the client itself (Cognito's id token)", { token_use: "id" }],
    ["whose scope is no text", { scope: 7 }],
  ])("%s is none", async (_, change) => {
    expect(await verified({ ...CLAIMS, ...change })).toBeNull();
  });

  test("of another key, algorithm or type, altered or unsigned is none", async () => {
    const { verify } = createTokenVerifier(RULES);
    const good = await signed(CLAIMS);
    const [header = "", , signature = ""] = good.split(".");
    const other = Buffer.from(JSON.stringify({ ...CLAIMS, sub: "eve" })).toString("base64url");
    const none = new UnsecuredJWT(CLAIMS).encode();
    for (const token of [
      await signed(CLAIMS, {}, Buffer.from("another key of 32 bytes, for Eve")),
      await signed(CLAIMS, { alg: "HS512" }, Buffer.alloc(64, 1)),
      await signed(CLAIMS, { typ: "dpop+jwt" }),
      `${header}.${other}.${signature}`,
      none,
      `${good}x`,
      "a.b.c",
      "",
    ]) {
      expect(await verify(token)).toBeNull();
    }
    expect(await verify(good)).not.toBeNull();
  });

  test("says its scopes in either claim, with a prefix or without; what we do not know is ignored", async () => {
    const caller = await verified({
      ...CLAIMS,
      scope: "atelier/images:read other/images:write everything",
      scp: ["budgets:read"],
    });
    expect(caller?.scopes).toEqual(new Set(["images:read", "budgets:read"]));
  });

  test("of Cognito has no audience: the client counts", async () => {
    const access = { ...CLAIMS, aud: undefined, client_id: "atelier", token_use: "access" };
    expect((await verified(access))?.name).toBe("ada");
    expect(await verified({ ...access, client_id: "other" })).toBeNull();
    expect(await verified({ ...access, token_use: undefined })).toBeNull();
  });

  test("attests an age in seconds, under the name that the issuer uses", async () => {
    const until = { ...CLAIMS, age_attested_until: NOW_SECONDS + 5 };
    expect((await verified(until))?.ageAttestedUntilMs).toBe(NOW_MS + 5_000);
    const named = { ...CLAIMS, "custom:age": String(NOW_SECONDS + 5) };
    expect((await verified(named, { ageClaim: "custom:age" }))?.ageAttestedUntilMs).toBe(NOW_MS + 5_000);
    expect((await verified({ ...CLAIMS, age_attested_until: true }))?.ageAttestedUntilMs).toBeNull();
  });

  test("is not judged while the issuer's keys cannot be had", async () => {
    const keys = async () => {
      throw new TypeError("fetch failed");
    };
    await expect(verified(CLAIMS, { keys })).rejects.toMatchObject({ name: "StorageUnavailable" });
  });
});

describe("with the issuer's published keys", () => {
  let pair: Awaited<ReturnType<typeof generateKeyPair>>;
  beforeAll(async () => {
    pair = await generateKeyPair("RS256", { extractable: true });
  });

  test("a signature of theirs is good, and the public key is no secret to sign with", async () => {
    const jwk = { ...(await exportJWK(pair.publicKey)), kid: "one", alg: "RS256" };
    const { verify } = createTokenVerifier({
      ...RULES,
      keys: createLocalJWKSet({ keys: [jwk] }),
      algorithms: ["RS256"],
    });
    const by = (kid: string) =>
      new SignJWT(CLAIMS).setProtectedHeader({ alg: "RS256", kid }).sign(pair.privateKey);
    expect((await verify(await by("one")))?.name).toBe("ada");
    expect(await verify(await by("two"))).toBeNull();
    expect(await verify(await signed(CLAIMS, {}, Buffer.from(JSON.stringify(jwk))))).toBeNull();
  });
});

test.each(["HS256", "EdDSA"] as const)(
  "a token minted with %s is verified as it was minted",
  async (algorithm) => {
    const pair = algorithm === "EdDSA" ? await generateKeyPair("EdDSA") : null;
    const token = await mintToken(
      {
        issuer: RULES.issuer,
        audience: "atelier",
        subject: "ada",
        scopes: SCOPES,
        ageAttestedUntilMs: NOW_MS + 1_000,
        lifetimeMs: 60_000,
      },
      { key: pair?.privateKey ?? KEY, algorithm, clock: () => NOW_MS },
    );
    const keys = pair?.publicKey ?? KEY;
    const at = (nowMs: number) =>
      createTokenVerifier({ ...RULES, keys, algorithms: [algorithm], clock: () => nowMs }).verify(token);
    expect(await at(NOW_MS)).toEqual({
      name: "ada",
      scopes: new Set(SCOPES),
      ageAttestedUntilMs: NOW_MS + 1_000,
    });
    expect(await at(NOW_MS + 65_000)).toBeNull();
  },
);
