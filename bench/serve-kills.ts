/**
 * @module Must hold: whatever was asked for while the server was killed and started again is known, and made once. Clients with
 * idempotency keys ask until they are answered; the server is killed at seeded moments; in the end every request has its
 * picture, and as many were bought as there are.
 */
import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import * as z from "zod";
import { runCommand, type ServerProcess, SMALL_WISH, startServer } from "./serve-process.ts";

const CLIENTS = 8;
const AGAIN_MS = 50;
const LOOK_MS = 500;

/** Nobody waits longer for a picture of the sandbox, however busy the machine. */
const ENDED_WITHIN_MS = 20 * 60 * 1000;

export interface ServeKills {
  readonly requests: number;
  readonly kills: number;
  /** Calls that had to be made again, because the server was gone. */
  readonly calledAgain: number;
  /** Requests that are not known, or not completed. */
  readonly unknown: number;
  /** Requests with more than their one image, and images of no request. */
  readonly twice: number;
  readonly bought: number;
  /** Purchases beyond one for an image. */
  readonly boughtTwice: number;
  /** `budget verify`: ledger and attempts agree, and no hold is left. */
  readonly isProved: boolean;
  readonly minutes: number;
}

export async function benchServeKills(
  options: { readonly requests?: number; readonly kills?: number; readonly seed?: string } = {},
): Promise<ServeKills> {
  const { requests = 500, kills = 5, seed = "1" } = options;
  const beganAtMs = performance.now();
  const folder = await mkdtemp(join(tmpdir(), "atelier-serve-kills-"));
  try {
    const asked = await askWhileKilling({ folder, requests, kills, seed });
    const bought = await purchasesIn(folder);
    const proof = await runCommand(folder, ["budget", "verify", "--json"]);
    return {
      requests,
      kills,
      ...asked,
      bought: bought.length,
      boughtTwice: bought.length - new Set(bought.map(imageOf)).size,
      isProved: proof.exitCode === 0,
      minutes: Math.round((performance.now() - beganAtMs) / 6_000) / 10,
    };
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

const requestSchema = z.object({ request_id: z.string(), status: z.string(), images: z.array(z.string()) });
const imagesSchema = z.object({
  items: z.array(z.object({ image_id: z.string(), request_id: z.string(), status: z.string() })),
  next_cursor: z.string().nullable(),
});

async function askWhileKilling(run: {
  readonly folder: string;
  readonly requests: number;
  readonly kills: number;
  readonly seed: string;
}): Promise<{ calledAgain: number; unknown: number; twice: number }> {
  const { folder, requests, kills, seed } = run;
  let server: ServerProcess = await startServer(folder);
  /** Old tokens stay good, and the address changes: the first token serves to the end. */
  const { token } = server;
  const answers = new Map<number, string>();
  let calledAgain = 0;
  let next = 0;

  const call = (path: string, more: RequestInit = {}) =>
    fetch(server.url + path, { ...more, headers: { authorization: `Bearer ${token}`, ...more.headers } });

  async function ask(number: number): Promise<string> {
    for (;;) {
      try {
        const response = await call("/v1/requests", {
          method: "POST",
          headers: { "content-type": "application/json", "idempotency-key": `kills-${number}` },
          body: JSON.stringify(SMALL_WISH),
        });
        const body = await response.text();
        if (response.status === 202) return requestSchema.parse(JSON.parse(body)).request_id;
        if (response.status < 500) throw new AskingFault(`${response.status} ${body}`);
      } catch (error) {
        if (error instanceof AskingFault) throw error;
      }
      calledAgain++;
      await wait(AGAIN_MS);
    }
  }

  async function client(): Promise<void> {
    while (next < requests) {
      const number = next++;
      answers.set(number, await ask(number));
    }
  }

  /** Each when a seeded share of the requests was answered and a seeded moment later; the last when all are, and pictures are made. */
  async function killer(): Promise<void> {
    for (let kill = 1; kill <= kills; kill++) {
      const share = kill === kills ? 1 : (kill - 1 + drawn(`${seed} share ${kill}`)) / (kills - 1);
      while (answers.size < share * requests) await wait(5);
      await wait(drawn(`${seed} moment ${kill}`) * 1_000);
      await server.kill();
      server = await startServer(folder);
    }
  }

  try {
    await Promise.all([killer(), ...Array.from({ length: CLIENTS }, client)]);
    const ids = [...answers.values()];
    // Whoever asks again under the same key is told of the same request.
    for (const number of [0, requests - 1]) {
      if ((await ask(number)) !== answers.get(number))
        throw new Error(`Key ${number} made a second request.`);
    }
    const unknown = await notCompleted(ids, call);
    const images = await allImages(call);
    const once = new Set(images.map(({ request_id }) => request_id));
    const twice =
      requests -
      new Set(ids).size +
      (images.length - once.size) +
      [...once].filter((id) => !ids.includes(id)).length;
    return { calledAgain, unknown, twice };
  } finally {
    await server.stop();
  }
}

class AskingFault extends Error {}

type CallServer = (path: string) => Promise<Response>;

/** Waits until every request has ended. @returns how many are not known, or ended otherwise than completed */
async function notCompleted(ids: readonly string[], call: CallServer): Promise<number> {
  const untilMs = performance.now() + ENDED_WITHIN_MS;
  let open = [...ids];
  let bad = 0;
  while (open.length > 0) {
    if (performance.now() > untilMs) return bad + open.length;
    const still: string[] = [];
    for (const id of open) {
      const response = await call(`/v1/requests/${id}`);
      const status = response.ok ? requestSchema.parse(await response.json()).status : "unknown";
      if (status === "accepted" || status === "running") still.push(id);
      else if (status !== "completed") bad++;
    }
    open = still;
    if (open.length > 0) await wait(LOOK_MS);
  }
  return bad;
}

async function allImages(call: CallServer) {
  const images: z.infer<typeof imagesSchema>["items"] = [];
  for (let cursor: string | null = ""; cursor !== null; ) {
    const response: Response = await call(
      `/v1/images?limit=100${cursor === "" ? "" : `&cursor=${encodeURIComponent(cursor)}`}`,
    );
    const page = imagesSchema.parse(await response.json());
    images.push(...page.items);
    cursor = page.next_cursor;
  }
  return images;
}

/** What stands on the sandbox's own disk is what was bought. @returns the attempt of each */
async function purchasesIn(folder: string): Promise<string[]> {
  const predictions = join(folder, "sandbox", "predictions");
  const names = (await readdir(predictions)).filter((name) => name.endsWith(".json"));
  return Promise.all(
    names.map(async (name) => {
      const { webhook } = z
        .object({ webhook: z.string() })
        .parse(JSON.parse(await readFile(join(predictions, name), "utf8")));
      return webhook.split("/").at(-2) ?? "";
    }),
  );
}

function imageOf(attemptId: string): string {
  return attemptId.slice(0, attemptId.lastIndexOf("-"));
}

/** From 0 to 1, the same for the same words. */
function drawn(words: string): number {
  return createHash("sha256").update(words).digest().readUInt32BE(0) / 2 ** 32;
}
