import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import type { Execution } from "@atelier/aws/dynamo/executions";
import type { Catalogue } from "@atelier/core/catalogue";
import { AtelierError } from "@atelier/core/errors";
import { occurrencesOn, type ScheduledOccurrence } from "@atelier/core/schedule";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { smallCatalogue } from "../../test/builders/small-catalogue.ts";
import type { Serving } from "./facade.ts";
import { type Installation, openInstallation } from "./installation.ts";
import { runPlanOf } from "./planned.ts";
import { imagesOf, refireOccurrences, resumeAll } from "./runs.ts";
import { openServing } from "./serve.ts";
import { fireOccurrence } from "./serve-firing.ts";
import { repeated, startRounds } from "./serve-rounds.ts";

let root = "";
let catalogue: Catalogue;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "atelier-serve-"));
  catalogue = await smallCatalogue(2);
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
    catalogue,
    provider: null,
    environment: {},
  });
  closers.push(installation.close);
  return installation;
}

function reportOf({ catalogue }: Installation): ScheduledOccurrence {
  const report = occurrencesOn("2026-11-24", { ...catalogue.schedule, active: "daily" }).find(
    ({ action }) => action.kind === "reconcile-and-report",
  );
  if (!report) throw new Error("There is no report in the plan.");
  return report;
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

  test("whose process died before it wrote anything is fired again, also after a start that failed", async () => {
    const installation = await opened("twice");
    const { executions, machine } = installation;
    const lost = (name: string): Execution => ({
      name,
      input: { entry: "no-such-entry", scheduledTime: "2026-11-24T05:00:00.000Z" },
      status: "running",
      definitionHash: "",
      owner: "a dead process",
      startedAtMs: 1,
      endedAtMs: null,
    });
    for (const name of ["one@2026-11-24~1", "two@2026-11-24~1"]) await executions.putIfAbsent(lost(name));
    let calls = 0;
    const started: string[] = [];
    const start = async (name: string) => {
      if (++calls === 1) throw new Error("not now");
      started.push(name.slice(0, name.lastIndexOf("~")));
      return "started" as const;
    };
    const failing = { ...installation, machine: { ...machine, start } };
    expect((await refireOccurrences(failing)).failed).toMatchObject([
      { message: "one@2026-11-24~1: Error: not now" },
    ]);
    expect((await refireOccurrences(failing)).failed).toStrictEqual([]);
    expect((await refireOccurrences(failing)).started).toStrictEqual([]);
    expect(started).toStrictEqual(["two@2026-11-24", "one@2026-11-24"]);
  });

  test("that reports is noted, and done by one of them", async () => {
    const [one, other] = [await opened("report"), await opened("report")];
    const report = reportOf(one);
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

describe("books that cannot be gone through", () => {
  /** Whose open attempts and ledgers cannot be read; counts how often versions are made all the same. */
  function broken() {
    const counted = { versions: 0 };
    const { reconciling, versionWork } = installation;
    const unread = (what: string) => () => Promise.reject(new Error(`no ${what}`));
    const versions = async () => {
      counted.versions++;
      return [];
    };
    const changed: Installation = {
      ...installation,
      gate: { ...installation.gate, refresh: unread("settings") },
      reconciling: {
        ...reconciling,
        ledger: { ...reconciling.ledger, read: unread("ledger") },
        attempts: { ...reconciling.attempts, open: unread("attempts") },
      },
      versionWork: { ...versionWork, finishAll: versions },
    };
    return { changed, counted };
  }
  const LEDGERS =
    /ledgers: 4 failed \[real \S+: Error: no ledger \| real \S+: Error: no ledger \| sandbox \S+: Error: no ledger \| and 1 more\]/;

  let installation: Installation;
  beforeAll(async () => {
    installation = await opened("books");
    closers.pop();
  });
  afterAll(() => installation.close());

  test("keep no alarm from ringing and no version from being made", async () => {
    const { changed, counted } = broken();
    const told: string[] = [];
    const rang = Promise.withResolvers<void>();
    const { attempts } = changed.steps;
    const steps = {
      ...changed.steps,
      attempts: {
        ...attempts,
        // The alarms ask for each provider's newest attempts.
        ofProvider(...asked: Parameters<typeof attempts.ofProvider>) {
          rang.resolve();
          return attempts.ofProvider(...asked);
        },
      },
    };
    const rounds = startRounds({ ...changed, steps }, (error) => told.push((error as Error).message));
    await rang.promise;
    await rounds.stop();
    expect(counted.versions).toBe(1);
    expect(told).toStrictEqual(
      expect.arrayContaining([
        "attempts: Error: no attempts",
        "settings: Error: no settings",
        expect.stringMatching(LEDGERS),
      ]),
    );
  });

  test("keep a resume from nothing, which says what failed", async () => {
    const { changed, counted } = broken();
    const reviews: unknown[] = [];
    const { open } = changed.gate.reviews;
    const gate = {
      ...changed.gate,
      reviews: {
        ...changed.gate.reviews,
        open: (...asked: Parameters<typeof open>) => {
          reviews.push(asked);
          return open(...asked);
        },
      },
    };
    const told: unknown[] = [];
    const onFault = (error: unknown) => told.push(error);
    await expect(resumeAll({ ...changed, gate, onFault }, undefined)).rejects.toMatchObject({
      message: expect.stringMatching(
        `^books: 2 failed \\[attempts: Error: no attempts \\| ${LEDGERS.source}`,
      ),
    });
    expect(told).toMatchObject([{ message: "attempts: Error: no attempts" }]);
    expect(counted.versions).toBe(1);
    expect(reviews).toHaveLength(1);
  });

  /** With a store of images that lists none, and attestations that note that they were asked for. */
  function reporting() {
    const { changed } = broken();
    const asked: string[] = [];
    const { images } = changed.steps;
    const list = () => {
      asked.push("images");
      return Promise.reject(new Error("no images"));
    };
    const ages = () => {
      asked.push("ages");
      return changed.gate.attestations.ages();
    };
    const { schedule } = changed.catalogue;
    const daily = (schedule.plans.daily ?? []).filter(({ action }) => action.kind === "reconcile-and-report");
    return {
      asked,
      changed: {
        ...changed,
        catalogue: {
          ...changed.catalogue,
          schedule: { ...schedule, active: "daily", plans: { ...schedule.plans, daily } },
        },
        steps: { ...changed.steps, images: { ...images, list } },
        gate: { ...changed.gate, attestations: { ...changed.gate.attestations, ages } },
      },
    };
  }

  test("keep neither retention nor what expires from the day's report", async () => {
    const { changed, asked } = reporting();
    const failure = fireOccurrence(reportOf(installation), changed);
    await expect(failure).rejects.toThrow(/^2 failed \[books: 2 failed .*retention: .*no images/);
    expect(asked).toStrictEqual(["images", "ages"]);
  });

  test("nor from a day's plan that is run by hand", async () => {
    const { changed, asked } = reporting();
    changed.steps.catalogue = changed.catalogue;
    await expect(runPlanOf("2026-11-24", {}, changed)).rejects.toThrow(/^2 failed \[books: .*retention: /);
    expect(asked).toStrictEqual(["images", "ages"]);
  });

  test("and what failed of the report is told when the plan breaks off after it", async () => {
    const { changed } = reporting();
    changed.steps.catalogue = changed.catalogue;
    const told: unknown[] = [];
    const gate = {
      ...changed.gate,
      reviews: { ...changed.gate.reviews, open: () => Promise.reject(new Error("no reviews")) },
    };
    const onFault = (error: unknown) => told.push(error);
    await expect(runPlanOf("2026-11-24", {}, { ...changed, gate, onFault })).rejects.toThrow("no reviews");
    expect(told).toMatchObject([
      { message: expect.stringMatching(/^books: /) },
      { message: expect.stringMatching(/^retention: /) },
    ]);
  });
});
