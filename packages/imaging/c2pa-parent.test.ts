import type { DevelopedRendition, Provenance } from "@atelier/core/pictures";
import sharp from "sharp";
import { beforeAll, describe, expect, test } from "vitest";
import { readManifests } from "./c2pa-read.ts";
import { createImaging } from "./open.ts";
import { DEFAULT_RECIPE } from "./renditions.ts";
import { readC2pa } from "./testing/c2pa-reader.ts";
import { type ProviderManifest, providerFile, testSigner } from "./testing/provider-file.ts";
import { PROVENANCE, photo } from "./testing.ts";
import { verifyPicture } from "./verify.ts";

const PROMPT = "portrait of an adult woman of 32 years in a garden at dusk";
const imaging = createImaging({ concurrency: 1, signer: testSigner() });
let small: Buffer;
beforeAll(async () => {
  small = await sharp(photo("chelsea.png")).resize(160).png().toBuffer();
});

async function developed(bytes: Uint8Array, rating?: Provenance["rating"]): Promise<DevelopedRendition[]> {
  const picture = await imaging.open(bytes);
  return Array.fromAsync(picture.develop(DEFAULT_RECIPE, rating ? { ...PROVENANCE, rating } : PROVENANCE));
}

async function ofProvider(manifest: ProviderManifest, rating?: Provenance["rating"]) {
  const renditions = await developed(await providerFile(small, "image/png", manifest), rating);
  const reports = await Promise.all(renditions.map(({ data }) => verifyPicture(data)));
  return { renditions, ingredients: reports.map(({ manifest: report }) => report?.ingredients) };
}

const KEPT = [
  { title: "The provider's file", relationship: "parentOf", generator: "Somebody 2", hasManifest: true },
];
const WITHHELD = [
  {
    title: "The provider's file (its manifest stays with it)",
    relationship: "parentOf",
    generator: null,
    hasManifest: false,
  },
];

describe("a provider's manifest", () => {
  test.each(["png", "jpeg", "webp", "avif"] as const)(
    "of a %s is kept in every rendition that shows the picture",
    async (format) => {
      const picture = await sharp(small)
        .toFormat(format, { effort: format === "avif" ? 0 : 4 })
        .toBuffer();
      for (const { data, name } of await developed(await providerFile(picture, `image/${format}`))) {
        const found = await verifyPicture(data);
        expect(found, name).toMatchObject({
          status: "marked",
          synthetic: true,
          manifest: { state: "valid" },
        });
        // It may hold a small copy of the picture, which the blurred one must not.
        expect(found.manifest?.ingredients, name).toEqual(name === "blurred" ? WITHHELD : KEPT);
        const reading = readC2pa(data);
        expect(reading, name).toMatchObject({ problems: [], manifests: name === "blurred" ? 1 : 2 });
        expect(reading.actions[0]).toBe("c2pa.opened");
      }
    },
  );

  test("that no longer fits its picture is kept, with a note that it did not", async () => {
    const file = Uint8Array.from(await providerFile(await sharp(small).jpeg().toBuffer(), "image/jpeg"));
    const at = file.length - 400;
    file[at] = (file[at] ?? 0) ^ 1;
    const [full] = await developed(file);
    const reading = await readManifests(full?.data ?? new Uint8Array(), "image/jpeg");
    expect(reading).toMatchObject({ kind: "read", valid: true });
    expect(JSON.stringify(reading)).toContain("assertion.dataHash.mismatch");
  });

  test("that is larger than pictures are stays with its file", async () => {
    const thumbnail = await sharp(photo("hubble_deep_field.jpg")).jpeg({ quality: 100 }).toBuffer();
    expect(thumbnail.length).toBeGreaterThan(256 * 1024);
    const { renditions, ingredients } = await ofProvider({ thumbnail }, "general");
    expect(ingredients).toEqual(Array(5).fill(WITHHELD));
    for (const { data } of renditions) expect(readC2pa(data)).toMatchObject({ problems: [], manifests: 1 });
  });

  test("that is damaged is none", async () => {
    const file = Uint8Array.from(await providerFile(await sharp(small).jpeg().toBuffer(), "image/jpeg"));
    const at = Buffer.from(file).indexOf("c2pa.claim.v2");
    file[at] = 0;
    const [full] = await developed(file);
    expect(readC2pa(full?.data ?? new Uint8Array())).toMatchObject({ problems: [], manifests: 1 });
    expect(readC2pa(full?.data ?? new Uint8Array()).actions[0]).toBe("c2pa.created");
  });
});

describe("the prompt in a provider's manifest", () => {
  const PLACES: readonly [string, ProviderManifest][] = [
    ["an action's description", { description: PROMPT }],
    ["the title", { title: PROMPT.replaceAll(" ", "_") }],
    ["an assertion of its own", { assertion: { label: "com.somebody.settings", data: { prompt: "red" } } }],
    ["the name of a program", { program: PROMPT }],
    ["metadata", { assertion: { label: "stds.schema-org.CreativeWork", data: { text: PROMPT } } }],
  ];

  test.each(PLACES)("as %s stays out of rated pictures' files", async (_, manifest) => {
    for (const rating of ["suggestive", "nudity", undefined] as const) {
      const { renditions, ingredients } = await ofProvider(manifest, rating);
      expect(ingredients).toEqual(Array(5).fill(WITHHELD));
      for (const { data } of renditions) {
        expect(readC2pa(data)).toMatchObject({ problems: [], manifests: 1 });
        expect(Buffer.from(data).includes("garden")).toBe(false);
        expect(Buffer.from(data).includes("com.somebody")).toBe(false);
      }
    }
  });

  test.each(PLACES)("as %s is no secret of a general picture", async (_, manifest) => {
    const generator = `${manifest.program ?? "Somebody"} 2`;
    const { ingredients } = await ofProvider(manifest, "general");
    expect(ingredients).toEqual([...Array(4).fill([{ ...KEPT[0], generator }]), WITHHELD]);
  });

  test("could be in a file within the manifest, so that one stays out, too", async () => {
    const thumbnail = await sharp(small).jpeg().toBuffer();
    expect((await ofProvider({ thumbnail }, "nudity")).ingredients).toEqual(Array(5).fill(WITHHELD));
    expect((await ofProvider({ thumbnail }, "general")).ingredients).toEqual([
      ...Array(4).fill(KEPT),
      WITHHELD,
    ]);
  });

  test("has no place in one without free text: it is kept", async () => {
    const { ingredients } = await ofProvider({ description: "made by Somebody" }, "nudity");
    expect(ingredients).toEqual([...Array(4).fill(KEPT), WITHHELD]);
  });
});
