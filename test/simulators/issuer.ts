/** @module An OIDC issuer on loopback: its document, its keys, and tokens as Cognito writes them. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, SignJWT } from "jose";

export const TEST_AUDIENCE = "a-client";

export interface TestIssuer {
  readonly origin: string;
  /** How often each path was asked for. */
  readonly asked: ReadonlyMap<string, number>;
  /** A token for an hour, from claims over those of a good one. */
  token(claims?: Readonly<Record<string, unknown>>): Promise<string>;
  /** The same by a key that is nobody's. */
  forged(): Promise<string>;
  /** Answers 503 until it is called with false. */
  fail(fails: boolean): void;
  close(): Promise<void>;
}

export async function startTestIssuer(clock: () => number): Promise<TestIssuer> {
  const own = await generateKeyPair("RS256");
  const foreign = await generateKeyPair("RS256");
  const jwk = { ...(await exportJWK(own.publicKey)), kid: "one", use: "sig", alg: "RS256" };
  const asked = new Map<string, number>();
  let fails = false;
  const server = createServer((incoming, response) => {
    const path = incoming.url ?? "";
    asked.set(path, (asked.get(path) ?? 0) + 1);
    const documents: Record<string, object> = {
      "/.well-known/openid-configuration": { issuer: origin, jwks_uri: `${origin}/keys` },
      "/keys": { keys: [jwk] },
    };
    const document = fails ? undefined : documents[path];
    response.writeHead(document ? 200 : 503, { "content-type": "application/json" });
    response.end(JSON.stringify(document ?? {}));
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const signed = (key: typeof own.privateKey, claims: Readonly<Record<string, unknown>>) => {
    const now = Math.floor(clock() / 1000);
    const usual = { iss: origin, sub: "ada", token_use: "access", client_id: TEST_AUDIENCE, iat: now };
    return new SignJWT({ ...usual, exp: now + 3_600, ...claims })
      .setProtectedHeader({ alg: "RS256", kid: "one" })
      .sign(key);
  };
  return {
    origin,
    asked,
    token: (claims = {}) => signed(own.privateKey, claims),
    forged: () => signed(foreign.privateKey, { scope: "atelier/images:read" }),
    fail: (wanted) => {
      fails = wanted;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}
