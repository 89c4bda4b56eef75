import type { OpenPicture } from "@atelier/core/pictures";
import { expect, test } from "vitest";
import { someAttempt, someImage } from "../../../../test/contract/table-fixtures.ts";
import type { Blobs } from "../../ports.ts";
import { developRenditions } from "./process.ts";

const NAMES = ["full", "web", "thumbnail"] as const;

/** What happened, in order; `upload` says how each upload ends. */
async function developed(upload: (name: string) => Promise<void>) {
  const happened: string[] = [];
  const picture = {
    async *develop() {
      for (const name of NAMES) {
        // An encoder works for longer than a turn.
        await new Promise((resolve) => setImmediate(resolve));
        happened.push(`encoded ${name}`);
        const data = Buffer.from(name);
        yield { name, width: 1, height: 1, bytes: data.length, sha256: "", contentType: "image/webp", data };
      }
    },
  } as unknown as OpenPicture;
  const blobs = {
    async put(key: string) {
      const name = /\/(\w+)-/.exec(key)?.[1] ?? "";
      happened.push(`sends ${name}`);
      await upload(name);
      happened.push(`sent ${name}`);
    },
  } as unknown as Blobs;
  const recipe = { name: "test", enhance: "none", steps: [] } as const;
  const renditions = await developRenditions(someImage(), someAttempt(), picture, "content/x/", {
    blobs,
    recipe,
  });
  return { happened, names: renditions.map(({ name }) => name) };
}

test("a rendition is on its way while the next is encoded, one at a time, and all are there in the end", async () => {
  const { happened, names } = await developed(async () => {
    for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
  });
  expect(names).toEqual(NAMES);
  expect(happened).toEqual([
    "encoded full",
    "sends full",
    "encoded web",
    "sent full",
    "sends web",
    "encoded thumbnail",
    "sent web",
    "sends thumbnail",
    "sent thumbnail",
  ]);
});

test("an upload that fails is not passed over", async () => {
  for (const failing of NAMES) {
    const upload = (name: string) =>
      name === failing ? Promise.reject(new Error(`no ${name}`)) : Promise.resolve();
    await expect(developed(upload)).rejects.toThrow(`no ${failing}`);
  }
});
