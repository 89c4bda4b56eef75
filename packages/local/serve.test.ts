import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { AtelierError } from "@atelier/core/errors";
import { occurrencesOn } from "@atelier/core/schedule";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Serving } from "./facade.ts";
import { type Installation, openInstallation } from "./installation.ts";
import { imagesOf } from "./runs.ts";
import { openServing } from "./serve.ts";
import { fireOccurrence } from "./serve-firing.ts";
import { repeated, startRounds } from "./serve-rounds.ts";

let root = "";
let templatesFolder = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "atelier-serve-"));
  templatesFolder = join(root, "templates");
  await cp(fileURLToPath(new URL("../../templates", import.meta.url)), templatesFolder, { recursive: true });
  for (const name of await readdir(join(templatesFolder, "categories"))) {
    const path = join(templatesFolder, "categories", name);
    await writeFile(path, (await readFile(path, "utf8")).replaceAll(/(width|height): 1024/g, "$1: 256"));
  }
});
afterAll(() => rm(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }));

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function opened(name: string): Promise<Installation> {
  const dataFolder = join(root, name);
  const installation = await openInstallation({
    dataFolder,
    templatesFolder,
    provider: null,
    environment: {},
  });
  closers.push(installation.close);
  return installation;
}

const faults: unknown[] = [];
async function served(installation: Installation, port = 0): Promise<Serving> {
  const options = { port, tokenDays: 1, revokeTokens: false, calendar: false };
  const serving = await openServing(installation, options, (error) => faults.push(error));
  closers.push(serving.close);
  return serving;
}

/** The status of a call with headers as they are given: `fetch` would set Host itself. */
function statusOf(url: string, headers: Readonly<Record<string, string>>): Promise<number> {
  const { hostname, port, pathname } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => {
      const lines = Object.entries({ connection: "close", ...headers }).map(
        ([name, value]) => `${name}: ${value}`,
      );
      socket.write(`GET ${pathname} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`);
    });
    let answer = "";
    socket.setEncoding("utf8").on("data", (text) => (answer += text));
    socket.on("error", reject).on("close", () => resolve(Number(answer.split(" ")[1])));
  });
}

describe("serving", { timeout: 60_000 }, () => {
  test("answers its own hosts and pages alone, and needs its token", async () => {
    const { url, token } = await served(await opened("served"));
    const { port, host } = new URL(url);
    expect(url).toBe(`http://127.0.0.1:${port}`);
    const images = `${url}/v1/images`;
    const authorization = `Bearer ${token}`;
    expect(await statusOf(images, { host, authorization })).toBe(200);
    expect(await statusOf(images, { host: `localhost:${port}`, authorization })).toBe(200);
    expect(await statusOf(images, { host, origin: url, authorization })).toBe(200);
    expect(await statusOf(images, { host })).toBe(401);
    expect(await statusOf(images, { host: `attacker.example:${port}`, authorization })).toBe(421);
    expect(await statusOf(images, { host: "127.0.0.1", authorization })).toBe(421);
    expect(await statusOf(images, { host, origin: "https://attacker.example", authorization })).toBe(403);
    expect(await statusOf(images, { host, authorization: `${authorization}x` })).toBe(401);
    expect(faults).toStrictEqual([]);
  });

  test("listens on loopback only, and says so when the port is in use", async () => {
    const installation = await opened("served");
    const { url } = await served(installation);
    const elsewhere = Object.values(networkInterfaces())
      .flat()
      .filter((one) => one?.family === "IPv4" && !one.internal);
    for (const one of elsewhere) {
      await expect(
        statusOf(`http://${one?.address}:${new URL(url).port}/v1/health`, { host: "x" }),
      ).rejects.toMatchObject({ code: "ECONNREFUSED" });
    }
    await expect(
      statusOf(`http://127.0.0.2:${new URL(url).port}/v1/health`, { host: "x" }),
    ).rejects.toMatchObject({ code: "ECONNREFUSED" });
    const port = Number(new URL(url).port);
    await expect(served(installation, port)).rejects.toMatchObject({
      name: "UsageError",
      message: `Port ${port} is in use; give another one with --port, or 0 for any.`,
    });
  });

  test("ends answers that would never end", async () => {
    const installation = await opened("served");
    const { url, close } = await served(installation);
    // A client that never sends its request.
    const socket = connect(Number(new URL(url).port), "127.0.0.1");
    socket.write("GET /v1/health HTTP/1.1\r\n");
    const gone = new Promise((resolve) => socket.on("close", resolve).on("error", () => {}));
    await new Promise((resolve) => socket.on("connect", resolve));
    await close();
    await gone;
    await expect(fetch(`${url}/v1/health`)).rejects.toThrow();
  });
});

