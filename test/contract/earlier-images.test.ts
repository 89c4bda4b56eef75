/** @module Libraries that an earlier release made: lists are right before, while and after they are indexed. */
import type { Server } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { createDynamo, type Dynamo } from "@atelier/aws/dynamo/client";
import { createImages } from "@atelier/aws/dynamo/images";
import { imageKey, positionOf, tagPartition } from "@atelier/aws/dynamo/keys";
import type { Image } from "@atelier/core/image";
import type { ImageFilter } from "@atelier/core/ports";
import { reindex } from "@atelier/core/reindex";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createActiveTable } from "../builders/active-table.ts";
import { commandsOf, someImage } from "./table-fixtures.ts";

const dynalite: (options: { createTableMs: number }) => Server = createRequire(import.meta.url)("dynalite");
const KEY = Buffer.from("a key for words");
const COUNT = 90;

const server = dynalite({ createTableMs: 0 });
let client: DynamoDBClient;
let dynamo: Dynamo;

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  client = new DynamoDBClient({
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    region: "eu-west-3",
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
  });
  await createActiveTable(client, "earlier");
  dynamo = createDynamo({ client, tableName: "earlier" });
});
afterAll(async () => {
  client.destroy();
  await new Promise((resolve) => server.close(resolve));
});

/** As the first release wrote it: no number, no asker, the slots in plain, an entry for each tag. */
async function putAsEarlier(image: Image): Promise<void> {
  const { askedBy: _askedBy, words: _words, priority: _priority, ...earlier } = image;
  const position = positionOf(image.createdAtMs, image.imageId);
  await dynamo.putMany([
    {
      ...earlier,
      ...imageKey(image.imageId),
      indexTimeline: `IMAGE#${image.category}`,
      indexTimelineAt: position,
      indexState: `IMAGE#${image.status}`,
      indexStateAt: `${image.category}#${position}`,
    } as ReturnType<typeof imageKey>,
    ...image.tags.map((tag) => ({ pk: tagPartition(tag), sk: position })),
  ]);
}

test("lists are right all the time; whoever goes on indexes the rest, once", async () => {
  const all = Array.from({ length: COUNT }, (_, index) =>
    someImage({
      requestId: "req_earlier",
      index,
      status: "completed",
      category: index % 2 === 0 ? "feet" : "lingerie",
      tags: [index % 3 === 0 ? "soft_light" : "red"],
      slots: { light: index % 5 === 0 ? "candle light" : "window light" },
      quality: index,
    }),
  );
  for (const image of all) await putAsEarlier(image);
  const filters: [ImageFilter, (image: Image) => boolean][] = [
    [{ tag: "soft_light" }, ({ index }) => index % 3 === 0],
    [{ text: "Candle" }, ({ index }) => index % 5 === 0],
    [
      { text: "window red", category: "feet" },
      ({ index }) => index % 2 === 0 && index % 3 > 0 && index % 5 > 0,
    ],
    [{ qualityAtLeast: 75, visibleTo: "ann" }, ({ index }) => index >= 75],
    [{ rating: "nudity" }, () => false],
  ];
  const expectRight = async (moment: string) => {
    const images = createImages(dynamo, { wordKey: KEY });
    for (const [filter, isWanted] of filters) {
      const { items } = await images.list(filter, { limit: COUNT });
      const expected = all.filter(isWanted).sort((one, other) => other.index - one.index);
      expect(
        items.map(({ index }) => index),
        `${moment}: ${JSON.stringify(filter)}`,
      ).toEqual(expected.map(({ index }) => index));
    }
  };
  await expectRight("before");

  const killed = createImages(dynamo, { wordKey: KEY });
  expect(await killed.indexEarlier(40)).toBe(40);
  await expectRight("in between");

  const next = createImages(dynamo, { wordKey: KEY });
  await reindex(next, new AbortController().signal);
  await expectRight("after");

  expect(await commandsOf(client, () => next.indexEarlier(40))).toEqual([]);
  const sent = await commandsOf(client, () =>
    next.list({ rating: "nudity", category: "feet" }, { limit: 5 }),
  );
  expect(sent).toEqual(["Query"]);
  const old = await dynamo.query({ hash: tagPartition("red"), first: "0", last: "~" }, { backwards: false });
  expect(old.items).toEqual([]);
});

test("who is told to stop indexes no more", async () => {
  const asked: number[] = [];
  const stop = new AbortController();
  const images = {
    indexEarlier: async (limit: number) => {
      asked.push(limit);
      stop.abort();
      return limit;
    },
  };
  await reindex(images, stop.signal);
  expect(asked).toHaveLength(1);
});
