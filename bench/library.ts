/**
 * @module Lists of a large library on the embedded engine: how long a page takes by any combination of filters, how many calls it
 * makes, and that none of them is a scan.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createDynamo, type Dynamo } from "@atelier/aws/dynamo/client";
import { createImages } from "@atelier/aws/dynamo/images";
import type { Key } from "@atelier/aws/dynamo/keys";
import { TABLE_DEFINITION } from "@atelier/aws/dynamo/table-definition";
import type { Catalogue } from "@atelier/core/catalogue";
import type { ImageFilter, Images } from "@atelier/core/ports";
import { prepareDataFolder } from "@atelier/local/data-folder";
import { openEngine } from "@atelier/local/engine";
import type { EngineClient } from "@atelier/local/engine-client";
import { loadInstalledCatalogue } from "@atelier/local/installed-catalogue";
import { LIBRARY_START_MS, libraryImage, libraryRequest, WORD_KEY } from "./library-images.ts";

const IMAGES = 100_000;
const LIMIT = 50;
const WRITERS = 6;
const BATCH = 25;
const ROUNDS = 5;
const WARM_UP_PAGES_A_ROUND = 4;
/** Pages into a list before a deep page is measured. */
const DEEP = 10;
const DAY_MS = 24 * 3_600_000;

export interface LibraryBench {
  readonly images: number;
  readonly fillSeconds: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  /** Processor time of a list, all threads: what the machine's other work does not change. */
  readonly cpuMs: number;
  /** Of the machine, over the last minute. */
  readonly load: number;
  /** The most calls that one page made. */
  readonly readsWorst: number;
  /** Calls on the wire while lists were read, by operation. */
  readonly operations: Readonly<Record<string, number>>;
  readonly scans: number;
  readonly stockMs: number;
  readonly queries: readonly QueryFigures[];
}

export interface QueryFigures {
  readonly query: string;
  readonly found: number;
  readonly worstMs: number;
  readonly reads: number;
}

export async function benchLibrary(options: readonly string[] = []): Promise<LibraryBench> {
  const { values } = parseArgs({ args: [...options], options: { images: { type: "string" } } });
  return measureLibrary(Number(values.images ?? IMAGES), ROUNDS);
}

/** @param rounds how often each list is read */
export async function measureLibrary(count: number, rounds: number): Promise<LibraryBench> {
  const path = await mkdtemp(join(tmpdir(), "library-"));
  const clock = () => Date.now();
  const randomBytes = (size: number) => crypto.getRandomValues(new Uint8Array(size));
  const dataFolder = await prepareDataFolder({ path, clock, randomBytes });
  const table = { TableName: "atelier", ...TABLE_DEFINITION };
  const onFault = (error: unknown) => process.stderr.write(`${String(error)}\n`);
  const engine = await openEngine({ dataFolder, table, clock, randomBytes, onFault });
  try {
    const wire = countCalls(engine.client);
    const dynamo = createDynamo({ client: wire.client, tableName: table.TableName });
    const catalogue = await loadInstalledCatalogue();
    const images = createImages(dynamo, { wordKey: WORD_KEY });
    await images.indexEarlier(1);
    const startedMs = performance.now();
    await fill(count, catalogue, dynamo);
    const fillSeconds = Math.round((performance.now() - startedMs) / 1000);
    return { images: count, fillSeconds, ...(await readLists(count, rounds, images, wire)) };
  } finally {
    await engine.close();
    await rm(path, { recursive: true, force: true });
  }
}

/** The store's own writes, gathered into whole batches. */
async function fill(count: number, catalogue: Catalogue, dynamo: Dynamo): Promise<void> {
  let items: Key[] = [];
  const images = createImages({
    ...dynamo,
    put: async (item) => items.push(item) > 0,
    putMany: async (more) => void items.push(...more),
  });
  const writing = new Set<Promise<void>>();
  for (let sequence = 0; sequence < count; sequence++) {
    await images.putIfAbsent(libraryImage(sequence, count, catalogue));
    while (items.length >= BATCH) {
      const batch = items.slice(0, BATCH);
      items = items.slice(BATCH);
      const write = dynamo.putMany(batch).finally(() => writing.delete(write));
      writing.add(write);
      if (writing.size >= WRITERS) await Promise.race(writing);
    }
  }
  await Promise.all([...writing, dynamo.putMany(items)]);
}

