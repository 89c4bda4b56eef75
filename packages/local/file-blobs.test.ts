import { fork, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import * as files from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sha256Hex } from "@atelier/core/ids";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { describeBlobs } from "../../test/contract/blobs.ts";
import { createFileBlobs, removeLeftovers } from "./file-blobs.ts";
import { machineName } from "./process-identity.ts";
import type { FileCalls } from "./whole-file.ts";

describeBlobs("files", async () => {
  const folder = await files.mkdtemp(join(tmpdir(), "atelier-blobs-"));
  return {
    blobs: createFileBlobs({ folder, randomBytes }),
    close: () => files.rm(folder, { recursive: true }),
  };
});

let folder: string;
beforeEach(async () => {
  folder = await files.mkdtemp(join(tmpdir(), "atelier-blobs-"));
});
afterEach(() => files.rm(folder, { recursive: true }));

/** Every name in the folder, `.meta/` left out unless asked for. */
async function names(options: { hidden: boolean }): Promise<string[]> {
  const all = await files.readdir(folder, { recursive: true });
  return all.filter((name) => options.hidden || !name.startsWith(".meta")).sort();
}

function failing(call: "open" | "link" | "rename" | "mkdir", code: string): FileCalls {
  const broken = async () => {
    throw Object.assign(new Error(code), { code, syscall: call });
  };
  return { ...files, [call]: broken };
}

describe("what a person sees in the folder", () => {
  it("is the pictures under their keys and nothing else", async () => {
    await createFileBlobs({ folder, randomBytes }).put("content/feet/a.png", Buffer.from("x"), "image/png");
    expect(await names({ hidden: false })).toStrictEqual(["content", "content/feet", "content/feet/a.png"]);
    expect(await files.readFile(join(folder, "content/feet/a.png"), "utf8")).toBe("x");
  });

  it("may be edited without harm to a copy", async () => {
    const blobs = createFileBlobs({ folder, randomBytes });
    await blobs.put("incoming/a.png", Buffer.from("original"), "image/png");
    await blobs.copy("incoming/a.png", "originals/a.png");
    await files.writeFile(join(folder, "incoming/a.png"), "retouch!");

    await expect(blobs.get("incoming/a.png")).rejects.toMatchObject({ name: "StorageUnavailable" });
    await expect(blobs.copy("incoming/a.png", "originals/b.png")).rejects.toMatchObject({
      name: "StorageUnavailable",
    });
    expect(Buffer.from((await blobs.get("originals/a.png"))?.bytes ?? []).toString()).toBe("original");
    expect(await names({ hidden: false })).not.toContain("originals/b.png");
  });

  it("may hold a file of somebody else, which is neither listed nor replaced", async () => {
    const blobs = createFileBlobs({ folder, randomBytes });
    await files.mkdir(join(folder, "content"));
    await files.writeFile(join(folder, "content/a.png"), "mine");

    expect(await blobs.head("content/a.png")).toBeUndefined();
    await expect(blobs.put("content/a.png", Buffer.from("ours"), "image/png")).rejects.toMatchObject({
      name: "BlobConflict",
    });
    expect(await files.readFile(join(folder, "content/a.png"), "utf8")).toBe("mine");
    expect(await blobs.head("content/a.png")).toBeUndefined();
  });

  it("is reported as damaged when a file was cut", async () => {
    const blobs = createFileBlobs({ folder, randomBytes });
    await blobs.put("content/a.png", Buffer.from("whole"), "image/png");
    await files.truncate(join(folder, "content/a.png"), 2);
    await expect(blobs.get("content/a.png")).rejects.toMatchObject({ name: "StorageUnavailable" });
    await expect(blobs.head("content/a.png")).rejects.toMatchObject({ name: "StorageUnavailable" });
  });
});

describe("faults", () => {
  it.each([
    ["ENOSPC", "StorageFull"],
    ["EDQUOT", "StorageFull"],
    ["EACCES", "FolderUnusable"],
    ["EROFS", "FolderUnusable"],
    ["EIO", "StorageUnavailable"],
  ])("%s becomes %s, whichever call meets it, and leaves nothing visible", async (code, name) => {
    for (const call of ["open", "link", "rename", "mkdir"] as const) {
      const blobs = createFileBlobs({ folder, randomBytes, files: failing(call, code) });
      await expect(blobs.put("content/a.png", Buffer.from("x"), "image/png")).rejects.toMatchObject({ name });
    }
    expect((await names({ hidden: true })).filter((path) => /a\.png$|\.tmp-/.test(path))).toStrictEqual(
      // The folder of the side file; no file.
      [".meta/content/a.png"],
    );
    const blobs = createFileBlobs({ folder, randomBytes });
    expect(await blobs.head("content/a.png")).toBeUndefined();
    await blobs.put("content/a.png", Buffer.from("another"), "image/png");
    expect((await blobs.get("content/a.png"))?.head.bytes).toBe(7);
  });

  it("removes the temporary file when the space ends in the middle of it", async () => {
    const open: FileCalls["open"] = async (path, flags, mode) => {
      const file = await files.open(path, flags, mode);
      if (flags === "wx") {
        file.writeFile = async () => {
          await file.write("par");
          throw Object.assign(new Error("ENOSPC"), { code: "ENOSPC" });
        };
      }
      return file;
    };
    const blobs = createFileBlobs({ folder, randomBytes, files: { ...files, open } });
    await expect(blobs.put("content/a.png", Buffer.from("partial"), "image/png")).rejects.toMatchObject({
      name: "StorageFull",
    });
    expect(await names({ hidden: true })).toStrictEqual(["content"]);
  });

  it("says when a file system has no hard links", async () => {
    const blobs = createFileBlobs({ folder, randomBytes, files: failing("link", "ENOTSUP") });
    await expect(blobs.put("content/a.png", Buffer.from("x"), "image/png")).rejects.toMatchObject({
      name: "FolderUnusable",
      message: expect.stringContaining("hard links"),
    });
  });
});

