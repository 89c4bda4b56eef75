/** @module What changes of records cost: writes that AWS would bill, counted by the table in memory. */
import { createImages } from "@atelier/aws/dynamo/images";
import type { ImageStatus } from "@atelier/core/image";
import { OPEN_STATUSES } from "@atelier/core/image";
import { expect, test } from "vitest";
import { someImage } from "../contract/table-fixtures.ts";
import { connectDirectly } from "./table-client.ts";
import { createTableEngine } from "./table-engine.ts";

test("an image on its way costs no index write until it has come to its end", async () => {
  const units: number[] = [];
  const images = createImages(
    connectDirectly(createTableEngine(({ writeUnits }) => writeUnits > 0 && units.push(writeUnits))),
  );
  const image = someImage();
  await images.putIfAbsent(image);
  const to = async (status: ImageStatus) => {
    await images.patch(image.imageId, { set: { status }, when: [] });
    return units.at(-1);
  };
  const put = units.at(-1) ?? 0;
  const ofItem = put - 2;
  for (const status of OPEN_STATUSES) expect(await to(status), status).toBe(ofItem);
  expect(await to("completed")).toBe(ofItem + 2);

  // And is found by what it is, all the same.
  const listed = async (status: ImageStatus) => (await images.list({ status }, { limit: 5 })).items.length;
  await to("processing");
  expect([await listed("processing"), await listed("generating"), await listed("completed")]).toEqual([
    1, 0, 0,
  ]);
  await to("completed");
  expect([await listed("processing"), await listed("completed")]).toEqual([0, 1]);
});
