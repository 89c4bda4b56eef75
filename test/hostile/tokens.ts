/** @module Tokens that must open nothing. */
import { createHmac } from "node:crypto";
import { AUDIENCE, ISSUER, type TestApi, TOKEN_KEY } from "@atelier/api/testing/api";
import { mintToken } from "@atelier/api/tokens";
import { SCOPES } from "@atelier/core/caller";
import { ATTACKER } from "./stage.ts";

const HOUR_MS = 3_600_000;

const encoded = (part: object) => Buffer.from(JSON.stringify(part)).toString("base64url");

/** Name to `Authorization` header; null: none is sent. Every other claim is right, and every scope is there. */
export async function badTokens(api: TestApi): Promise<Readonly<Record<string, string | null>>> {
  const mine = { subject: ATTACKER, scopes: SCOPES };
  const good = await api.token(mine);
  const [header = "", claims = "", signature = ""] = good.split(".");
  const minted = {
    ...mine,
    issuer: ISSUER,
    audience: AUDIENCE,
    ageAttestedUntilMs: null,
    lifetimeMs: HOUR_MS,
  };
  const otherKey = await mintToken(minted, {
    key: Buffer.from("another key of 32 bytes and more"),
    algorithm: "HS256",
    clock: api.clock,
  });
  const own: object = JSON.parse(Buffer.from(claims, "base64url").toString());
  const bearers: Record<string, string> = {
    rubbish: "rubbish",
    "a JWT of nothing": "e30.e30.e30",
    "algorithm none": `${encoded({ alg: "none", typ: "at+jwt" })}.${claims}.`,
    "algorithm none, signed": `${encoded({ alg: "none", typ: "at+jwt" })}.${claims}.${signature}`,
    "algorithm of another case": `${encoded({ alg: "hs256", typ: "at+jwt" })}.${claims}.${signature}`,
    "a key in its own header": `${encoded({ alg: "HS256", jwk: { kty: "oct", k: "AAAA" } })}.${claims}.${signature}`,
    "a key id that is a path": `${encoded({ alg: "HS256", kid: "../../dev/null" })}.${claims}.${signature}`,
    "another key": otherKey,
    "other claims under its signature": `${header}.${encoded({ ...own, sub: "root" })}.${signature}`,
    "another issuer": await api.token({ ...mine, issuer: "https://elsewhere.test" }),
    "another audience": await api.token({ ...mine, audience: "elsewhere" }),
    expired: await api.token({ ...mine, lifetimeMs: -60_000 }),
    "not valid yet": notYetValid(header, own, api),
    "a subject that is none": await api.token({ ...mine, subject: "two words" }),
    "cut off": good.slice(0, -2),
    "twice as long": good + good,
  };
  return {
    "no token": null,
    "no scheme": good,
    "another scheme": `Basic ${Buffer.from(`${ATTACKER}:x`).toString("base64")}`,
    "an empty token": "Bearer ",
    "two tokens": `Bearer ${good}, Bearer ${good}`,
    ...Object.fromEntries(Object.entries(bearers).map(([name, token]) => [name, `Bearer ${token}`])),
  };
}

/** Signed by the right key, to count from tomorrow on. */
function notYetValid(header: string, claims: object, { clock }: TestApi): string {
  const signed = `${header}.${encoded({ ...claims, nbf: Math.floor(clock() / 1000) + 86_400 })}`;
  return `${signed}.${createHmac("sha256", TOKEN_KEY).update(signed).digest("base64url")}`;
}