describe("after a killed run", () => {
  it("removes temporary files that are old or of a dead process, and no others", async () => {
    const dead = spawn(process.execPath, ["-e", "0"]);
    await once(dead, "exit");
    const nowMs = Date.now();
    const content = join(folder, "content");
    await files.mkdir(content);
    const put = async (name: string, ageMs: number) => {
      await files.writeFile(join(content, name), "x");
      await files.utimes(join(content, name), new Date(nowMs), new Date(nowMs - ageMs));
    };
    const minuteMs = 60_000;
    await put(`.tmp-${machineName()}.${dead.pid}.aa`, 0);
    await put(`.tmp-elsewhere-00000000.${dead.pid}.bb`, 61 * minuteMs);
    await put(`.tmp-elsewhere-00000000.${dead.pid}.cc`, 59 * minuteMs);
    await put(`.tmp-${machineName()}.${process.pid}.dd`, minuteMs);
    await put("picture.png", 1000 * minuteMs);

    expect(await removeLeftovers({ folder, clock: () => nowMs })).toBe(2);
    expect(await files.readdir(content)).toStrictEqual(
      [
        `.tmp-elsewhere-00000000.${dead.pid}.cc`,
        `.tmp-${machineName()}.${process.pid}.dd`,
        "picture.png",
      ].sort(),
    );
  });

  it("removes side files whose file never became visible, once they are old", async () => {
    const failed = createFileBlobs({ folder, randomBytes, files: failing("link", "EIO") });
    await expect(failed.put("content/a/v2/m.json", Buffer.from("x"), "text/plain")).rejects.toThrow();
    await createFileBlobs({ folder, randomBytes }).put("content/a/v1/m.json", Buffer.from("x"), "text/plain");
    const sides = async () =>
      (await names({ hidden: true })).filter((name) => /^\.meta.*[0-9a-f]{64}\.json$/.test(name));
    expect(await sides()).toHaveLength(2);
    expect(await removeLeftovers({ folder, clock: () => Date.now() + 59 * 60_000 })).toBe(0);
    expect(await removeLeftovers({ folder, clock: () => Date.now() + 61 * 60_000 })).toBe(1);
    expect(await sides()).toStrictEqual([expect.stringContaining(join(".meta/content/a/v1/m.json"))]);
    expect((await names({ hidden: true })).filter((name) => name.includes("v2/m.json"))).toStrictEqual([]);
  });

  it("lets another run put other bytes under a key that never became visible", async () => {
    const failed = createFileBlobs({ folder, randomBytes, files: failing("link", "EIO") });
    await expect(failed.put("content/m.json", Buffer.from("first"), "text/plain")).rejects.toThrow();
    const blobs = createFileBlobs({ folder, randomBytes });
    const head = await blobs.put("content/m.json", Buffer.from("again"), "application/json");
    // Two side files stand now, both of five bytes; the visible bytes decide.
    expect((await files.readdir(join(folder, ".meta/content/m.json"))).length).toBe(2);
    expect(await blobs.head("content/m.json")).toStrictEqual(head);
    expect(head.sha256).toBe(sha256Hex("again"));
  });

  it("shows no incomplete file, wherever kill -9 strikes", async () => {
    const blobs = createFileBlobs({ folder, randomBytes });
    let seen = 0;
    for (let round = 0; round < 5; round++) {
      const child = fork(join(import.meta.dirname, "file-blobs.test-process.ts"), [folder, String(round)]);
      // Killed after so many files, each number from one to five once, at whatever it does just then.
      let left = 1 + ((round * 7) % 5);
      child.on("message", () => {
        if (--left === 0) child.kill("SIGKILL");
      });
      await once(child, "exit");
      for await (const head of blobs.list("")) {
        const got = await blobs.get(head.key);
        expect(sha256Hex(got?.bytes ?? "")).toBe(head.sha256);
        seen++;
      }
      const visible = (await names({ hidden: false })).filter((name) => name.endsWith(".bin"));
      for (const name of visible) expect((await blobs.get(name))?.head.key).toBe(name);
    }
    expect(seen).toBeGreaterThan(8);
    await removeLeftovers({ folder, clock: Date.now });
    expect((await names({ hidden: true })).filter((name) => name.includes(".tmp-"))).toStrictEqual([]);
  });
});
