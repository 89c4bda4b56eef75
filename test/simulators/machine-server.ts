/**
 * @module The HTTP side of simulated servers on one's own machine: requests are remembered, answers come whole, in drips, cut off
 * or not at all. Time is the caller's: what waits goes on with `tick`.
 */
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setImmediate as turn } from "node:timers/promises";
import type { Reply, SeenRequest } from "./scripted-server.ts";

/** How a create goes wrong. `accepted`: its job runs all the same. */
export type MachineFault =
  /** A proxy's; without `seconds` no time is named. */
  | { readonly kind: "rate-limit"; readonly seconds?: number }
  | { readonly kind: "status"; readonly status: number; readonly body?: string; readonly accepted?: boolean }
  | { readonly kind: "reset"; readonly accepted?: boolean }
  | { readonly kind: "silence"; readonly accepted?: boolean }
  /** Accepted; the answer is no JSON. */
  | { readonly kind: "malformed" }
  /** Accepted; half of the answer comes. */
  | { readonly kind: "cut" }
  /** Accepted; the answer comes in pieces. */
  | { readonly kind: "drip"; readonly pieceBytes: number }
  /** Accepted; the answer comes late. */
  | { readonly kind: "delay"; readonly ms: number };

export interface MachineServer {
  readonly origin: string;
  readonly requests: SeenRequest[];
  /** The next creates go wrong like this, one each, in order. */
  spoilCreates(...faults: MachineFault[]): void;
  /** Everything else is answered with a 502, `times` times. */
  spoilReads(times: number): void;
  /** Resolves when the clock has reached the time, at the next `tick`. */
  until(atMs: number): Promise<void>;
  /** To be called when the clock has moved. */
  tick(): Promise<void>;
  close(): Promise<void>;
}

export async function startMachineServer(options: {
  readonly clock: () => number;
  readonly isCreate: (request: SeenRequest) => boolean;
  readonly answer: (request: SeenRequest) => Reply | Promise<Reply>;
}): Promise<MachineServer> {
  const { clock, isCreate, answer } = options;
  const requests: SeenRequest[] = [];
  const faults: MachineFault[] = [];
  let failingReads = 0;
  let waiting: { readonly atMs: number; readonly goOn: () => void }[] = [];

  const until = (atMs: number) =>
    atMs <= clock()
      ? Promise.resolve()
      : new Promise<void>((goOn) => {
          waiting.push({ atMs, goOn });
        });

  async function create(request: SeenRequest, response: ServerResponse): Promise<void> {
    const fault = faults.shift();
    const arrives =
      fault === undefined ||
      !["rate-limit", "status", "reset", "silence"].includes(fault.kind) ||
      ("accepted" in fault && fault.accepted === true);
    const reply = arrives ? await answer(request) : {};
    if (fault?.kind === "delay") await until(clock() + fault.ms);
    await deliver(reply, fault, response);
  }

  const server = createServer(async (incoming, response) => {
    const body = Buffer.concat(await incoming.toArray()).toString("utf8");
    const { method = "", url: path = "", headers } = incoming;
    const request = { method, path, headers, body };
    requests.push(request);
    if (isCreate(request)) return create(request, response);
    if (failingReads > 0) {
      failingReads--;
      return send({ status: 502, body: "<html>bad gateway" }, response);
    }
    send(await answer(request), response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));

  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    spoilCreates: (...more) => {
      faults.push(...more);
    },
    spoilReads: (times) => {
      failingReads = times;
    },
    until,
    async tick() {
      const due = waiting.filter(({ atMs }) => atMs <= clock());
      waiting = waiting.filter(({ atMs }) => atMs > clock());
      for (const { goOn } of due) goOn();
      await turn();
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function deliver(
  reply: Reply,
  fault: MachineFault | undefined,
  response: ServerResponse,
): Promise<void> {
  switch (fault?.kind) {
    case "silence":
      return;
    case "reset":
      response.socket?.resetAndDestroy();
      return;
    case "rate-limit": {
      const headers: Record<string, string> =
        fault.seconds === undefined ? {} : { "retry-after": String(fault.seconds) };
      return send({ status: 429, headers, body: "slow down" }, response);
    }
    case "status":
      return send({ status: fault.status, body: fault.body ?? "<html>bad gateway" }, response);
    case "malformed":
      return send({ ...reply, body: '{"images": [' }, response);
    case "cut":
    case "drip": {
      const bytes = Buffer.from(reply.body ?? "");
      const end = fault.kind === "cut" ? Math.floor(bytes.byteLength / 2) : bytes.byteLength;
      const step = fault.kind === "cut" ? end : fault.pieceBytes;
      response.writeHead(reply.status ?? 200, {
        "content-type": "application/json",
        "content-length": String(bytes.byteLength),
      });
      for (let at = 0; at < end; at += step) {
        response.write(bytes.subarray(at, Math.min(end, at + step)));
        await turn();
      }
      if (fault.kind === "cut") response.destroy();
      else response.end();
      return;
    }
    default:
      return send(reply, response);
  }
}

function send(reply: Reply, response: ServerResponse): void {
  response.writeHead(reply.status ?? 200, { "content-type": "application/json", ...reply.headers });
  response.end(reply.body ?? "");
}

export function json(value: unknown, status = 200): Reply {
  return { status, body: JSON.stringify(value) };
}
