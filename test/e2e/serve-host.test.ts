/** @module The process that holds the database of a folder may die while `atelier serve` uses it as a guest. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ServerProcess, SMALL_WISH, startServer } from "../../bench/serve-process.ts";

/** No call may take longer, however busy the machine; one without an end would take for ever. */
const CALL_WITHIN_MS = 25_000;
const CALLS_BEFORE = 20;
const CALLS_AFTER = 60;

let folder = "";
const servers: ServerProcess[] = [];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "atelier-serve-host-"));
});
afterAll(async () => {
  for (const server of servers) await server.kill();
  await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
});

async function started(): Promise<ServerProcess> {
  const server = await startServer(folder);
  servers.push(server);
  return server;
}

async function call(server: ServerProcess, path: string, more: RequestInit = {}) {
  const response = await fetch(server.url + path, {
    ...more,
    headers: { authorization: `Bearer ${server.token}`, "content-type": "application/json" },
    signal: AbortSignal.timeout(CALL_WITHIN_MS),
  });
  return { status: response.status, body: JSON.parse(await response.text()) };
}

const ask = (server: ServerProcess) =>
  call(server, "/v1/requests", { method: "POST", body: JSON.stringify(SMALL_WISH) });

async function statusOf(requestId: string, server: ServerProcess): Promise<string> {
  return (await call(server, `/v1/requests/${requestId}`)).body.status;
}

describe("the host of a folder is killed", { timeout: 180_000 }, () => {
  test("and the server that used its database answers every call, and finishes what both began", async () => {
    const [host, guest] = [await started(), await started()];
    const asked = [await ask(host), await ask(guest)];
    expect(asked.map(({ status }) => status)).toStrictEqual([202, 202]);
    let answered = 0;
    const killed = new Promise<void>((resolve) => {
      const looking = setInterval(() => {
        if (answered < CALLS_BEFORE) return;
        clearInterval(looking);
        resolve(host.kill());
      }, 5);
    });
    const statuses = new Set<number>();
    const client = async (path: string) => {
      while (answered < CALLS_BEFORE + CALLS_AFTER) {
        statuses.add((await call(guest, path)).status);
        answered++;
      }
    };
    const paths = [
      "/v1/images",
      "/v1/images?status=completed",
      "/v1/health",
      `/v1/requests/${asked[1]?.body.request_id}`,
    ];
    await Promise.all([killed, ...paths.map(client), ...paths.map(client)]);
    expect([...statuses]).toStrictEqual([200]);
    asked.push(await ask(guest));
    for (const { body } of asked) {
      await expect
        .poll(() => statusOf(body.request_id, guest), { timeout: 60_000, interval: 200 })
        .toBe("completed");
    }
    expect(guest.stderr()).toBe("");
  });
});