async function readLists(count: number, rounds: number, images: Images, wire: Wire) {
  wire.forget();
  const allMs: number[] = [];
  let cpuMicros = 0;
  const queries: QueryFigures[] = [];
  async function measure(query: string, filter: ImageFilter, cursor: string | null): Promise<void> {
    const tookMs: number[] = [];
    const cpuBefore = process.cpuUsage();
    let found = 0;
    let reads = 0;
    for (let round = 0; round < rounds; round++) {
      const before = wire.total();
      const startedMs = performance.now();
      const page = await images.list(filter, { limit: LIMIT, ...(cursor !== null && { cursor }) });
      tookMs.push(performance.now() - startedMs);
      reads = wire.total() - before;
      found = page.items.length;
    }
    const { user, system } = process.cpuUsage(cpuBefore);
    cpuMicros += user + system;
    allMs.push(...tookMs);
    queries.push({ query, found, worstMs: Math.round(Math.max(...tookMs)), reads });
  }
  // The first pages of a process pay for code that is not compiled yet.
  for (let page = 0; page < rounds * WARM_UP_PAGES_A_ROUND; page++) await images.list({}, { limit: LIMIT });
  for (const [query, filter] of Object.entries(lists(count))) {
    await measure(query, filter, null);
    const deep = await deepCursor(filter, images);
    if (deep !== null) await measure(`${query}, deep`, filter, deep);
  }
  const startedMs = performance.now();
  await images.stock("lingerie");
  const stockMs = Math.round(performance.now() - startedMs);
  const operations = wire.byOperation();
  const sorted = allMs.sort((one, other) => one - other);
  const percentile = (share: number) => Math.round(sorted[Math.floor(share * (sorted.length - 1))] ?? 0);
  return {
    p50Ms: percentile(0.5),
    p95Ms: percentile(0.95),
    cpuMs: Math.round(cpuMicros / 100 / allMs.length) / 10,
    load: Math.round((loadavg()[0] ?? 0) * 10) / 10,
    readsWorst: Math.max(...queries.map(({ reads }) => reads)),
    operations,
    scans: operations.Scan ?? 0,
    stockMs,
    queries,
  };
}

async function deepCursor(filter: ImageFilter, images: Images): Promise<string | null> {
  let cursor: string | null | undefined;
  for (let page = 0; page < DEEP && cursor !== null; page++) {
    ({ cursor } = await images.list(filter, { limit: LIMIT, ...(cursor !== undefined && { cursor }) }));
  }
  return cursor ?? null;
}

/** What people and programs ask for, and what is hard: rare, empty, and common words that hardly meet. */
function lists(count: number): Readonly<Record<string, ImageFilter>> {
  const middleMs = LIBRARY_START_MS + (count / 100) * 9 * 3_600_000;
  return {
    everything: {},
    category: { category: "feet" },
    "category and status": { category: "lingerie", status: "completed" },
    quarantined: { status: "quarantined" },
    "on their way": { status: "generating" },
    "common tag": { tag: "lace" },
    "rare tag": { tag: "northern_lights" },
    "tag of another category": { tag: "lace", category: "feet" },
    rating: { rating: "nudity" },
    "rating that the category has not": { category: "lingerie", rating: "general" },
    "rare rating of the category": { category: "lingerie", rating: "nudity" },
    quality: { qualityAtLeast: 85 },
    "rare quality": { qualityAtLeast: 98 },
    "rare quality and rating": { qualityAtLeast: 97, rating: "nudity" },
    template: { template: "lingerie_black_lace" },
    "template of another category": { template: "lingerie_black_lace", category: "feet" },
    "template and quality": { template: "lingerie_black_lace", qualityAtLeast: 90 },
    "common word": { text: "window" },
    "word of slots alone": { text: "armchair" },
    "rare word": { text: "Northern" },
    "unknown word": { text: "zeppelin" },
    "two common words": { text: "soft window" },
    "three words of a category": { category: "lingerie", text: "velvet window lace" },
    "common words that never meet": { text: "lace barefoot" },
    "word and failed": { text: "lace", status: "failed" },
    "word and quality": { text: "window", qualityAtLeast: 90, status: "completed" },
    "word, rating and category": { category: "artistic_nude", rating: "nudity", text: "studio" },
    "a month": { sinceMs: middleMs, untilMs: middleMs + 30 * DAY_MS },
    "a month of a tag": { tag: "lace", sinceMs: middleMs, untilMs: middleMs + 30 * DAY_MS },
    "one request": { requestId: libraryRequest(Math.floor(count / 100)) },
    "visible to a caller with few": { visibleTo: "studio" },
    "visible to a stranger": { visibleTo: "nobody", category: "feet" },
    "visible to a caller, word": { visibleTo: "studio", text: "window" },
  };
}

/** Counts what is sent, by operation. */
function countCalls(client: EngineClient) {
  let counts: Record<string, number> = {};
  const send = (command: Parameters<EngineClient["send"]>[0]) => {
    const operation = command.constructor.name.replace(/Command$/, "");
    counts[operation] = (counts[operation] ?? 0) + 1;
    return client.send(command);
  };
  return {
    client: { send } as EngineClient,
    total: () => Object.values(counts).reduce((sum, calls) => sum + calls, 0),
    byOperation: () => ({ ...counts }),
    forget() {
      counts = {};
    },
  };
}
type Wire = ReturnType<typeof countCalls>;
