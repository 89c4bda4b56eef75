/**
 * @module A Stability AI for tests: both interfaces over HTTP on loopback, an account that pays, faults on demand. It counts
 * what it was asked and what it charged, so that a run can prove that no money went astray.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { sha256Hex } from "@atelier/core/ids";
import {
  type AnswerForm,
  answerRefusal,
  deliver,
  drip,
  insufficientBalance,
  json,
  moderated,
  rateLimited,
  reset,
} from "./stability-answers.ts";
import {
  decodedBody,
  type RawCreate,
  readCreate,
  type StabilityCreate,
  type StabilityRefusal,
} from "./stability-requests.ts";
import { tinyPng } from "./tiny-png.ts";

export const STABILITY_ENGINE = "stable-diffusion-xl-1024-v1-0";

export type StabilityFault =
  /** Without `seconds` no time is named. `body`: within the sentence for people. */
  | { readonly kind: "rate-limit"; readonly seconds?: number; readonly in?: "header" | "body" }
  /** 402 is v2beta's way, 429 that of v1. */
  | { readonly kind: "insufficient-balance"; readonly status: 402 | 429 }
  /** `accepted`: made and charged all the same. */
  | { readonly kind: "status"; readonly status: number; readonly name?: string; readonly accepted?: boolean }
  | { readonly kind: "reset"; readonly accepted?: boolean }
  /** The prompt is refused, free of charge. */
  | { readonly kind: "moderated" }
  | { readonly kind: "engine-gone" }
  | { readonly kind: "delay"; readonly ms: number }
  /** Made and charged; the answer comes in pieces, this long after one another. */
  | { readonly kind: "drip"; readonly ms: number }
  | { readonly kind: "answer"; readonly as: AnswerForm };

export interface SeenCreate {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  /** JSON, or the fields of a form; undefined when it was neither. */
  readonly body: unknown;
}

export interface MadePicture {
  readonly model: string;
  readonly seed: number;
  readonly sha256: string;
  readonly chargedMicros: number;
}

export interface StabilityOptions {
  readonly clock: () => number;
  readonly apiKey: string;
  /** What the account starts with. Default: 1,000 USD. */
  readonly balanceMicros?: number;
  /** What a picture costs; default: the shipped catalogue's prices. */
  readonly chargeOf?: (create: StabilityCreate) => number;
  /** How a delay passes; default: real time. */
  readonly wait?: (ms: number) => Promise<unknown>;
  /** Default: a PNG of noise from the seed. */
  readonly draw?: (width: number, height: number, seed: number) => Uint8Array | Promise<Uint8Array>;
  /** Creates within `windowMs`; one too many locks the account out for `penaltyMs`. Default: no limit. */
  readonly limit?: { readonly creates: number; readonly windowMs: number; readonly penaltyMs: number };
}

export interface TestStability {
  readonly origin: string;
  /** The next creates go wrong like this, one each, in order. */
  spoilCreates(...faults: StabilityFault[]): void;
  /** Reads are answered with a 502, `times` times. */
  spoilReads(times: number): void;
  /** What `GET /v1/engines/list` shows and v1 serves. */
  readonly engines: Set<string>;
  /** Every create that reached the wire, in order. */
  readonly creates: readonly SeenCreate[];
  /** Every picture that was made and paid for, in order. */
  readonly made: readonly MadePicture[];
  balanceMicros(): number;
  close(): Promise<void>;
}

/** As the catalogue's list prices, in micro-USD. */
const PRICES: Readonly<Record<string, number>> = {
  ultra: 80_000,
  "sd3.5-large": 65_000,
  "sd3.5-large-turbo": 40_000,
  "sd3.5-medium": 35_000,
  core: 30_000,
};

function listPriceOf({ model, steps }: Pick<StabilityCreate, "model" | "steps">): number {
  return PRICES[model] ?? (steps <= 10 ? 2_000 : steps <= 30 ? 6_000 : 9_000);
}

