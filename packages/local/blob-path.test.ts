import { posix } from "node:path";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { oddKey } from "../../test/contract/blobs.ts";
import { blobPath, isFileName } from "./blob-path.ts";
import { OWN_NAMES } from "./data-folder.ts";

/** What a file system that ignores case and Unicode forms makes of a path. */
const folded = (key: string) => blobPath(key).join("/").toLowerCase().normalize("NFC");

describe("blobPath", () => {
  it("leaves the keys of the product as they are", () => {
    for (const key of [
      "incoming/img_01kax_00001/img_01kax_00001-1-0.png",
      "content/artistic_nude/2026/11/img_01kax_00001/v1/full-0a1b2c3d.jpg",
      "content/artistic_nude/2026/11/img_01kax_00001/v1/manifest.json",
    ]) {
      expect(blobPath(key).join("/")).toBe(key);
    }
  });

  it.each([
    ["../../etc/passwd", "%2e%2e/%2e%2e/etc/passwd.%"],
    ["/etc/passwd", "%/etc/passwd.%"],
    ["a//b.png", "a/%/b.png"],
    ["folder/", "folder/%.%"],
    ["a\0b", "a%00b.%"],
    ["Feet/A.PNG", "%46eet/%41.%50%4e%47"],
    ["engine/store/LOCK", "%65ngine/store/%4c%4f%43%4b.%"],
    ["atelier.json", "%61telier.json"],
    [".meta/x.json", "%2emeta/x.json"],
    ["v1.2/nul.txt", "v1%2e2/%6eul.txt"],
    ["100%.png", "100%25.png"],
  ])("writes %j as %j", (key, path) => {
    expect(blobPath(key).join("/")).toBe(path);
  });

  it("stays in the folder, below every limit, and off our own names", () => {
    fc.assert(
      fc.property(oddKey, (key) => {
        const names = blobPath(key);
        for (const name of names) {
          expect(name).toMatch(/^[a-z0-9_%-][a-z0-9._%~-]*$/);
          expect(Buffer.byteLength(name)).toBeLessThanOrEqual(255 - ".json".length);
        }
        expect(posix.join("/data", ...names)).toBe(`/data/${names.join("/")}`);
        expect(OWN_NAMES).not.toContain(names[0]);
      }),
      { numRuns: 1000 },
    );
  });

  it("never gives two keys one path, nor puts a file where another key needs a folder", () => {
    fc.assert(
      fc.property(oddKey, oddKey, (one, other) => {
        fc.pre(one !== other);
        expect(folded(one)).not.toBe(folded(other));
        expect(folded(`${one}/${other}`).startsWith(`${folded(one)}/`)).toBe(false);
      }),
      { numRuns: 1000 },
    );
  });

  it("tells files from folders by the dot", () => {
    fc.assert(
      fc.property(oddKey, (key) => {
        const names = blobPath(key);
        expect(names.map(isFileName)).toStrictEqual(names.map((_, index) => index === names.length - 1));
      }),
      { numRuns: 1000 },
    );
  });
});