describe("an entry of the calendar", { timeout: 60_000 }, () => {
  test("fires once, however many processes serve the folder", async () => {
    const [one, other] = [await opened("twice"), await opened("twice")];
    const [occurrence] = occurrencesOn("2026-11-24", one.catalogue.schedule);
    if (!occurrence) throw new Error("There is no entry on that day.");
    await Promise.all([fireOccurrence(occurrence, one), fireOccurrence(occurrence, other)]);
    const requestOf = async () =>
      (await one.steps.requests.occurrences.get(occurrence.occurrenceId))?.requestId ?? null;
    await expect.poll(requestOf, { timeout: 20_000 }).not.toBeNull();
    const requestId = (await requestOf()) ?? "";
    const statuses = async () =>
      (await imagesOf([requestId], one)).map(({ status, attempts }) => `${status} ${attempts}`);
    await expect
      .poll(statuses, { timeout: 30_000, interval: 200 })
      .toStrictEqual(Array.from({ length: occurrence.count }, () => "completed 1"));
    await fireOccurrence(occurrence, other);
    expect((await imagesOf([requestId], one)).length).toBe(occurrence.count);
  });

  test("that reports is noted, and done by one of them", async () => {
    const [one, other] = [await opened("report"), await opened("report")];
    const schedule = { ...one.catalogue.schedule, active: "daily" };
    const report = occurrencesOn("2026-11-24", schedule).find(
      ({ action }) => action.kind === "reconcile-and-report",
    );
    if (!report) throw new Error("There is no report in the plan.");
    let swept = 0;
    for (const installation of [one, other]) {
      const { list } = installation.steps.images;
      // The sweep looks for what is due by status.
      installation.steps.images.list = (query, page) => {
        if (query.status === "rejected") swept++;
        return list(query, page);
      };
    }
    await Promise.all([fireOccurrence(report, one), fireOccurrence(report, other)]);
    expect(await one.steps.requests.occurrences.get(report.occurrenceId)).toMatchObject({
      requestId: null,
      localDate: "2026-11-24",
    });
    const once = swept;
    expect(once).toBeGreaterThan(0);
    await fireOccurrence(report, one);
    expect(swept).toBe(once);
  });
});

test("a round that fails is told about, and the next one comes; none comes after the end", async () => {
  const stop = new AbortController();
  const told: unknown[] = [];
  let rounds = 0;
  const work = async () => {
    rounds++;
    if (rounds === 3) stop.abort();
    throw new Error(`round ${rounds}`);
  };
  await repeated({ work }, 1, stop.signal, (error) => told.push(error));
  expect(rounds).toBe(3);
  expect(told).toMatchObject([{ message: "work: Error: round 1" }, { message: "work: Error: round 2" }]);
});

test("a work that fails keeps none of its round from its turn, and each is told by its name", async () => {
  const stop = new AbortController();
  const told: unknown[] = [];
  const done: string[] = [];
  const works = {
    async ledgers() {
      throw new AtelierError("LedgerBusy", "The ledger is busy.");
    },
    async reviews() {
      done.push("reviews");
      throw new TypeError("no number");
    },
    async alarms() {
      done.push("alarms");
      stop.abort();
    },
    async later() {
      done.push("after the end");
    },
  };
  await repeated(works, 1, stop.signal, (error) => told.push(error));
  expect(done).toStrictEqual(["reviews", "alarms"]);
  expect(told).toMatchObject([
    { name: "LedgerBusy", message: "ledgers: The ledger is busy." },
    { name: "Unexpected", message: "reviews: TypeError: no number" },
  ]);
});

test("alarms are looked at and versions made while the books cannot be gone through", async () => {
  const installation = await opened("books");
  const told: string[] = [];
  let versions = 0;
  const broken: Installation = {
    ...installation,
    gate: { ...installation.gate, refresh: () => Promise.reject(new Error("no settings")) },
    executions: { ...installation.executions, running: () => Promise.reject(new Error("no executions")) },
    reconciling: {
      ...installation.reconciling,
      ledger: { ...installation.reconciling.ledger, read: () => Promise.reject(new Error("no ledger")) },
    },
    versionWork: {
      ...installation.versionWork,
      async finishAll() {
        versions++;
        return [];
      },
    },
  };
  let looked = 0;
  const { attempts } = broken.steps;
  const steps = {
    ...broken.steps,
    attempts: {
      ...attempts,
      ofProvider(...asked: Parameters<typeof attempts.ofProvider>) {
        looked++;
        return attempts.ofProvider(...asked);
      },
    },
  };
  const rounds = startRounds({ ...broken, steps }, (error) => told.push((error as Error).message));
  await expect.poll(() => looked, { timeout: 10_000, interval: 20 }).toBeGreaterThan(0);
  await rounds.stop();
  expect(versions).toBe(1);
  expect(told).toStrictEqual([
    "settings: Error: no settings",
    "occurrences: Error: no executions",
    "ledgers: Error: no ledger",
  ]);
});
