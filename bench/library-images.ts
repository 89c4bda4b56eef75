/** @module A large library as years of use would leave it: the shipped templates' images, most completed, of several callers. */
import type { Catalogue, Rating } from "@atelier/core/catalogue";
import { imageIdOf } from "@atelier/core/ids";
import type { Image, ImageStatus } from "@atelier/core/image";
import { variationAt } from "@atelier/core/template";
import { hashedSlotWords } from "@atelier/core/words";
import { someImage } from "../test/contract/table-fixtures.ts";

export const WORD_KEY = Buffer.from("a key for the words of a bench");
export const LIBRARY_START_MS = Date.UTC(2024, 0, 1);
const REQUEST_IMAGES = 50;
/** Between two requests, so that 100,000 images are two years. */
const REQUEST_EVERY_MS = 9 * 3_600_000;

export function libraryRequest(number: number): string {
  return `req_${String(number).padStart(26, "0")}`;
}

/** @param sequence from 0, the oldest; the same each time */
export function libraryImage(
  sequence: number,
  count: number,
  catalogue: Pick<Catalogue, "categories">,
): Image {
  const number = Math.floor(sequence / REQUEST_IMAGES);
  const index = sequence % REQUEST_IMAGES;
  const requestId = libraryRequest(number);
  const categories = catalogue.categories.filter(({ templates }) => templates.length > 0);
  const category = categories[number % categories.length] as (typeof categories)[number];
  const template = category.templates[
    index % category.templates.length
  ] as (typeof category.templates)[number];
  const variation = variationAt(template, number + 1, index);
  // A multiplier without a common factor spreads neighbours over the whole range.
  const drawn = (sequence * 7_919) % 1_000;
  const status = sequence >= count - REQUEST_IMAGES ? "generating" : statusOf(drawn);
  const isPicture = status === "completed" || status === "quarantined";
  const colours = ["grey", "brown", "white", "teal"].slice(sequence % 3, (sequence % 3) + 2);
  const rare = sequence % Math.ceil(count / 5) === 7 ? ["northern_lights"] : [];
  const tags = [...variation.tags, ...(isPicture ? [...colours, ...rare] : [])];
  const imageId = imageIdOf(requestId, index);
  const createdAtMs = LIBRARY_START_MS + number * REQUEST_EVERY_MS + index;
  return someImage({
    requestId,
    index,
    category: category.name,
    template: template.name,
    slots: {},
    tags,
    words: hashedSlotWords(
      { template: template.name, tags: [...variation.tags], slots: variation.slots },
      WORD_KEY,
    ),
    rating: drawn % 100 === 3 ? "nudity" : (category.rating as Rating),
    status,
    askedBy: callerOf(number, count / REQUEST_IMAGES),
    createdAtMs,
    seed: variation.seed,
    ...(isPicture && {
      // Half of them from 70 to 82; three in a thousand from 97 on.
      quality: drawn < 3 ? 97 + drawn : 55 + Math.floor(((drawn * 37) % 1_000) ** 1.5 / 800),
      chosenAttemptId: `${imageId}-1`,
      currentAttemptId: `${imageId}-1`,
      attempts: 1,
      model: "sdxl",
      provider: "replicate",
      version: 1,
      manifestKey: `content/${category.name}/2024/01/${imageId}/v1/manifest.json`,
      renditions: (["full", "web", "preview", "thumbnail"] as const).map((name) => ({
        name,
        path: `content/${category.name}/2024/01/${imageId}/v1/${name}-0a1b2c3d.webp`,
        width: 1024,
        height: 1024,
        bytes: 300_000,
        sha256: "0a1b2c3d".repeat(8),
        contentType: "image/webp",
      })),
      finishedAtMs: createdAtMs + 9_000,
    }),
  });
}

function statusOf(drawn: number): ImageStatus {
  if (drawn < 920) return "completed";
  if (drawn < 950) return "quarantined";
  if (drawn < 960) return "rejected";
  return drawn < 990 ? "failed" : "cancelled";
}

/** Most were asked for by one program, a third by the calendar, a few by somebody else. */
function callerOf(request: number, requests: number): string | null {
  if (request % Math.ceil(requests / 4) === 1) return "studio";
  return request % 3 === 0 ? null : "agency";
}
