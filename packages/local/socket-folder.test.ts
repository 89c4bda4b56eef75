import * as files from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { prepareSocketPath } from "./socket-folder.ts";

let place: string;
beforeEach(async () => {
  place = await files.mkdtemp(join(tmpdir(), "sock-"));
});
afterEach(() => files.rm(place, { recursive: true }));

it("is private, and the same for the same data folder only", async () => {
  const one = await prepareSocketPath("/data/one", place);
  expect(await prepareSocketPath("/data/one", place)).toBe(one);
  expect(await prepareSocketPath("/data/two", place)).not.toBe(one);
  expect((await files.stat(dirname(one))).mode & 0o777).toBe(0o700);
});

it("goes elsewhere when the name was taken by a folder that others may enter, or by a link", async () => {
  const wanted = dirname(await prepareSocketPath("/data/one", place));
  await files.chmod(wanted, 0o777);
  expect(dirname(await prepareSocketPath("/data/one", place))).not.toBe(wanted);
  await files.rmdir(wanted);
  await files.symlink(place, wanted);
  expect(dirname(await prepareSocketPath("/data/one", place))).not.toBe(wanted);
});

it("stays short when the temporary folder's path is long", async () => {
  const long = join(place, "x".repeat(80));
  await files.mkdir(long);
  const path = await prepareSocketPath("/data/one", long);
  expect(Buffer.byteLength(path)).toBeLessThanOrEqual(103);
  await files.rmdir(dirname(path));
});
