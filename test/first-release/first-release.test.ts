/** @module What the first release wrote is read by today's stores, and a whole folder of it opens (see fixtures/README.md). */
import { randomBytes } from "node:crypto";
import * as files from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createAttempts } from "@atelier/aws/dynamo/attempts";
import { createAudit } from "@atelier/aws/dynamo/audit";
import { createDynamo, type Dynamo, type Item } from "@atelier/aws/dynamo/client";
import { createExecutions } from "@atelier/aws/dynamo/executions";
import { createImages } from "@atelier/aws/dynamo/images";
import { kindOfItem } from "@atelier/aws/dynamo/item-kinds";
import type { Key } from "@atelier/aws/dynamo/keys";
import { createLedgerStore } from "@atelier/aws/dynamo/ledger";
import { createPacingStore } from "@atelier/aws/dynamo/pacing";
import { createPromptVault } from "@atelier/aws/dynamo/prompts";
import { createRequests } from "@atelier/aws/dynamo/requests";
import { TABLE_DEFINITION } from "@atelier/aws/dynamo/table-definition";
import { attemptSchema } from "@atelier/core/attempt";
import { verifyAudit } from "@atelier/core/audit-trail";
import { imageSchema } from "@atelier/core/image";
import { pacingRowSchema } from "@atelier/core/pacing-row";
import type { TextVault } from "@atelier/core/ports";
import { partIdOf, partSchema, requestSchema } from "@atelier/core/request";
import { broughtForward } from "@atelier/core/schema-versions";
import { prepareDataFolder } from "@atelier/local/data-folder";
import { openEngine } from "@atelier/local/engine";
import type { Atelier } from "@atelier/local/facade";
import { openAtelier } from "@atelier/local/index";
import { TABLE_NAME } from "@atelier/local/table-name";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type MemoryTables, startMemoryTables } from "../builders/memory-table.ts";

const FIXTURES = new URL("./fixtures/", import.meta.url);
const LIGHTHOUSE = "img_01m82pmmmdne4e6950r01c2vfc_00000";
const PEARS = "img_01m82pn5xecvgf5jbeec8m1ttz_00000";

const items: (Item & Key)[] = (await files.readFile(new URL("records.jsonl", FIXTURES), "utf8"))
  .trimEnd()
  .split("\n")
  .map((line) => JSON.parse(line));
const of = (kind: ReturnType<typeof kindOfItem>, prefix = "") =>
  items.filter((item) => kindOfItem(item) === kind && item.sk.startsWith(prefix));

/** Opens what it sealed; the first release sealed nothing. */
const texts: TextVault = {
  seal: async (_, text) => Buffer.from(text).toString("base64"),
  open: async (_, sealed) => Buffer.from(sealed, "base64").toString(),
  reseal: async () => null,
};

