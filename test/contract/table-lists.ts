/** @module Lists: any filter, newest first, full pages, cursors, indexes that follow every change. */
import { createDynamo, type Dynamo } from "@atelier/aws/dynamo/client";
import { createImages } from "@atelier/aws/dynamo/images";
import { CATEGORY_NAMES } from "@atelier/core/catalogue";
import { IMAGE_STATUSES, type Image } from "@atelier/core/image";
import type { ImageFilter, Images } from "@atelier/core/ports";
import { hashedSlotWords } from "@atelier/core/words";
import * as fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { commandsOf, type MakeTable, START_MS, someImage, type TestTable } from "./table-fixtures.ts";

const KEY = Buffer.from("a key for words");
const RATINGS = ["general", "suggestive", "nudity"] as const;
const TEMPLATES = ["red_lamps", "feet_closeup", null];
const CALLERS = [null, "ann", "bob", "carl"];
const SLOTS = ["silk robe", "velvet chair", "window seat", "silk curtain window", ""];
const TAGS = ["red", "blue", "soft_light"];
const STATUSES = IMAGE_STATUSES.slice(0, 6);

export function describeListsContract(makeTable: MakeTable): void {
  let table: TestTable;
  let dynamo: Dynamo;
  let images: Images;
  /** All that stands in the table, newest first. Several share a moment. */
  let all: Image[];

  beforeAll(async () => {
    table = await makeTable();
    dynamo = createDynamo(table);
    images = createImages(dynamo, { wordKey: KEY });
    // An empty table has nothing of an earlier release.
    expect(await images.indexEarlier(10)).toBe(0);
    all = Array.from({ length: 150 }, (_, index) =>
      someImage({
        requestId: "req_lists",
        index,
        category: CATEGORY_NAMES[(index * 7) % 5] ?? "custom",
        status: STATUSES[(index * 5) % 6] ?? "planned",
        tags: TAGS.filter((_tag, bit) => (index >> bit) % 2 === 1),
        rating: RATINGS[(index * 11) % 3] ?? "general",
        quality: index % 4 === 0 ? null : (index * 13) % 100,
        template: TEMPLATES[index % 3] ?? null,
        askedBy: CALLERS[(index * 3) % 4] ?? null,
        slots: {},
        words: hashedSlotWords({ template: null, tags: [], slots: { what: SLOTS[index % 5] ?? "" } }, KEY),
        createdAtMs: START_MS + Math.floor(index / 3),
      }),
    );
    await Promise.all(all.map((image) => images.putIfAbsent(image)));
    all.sort((one, other) => other.createdAtMs - one.createdAtMs || (one.imageId < other.imageId ? 1 : -1));
  });
  afterAll(() => table.close());

  const matching = (filter: ImageFilter) =>
    all.filter(
      (image) =>
        (["category", "status", "rating", "template", "requestId"] as const).every(
          (name) => filter[name] === undefined || image[name] === filter[name],
        ) &&
        (filter.tag === undefined || image.tags.includes(filter.tag)) &&
        (filter.sinceMs === undefined || image.createdAtMs >= filter.sinceMs) &&
        (filter.untilMs === undefined || image.createdAtMs < filter.untilMs) &&
        (filter.qualityAtLeast === undefined || (image.quality ?? -1) >= filter.qualityAtLeast) &&
        (filter.visibleTo === undefined || [null, filter.visibleTo].includes(image.askedBy)) &&
        (filter.text ?? "")
          .toLowerCase()
          .split(" ")
          .every((word) =>
            `${image.template} ${image.tags.join(" ")} ${SLOTS[image.index % 5]}`
              .toLowerCase()
              .split(/[ _]/)
              .concat("")
              .includes(word),
          ),
    );
  const idsOf = (list: readonly Image[]) => list.map((image) => image.imageId);

  test("any filter, any page size: every image once, newest first, all pages but the last full", async () => {
    const filters = fc.record(
      {
        category: fc.constantFrom(...CATEGORY_NAMES),
        status: fc.constantFrom(...STATUSES),
        tag: fc.constantFrom(...TAGS, "unknown"),
        sinceMs: fc.integer({ min: START_MS - 1, max: START_MS + 51 }),
        untilMs: fc.integer({ min: START_MS - 1, max: START_MS + 51 }),
        rating: fc.constantFrom(...RATINGS),
        qualityAtLeast: fc.integer({ min: 0, max: 100 }),
        template: fc.constantFrom("red_lamps", "feet_closeup", "unknown"),
        visibleTo: fc.constantFrom("ann", "bob", "nobody"),
        text: fc.constantFrom("red", "soft light", "Silk", "window velvet", "lamps blue", "unknown"),
      },
      { requiredKeys: [] },
    );
    await fc.assert(
      fc.asyncProperty(filters, fc.constantFrom(3, 10, 49, 150), async (some, limit) => {
        // Of all filters at once hardly anything is left: some of them, mostly.
        const filter: ImageFilter = some;
        const expected = idsOf(matching(filter));
        const found: string[] = [];
        let cursor: string | undefined;
        do {
          const page = await images.list(filter, { limit, ...(cursor !== undefined && { cursor }) });
          found.push(...idsOf(page.items));
          expect(page.items.length).toBe(
            page.cursor === null ? ((expected.length - 1) % limit) + 1 || 0 : limit,
          );
          cursor = page.cursor ?? undefined;
        } while (cursor !== undefined);
        expect(found).toEqual(expected);
      }),
      { numRuns: 30 },
    );
  });

  test("with few reads a page is cut, goes on where it was, and nothing is missing or comes twice", async () => {
    const filters = [
      { tag: "red", rating: "nudity" },
      { text: "silk", status: "held" },
      { visibleTo: "ann", qualityAtLeast: 80, text: "soft" },
      { requestId: "req_lists", rating: "general" },
      { status: "generating" },
    ] as const satisfies ImageFilter[];
    for (const filter of filters) {
      const found: string[] = [];
      let pages = 0;
      for (let cursor: string | null | undefined; cursor !== null; pages++) {
        const page = await images.list(filter, { limit: 4, readsMax: 1, ...(cursor && { cursor }) });
        found.push(...idsOf(page.items));
        cursor = page.cursor;
      }
      const expected = idsOf(matching(filter));
      expect([...found].sort(), JSON.stringify(filter)).toEqual([...expected].sort());
      expect(pages).toBeGreaterThanOrEqual(Math.ceil(expected.length / 4));
    }
  });

  test("images of one request come from its own partition, the last first", async () => {
    const sent = await commandsOf(table.client, () => images.list({ requestId: "req_lists" }, { limit: 3 }));
    expect(sent).toStrictEqual(["Query"]);
    const page = await images.list({ requestId: "req_lists" }, { limit: 3 });
    expect(page.items.map(({ index }) => index)).toEqual([149, 148, 147]);
    const next = await images.list({ requestId: "req_lists" }, { limit: 2, cursor: page.cursor ?? "" });
    expect(next.items.map(({ index }) => index)).toEqual([146, 145]);
  });

  test("a combination that nothing has is one round of queries and no record", async () => {
    const sent = await commandsOf(table.client, () =>
      images.list({ category: "feet", text: "zeppelin", rating: "general" }, { limit: 50 }),
    );
    // The word openly, its hash, and the rating.
    expect(sent).toStrictEqual(["Query", "Query", "Query"]);
  });

  test("a page of one category takes one query and one read, the next one too", async () => {
    // Of images that have ended; those on their way share a key, and are filtered.
    const filter = { category: "feet", status: "completed" } as const;
    const first = await images.list(filter, { limit: 2 });
    expect(first.cursor).not.toBeNull();
    for (const page of [{ limit: 2 }, { limit: 2, cursor: first.cursor ?? "" }]) {
      const sent = await commandsOf(table.client, () => images.list(filter, page));
      expect(sent).toStrictEqual(["Query", "BatchGetItem"]);
    }
  });

  test("a cursor serves its own query only, and garbage is refused", async () => {
    const { cursor } = await images.list({ category: "feet" }, { limit: 2 });
    expect(cursor).not.toBeNull();
    const given = cursor ?? "";
    await expect(images.list({ category: "custom" }, { limit: 2, cursor: given })).rejects.toMatchObject({
      name: "UsageError",
      message: expect.stringContaining("other filters"),
    });
    await expect(
      images.list({ category: "feet", sinceMs: 5 }, { limit: 2, cursor: given }),
    ).rejects.toMatchObject({
      name: "UsageError",
    });
    const numbers = Buffer.from(JSON.stringify({ query: 1, after: 2 })).toString("base64url");
    for (const garbage of ["", "garbage", "%%%", `${given}x`.slice(5), numbers]) {
      await expect(images.list({ category: "feet" }, { limit: 2, cursor: garbage })).rejects.toMatchObject({
        name: "UsageError",
        message: expect.stringContaining("cursor"),
      });
    }
    expect((await images.list({ category: "feet" }, { limit: 5, cursor: given })).items).toHaveLength(5);
  });

  test.each([0, -1, 1.5, Number.NaN])("a limit of %d is refused", async (limit) => {
    await expect(images.list({}, { limit })).rejects.toMatchObject({ name: "UsageError" });
  });

  test("a page goes on where it ended although newer images came meanwhile", async () => {
    const first = await images.list({ tag: "late" }, { limit: 1 });
    expect(first).toStrictEqual({ items: [], cursor: null });
    const late = (index: number) =>
      someImage({
        requestId: "req_late",
        index,
        category: "feet",
        status: "cancelled",
        tags: ["late"],
        createdAtMs: 5 + index,
      });
    for (const index of [0, 1, 2]) await images.putIfAbsent(late(index));
    const page = await images.list({ tag: "late" }, { limit: 1 });
    await images.putIfAbsent(late(3));
    const rest = await images.list({ tag: "late" }, { limit: 5, cursor: page.cursor ?? "" });
    expect([...page.items, ...rest.items].map(({ index }) => index)).toEqual([2, 1, 0]);
  });

  test("the status list follows every change", async () => {
    const image = someImage({ requestId: "req_follow", category: "weekend_special", status: "rejected" });
    await images.putIfAbsent(image);
    const statuses: Image["status"][] = ["failed", "unknown", "failed"];
    let before: Image["status"] = "rejected";
    for (const status of statuses) {
      await images.patch(image.imageId, { set: { status }, when: [] });
      const listed = await images.list({ status, category: "weekend_special" }, { limit: 200 });
      expect(idsOf(listed.items)).toContain(image.imageId);
      const former = await images.list({ status: before }, { limit: 200 });
      expect(idsOf(former.items)).not.toContain(image.imageId);
      before = status;
    }
    await images.patch(image.imageId, {
      set: { status: "completed" },
      when: [{ field: "status", is: "equals", value: "held" }],
    });
    expect(idsOf((await images.list({ status: "failed" }, { limit: 200 })).items)).toContain(image.imageId);
  });

  test("stock counts completed pictures of a category", async () => {
    const before = await images.stock("lingerie");
    expect(before).toBe(matching({ category: "lingerie", status: "completed" }).length);
    const image = someImage({ requestId: "req_stock", category: "lingerie", createdAtMs: 1 });
    await images.putIfAbsent(image);
    expect(await images.stock("lingerie")).toBe(before);
    await images.patch(image.imageId, { set: { status: "completed" }, when: [] });
    expect(await images.stock("lingerie")).toBe(before + 1);
  });

  test("a request's images come in order of their index, and nothing else", async () => {
    const found = await images.ofRequest("req_lists");
    expect(found.map((image) => image.index)).toEqual(Array.from({ length: 150 }, (_, index) => index));
    expect(await images.ofRequest("req_list")).toEqual([]);
  });

  test("more tags than one batch takes, twice the same, odd ones: each leads to the image", async () => {
    const tags = [...Array.from({ length: 30 }, (_, number) => `tag_${number}`), "été 🌿", "tag_1"];
    const image = someImage({ requestId: "req_tags", tags });
    await images.putIfAbsent({ ...image, tags: [] });
    await images.index(image);
    await images.index(image);
    await images.patch(image.imageId, { set: { tags: image.tags }, when: [] });
    for (const tag of ["tag_0", "tag_1", "tag_29", "été 🌿"]) {
      expect(idsOf((await images.list({ tag }, { limit: 5 })).items)).toEqual([image.imageId]);
    }
  });

  test("a tag entry without its image, or of a tag that the image lost, is passed over", async () => {
    await images.index(someImage({ requestId: "req_ghost", tags: ["ghost"], index: 1 }));
    const image = someImage({ requestId: "req_ghost", tags: ["kept"] });
    await images.putIfAbsent(image);
    await images.index({ ...image, tags: ["ghost", "kept"] });
    // Planned twice, a moment apart: the entries of the second time lead to the record of the first.
    await images.putIfAbsent({ ...image, createdAtMs: image.createdAtMs + 7 });
    expect(await images.list({ tag: "ghost" }, { limit: 5 })).toStrictEqual({ items: [], cursor: null });
    expect((await images.list({ tag: "kept" }, { limit: 5 })).items).toStrictEqual([image]);
  });

  test("fingerprints of a category, newest first, without the image itself", async () => {
    const shots = Array.from({ length: 6 }, (_, index) =>
      someImage({ requestId: "req_prints", index, category: "custom" }),
    );
    const printOf = (image: Image) => ({
      dhash: `${image.index}`.padStart(16, "0"),
      mirrored: "f".repeat(16),
    });
    for (const image of shots) await images.indexFingerprint(image, printOf(image));
    for (const image of shots) await images.indexFingerprint(image, printOf(image));
    const found = await images.fingerprints("custom", shots[4]?.imageId ?? "", 3);
    const expected = [5, 3, 2].flatMap((index) => shots.slice(index, index + 1));
    expect(found).toStrictEqual(
      expected.map((image) => ({ imageId: image.imageId, fingerprint: printOf(image) })),
    );
    expect(await images.fingerprints("custom", "", 100)).toHaveLength(6);
    expect(await images.fingerprints("feet", "", 100)).toEqual([]);
  });
}
