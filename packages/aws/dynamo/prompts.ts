/**
 * @module The prompt vault: the one place where prompt texts stand, as one encrypted message each. Items of the first release
 * hold the text itself: they are read as they are, and encrypted by the next `put` or `renew`.
 */
import type { PromptText, PromptVault, TextAbout, TextVault } from "@atelier/core/ports";
import { numbered } from "@atelier/core/schema-versions";
import * as z from "zod";
import type { Dynamo, Item } from "./client.ts";
import { ifUnchangedSince } from "./expressions.ts";
import { damaged } from "./failures.ts";
import { type Key, promptKey } from "./keys.ts";
import { parseRecord } from "./records.ts";

const promptSchema = z.object({ prompt: z.string(), negativePrompt: z.string() });
const sealedSchema = z.object({ sealed: z.string() });

export function createPromptVault(dynamo: Dynamo, texts: TextVault): PromptVault {
  const about = (imageId: string): TextAbout => ({ purpose: "prompt", subject: imageId });

  async function textOf(imageId: string, item: Item): Promise<PromptText> {
    if (!("sealed" in item)) return parseRecord({ name: "prompt", schema: promptSchema }, item);
    const { sealed } = parseRecord({ name: "prompt", schema: sealedSchema }, item);
    const parsed = promptSchema.safeParse(jsonOf(await texts.open(about(imageId), sealed)));
    if (parsed.success) return parsed.data;
    throw damaged({ pk: item.pk, sk: item.sk }, new Error("not a valid prompt"));
  }

  const seal: PromptVault["seal"] = (imageId, { prompt, negativePrompt }, rating) =>
    texts.seal(about(imageId), JSON.stringify({ prompt, negativePrompt }), rating);

  function sealedItem(imageId: string, sealed: string): Item & Key {
    return { ...numbered("prompt", { sealed }), ...promptKey(imageId) };
  }

  return {
    async put(imageId, ...text) {
      await dynamo.put(sealedItem(imageId, await seal(imageId, ...text)));
    },

    seal,

    async putSealed(imageId, sealed) {
      await dynamo.put(sealedItem(imageId, sealed));
    },

    async get(imageId) {
      const item = await dynamo.get(promptKey(imageId));
      return item && textOf(imageId, item);
    },

    async getMany(imageIds) {
      const wanted = [...new Set(imageIds)];
      const items = await dynamo.getMany(wanted.map(promptKey));
      const byKey = new Map(items.map((item) => [nameOf(item), item]));
      const found = await Promise.all(
        wanted.map(async (imageId): Promise<[string, PromptText][]> => {
          const item = byKey.get(nameOf(promptKey(imageId)));
          return item ? [[imageId, await textOf(imageId, item)]] : [];
        }),
      );
      return new Map(found.flat());
    },

    remove: (imageId) => dynamo.remove(promptKey(imageId)),

    async renew(imageId) {
      const item = await dynamo.get(promptKey(imageId));
      if (!item) return false;
      const isSealed = typeof item.sealed === "string";
      const sealed = isSealed
        ? await texts.reseal(about(imageId), String(item.sealed))
        : await texts.seal(about(imageId), JSON.stringify(await textOf(imageId, item)));
      if (sealed === null) return false;
      // Whoever changed or removed it meanwhile was right.
      const field = isSealed ? "sealed" : "prompt";
      return dynamo.put(sealedItem(imageId, sealed), ifUnchangedSince(field, String(item[field])));
    },
  };
}

function nameOf({ pk, sk }: Item | Key): string {
  return `${pk} ${sk}`;
}

/** The parser's own complaint would quote the text. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