export async function startTestStability(options: StabilityOptions): Promise<TestStability> {
  const { clock, apiKey, chargeOf = listPriceOf, wait = pause, draw = tinyPng, limit } = options;
  let { balanceMicros = 1_000_000_000 } = options;
  let readFaults = 0;
  const faults: StabilityFault[] = [];
  const creates: SeenCreate[] = [];
  const made: MadePicture[] = [];
  const engines = new Set([STABILITY_ENGINE]);
  const isThrottled = limit ? throttle(limit, clock) : () => false;

  function read(path: string, response: ServerResponse): void {
    if (readFaults > 0) {
      readFaults--;
      json(response, 502, "<html>");
    } else if (path === "/v1/user/balance") {
      json(response, 200, { credits: balanceMicros / 10_000 });
    } else if (path === "/v1/engines/list") {
      const list = [...engines].map((id) => ({ id, name: id, description: "", type: "PICTURE" }));
      json(response, 200, list);
    } else {
      json(response, 404, { id: "x", name: "not_found", message: "There is no such resource." });
    }
  }

  async function create(raw: RawCreate, decoded: unknown, response: ServerResponse): Promise<void> {
    const fault = faults.shift();
    const refuse = (refusal: StabilityRefusal, headers?: Record<string, string>) =>
      answerRefusal(response, raw.path, refusal, headers);
    if (fault?.kind === "delay") await wait(fault.ms);
    if (fault?.kind === "reset" && !fault.accepted) return reset(response);
    if (fault?.kind === "status" && !fault.accepted) {
      return refuse({ status: fault.status, name: fault.name ?? "internal_error", message: "No." });
    }
    if (isThrottled()) return refuse(rateLimited(60));
    if (fault?.kind === "rate-limit") {
      const { seconds } = fault;
      if (seconds === undefined) return refuse(rateLimited());
      return fault.in === "body"
        ? refuse(rateLimited(seconds))
        : refuse(rateLimited(), { "retry-after": String(seconds) });
    }
    if (fault?.kind === "moderated") return refuse(moderated(raw.path));
    if (fault?.kind === "insufficient-balance") return refuse(insufficientBalance(fault.status));

    const asked = readCreate(raw, decoded);
    if ("status" in asked) return refuse(asked);
    if (fault?.kind === "engine-gone" || (asked.interface === "v1" && !engines.has(asked.model))) {
      const message = `The specified engine (ID ${asked.model}) was not found.`;
      return refuse({ status: 404, name: "not_found", message });
    }
    const chargedMicros = chargeOf(asked);
    if (balanceMicros < chargedMicros)
      return refuse(insufficientBalance(asked.interface === "v1" ? 429 : 402));

    const seed = asked.seed === 0 ? made.length + 1 : asked.seed;
    const isFiltered = fault?.kind === "answer" && fault.as === "filtered";
    const picture = await draw(asked.width, asked.height, isFiltered ? seed + 1 : seed);
    balanceMicros -= chargedMicros;
    made.push({ model: asked.model, seed, sha256: sha256Hex(picture), chargedMicros });

    if (fault?.kind === "reset") return reset(response);
    if (fault?.kind === "status")
      return refuse({ status: fault.status, name: "internal_error", message: "No." });
    if (fault?.kind === "drip") return drip(response, picture, fault.ms, wait);
    await deliver(response, raw, picture, seed, fault?.kind === "answer" ? fault.as : null);
  }

  const server = createServer(async (incoming, response) => {
    const body = new Uint8Array(Buffer.concat(await incoming.toArray()));
    const { method = "", url = "", headers } = incoming;
    const { pathname: path } = new URL(url, "http://localhost");
    const raw = { path, contentType: headers["content-type"] ?? "", accept: headers.accept ?? "*/*", body };
    const decoded = method === "POST" ? await decodedBody(raw) : undefined;
    if (method === "POST") creates.push({ method, path: url, headers, body: decoded });
    if (headers.authorization !== `Bearer ${apiKey}`) {
      const message = "missing or malformed authorization header";
      return answerRefusal(response, path, { status: 401, name: "unauthorized", message });
    }
    if (method === "POST") await create(raw, decoded, response);
    else read(path, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));

  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spoilCreates: (...more) => faults.push(...more),
    spoilReads: (times) => {
      readFaults += times;
    },
    engines,
    creates,
    made,
    balanceMicros: () => balanceMicros,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function throttle(limit: NonNullable<StabilityOptions["limit"]>, clock: () => number): () => boolean {
  let times: number[] = [];
  let lockedUntilMs = 0;
  return () => {
    const nowMs = clock();
    if (nowMs < lockedUntilMs) return true;
    times = [...times.filter((atMs) => nowMs - atMs < limit.windowMs), nowMs];
    if (times.length <= limit.creates) return false;
    lockedUntilMs = nowMs + limit.penaltyMs;
    return true;
  };
}