describe("the stores", () => {
  let tables: MemoryTables;
  let dynamo: Dynamo;
  beforeAll(async () => {
    tables = await startMemoryTables();
    dynamo = await tables.table();
    await dynamo.putMany(items);
  });
  afterAll(() => tables.close());

  test("read every record, with what it said and what is known by default", async () => {
    const images = createImages(dynamo);
    const attempts = createAttempts(dynamo);
    const requests = createRequests(dynamo);
    for (const item of of("image")) {
      const { pk, sk, indexTimeline, indexTimelineAt, indexState, indexStateAt, ...said } = item;
      const read = await images.get(String(item.imageId));
      expect(read).toMatchObject(said);
      expect(read).toMatchObject({ askedBy: null, priority: "interactive" });
    }
    for (const { attemptId, state, settledMicros } of of("attempt")) {
      const read = await attempts.get(String(attemptId));
      expect(read).toMatchObject({ attemptId, state, settledMicros, followUpAtMs: null, quality: null });
    }
    for (const { requestId, count, seed } of of("request")) {
      const read = await requests.get(String(requestId));
      expect(read).toMatchObject({
        requestId,
        count,
        seed,
        cancelledAtMs: null,
        askedBy: null,
        bodyHash: null,
      });
    }
    for (const { requestId, part, owner, open } of of("part")) {
      const read = await requests.parts.get(`${requestId}.${part}`);
      expect(read).toMatchObject({ requestId, part, owner, open });
    }
    for (const { occurrenceId, count } of of("occurrence")) {
      expect(await requests.occurrences.get(String(occurrenceId))).toMatchObject({ count });
    }
    for (const { name, status } of of("execution")) {
      expect(await createExecutions(dynamo).get(String(name))).toMatchObject({ status });
    }
    expect(of("image")).toHaveLength(9);
    expect(of("attempt")).toHaveLength(11);
  });

  test.each([
    ["image", imageSchema],
    ["attempt", attemptSchema],
    ["request", requestSchema],
    ["part", partSchema],
    ["pacing", pacingRowSchema],
  ] as const)("of kind %s is readable by its migrations alone", (kind, schema) => {
    const [item] = of(kind);
    if (!item) throw new Error("There is none in the fixture.");
    const asStored = { provider: "sandbox", ...item };
    expect(schema.safeParse(asStored).success).toBe(false);
    expect(schema.safeParse(broughtForward(kind, asStored)).success).toBe(true);
  });

  test("prompts are read as they were written, and sealed when they are renewed", async () => {
    const table = await tables.table();
    await table.putMany(items);
    const vault = createPromptVault(table, texts);
    const wanted = { prompt: "a lighthouse in the fog, long exposure", negativePrompt: "" };
    expect(await vault.get(LIGHTHOUSE)).toStrictEqual(wanted);
    expect(await vault.renew(LIGHTHOUSE)).toBe(true);
    expect(await vault.get(LIGHTHOUSE)).toStrictEqual(wanted);
  });

  test("the rest that a provider asked for is kept, with a full bucket beside it", async () => {
    const rest = of("pacing")[0]?.restUntilMs;
    expect(await createPacingStore(dynamo).read("sandbox")).toMatchObject({
      provider: "sandbox",
      revision: 0,
      restUntilMs: rest,
      taken: [],
      running: {},
    });
  });

  test("the ledger's month is as it was, with its holds", async () => {
    const row = await createLedgerStore(dynamo).read("sandbox", "2026-11");
    expect(row).toMatchObject({
      openHolds: 2,
      limits: { m: 200_000_000, d: 8_000_000, "c.feet": 5_000_000 },
    });
    expect(Object.values(row?.holds ?? {}).filter((micros) => micros > 0)).toStrictEqual([6300, 6300]);
  });

  test("lists find images by status and category; open work is listed", async () => {
    const images = createImages(dynamo);
    const ids = async (filter: Parameters<typeof images.list>[0]) =>
      (await images.list(filter, { limit: 100 })).items.map(({ imageId }) => imageId);
    expect(await ids({})).toHaveLength(9);
    expect(await ids({ status: "quarantined" })).toStrictEqual([PEARS]);
    expect(await ids({ category: "feet" })).toHaveLength(2);
    expect(await images.stock("feet")).toBe(2);
    expect((await createAttempts(dynamo).open({ limit: 100 })).items).toHaveLength(2);
    const parts = (await createRequests(dynamo).parts.open({ limit: 100 })).items;
    expect(parts.map(partIdOf)).toStrictEqual(["req_01m82pnjyv7vme6kzmjjpwwdm1.0"]);
    expect((await createExecutions(dynamo).running({ limit: 100 })).items).toHaveLength(1);
    const found = await images.fingerprints("feet", "", 10);
    expect(found).toHaveLength(of("fingerprint").filter(({ pk }) => pk.endsWith("feet")).length);
  });

  test("the audit verifies, and goes on in a chain that vouches for what stood before it", async () => {
    const table = await tables.table();
    await table.putMany(items);
    const audit = createAudit(table, randomBytes);
    const [entry] = await audit.ofSubject(LIGHTHOUSE);
    if (!entry) throw new Error("There is no entry.");
    await audit.write({ ...entry, auditId: "0".repeat(24) });
    let entries = 0;
    for await (const proof of verifyAudit(null, { audit })) {
      expect(proof.problems).toStrictEqual([]);
      entries += proof.entries;
    }
    expect(entries).toBe(of("audit entry").length + 1);
    const before = (await audit.chainOf(LIGHTHOUSE)).unchained.length;
    expect(before).toBe(of("audit entry").filter(({ subject }) => subject === LIGHTHOUSE).length);
  });

  test("a change brings a record forward first, so that its conditions mean what they say", async () => {
    const table = await tables.table();
    await table.putMany(items);
    const images = createImages(table);
    const refused = await images.patch(LIGHTHOUSE, {
      set: { quality: 1 },
      when: [{ field: "priority", is: "differs", value: "interactive" }],
    });
    expect(refused).toMatchObject({ ok: false, record: { quality: 100 } });
    const done = await images.patch(LIGHTHOUSE, {
      set: { quality: 55 },
      when: [{ field: "priority", is: "equals", value: "interactive" }],
    });
    expect(done).toMatchObject({ ok: true, record: { quality: 55, priority: "interactive" } });
    expect(await table.get(of("image").find(({ imageId }) => imageId === LIGHTHOUSE) as Key)).toMatchObject({
      schema: 2,
      priority: "interactive",
      askedBy: null,
    });
  });

  test("an attempt that is brought forward is found among those of its provider", async () => {
    const table = await tables.table();
    await table.putMany(items);
    const attempts = createAttempts(table);
    const [open] = (await attempts.open({ limit: 1 })).items;
    if (!open) throw new Error("There is no open attempt.");
    expect(await attempts.patch(open.attemptId, { set: { checkedAtMs: 1 }, when: [] })).toMatchObject({
      ok: true,
    });
    const listed = await attempts.ofProvider("sandbox", 0, { limit: 10 });
    expect(listed.items.map(({ attemptId }) => attemptId)).toStrictEqual([open.attemptId]);
    expect((await attempts.open({ limit: 10 })).items).toHaveLength(2);
  });
});

