/** @module Records of other schema numbers at the stores, over the wire. */
import { isAtelierError } from "@atelier/core/errors";
import { broughtForward, STORED_KINDS, schemaNumber } from "@atelier/core/schema-versions";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type MemoryTables, startMemoryTables } from "../../../test/builders/memory-table.ts";
import { START_MS, someImage } from "../../../test/contract/table-fixtures.ts";
import { createCallers } from "./callers.ts";
import type { Dynamo } from "./client.ts";
import { createImages } from "./images.ts";
import { imageKey } from "./keys.ts";
import { createBlockedPictures } from "./reviews.ts";
import { smallKey } from "./small-records.ts";

let tables: MemoryTables;
let dynamo: Dynamo;
beforeAll(async () => {
  tables = await startMemoryTables();
  dynamo = await tables.table();
});
afterAll(() => tables.close());

const image = someImage();
const key = imageKey(image.imageId);

test("today's number is written, and nothing but a patch of today's form", async () => {
  const images = createImages(dynamo);
  await images.putIfAbsent(image);
  expect(await dynamo.get(key)).toMatchObject({ schema: schemaNumber("image") });
  expect(await images.patch(image.imageId, { set: { attempts: 1 }, when: [] })).toMatchObject({ ok: true });
});

test("a record of a newer Atelier is neither read, nor patched, nor written over", async () => {
  const images = createImages(dynamo);
  const newer = { ...(await dynamo.get(key)), ...key, schema: schemaNumber("image") + 1, attempts: 7 };
  await dynamo.put(newer);
  const refusal = {
    name: "FolderUnusable",
    message: `A stored image has schema ${schemaNumber("image") + 1}, and this Atelier knows those up to ${schemaNumber("image")}; upgrade Atelier to read it.`,
  };
  await expect(images.get(image.imageId)).rejects.toMatchObject(refusal);
  await expect(images.patch(image.imageId, { set: { attempts: 2 }, when: [] })).rejects.toMatchObject(
    refusal,
  );
  await expect(images.ofRequest(image.requestId)).rejects.toMatchObject(refusal);
  expect(await images.putIfAbsent(image)).toBe(false);
  expect(await dynamo.get(key)).toStrictEqual(newer);
});

test("the small records of a newer Atelier stay as well", async () => {
  const pictures = createBlockedPictures(dynamo);
  const picture = { imageId: "img_a_00000", atMs: START_MS, pieces: Array(16).fill("abcdefgh") };
  await pictures.add(picture);
  await pictures.add({ ...picture, atMs: START_MS + 1 });
  expect(await pictures.all()).toStrictEqual([{ ...picture, atMs: START_MS + 1 }]);
  const newer = { ...smallKey("BLOCKED-PICTURES", picture.imageId), schema: 2, anything: true };
  await dynamo.put(newer);
  await expect(pictures.add(picture)).rejects.toMatchObject({ name: "FolderUnusable" });
  expect(await dynamo.get(smallKey("BLOCKED-PICTURES", picture.imageId))).toStrictEqual(newer);
});

test("a number that is none is refused, of every kind", () => {
  for (const kind of STORED_KINDS) {
    for (const schema of [0, -1, 1.5, "1", null, schemaNumber(kind) + 1]) {
      // Null stands for absent, as everywhere.
      if (schema === null) continue;
      let refused: unknown;
      try {
        broughtForward(kind, { schema });
      } catch (error) {
        refused = error;
      }
      expect(isAtelierError(refused, "FolderUnusable"), `${kind} ${schema}`).toBe(true);
    }
    expect(broughtForward(kind, { own: 1 }).own).toBe(1);
  }
});

test("of two that bring a record forward at once both patches count", async () => {
  const table = await tables.table();
  const images = createImages(table);
  await images.putIfAbsent(image);
  const { schema: _, priority: __, ...first } = (await table.get(key)) ?? {};
  await table.put({ ...first, ...key });
  const patches = await Promise.all([
    images.patch(image.imageId, { set: { attempts: 3 }, when: [] }),
    images.patch(image.imageId, { set: { warnings: ["late"] }, when: [] }),
  ]);
  expect(patches.map(({ ok }) => ok)).toStrictEqual([true, true]);
  expect(await images.get(image.imageId)).toMatchObject({
    attempts: 3,
    warnings: ["late"],
    priority: "interactive",
  });
});

test("a caller's record is written with its number", async () => {
  const restraint = { refusedAtMs: [], notBeforeMs: 0, suspendedAtMs: null, lifted: null };
  await createCallers(dynamo).write({ caller: "somebody", revision: 1, restraint });
  expect(await dynamo.get(smallKey("CALLERS", "somebody"))).toMatchObject({ schema: 1 });
});
