import { appendFile, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AtelierEvent } from "@atelier/core/events";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createOutbox, readOutbox } from "./outbox.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "outbox-"));
});
afterEach(() => rm(folder, { recursive: true }));

const path = () => join(folder, "events.jsonl");
const event = (id: string): AtelierEvent => ({
  id,
  type: "suspected-minor",
  atMs: Date.parse("2026-11-22T10:00:00Z"),
  detail: { image_id: "img_a_00000", request_id: "req_a", category: "feet" },
});
const ids = async () => readOutbox(await readFile(path(), "utf8")).map(({ id }) => id);

test("an event is a line in its envelope, written once by a process", async () => {
  const outbox = createOutbox(folder);
  await outbox.publish(event("e1"));
  await outbox.publish(event("e1"));
  expect(await readFile(path(), "utf8")).toBe(
    '{"id":"e1","type":"suspected-minor","version":1,"at":"2026-11-22T10:00:00.000Z","detail":{"image_id":"img_a_00000","request_id":"req_a","category":"feet"}}\n',
  );
});

test("the newest ids are remembered, so that memory does not grow with what is told", async () => {
  const outbox = createOutbox(folder, 2);
  for (const id of ["e1", "e2", "e3", "e3", "e2", "e1"]) await outbox.publish(event(id));
  expect(await ids()).toStrictEqual(["e1", "e2", "e3", "e1"]);
});

test("a line that a killed process left torn spoils no other", async () => {
  await createOutbox(folder).publish(event("e1"));
  await appendFile(path(), '{"id":"e2","type":"susp');
  await createOutbox(folder).publish(event("e2"));
  await createOutbox(folder).publish(event("e3"));
  expect(await ids()).toStrictEqual(["e1", "e2", "e3"]);
});

test("several processes at once tear nothing", async () => {
  const all = Array.from({ length: 40 }, (_, index) => `e${index}`);
  await Promise.all(all.map((id) => createOutbox(folder).publish(event(id))));
  expect((await ids()).sort()).toStrictEqual(all.sort());
});

test("what is of a later release is left out", async () => {
  await appendFile(
    path(),
    '{"id":"e1","type":"something-new","version":1,"at":"2026-11-22T10:00:00.000Z","detail":{}}\n',
  );
  await appendFile(
    path(),
    '{"id":"e2","type":"suspected-minor","version":2,"at":"2026-11-22T10:00:00.000Z","detail":{}}\n',
  );
  expect(await ids()).toStrictEqual([]);
});