describe("a whole folder", () => {
  let root: string;
  let atelier: Atelier;
  beforeAll(async () => {
    root = await files.mkdtemp(join(tmpdir(), "atelier-first-"));
    const path = join(root, "data");
    await files.cp(new URL("library", FIXTURES), path, { recursive: true });
    await files.chmod(path, 0o700);
    const clock = () => Date.now();
    const dataFolder = await prepareDataFolder({ path, clock, randomBytes });
    const table = { TableName: TABLE_NAME, ...TABLE_DEFINITION };
    const engine = await openEngine({ dataFolder, table, clock, randomBytes, onFault: () => {} });
    await createDynamo({ client: engine.client, tableName: TABLE_NAME }).putMany(items);
    await engine.close();
    atelier = await openAtelier({ dataFolder: path, provider: null, environment: {} });
  }, 60_000);
  afterAll(async () => {
    await atelier?.close();
    await files.rm(root, { recursive: true, force: true });
  });

  test("shows its images with their prompts", async () => {
    const shown = await Array.fromAsync(atelier.images({ limit: 100 }));
    expect(shown).toHaveLength(9);
    expect(await atelier.show(LIGHTHOUSE)).toMatchObject({
      status: "completed",
      prompt: "a lighthouse in the fog, long exposure",
      verdict: { decision: "released", basis: "sandbox-mark" },
      purchases: [{ charged: 0.003 }],
    });
  });

  test("proves its audit, and knows its money", async () => {
    for await (const { problems } of atelier.verifyAudit(null)) expect(problems).toStrictEqual([]);
    expect((await atelier.budget()).map(({ scope }) => scope)).toContain("category:feet");
  });

  test("lets a picture out of quarantine that the first release put there", async () => {
    await atelier.review.decide({ imageId: PEARS, action: "release", reason: "fruit", reviewer: "somebody" });
    expect(await atelier.show(PEARS)).toMatchObject({ status: "completed", version: 2 });
  });

  test("is exported, and the files that were left out of the fixture are named as missing", async () => {
    const report = await atelier.exportLibrary(join(root, "out"), { withKeys: true });
    expect(report.records.kinds).toMatchObject({ image: 9, attempt: 11, "audit entry": expect.any(Number) });
    expect(report.missing).toBeGreaterThan(0);
    expect(report.missing_files.every((key) => !key.includes("/v1/full-5fdf8265"))).toBe(true);
  });

  test("goes on with what was left open", async () => {
    const stop = AbortSignal.timeout(3_000);
    await atelier.resume({ signal: stop });
    for await (const { problems } of atelier.verifyAudit(null)) expect(problems).toStrictEqual([]);
    const left = await Array.fromAsync(atelier.images({ category: "lingerie", limit: 10 }));
    // Its provider's jobs are not in the fixture: they are asked for until their time is over, and never bought again.
    for (const { image_id } of left) {
      expect((await atelier.show(image_id)).purchases).toHaveLength(1);
    }
  }, 60_000);
});
