/**
 * @module Images that earlier releases made, which have no entries by terms until they are given some, and whose requests are in no list
 * until they are put there, a portion at a time. How far that is stands in the table, so that whoever comes next goes on.
 */
import type { Image } from "@atelier/core/image";
import type { Page } from "@atelier/core/ports";
import * as z from "zod";
import type { Dynamo } from "./client.ts";
import { positionOfImage } from "./image-terms.ts";
import { type Key, tagPartition } from "./keys.ts";

const progressSchema = z.object({ cursor: z.string().nullable(), done: z.boolean() });

export interface EarlierImages {
  /** Whether every image has its entries. */
  areIndexed(): Promise<boolean>;
  /** @returns how many images it looked at */
  index(limit: number): Promise<number>;
}

/**
 * @param deps.written where it stands how far that is
 * @param deps.list all images, found without terms, the newest first: those that come meanwhile have their entries
 * @param deps.write the entries of images
 */
export function createEarlierImages(deps: {
  readonly dynamo: Dynamo;
  readonly written: Key;
  readonly list: (page: { limit: number; cursor?: string }) => Promise<Page<Image>>;
  readonly write: (images: readonly Image[]) => Promise<void>;
}): EarlierImages {
  const { dynamo, written, list, write } = deps;
  // Once it is so, it stays so.
  let areIndexed = false;

  async function progress(): Promise<z.infer<typeof progressSchema>> {
    const item = await dynamo.get(written);
    const read = progressSchema.safeParse(item);
    areIndexed = read.success && read.data.done;
    return read.success ? read.data : { cursor: null, done: false };
  }

  return {
    areIndexed: async () => areIndexed || (await progress()).done,

    async index(limit) {
      if (areIndexed) return 0;
      const { cursor, done } = await progress();
      if (done) return 0;
      const page = await list({ limit, ...(cursor !== null && { cursor }) });
      await write(page.items);
      areIndexed = page.cursor === null;
      await dynamo.put({ ...written, cursor: page.cursor, done: areIndexed });
      return page.items.length;
    },
  };
}

/** What earlier releases wrote for an image's tags. */
export function tagEntriesOf(image: Image): Key[] {
  const sk = positionOfImage(image);
  return [...new Set(image.tags)].map((tag) => ({ pk: tagPartition(tag), sk }));
}
