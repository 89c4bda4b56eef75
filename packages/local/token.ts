/**
 * @module Tokens of a data folder: minted by `serve` for the operating system's user, good at whoever serves the folder, until
 * they expire or are all revoked.
 */
import { hkdfSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { TokenVerifier } from "@atelier/api/deps";
import { createTokenVerifier, mintToken } from "@atelier/api/tokens";
import type { AttestationStore } from "@atelier/core/attestations";
import { SCOPES } from "@atelier/core/caller";
import { type Clock, type RandomBytes, sha256Hex } from "@atelier/core/ids";
import type { DataFolder, DataKeys } from "./data-folder.ts";
import { faultCode, storageFault } from "./storage-fault.ts";
import { createFileWriter, replaceFile } from "./whole-file.ts";

const AUDIENCE = "atelier";
const ALGORITHM = "HS256";
const DAY_MS = 24 * 60 * 60 * 1000;
const REVOCATION_BYTES = 16;

/** Another process may revoke: so often its file is looked at. */
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
  let key = readKey();
  let readAtMs = clock();

  /** The folder's key, and what was drawn at the last revocation. */
  function readKey(): Uint8Array {
    let revocation: Uint8Array = new Uint8Array(0);
    try {
      // Some bytes, read at most once a second: a read on the pool would wait behind pictures that are being encoded.
      revocation = readFileSync(path);
    } catch (error) {
      if (faultCode(error) !== "ENOENT") throw storageFault(error, path);
    }
    return new Uint8Array(hkdfSync("sha256", keys.tokenKey, revocation, "atelier/token", 32));
  }

  function currentKey(): Uint8Array {
    const nowMs = clock();
    if (Math.abs(nowMs - readAtMs) >= LOOK_MS) [key, readAtMs] = [readKey(), nowMs];
    return key;
  }

  return {
    verifier: {
      verify(token) {
        const keys = currentKey();
        return createTokenVerifier({
          issuer,
          audiences: [AUDIENCE],
          keys,
          algorithms: [ALGORITHM],
          clock,
        }).verify(token);
      },
    },
    async mint(lifetimeDays) {
      const attested = await attestations.age(user);
      return mintToken(
        {
          issuer,
          audience: AUDIENCE,
          subject: subjectOf(user),
          scopes: SCOPES,
          ageAttestedUntilMs: attested && attested.untilMs > clock() ? attested.untilMs : null,
          lifetimeMs: lifetimeDays * DAY_MS,
        },
        { key: currentKey(), algorithm: ALGORITHM, clock },
      );
    },
    async revokeAll() {
      await replaceFile(createFileWriter(randomBytes), path, randomBytes(REVOCATION_BYTES)).catch(
        (error: unknown) => {
          throw storageFault(error, path);
        },
      );
      key = readKey();
    },
  };
}

/** Names of users may have blanks and accents; a token's subject is printable ASCII. */
function subjectOf(user: string): string {
  return /^[\x21-\x7e]{1,200}$/.test(user) ? user : encodeURIComponent(user).slice(0, 200);
}
