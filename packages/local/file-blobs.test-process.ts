/** @module A process for the tests of file blobs: puts large files until it is killed. */
import { randomBytes } from "node:crypto";
import { createFileBlobs } from "./file-blobs.ts";

const [folder = "", round = ""] = process.argv.slice(2);
const blobs = createFileBlobs({ folder, randomBytes });
for (let count = 0; ; count++) {
  await blobs.put(`content/${round}/${count}.bin`, randomBytes(400_000), "application/octet-stream");
  process.send?.(count);
}
