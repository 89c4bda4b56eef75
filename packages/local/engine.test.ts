import { type ChildProcess, fork } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import * as files from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type CreateTableCommandInput,
  DescribeTableCommand,
  GetItemCommand,
  PutItemCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type DataFolder, prepareDataFolder } from "./data-folder.ts";
import type { Order, Report } from "./engine.test-process.ts";
import { type Engine, openEngine } from "./engine.ts";

const TABLE: CreateTableCommandInput = {
  TableName: "things",
  BillingMode: "PAY_PER_REQUEST",
  AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
  KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
};

let place: string;
let engines: Engine[];
let actors: Actor[];
beforeEach(async () => {
  place = await files.mkdtemp(join(tmpdir(), "atelier-engine-"));
  engines = [];
  actors = [];
});
afterEach(async () => {
  for (const actor of actors) if (actor.child.exitCode === null) actor.child.kill("SIGKILL");
  for (const engine of engines) await engine.close();
  await files.rm(place, { recursive: true });
});

async function folder(name = "data"): Promise<DataFolder> {
  return prepareDataFolder({ path: join(place, name), clock: Date.now, randomBytes });
}

async function open(dataFolder: DataFolder, table = TABLE): Promise<Engine> {
  const engine = await openEngine({
    dataFolder,
    table,
    clock: Date.now,
    randomBytes,
    onFault: (error) => {
      throw error;
    },
  });
  engines.push(engine);
  return engine;
}

async function put(engine: Engine, id: string): Promise<void> {
  await engine.client.send(new PutItemCommand({ TableName: "things", Item: { id: { S: id } } }));
}

async function has(engine: Engine, id: string): Promise<boolean> {
  const key = { TableName: "things", Key: { id: { S: id } }, ConsistentRead: true };
  return (await engine.client.send(new GetItemCommand(key))).Item !== undefined;
}

/** Another process on the folder. */
class Actor {
  readonly child: ChildProcess;
  readonly reports: Report[] = [];
  readonly #waiting = new Set<() => void>();

  constructor(path: string) {
    // Another temporary folder than ours, which also goes away with the test.
    const env = { ...process.env, TMPDIR: place };
    this.child = fork(join(import.meta.dirname, "engine.test-process.ts"), [path], { env });
    this.child.on("message", (report: Report) => {
      this.reports.push(report);
      for (const look of this.#waiting) look();
    });
    actors.push(this);
  }

  order(order: Order): void {
    this.child.send(order);
  }

  /** When at least so many reports of a kind have come; rejects when it fails instead. */
  async heard(kind: Report["kind"], count = 1): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const look = () => {
        const failed = this.of("failed")[0];
        if (failed) reject(new Error(`${failed.name}: ${failed.message}`));
        else if (this.of(kind).length >= count) resolve();
        else return;
        this.#waiting.delete(look);
      };
      this.#waiting.add(look);
      look();
    });
  }

  of<K extends Report["kind"]>(kind: K): Extract<Report, { kind: K }>[] {
    return this.reports.filter((report): report is Extract<Report, { kind: K }> => report.kind === kind);
  }

  async kill(): Promise<void> {
    const exit = once(this.child, "exit");
    this.child.kill("SIGKILL");
    await exit;
  }

  get hosts(): boolean {
    return this.of("hosting").length > 0;
  }
}

