/**
 * @module The Stability AI adapter. Synchronous: the answer to a create is the picture. There is no job to ask about, so a
 * lost answer is a lost picture, and the adapter has no `find`.
 */
import { AtelierError } from "@atelier/core/errors";
import type { Clock } from "@atelier/core/ids";
import { MICROS_PER_USD } from "@atelier/core/money";
import type { Provider } from "@atelier/core/provider";
import * as z from "zod";
import { fetchTransport } from "../fetch-transport.ts";
import {
  type HttpAnswer,
  type HttpBytesAnswer,
  readJson,
  sendOnce,
  sendOnceForBytes,
  type Transport,
} from "../http.ts";
import { isLoopbackHost } from "../public-address.ts";
import { readFailure, submissionFrom } from "./errors.ts";
import { createRequest, isV1 } from "./requests.ts";
import { finishedFrom } from "./responses.ts";

/** A picture takes some seconds, half a minute when the service is busy. Giving up early is dear: what is lost was paid for. */
export const CREATE_TIMEOUT_MS = 120_000;
export const READ_TIMEOUT_MS = 15_000;

/** A credit is a cent (platform.stability.ai/pricing, by a third party's account of 2026-06). */
const MICROS_PER_CREDIT = MICROS_PER_USD / 100;

export interface StabilitySettings {
  /** An origin: `https://api.stability.ai`. */
  readonly baseUrl: string;
  readonly apiKey: string;
}

export interface StabilityDeps {
  readonly clock: Clock;
  /** Default: `fetchTransport`. */
  readonly transport?: Transport;
  readonly createTimeoutMs?: number;
  readonly readTimeoutMs?: number;
}

const balanceSchema = z.object({ credits: z.number() });
const enginesSchema = z.array(z.object({ id: z.string() }));

export function createStabilityProvider(settings: StabilitySettings, deps: StabilityDeps): Provider {
  const { baseUrl, apiKey } = settings;
  const { clock, transport = fetchTransport } = deps;
  const { createTimeoutMs = CREATE_TIMEOUT_MS, readTimeoutMs = READ_TIMEOUT_MS } = deps;
  const credentials = { authorization: `Bearer ${apiKey}`, "user-agent": "atelier" };

  async function read<T>(path: string, schema: z.ZodType<T>): Promise<T> {
    const answer = await sendOnce(transport, {
      method: "GET",
      url: `${baseUrl}${path}`,
      headers: { ...credentials, accept: "application/json" },
      body: null,
      timeoutMs: readTimeoutMs,
    });
    const value = isSuccess(answer) ? readJson(schema, answer.text) : undefined;
    if (value === undefined) throw readFailure(answer, apiKey, clock());
    return value;
  }

  return {
    name: "stability",
    trustedOrigin: isLoopbackHost(new URL(baseUrl).hostname) ? new URL(baseUrl).origin : null,

    async submit(request) {
      const { path, headers, body } = createRequest(request);
      const answer = await sendOnceForBytes(transport, {
        method: "POST",
        url: `${baseUrl}${path}`,
        headers: { ...credentials, ...headers },
        body,
        timeoutMs: Math.min(createTimeoutMs, request.deadlineMs),
      });
      if (isSuccess(answer)) return finishedFrom(answer);
      return submissionFrom(answer, [apiKey, request.prompt, request.negativePrompt], clock());
    },

    /** Nothing is ever left open here, so whoever asks has an operation of somebody else. */
    async check() {
      throw new AtelierError("Unexpected", "Stability AI answers at once: it has no jobs to ask about.");
    },

    /** To the whole micro-USD below. */
    async balance() {
      const { credits } = await read("/v1/user/balance", balanceSchema);
      return { amountMicros: Math.floor(credits * MICROS_PER_CREDIT) };
    },

    /** Only engines of v1 are listed; what v2beta serves is learnt by asking for a picture. */
    async probe(model) {
      if (!isV1(model)) return "unknown";
      const engines = await read("/v1/engines/list", enginesSchema);
      return engines.some(({ id }) => id === model.model) ? "available" : "gone";
    },
  };
}

function isSuccess<Answer extends HttpAnswer | HttpBytesAnswer>(
  answer: Answer,
): answer is Extract<Answer, { kind: "answered" }> {
  return answer.kind === "answered" && answer.status >= 200 && answer.status < 300;
}
