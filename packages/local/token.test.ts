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

async function tokensOf(name: string, { user = "ada", adultUntilMs = 0 } = {}) {
  const folder = await prepareDataFolder({ path: join(root, name), clock, randomBytes });
  const keys = await readDataKeys(folder);
  const attested = { viewer: "ada", by: "ada", how: "said", atMs: START_MS, untilMs: adultUntilMs };
  const age = async (viewer: string) => (viewer === "ada" && adultUntilMs > 0 ? attested : undefined);
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
