import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { someImage, somePart, someRequest } from "../../test/contract/table-fixtures.ts";
import { IMAGE_STATUSES, type Image, type ImageStatus, isTerminal } from "./image.ts";
import { type ImageRequest, PART_IMAGES_MAX, type Part } from "./request.ts";
import { requestDocumentSchema } from "./request-document.ts";
import {
  acceptedDocument,
  cursorOf,
  ENDED_LAG_MS,
  type EndedCursor,
  endedImages,
  endOf,
  requestDocument,
} from "./request-progress.ts";

const NOW_MS = Date.UTC(2026, 10, 22, 12);

/** A store of parts and images; parts whose images have all ended are closed, and those only say what became of them. */
function standing(images: readonly Image[], isClosed = true) {
  const numbers = [...new Set(images.map(({ part }) => part))];
  const reads: number[] = [];
  const parts: Part[] = numbers.map((part) => {
    const own = images.filter((image) => image.part === part);
    const hasEnded = isClosed && own.every(({ status }) => isTerminal(status));
    return somePart({ part, open: !hasEnded, ended: hasEnded ? endOf(own, NOW_MS) : null });
  });
  return {
    reads,
    clock: () => NOW_MS,
    requests: { parts: { ofRequest: async () => parts } as never },
    images: {
      ofPart: async (_: string, part: number) => {
        reads.push(part);
        return images.filter((image) => image.part === part);
      },
    },
  };
}

const image = (index: number, status: ImageStatus, fields: Partial<Image> = {}) =>
  someImage({
    index,
    status,
    ...(isTerminal(status) ? { finishedAtMs: NOW_MS - 60_000 + index } : {}),
    ...fields,
  });
const refused = (index: number, name: string) =>
  image(index, "failed", { failure: { name, message: "", rule: null } });
const documentOf = async (images: readonly Image[], fields: Partial<ImageRequest> = {}) =>
  requestDocument(someRequest({ count: images.length, ...fields }), standing(images));

describe("the document of a request", () => {
  test.each([
    ["accepted", [image(0, "planned"), image(1, "planned")]],
    ["running", [image(0, "generating"), image(1, "planned")]],
    ["running", [image(0, "completed"), image(1, "unknown")]],
    ["completed", [image(0, "completed"), image(1, "failed")]],
    ["completed", [image(0, "quarantined"), refused(1, "PolicyRefused")]],
    ["failed", [image(0, "failed"), refused(1, "PolicyRefused")]],
    ["failed", [image(0, "rejected")]],
    ["refused", [refused(0, "PolicyRefused"), refused(1, "BudgetExceeded"), refused(2, "TermsDenied")]],
    ["cancelled", [image(0, "cancelled"), image(1, "cancelled")]],
  ])("is %s", async (status, images) => {
    const document = await documentOf(images);
    expect(document).toMatchObject({ status, count: images.length });
    expect(document.finished_at === null).toBe(status === "accepted" || status === "running");
    expect(requestDocumentSchema.parse(document)).toStrictEqual(document);
  });

  test("says cancelled from the mark on; what is not begun never begins", async () => {
    const images = [image(0, "completed", { costMicros: 10_000 }), image(1, "generating")];
    const request = { count: 60, parts: 2, cancelledAtMs: NOW_MS };
    const document = await documentOf(images, request);
    expect(document).toMatchObject({ status: "cancelled", finished_at: null, cost: 0.01 });
    expect(document.progress).toMatchObject({ completed: 1, generating: 1, cancelled: 58, planned: 0 });
  });

  test("of a new request needs no read, and names a thousand images", () => {
    const document = acceptedDocument(someRequest({ count: 100_000, parts: 2_000 }));
    expect(document).toMatchObject({ status: "accepted", count: 100_000, finished_at: null });
    expect(document.progress).toMatchObject({ planned: 100_000, completed: 0 });
    expect(document.images).toHaveLength(1_000);
  });

  test("of a large request reads the open parts alone, and counts as reading all would", async () => {
    const statuses = fc.constantFrom(...IMAGE_STATUSES);
    await fc.assert(
      fc.asyncProperty(fc.array(statuses, { minLength: 201, maxLength: 420 }), async (drawn) => {
        // Half of the parts have ended.
        const images = drawn.map((status, index) =>
          image(
            index,
            Math.floor(index / PART_IMAGES_MAX) % 2 === 0 && !isTerminal(status) ? "failed" : status,
            {
              costMicros: index,
            },
          ),
        );
        const fields = { count: drawn.length, parts: Math.ceil(drawn.length / PART_IMAGES_MAX) };
        const store = standing(images);
        const document = await requestDocument(someRequest(fields), store);
        expect(document).toStrictEqual(await requestDocument(someRequest(fields), standing(images, false)));
        expect(store.reads.every((part) => part % 2 === 1)).toBe(true);
        expect(Object.values(document.progress).reduce((sum, count) => sum + count, 0)).toBe(drawn.length);
      }),
      { numRuns: 25 },
    );
  });
});

describe("images that ended", () => {
  test("come once each and in order, whatever the pages; parts that have been passed are not read", async () => {
    const ends = fc.array(fc.integer({ min: 0, max: 40_000 }), { minLength: 1, maxLength: 320 });
    await fc.assert(
      fc.asyncProperty(ends, fc.integer({ min: 1, max: 90 }), async (times, limit) => {
        const images = times.map((timeMs, index) =>
          image(index, timeMs % 5 === 0 ? "generating" : "completed", {
            finishedAtMs: timeMs % 5 === 0 ? null : NOW_MS - 50_000 + timeMs,
          }),
        );
        const store = standing(images);
        const request = someRequest({ count: times.length, parts: 7 });
        const seen: Image[] = [];
        for (let after: EndedCursor | null = null; ; ) {
          const page = await endedImages(request, after, limit, store);
          expect(page.length).toBeLessThanOrEqual(limit);
          seen.push(...page);
          const last = page.at(-1);
          if (!last) break;
          after = cursorOf(last);
        }
        const wanted = images
          .filter(({ status }) => status === "completed")
          .map(cursorOf)
          .sort(
            (one, other) => one.finishedAtMs - other.finishedAtMs || (one.imageId < other.imageId ? -1 : 1),
          );
        expect(seen.map(cursorOf)).toStrictEqual(wanted);
      }),
      { numRuns: 40 },
    );
  });

  test("are told of a moment later, so that none comes before one that was told of", async () => {
    const store = standing([
      image(0, "completed", { finishedAtMs: NOW_MS - ENDED_LAG_MS }),
      image(1, "completed", { finishedAtMs: NOW_MS - ENDED_LAG_MS + 1 }),
    ]);
    const request = someRequest({ count: 2 });
    expect((await endedImages(request, null, 10, store)).map(({ index }) => index)).toStrictEqual([0]);
  });

  test("of parts that ended before the cursor are not read again", async () => {
    const images = Array.from({ length: 500 }, (_, index) => image(index, "completed"));
    const store = standing(images);
    const request = someRequest({ count: 500, parts: 10 });
    const after = cursorOf(image(420, "completed"));
    expect(await endedImages(request, after, 10, store)).toHaveLength(10);
    expect(store.reads).toStrictEqual([8, 9]);
    store.reads.length = 0;
    expect(await endedImages(request, null, 10, store)).toHaveLength(10);
    expect(store.reads).toHaveLength(5);
  });
});
