/**
 * @module Tokens of a data folder: minted by `serve` for the operating system's user, good at whoever serves the folder, until
 * they expire or are all revoked.
 */
import { createSecretKey, hkdfSync, type KeyObject } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { TokenVerifier } from "@atelier/api/deps";
import { createTokenVerifier, mintToken } from "@atelier/api/tokens";
import type { AttestationStore } from "@atelier/core/attestations";
import { type Caller, SCOPES } from "@atelier/core/caller";
import { type Clock, type RandomBytes, sha256Hex } from "@atelier/core/ids";
import type { DataFolder, DataKeys } from "./data-folder.ts";
import { faultCode, storageFault } from "./storage-fault.ts";
import { createFileWriter, replaceFile } from "./whole-file.ts";

const AUDIENCE = "atelier";
const ALGORITHM = "HS256";
const DAY_MS = 24 * 60 * 60 * 1000;
const REVOCATION_BYTES = 16;

/** Another process may revoke, or withdraw the attestation of an age: so often it is looked. */
const LOOK_MS = 1_000;

export interface LocalTokens {
  readonly verifier: TokenVerifier;
  /** With every scope; says that the user is an adult only while that is attested. */
  mint(lifetimeDays: number): Promise<string>;
  /** Every token minted before is good no more, within a second in other processes. @throws AtelierError `StorageFull`, `FolderUnusable` */
  revokeAll(): Promise<void>;
}

export function createLocalTokens(deps: {
  readonly folder: DataFolder;
  readonly keys: Pick<DataKeys, "tokenKey">;
  readonly attestations: Pick<AttestationStore, "age">;
  /** The operating system's user. */
  readonly user: string;
  readonly clock: Clock;
  readonly randomBytes: RandomBytes;
}): LocalTokens {
  const { folder, keys, attestations, user, clock, randomBytes } = deps;
  const path = join(folder.keys, "tokens");
  // Of this folder alone, and no secret: it stands in every token.
  const issuer = `urn:atelier:folder:${sha256Hex(keys.tokenKey).slice(0, 16)}`;
  let look = newLook();

  interface Look {
    readonly atMs: number;
    readonly key: KeyObject;
    /** Good tokens, and who they name. */
    readonly callers: Map<string, Caller>;
    /** Until when the user is attested to be an adult; read when the first token claims it. */
    adultUntilMs?: Promise<number | null>;
  }

  function newLook(): Look {
    return { atMs: clock(), key: readKey(), callers: new Map() };
  }

  /** The folder's key, and what was drawn at the last revocation. */
  function readKey(): KeyObject {
    let revocation: Uint8Array = new Uint8Array(0);
    try {
      // Some bytes, read at most once a second: a read on the pool would wait behind pictures that are being encoded.
      revocation = readFileSync(path);
    } catch (error) {
      if (faultCode(error) !== "ENOENT") throw storageFault(error, path);
    }
    const bytes = hkdfSync("sha256", keys.tokenKey, revocation, "atelier/token", 32);
    return createSecretKey(new Uint8Array(bytes));
  }

  function currentLook(): Look {
    if (Math.abs(clock() - look.atMs) >= LOOK_MS) look = newLook();
    return look;
  }

  async function adultUntilMs(): Promise<number | null> {
    const attested = await attestations.age(user);
    return attested && attested.untilMs > clock() ? attested.untilMs : null;
  }

  /** Without the token's word for the user's age where the attestation stands no longer. */
  async function withAge(caller: Caller, current: Look): Promise<Caller> {
    const { ageAttestedUntilMs: claimed } = caller;
    if (claimed === null) return caller;
    current.adultUntilMs ??= adultUntilMs();
    const standing = await current.adultUntilMs;
    return { ...caller, ageAttestedUntilMs: standing === null ? null : Math.min(claimed, standing) };
  }

  return {
    verifier: {
      async verify(token) {
        const current = currentLook();
        const known = current.callers.get(token);
        if (known) return known;
        const verifier = createTokenVerifier({
          issuer,
          audiences: [AUDIENCE],
          keys: current.key,
          algorithms: [ALGORITHM],
          clock,
        });
        const named = await verifier.verify(token);
        if (named === null) return null;
        const caller = await withAge(named, current);
        current.callers.set(token, caller);
        return caller;
      },
    },
    async mint(lifetimeDays) {
      return mintToken(
        {
          issuer,
          audience: AUDIENCE,
          subject: subjectOf(user),
          scopes: SCOPES,
          ageAttestedUntilMs: await adultUntilMs(),
          lifetimeMs: lifetimeDays * DAY_MS,
        },
        { key: currentLook().key, algorithm: ALGORITHM, clock },
      );
    },
    async revokeAll() {
      await replaceFile(createFileWriter(randomBytes), path, randomBytes(REVOCATION_BYTES)).catch(
        (error: unknown) => {
          throw storageFault(error, path);
        },
      );
      look = newLook();
    },
  };
}

/** Names of users may have blanks and accents; a token's subject is printable ASCII. */
export function subjectOf(user: string): string {
  return /^[\x21-\x7e]{1,200}$/.test(user) ? user : encodeURIComponent(user).slice(0, 200);
}