describe("one process", () => {
  it("serves the folder with its table ready, keeps what was written, and leaves nothing behind", async () => {
    const data = await folder();
    const engine = await open(data);
    expect(engine.hosting()).toBe(true);
    const described = await engine.client.send(new DescribeTableCommand({ TableName: "things" }));
    expect(described.Table?.TableStatus).toBe("ACTIVE");
    await put(engine, "a");
    const { socketPath } = JSON.parse(await files.readFile(join(data.engine, "host.json"), "utf8"));
    expect(Buffer.byteLength(socketPath)).toBeLessThan(104);
    await engine.close();

    await expect(files.stat(join(socketPath, ".."))).rejects.toMatchObject({ code: "ENOENT" });
    await expect(put(engine, "b")).rejects.toMatchObject({ name: "StorageUnavailable" });
    expect(await has(await open(data), "a")).toBe(true);
  });

  it("applies conditions exactly: of 100 racing increments below 20, twenty pass", async () => {
    const engine = await open(await folder());
    const results = await Promise.allSettled(
      Array.from({ length: 100 }, () =>
        engine.client.send(
          new UpdateItemCommand({
            TableName: "things",
            Key: { id: { S: "counter" } },
            UpdateExpression: "ADD amount :one",
            ConditionExpression: "attribute_not_exists(amount) OR amount < :limit",
            ExpressionAttributeValues: { ":one": { N: "1" }, ":limit": { N: "20" } },
          }),
        ),
      ),
    );
    expect(results.filter((result) => result.status === "fulfilled").length).toBe(20);
    const failed = results.find((result) => result.status === "rejected");
    expect(failed?.reason.name).toBe("ConditionalCheckFailedException");
  });

  it("answers what is under way before it closes", async () => {
    const data = await folder();
    const engine = await open(data);
    const writes = Array.from({ length: 50 }, (_, index) => put(engine, `w${index}`));
    await writes[0];
    await engine.close();
    const results = await Promise.allSettled(writes);
    const again = await open(data);
    expect(results[0]?.status).toBe("fulfilled");
    for (const [index, result] of results.entries()) {
      // Those that had not left when it closed are refused by name; the others are in the store.
      if (result.status === "rejected") expect(result.reason.name).toBe("StorageUnavailable");
      else expect(await has(again, `w${index}`)).toBe(true);
    }
  });

  it("runs its hosting tasks while it hosts", async () => {
    const engine = await open(await folder());
    const events: string[] = [];
    await engine.whenHosting(async () => {
      events.push("start");
      return async () => void events.push("stop");
    });
    expect(events).toStrictEqual(["start"]);
    await engine.close();
    expect(events).toStrictEqual(["start", "stop"]);
  });

  it("reports a hosting task that fails to start at once", async () => {
    const engine = await open(await folder());
    await expect(engine.whenHosting(() => Promise.reject(new Error("port taken")))).rejects.toThrow(
      "port taken",
    );
  });

  it("is not disturbed by an engine on another folder", async () => {
    const [one, other] = [await open(await folder("one")), await open(await folder("other"))];
    expect([one.hosting(), other.hosting()]).toStrictEqual([true, true]);
    await put(one, "a");
    expect(await has(other, "a")).toBe(false);
  });
});

describe("several engines on a folder", () => {
  it("have one host; the next takes over when it closes, with its tasks", async () => {
    const data = await folder();
    const all = await Promise.all([open(data), open(data), open(data)]);
    expect(all.filter((engine) => engine.hosting()).length).toBe(1);
    const host = all.find((engine) => engine.hosting());
    const guests = all.filter((engine) => engine !== host);
    const started: Engine[] = [];
    for (const guest of guests) {
      await guest.whenHosting(async () => {
        started.push(guest);
        return async () => {};
      });
    }
    if (host) await put(host, "a");
    await host?.close();

    expect(await Promise.all(guests.map((guest) => has(guest, "a")))).toStrictEqual([true, true]);
    expect(guests.filter((guest) => guest.hosting()).length).toBe(1);
    await expect.poll(() => started).toStrictEqual(guests.filter((guest) => guest.hosting()));
  });
});

describe("several processes on a folder", () => {
  it("race to start and end up with one host", async () => {
    const { path } = await folder();
    const racers = [new Actor(path), new Actor(path)];
    await Promise.all(racers.map((racer) => racer.heard("ready")));
    expect(racers.filter((racer) => racer.of("ready")[0]?.hosting).length).toBe(1);
  });

  it("lose no acknowledged write when the host is killed, and go on", async () => {
    const data = await folder();
    const host = new Actor(data.path);
    await host.heard("ready");
    const others = [new Actor(data.path), new Actor(data.path)];
    await Promise.all(others.map((other) => other.heard("ready")));
    for (const actor of [host, ...others]) actor.order({ do: "write" });
    await Promise.all([host, ...others].map((actor) => actor.heard("acknowledged", 15)));

    await host.kill();
    const before = others.map((other) => other.of("acknowledged").length);
    await Promise.all(others.map((other, index) => other.heard("acknowledged", (before[index] ?? 0) + 15)));
    expect(others.filter((other) => other.hosts).length).toBe(1);
    expect(others.flatMap((other) => other.of("failed"))).toStrictEqual([]);

    const second = others.find((other) => other.hosts);
    await second?.kill();
    const last = others.find((other) => other !== second);
    await last?.heard("hosting");
    await last?.kill();
    const engine = await open(data);
    expect(engine.hosting()).toBe(true);
    const acknowledged = [host, ...others].flatMap((actor) => actor.of("acknowledged"));
    const kept = await Promise.all(acknowledged.map(({ id }) => has(engine, id)));
    expect(kept.filter((isKept) => !isKept)).toStrictEqual([]);
    expect(kept.length).toBeGreaterThanOrEqual(75);
  });

  it("take over without being asked", async () => {
    const data = await folder();
    const host = new Actor(data.path);
    await host.heard("ready");
    const idle = new Actor(data.path);
    await idle.heard("ready");
    expect(idle.hosts).toBe(false);
    await host.kill();
    await idle.heard("hosting");
    idle.order({ do: "close" });
    await once(idle.child, "exit");
    expect(idle.child.exitCode).toBe(0);
  });
});

