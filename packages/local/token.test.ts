import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SCOPES } from "@atelier/core/caller";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { prepareDataFolder, readDataKeys } from "./data-folder.ts";
import { createLocalTokens } from "./token.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
const START_MS = Date.parse("2026-11-22T06:00:00Z");

let root: string;
let nowMs: number;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "atelier-token-"));
  nowMs = START_MS;
});
afterEach(() => rm(root, { recursive: true, force: true }));

let drawn = 0;
const randomBytes = (size: number) => new Uint8Array(size).fill(++drawn);
const clock = () => nowMs;

interface Attested {
  user?: string;
  /** 0: nobody attested it. May be changed meanwhile. */
  adultUntilMs?: number;
  /** How often it was read. */
  reads?: number;
}

async function tokensOf(name: string, attested: Attested = {}) {
  const { user = "ada" } = attested;
  const folder = await prepareDataFolder({ path: join(root, name), clock, randomBytes });
  const keys = await readDataKeys(folder);
  const age = async (viewer: string) => {
    attested.reads = (attested.reads ?? 0) + 1;
    const { adultUntilMs: untilMs = 0 } = attested;
    if (viewer !== "ada" || untilMs === 0) return undefined;
    return { viewer, by: "ada", how: "said", atMs: START_MS, untilMs };
  };
  return createLocalTokens({ folder, keys, attestations: { age }, user, clock, randomBytes });
}

describe("a token of a data folder", () => {
  test("names the operating system's user, with every scope and no word of their age", async () => {
    const tokens = await tokensOf("one");
    expect(await tokens.verifier.verify(await tokens.mint(30))).toStrictEqual({
      name: "ada",
      scopes: new Set(SCOPES),
      ageAttestedUntilMs: null,
    });
  });

  test("says until when the user is attested to be an adult, while that stands", async () => {
    const adult = await tokensOf("one", { adultUntilMs: START_MS + 2 * DAY_MS });
    expect(await adult.verifier.verify(await adult.mint(30))).toMatchObject({
      ageAttestedUntilMs: START_MS + 2 * DAY_MS,
    });
    nowMs += 3 * DAY_MS;
    expect(await adult.verifier.verify(await adult.mint(30))).toMatchObject({ ageAttestedUntilMs: null });
  });

  test("no longer says so within a second after the attestation was withdrawn or given for shorter", async () => {
    const until = { adultUntilMs: START_MS + 20 * DAY_MS };
    const tokens = await tokensOf("one", until);
    const token = await tokens.mint(30);
    const said = async () => (await tokens.verifier.verify(token))?.ageAttestedUntilMs;
    expect(await said()).toBe(START_MS + 20 * DAY_MS);
    until.adultUntilMs = START_MS + DAY_MS;
    nowMs += 1_000;
    expect(await said()).toBe(START_MS + DAY_MS);
    until.adultUntilMs = 0;
    nowMs += 1_000;
    expect(await said()).toBeNull();
    // Given again for longer, it reaches no further than the token says.
    until.adultUntilMs = START_MS + 40 * DAY_MS;
    nowMs += 1_000;
    expect(await said()).toBe(START_MS + 20 * DAY_MS);
  });

  test("is verified once a second, and its attestation read once", async () => {
    const until = { adultUntilMs: START_MS + DAY_MS, reads: 0 };
    const tokens = await tokensOf("one", until);
    const token = await tokens.mint(30);
    until.reads = 0;
    const seen = [];
    for (let call = 0; call < 3; call++) seen.push(await tokens.verifier.verify(token));
    expect(until.reads).toBe(1);
    expect(new Set(seen).size).toBe(1);
  });

  test("is good at whoever opens the folder, until it expires", async () => {
    const token = await (await tokensOf("one")).mint(1);
    const later = await tokensOf("one");
    nowMs += DAY_MS - 1_000;
    expect(await later.verifier.verify(token)).toMatchObject({ name: "ada" });
    nowMs += 60_000;
    expect(await later.verifier.verify(token)).toBeNull();
  });

  test("is good nowhere else", async () => {
    const token = await (await tokensOf("one")).mint(1);
    expect(await (await tokensOf("other")).verifier.verify(token)).toBeNull();
  });

  test("ends with a revocation, in this process at once and in others within a second", async () => {
    const [one, other] = [await tokensOf("one"), await tokensOf("one")];
    const token = await one.mint(1);
    await one.revokeAll();
    expect(await one.verifier.verify(token)).toBeNull();
    nowMs += 1_000;
    expect(await other.verifier.verify(token)).toBeNull();
    const fresh = await one.mint(1);
    expect(await other.verifier.verify(fresh)).toMatchObject({ name: "ada" });
    expect(await (await tokensOf("one")).verifier.verify(fresh)).toMatchObject({ name: "ada" });
  });

  test("names users whose names are no token's, too", async () => {
    const tokens = await tokensOf("one", { user: "Ada Lovelace é" });
    expect(await tokens.verifier.verify(await tokens.mint(1))).toMatchObject({
      name: "Ada%20Lovelace%20%C3%A9",
    });
  });
});
