import { execFileSync } from "node:child_process";
import * as files from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { verifyFile } from "./verify-file.ts";

const PHOTO = fileURLToPath(new URL("../../test/fixtures/photos/rocket.jpg", import.meta.url));

let place: string;
beforeAll(async () => {
  place = await files.mkdtemp(join(tmpdir(), "atelier-verify-"));
});
afterAll(() => files.rm(place, { recursive: true }));

const verified = (name: string) => verifyFile(join(place, name), name);

it("looks at any picture", async () => {
  expect(await verifyFile(PHOTO, "rocket.jpg")).toMatchObject({
    status: "unmarked",
    format: "jpeg",
    width: 640,
    height: 427,
    manifest: null,
  });
});

describe("rubbish", () => {
  const rubbish: readonly [name: string, make: (path: string) => Promise<unknown>, says: string][] = [
    ["nothing.jpg", async () => {}, "is not there; check the path."],
    [
      "below/nothing.jpg",
      (path) => files.writeFile(join(path, "../../below"), ""),
      "is not there; check the path.",
    ],
    [
      "empty.jpg",
      (path) => files.writeFile(path, ""),
      "is empty, but must be one PNG, JPEG, WebP or AVIF picture.",
    ],
    [
      "notes.png",
      (path) => files.writeFile(path, "hello"),
      "is text, but must be one PNG, JPEG, WebP or AVIF picture.",
    ],
    [
      "page.html",
      (path) => files.writeFile(path, "<!doctype html>"),
      "is an HTML page, but must be one PNG, JPEG, WebP or AVIF picture.",
    ],
    [
      "cut.jpg",
      async (path) => files.writeFile(path, (await files.readFile(PHOTO)).subarray(0, 9_000)),
      "is a damaged or truncated JPEG picture (it has no end).",
    ],
    ["folder", (path) => files.mkdir(path), "is a folder; give the files in it."],
    ["pipe", async (path) => execFileSync("mkfifo", [path]), "is no ordinary file; give a picture."],
    ["loop", (path) => files.symlink(path, path), "is a link that leads back to itself; check the path."],
    [
      "huge.jpg",
      (path) => files.writeFile(path, "").then(() => files.truncate(path, 2 ** 30)),
      "has 1073741824 bytes, but at most 33554432 are read; give a smaller picture.",
    ],
    ["x".repeat(300), async () => {}, "has a name that is too long for a file; check the path."],
  ];

  it.each(rubbish)("%s: one sentence", async (name, make, says) => {
    await make(join(place, name));
    expect(await verified(name)).toStrictEqual({ status: "unreadable", message: `${name} ${says}` });
  });

  it("of any device: one sentence", async () => {
    expect(await verifyFile("/dev/zero", "/dev/zero")).toStrictEqual({
      status: "unreadable",
      message: "/dev/zero is no ordinary file; give a picture.",
    });
  });

  it("within a picture: a sentence, or what can still be said of it", async () => {
    const picture = await files.readFile(PHOTO);
    for (let at = 0; at < 600; at += 7) {
      const damaged = Buffer.from(picture);
      damaged.fill(0xff, at, at + 5);
      await files.writeFile(join(place, "damaged.jpg"), damaged);
      const found = await verified("damaged.jpg");
      if (found.status === "unreadable") expect(found.message).toMatch(/^damaged\.jpg .+\.$/);
      else expect(found.status).toBe("unmarked");
    }
  });
});