describe("what dead processes leave", () => {
  it("is no obstacle: a stale socket, a record of a number that a stranger has now, a lock file", async () => {
    const data = await folder();
    const host = new Actor(data.path);
    await host.heard("ready");
    await host.kill();
    const recordPath = join(data.engine, "host.json");
    const record = JSON.parse(await files.readFile(recordPath, "utf8"));
    expect((await files.stat(record.socketPath)).isSocket()).toBe(true);
    await files.writeFile(recordPath, JSON.stringify({ ...record, pid: process.pid }));

    const engine = await open(data);
    expect(engine.hosting()).toBe(true);
    await put(engine, "a");
    expect(await has(engine, "a")).toBe(true);
  });

  it("may be half a record or nothing readable", async () => {
    const data = await folder();
    await files.mkdir(data.engine, { recursive: true });
    await files.writeFile(join(data.engine, "host.json"), '{"pid":');
    expect((await open(data)).hosting()).toBe(true);
  });
});

describe("a store that cannot be used", () => {
  let made: string;
  let whole: string;
  beforeAll(async () => {
    made = await files.mkdtemp(join(tmpdir(), "atelier-engine-"));
    const data = await prepareDataFolder({ path: join(made, "data"), clock: Date.now, randomBytes });
    await (
      await openEngine({ dataFolder: data, table: TABLE, clock: Date.now, randomBytes, onFault() {} })
    ).close();
    whole = join(data.engine, "store");
  });
  afterAll(() => files.rm(made, { recursive: true }));

  /** A folder with a closed store, as `whole`. */
  async function closedFolder(): Promise<DataFolder> {
    const data = await folder();
    await files.cp(whole, join(data.engine, "store"), { recursive: true });
    return data;
  }

  it.each<[string, string, string | null]>([
    ["its manifest is garbage", "MANIFEST", "garbage"],
    ["its manifest is missing", "MANIFEST", null],
    ["CURRENT is cut", "CURRENT", "garbage"],
    ["CURRENT names nothing", "CURRENT", "garbage\n"],
    ["CURRENT is zeros", "CURRENT", "\0\0\0\n"],
    ["CURRENT is missing", "CURRENT", null],
  ])("is refused when %s, in one sentence, and left as it is", async (_, damaged, text) => {
    const data = await closedFolder();
    const store = join(data.engine, "store");
    const name = (await files.readdir(store)).find((each) => each.startsWith(damaged)) ?? "";
    if (text === null) await files.rm(join(store, name));
    else await files.writeFile(join(store, name), text);
    const logs = async () => (await files.readdir(store)).filter((each) => each.endsWith(".log"));
    const before = await logs();
    await expect(open(data)).rejects.toMatchObject({
      name: "FolderUnusable",
      message: `The database in ${store} is damaged; restore the data folder from a backup (the pictures under content/ and originals/ are untouched).`,
    });
    expect(await logs()).toStrictEqual(before);
    expect(before).not.toStrictEqual([]);
  });

  it("is refused when another version made its table", async () => {
    const data = await closedFolder();
    const changed: CreateTableCommandInput = {
      ...TABLE,
      GlobalSecondaryIndexes: [
        {
          IndexName: "new",
          KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
          Projection: { ProjectionType: "ALL" },
        },
      ],
    };
    await expect(open(data, changed)).rejects.toMatchObject({
      name: "FolderUnusable",
      message: expect.stringContaining("another version"),
    });
  });

  it("is refused when a file stands in its place", async () => {
    const data = await folder();
    await files.rm(data.engine, { recursive: true });
    await files.writeFile(data.engine, "");
    await expect(open(data)).rejects.toMatchObject({ name: "FolderUnusable" });
  });
});
