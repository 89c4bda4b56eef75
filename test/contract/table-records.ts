/** @module Records: put-if-absent, patches, lost answers, damaged items, sizes. */
import { createAttempts } from "@atelier/aws/dynamo/attempts";
import { createAudit } from "@atelier/aws/dynamo/audit";
import { createDynamo, type Dynamo } from "@atelier/aws/dynamo/client";
import { createImages } from "@atelier/aws/dynamo/images";
import { attemptKey, auditKey, imageKey, promptKey } from "@atelier/aws/dynamo/keys";
import { createPromptVault } from "@atelier/aws/dynamo/prompts";
import { createRequests } from "@atelier/aws/dynamo/requests";
import { verifyChain } from "@atelier/core/audit-chain";
import { imageIdOf } from "@atelier/core/ids";
import type { AuditEntry } from "@atelier/core/ports";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TEXT_VAULT } from "../builders/text-vault.ts";
import {
  commandsOf,
  losingAnAnswer,
  type MakeTable,
  START_MS,
  someAttempt,
  someImage,
  somePart,
  someRequest,
  type TestTable,
} from "./table-fixtures.ts";

export function describeRecordsContract(makeTable: MakeTable): void {
  let table: TestTable;
  let dynamo: Dynamo;
  beforeAll(async () => {
    table = await makeTable();
    dynamo = createDynamo(table);
  });
  afterAll(() => table.close());

  test("what is put is read back, and an absent record is undefined", async () => {
    const images = createImages(dynamo);
    const image = someImage({
      requestId: "req_read",
      slots: { light: "" },
      warnings: ["Größe · 大きさ · 🦶"],
    });
    expect(await images.get(image.imageId)).toBeUndefined();
    expect(await images.get("nonsense")).toBeUndefined();
    expect(await images.putIfAbsent(image)).toBe(true);
    expect(await images.get(image.imageId)).toStrictEqual(image);
    expect(await images.putIfAbsent({ ...image, seed: 8 })).toBe(false);
    expect((await images.get(image.imageId))?.seed).toBe(7);
  });

  test.each([20, 200])("of %i racing puts one wins", async (racers) => {
    const attempts = createAttempts(dynamo);
    const imageId = imageIdOf("req_race", racers);
    const won = await Promise.all(
      Array.from({ length: racers }, (_, racer) =>
        attempts.putIfAbsent(someAttempt({ imageId, nonce: `racer ${racer}` })),
      ),
    );
    expect(won.filter(Boolean)).toHaveLength(1);
    const winner = await attempts.get(`${imageId}-1`);
    expect(winner?.nonce).toBe(`racer ${won.indexOf(true)}`);
  });

  test("of 20 racing compare-and-sets one wins, and the losers see the winner", async () => {
    const attempts = createAttempts(dynamo);
    const attempt = someAttempt({ imageId: imageIdOf("req_cas", 0) });
    await attempts.putIfAbsent(attempt);
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, racer) =>
        attempts.patch(attempt.attemptId, {
          set: { state: "submitting", nonce: `racer ${racer}` },
          when: [{ field: "state", is: "equals", value: "held" }],
        }),
      ),
    );
    const winner = results.findIndex((result) => result.ok);
    expect(results.filter((result) => result.ok)).toHaveLength(1);
    expect(results.map((result) => result.record?.nonce)).toEqual(Array(20).fill(`racer ${winner}`));
  });

  test("a patch never creates a record", async () => {
    const attempts = createAttempts(dynamo);
    const change = { set: { nonce: "n" }, when: [{ field: "nonce", is: "absent" }] } as const;
    expect(await attempts.patch("img_none_00000-1", change)).toStrictEqual({ ok: false, record: undefined });
    expect(await attempts.get("img_none_00000-1")).toBeUndefined();
  });

  test("a patch writes only the fields it names, undefined never, objects as they are", async () => {
    const attempts = createAttempts(dynamo);
    const attempt = someAttempt({ imageId: imageIdOf("req_patch", 0), token: "t" });
    await attempts.putIfAbsent(attempt);
    const outcome = {
      kind: "failed",
      name: "ProviderFailed",
      message: "",
      charged: true,
      costMicros: null,
      atMs: 1,
    } as const;
    const patched = await attempts.patch(attempt.attemptId, {
      set: { outcome, token: undefined, nonce: "" } as Partial<typeof attempt>,
      when: [],
    });
    expect(patched).toStrictEqual({ ok: true, record: { ...attempt, outcome, nonce: "" } });
    expect(await attempts.get(attempt.attemptId)).toStrictEqual({ ...attempt, outcome, nonce: "" });
  });

  test("a patch is one write", async () => {
    const images = createImages(dynamo);
    const image = someImage({ requestId: "req_cost" });
    await images.putIfAbsent(image);
    const patch = () => images.patch(image.imageId, { set: { status: "held" }, when: [] });
    expect(await commandsOf(table.client, patch)).toStrictEqual(["UpdateItem"]);
  });

  test("a patch of a field that keys are made of is refused", async () => {
    const change = { set: { createdAtMs: 1 }, when: [] };
    await expect(createImages(dynamo).patch(imageIdOf("req_x", 0), change)).rejects.toMatchObject({
      name: "Unexpected",
      message: expect.stringContaining("createdAtMs"),
    });
  });

  test("an id that does not belong to the record's fields is refused", async () => {
    const image = { ...someImage(), imageId: "img_other_00000" };
    await expect(createImages(dynamo).putIfAbsent(image)).rejects.toMatchObject({ name: "Unexpected" });
    const attempt = { ...someAttempt(), attemptId: "img_other_00000-1" };
    await expect(createAttempts(dynamo).putIfAbsent(attempt)).rejects.toMatchObject({ name: "Unexpected" });
  });

  test("a lost answer shows as a failed condition over one's own change", async () => {
    const attempts = createAttempts(dynamo);
    const attempt = someAttempt({ imageId: imageIdOf("req_lost", 0), nonce: "mine" });
    expect(await losingAnAnswer(table.client, () => attempts.putIfAbsent(attempt))).toBe(false);
    expect(await attempts.get(attempt.attemptId)).toStrictEqual(attempt);
    const submit = {
      set: { state: "submitting", submitter: "me" },
      when: [{ field: "state", is: "equals", value: "held" }],
    } as const;
    expect(await losingAnAnswer(table.client, () => attempts.patch(attempt.attemptId, submit))).toStrictEqual(
      {
        ok: false,
        record: { ...attempt, state: "submitting", submitter: "me" },
      },
    );
  });

  test("an operation belongs to one attempt, which may claim it again", async () => {
    const attempts = createAttempts(dynamo);
    const claim = (attemptId: string) => attempts.claimOperation("replicate", "op-1", attemptId);
    expect(await losingAnAnswer(table.client, () => claim("img_a_00000-1"))).toBe(true);
    expect(await claim("img_a_00000-1")).toBe(true);
    expect(await claim("img_a_00000-2")).toBe(false);
    expect(await attempts.claimOperation("stability", "op-1", "img_a_00000-2")).toBe(true);
  });

  test("an item near 400 KB is kept, a larger one is an error that names it", async () => {
    const images = createImages(dynamo);
    const near = someImage({ requestId: "req_large", warnings: ["x".repeat(395 * 1024)] });
    expect(await images.putIfAbsent(near)).toBe(true);
    expect(await images.get(near.imageId)).toStrictEqual(near);
    const over = someImage({ requestId: "req_large", index: 1, warnings: ["x".repeat(401 * 1024)] });
    await expect(images.putIfAbsent(over)).rejects.toMatchObject({
      name: "Unexpected",
      message: expect.stringContaining("IMAGES#img_large IMAGE#00001"),
    });
  });

  test("many large items are read although one answer cannot hold them", async () => {
    const images = createImages(dynamo);
    const indexes = Array.from({ length: 30 }, (_, index) => index);
    const large = indexes.map((index) =>
      someImage({ requestId: "req_many", index, warnings: ["x".repeat(90_000)] }),
    );
    for (const image of large) await images.putIfAbsent(image);
    const keys = [...large.map((image) => imageKey(image.imageId)), { pk: "no", sk: "no" }].reverse();
    const items = await dynamo.getMany(keys);
    expect(items.map((item) => item.index)).toEqual(indexes.toReversed());
    expect(await images.ofRequest("req_many")).toStrictEqual(large);
  });

  test("a damaged item is an error that names its key", async () => {
    const attempt = someAttempt({ imageId: imageIdOf("req_damaged", 0) });
    await dynamo.put({ ...attempt, holdMicros: "a lot", ...attemptKey(attempt.attemptId) });
    await expect(createAttempts(dynamo).get(attempt.attemptId)).rejects.toMatchObject({
      name: "StorageUnavailable",
      message: expect.stringMatching(/IMAGES#img_damaged ATTEMPT#00000#0001 .*holdMicros/),
    });
  });

  test("a request, its parts and an occurrence", async () => {
    const requests = createRequests(dynamo);
    const request = someRequest({ requestId: "req_parts", parts: 12 });
    expect(await requests.putIfAbsent(request)).toBe(true);
    const parts = Array.from({ length: 12 }, (_, part) => somePart({ requestId: "req_parts", part }));
    for (const part of parts.toReversed()) await requests.parts.putIfAbsent(part);
    expect(await requests.get("req_parts")).toStrictEqual(request);
    expect(await requests.parts.get("req_parts.11")).toStrictEqual(parts[11]);
    expect(await requests.parts.ofRequest("req_parts")).toStrictEqual(parts);
    const occurrence = {
      occurrenceId: "monday@2026-11-23",
      entry: "monday",
      localDate: "2026-11-23",
      scheduledAtMs: START_MS,
      requestId: null,
      category: null,
      count: 0,
    };
    expect(await requests.occurrences.putIfAbsent(occurrence)).toBe(true);
    expect(await requests.occurrences.get("monday@2026-11-23")).toStrictEqual(occurrence);
  });

  test("an image's attempts come in order of their number", async () => {
    const attempts = createAttempts(dynamo);
    const imageId = imageIdOf("req_attempts", 0);
    for (const number of [10, 2, 1]) await attempts.putIfAbsent(someAttempt({ imageId, number }));
    await attempts.putIfAbsent(someAttempt({ imageId: imageIdOf("req_attempts", 1) }));
    const found = await attempts.ofImage(imageId);
    expect(found.map((attempt) => attempt.number)).toEqual([1, 2, 10]);
  });

  test("prompts are kept apart and may be written again", async () => {
    const vault = createPromptVault(dynamo, TEXT_VAULT);
    const imageId = imageIdOf("req_prompt", 0);
    expect(await vault.get(imageId)).toBeUndefined();
    const prompt = { prompt: "a still life, “été” 静物", negativePrompt: "" };
    await vault.put(imageId, prompt);
    await vault.put(imageId, prompt);
    expect(await vault.get(imageId)).toStrictEqual(prompt);
    expect(JSON.stringify(await dynamo.get(promptKey(imageId)))).not.toMatch(/still|静物|"prompt":/);
    expect(await vault.renew(imageId)).toBe(false);
    expect(await createImages(dynamo).ofRequest("req_prompt")).toEqual([]);
    expect([await vault.remove(imageId), await vault.remove(imageId)]).toEqual([true, false]);
    expect(await vault.get(imageId)).toBeUndefined();
    expect(await vault.renew(imageId)).toBe(false);
  });

  test("prompts of many images are read at once, those that have none left out", async () => {
    const vault = createPromptVault(dynamo, TEXT_VAULT);
    const ids = Array.from({ length: 130 }, (_, index) => imageIdOf("req_prompts", index));
    const kept = ids.filter((_, index) => index % 3 !== 0);
    const promptOf = (imageId: string) => ({ prompt: `of ${imageId}`, negativePrompt: "" });
    await Promise.all(kept.map((imageId) => vault.put(imageId, promptOf(imageId))));
    const found = await vault.getMany([...ids, ...ids.slice(0, 5)]);
    expect([...found]).toStrictEqual(kept.map((imageId) => [imageId, promptOf(imageId)]));
    expect(await vault.getMany([])).toEqual(new Map());
  });

  test("a prompt of the first release is read as it stands, and encrypted once it is renewed or written", async () => {
    const vault = createPromptVault(dynamo, TEXT_VAULT);
    const prompt = { prompt: "a bowl of pears", negativePrompt: "text" };
    for (const [index, write] of [vault.renew, (id: string) => vault.put(id, prompt)].entries()) {
      const imageId = imageIdOf("req_plain", index);
      await dynamo.put({ ...promptKey(imageId), ...prompt });
      expect(await vault.get(imageId)).toStrictEqual(prompt);
      await write(imageId);
      expect(await vault.get(imageId)).toStrictEqual(prompt);
      expect(JSON.stringify(await dynamo.get(promptKey(imageId)))).not.toMatch(/pears|text/);
    }
  });

  test("a prompt that stands under another image is not that image's", async () => {
    const vault = createPromptVault(dynamo, TEXT_VAULT);
    const [one, other] = [imageIdOf("req_swap", 0), imageIdOf("req_swap", 1)];
    await vault.put(one, { prompt: "a bowl of pears", negativePrompt: "" });
    await dynamo.put({ ...(await dynamo.get(promptKey(one))), ...promptKey(other) });
    await expect(vault.get(other)).rejects.toMatchObject({
      name: "StorageUnavailable",
      message: expect.not.stringContaining("pears"),
    });
  });

  test("an audit entry is written once", async () => {
    const audit = createAudit(dynamo);
    const entry = (auditId: string, atMs: number, facts: AuditEntry["facts"] = {}): AuditEntry => ({
      auditId,
      subject: "img_audit",
      kind: "bought",
      phase: "done",
      attemptId: null,
      atMs,
      by: "test",
      facts,
    });
    await audit.write(entry("b", 1, { usd: 0.05, note: null, paid: true }));
    await audit.write(entry("a", 2));
    await losingAnAnswer(table.client, () => audit.write(entry("c", 3)));
    await audit.write(entry("b", 9, { usd: 7 }));
    const { items } = await audit.list({ limit: 10 });
    expect(items.map(({ auditId }) => auditId)).toEqual(["c", "a", "b"]);
    expect(await audit.ofSubject("img_audit")).toStrictEqual(items.toReversed());
    expect(items[2]).toStrictEqual(entry("b", 1, { usd: 0.05, note: null, paid: true }));
  });

  describe("the audit's chain", () => {
    const auditEntry = (subject: string, auditId: string, atMs = 1): AuditEntry => ({
      auditId,
      subject,
      kind: "decided",
      phase: "done",
      attemptId: null,
      atMs,
      by: "alice",
      facts: { promptHash: "a hash" },
    });
    const proofOf = async (subject: string) => verifyChain(await createAudit(dynamo).chainOf(subject));

    test("is one chain whoever writes at the same time, each entry once", async () => {
      const subject = "img_chain_00000";
      const ids = ["a", "b", "c", "d", "e", "a", "b"];
      await Promise.all(ids.map((id, index) => createAudit(dynamo).write(auditEntry(subject, id, index))));
      expect(await proofOf(subject)).toMatchObject({ entries: 5, problems: [] });
      const { items } = await createAudit(dynamo).heads({ limit: 100 });
      expect(items.filter((head) => head.subject === subject)).toHaveLength(1);
    });

    test("begins after the entries of the first release, and vouches for them", async () => {
      const subject = "img_chain_00001";
      const old = auditEntry(subject, "old");
      await dynamo.put({ ...old, ...auditKey(subject, old.auditId) });
      expect(await proofOf(subject)).toMatchObject({ entries: 1, problems: [] });
      await createAudit(dynamo).write(old);
      await createAudit(dynamo).write(auditEntry(subject, "new", 2));
      expect(await proofOf(subject)).toMatchObject({ entries: 2, problems: [] });
      expect(await createAudit(dynamo).ofSubject(subject)).toStrictEqual([
        old,
        auditEntry(subject, "new", 2),
      ]);
      await dynamo.put({ ...old, atMs: 9, ...auditKey(subject, old.auditId) });
      expect((await proofOf(subject)).problems).not.toEqual([]);
    });

    test("goes on after a writer that was killed between the head and the entry", async () => {
      const subject = "img_chain_00002";
      const audit = createAudit(dynamo);
      await audit.write(auditEntry(subject, "one"));
      for (const next of ["one", "two"]) {
        await dynamo.remove(auditKey(subject, "one"));
        expect((await proofOf(subject)).problems).toEqual(["entry 1 (one) was cut off"]);
        await audit.write(auditEntry(subject, next, 2));
      }
      expect(await proofOf(subject)).toMatchObject({ entries: 2, problems: [] });
      expect((await audit.ofSubject(subject)).map(({ auditId }) => auditId)).toEqual(["one", "two"]);
    });

    test("holds without the persons in it, and goes on", async () => {
      const subject = "img_chain_00003";
      const audit = createAudit(dynamo);
      for (const id of ["one", "two"]) await audit.write(auditEntry(subject, id));
      expect(await audit.pseudonymise(subject)).toEqual({ pseudonymised: 2, left: 0 });
      expect(JSON.stringify(await audit.chainOf(subject))).not.toMatch(/alice|a hash/);
      await audit.write(auditEntry(subject, "three"));
      expect(await proofOf(subject)).toMatchObject({ entries: 3, problems: [] });
    });

    test("shows an item that was removed or changed in the table", async () => {
      const subject = "img_chain_00004";
      for (const id of ["one", "two", "three"]) await createAudit(dynamo).write(auditEntry(subject, id));
      const key = auditKey(subject, "two");
      const item = await dynamo.get(key);
      await dynamo.remove(key);
      expect((await proofOf(subject)).problems[0]).toBe("entry 2 is missing");
      await dynamo.put({ ...item, ...key, by: "bob" });
      expect((await proofOf(subject)).problems).toEqual([
        "entry 2 (two) was changed in who acted or what was hashed",
      ]);
    });
  });
}
