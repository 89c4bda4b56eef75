/**
 * @module What every provider must do, as a suite: its adapter's test calls `describeProviderContract` with a simulator of
 * the service. Prices are not part of it.
 */
import { sniffMediaType } from "@atelier/core/media-type";
import type { Operation, Provider, ProviderRequest, SubmitContext } from "@atelier/core/provider";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

/** How the next create goes wrong. `accepted`: a job exists all the same. */
export type CreateFault =
  | "rate-limit"
  | "server-error"
  | "server-error-accepted"
  | "reset"
  | "reset-accepted"
  | "unreadable-accepted"
  | "key-refused"
  | "out-of-credit"
  | "model-gone";

/** What becomes of a job in other ways than hoped. */
export type JobFault = "moderated" | "failed";

/** A request as it was on the wire; headers in lower case, those of the connection itself left out. */
export interface WireRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: unknown;
}

export interface ProviderSimulator {
  /** The answer to a create is the picture itself: there is no job to ask about. Default: false. */
  readonly synchronous?: boolean;
  /** Nobody signs the webhooks, so they are hints. Default: false. */
  readonly unsignedWebhooks?: boolean;
  /** Jobs run on whatever is asked. Default: false. */
  readonly cannotCancel?: boolean;
  /** Ways of going wrong that the service does not know. Default: none. */
  readonly unknownFaults?: readonly (CreateFault | JobFault)[];
  /** One's own machine: nothing is ever charged. Default: false. */
  readonly isFree?: boolean;
  /** A request that the service takes; with another seed where one is given. */
  request(seed?: number): ProviderRequest;
  webhookUrl(attemptId: string): string;
  /** The create that this request must become, to the last field. */
  expectedCreate(request: ProviderRequest, context: SubmitContext): WireRequest;
  /** Every create that reached the wire. */
  creates(): readonly WireRequest[];
  /** How many jobs the service has, and will charge. */
  jobs(): number;
  spoilCreate(fault: CreateFault): void;
  /** What becomes of the job that is created next. */
  spoilJob(fault: JobFault): void;
  /** Reads are answered with a server error, `times` times. */
  spoilReads(times: number): void;
  nowMs(): number;
  /** Lets time pass until running jobs have ended. */
  finish(): Promise<void>;
  /** The newest webhook as it arrived. */
  webhook(): { headers: Record<string, string | undefined>; rawBody: Uint8Array } | undefined;
  close(): Promise<void>;
}

/** Connection-level headers say nothing about the adapter. */
const TRANSPORT_HEADERS = new Set([
  "host",
  "connection",
  "accept",
  "accept-language",
  "accept-encoding",
  "sec-fetch-mode",
  "content-length",
]);

export function wireHeaders(headers: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !TRANSPORT_HEADERS.has(name)));
}

export function describeProviderContract<S extends ProviderSimulator>(
  name: string,
  makeProvider: (simulator: S) => Provider,
  startSimulator: () => Promise<S>,
): void {
  describe(`${name} keeps the provider contract`, () => {
    let simulator: S;
    let provider: Provider;
    beforeEach(async () => {
      simulator = await startSimulator();
      provider = makeProvider(simulator);
    });
    afterEach(() => simulator.close());

    const contextOf = (attemptId: string): SubmitContext => ({
      attemptId,
      webhookUrl: simulator.webhookUrl(attemptId),
    });
    const accepted = async (request = simulator.request(), attemptId = "img_a-1"): Promise<Operation> => {
      const submission = await provider.submit(request, contextOf(attemptId));
      if (submission.kind !== "accepted") throw new Error(`The create was not accepted: ${submission.kind}`);
      return submission.operation;
    };
    /** What becomes of a create, whether it is told at once or later. */
    const ended = async () => {
      if (simulator.synchronous) return provider.submit(simulator.request(), contextOf("img_a-1"));
      const operation = await accepted();
      await simulator.finish();
      return provider.check(operation, simulator.request().model);
    };
    const lostCreate = (request: ProviderRequest, context: SubmitContext) => ({
      attemptId: context.attemptId,
      model: request.model,
      seed: request.seed,
      webhookUrl: context.webhookUrl,
      submittingAtMs: simulator.nowMs(),
    });

    it("sends exactly the request that the service documents", async () => {
      const request = simulator.request();
      const context = contextOf("img_a-1");
      await provider.submit(request, context);
      expect(simulator.creates()).toStrictEqual([simulator.expectedCreate(request, context)]);
    });

    it("gives back an operation that survives serialisation", async (test) => {
      if (simulator.synchronous) return test.skip();
      const operation = await accepted();
      const again = JSON.parse(JSON.stringify({ operation })) as { operation: string };
      expect(again.operation).toBe(operation);
      expect(await provider.check(again.operation, simulator.request().model)).toMatchObject({
        kind: "pending",
      });
    });

    const answers: readonly (readonly [CreateFault, jobs: number, expected: object])[] = [
      ["rate-limit", 0, { kind: "rate-limited" }],
      ["server-error", 0, { kind: "unknown" }],
      ["server-error-accepted", 1, { kind: "unknown" }],
      ["reset", 0, { kind: "unknown" }],
      ["reset-accepted", 1, { kind: "unknown" }],
      ["unreadable-accepted", 1, { kind: "unknown" }],
      ["key-refused", 0, { kind: "refused", name: "KeyRefused" }],
      ["out-of-credit", 0, { kind: "refused", name: "OutOfCredit" }],
      ["model-gone", 0, { kind: "refused", name: "ModelUnavailable" }],
    ];
    it.for(answers)("sends a create once, whatever comes back: %s", async ([fault, jobs, expected], test) => {
      if (simulator.unknownFaults?.includes(fault)) return test.skip();
      simulator.spoilCreate(fault);
      const submission = await provider.submit(simulator.request(), contextOf("img_a-1"));
      // Who answers at once has certainly made what cannot be read.
      const isLost = simulator.synchronous && fault === "unreadable-accepted";
      expect(submission).toMatchObject(isLost ? { kind: "failed", charged: !simulator.isFree } : expected);
      expect(simulator.creates()).toHaveLength(1);
      expect(simulator.jobs()).toBe(jobs);
    });

    it("says how long to wait when it is asked to", async () => {
      simulator.spoilCreate("rate-limit");
      const submission = await provider.submit(simulator.request(), contextOf("img_a-1"));
      if (submission.kind !== "rate-limited")
        throw new Error(`Expected rate-limited, got ${submission.kind}`);
      expect(submission.retryAfterMs).toBeGreaterThan(0);
      expect(submission.retryAfterMs).toBeLessThanOrEqual(600_000);
    });

    it("answers a create with the picture itself", async (test) => {
      if (!simulator.synchronous) return test.skip();
      const submission = await provider.submit(simulator.request(), contextOf("img_a-1"));
      if (submission.kind !== "done") throw new Error(`Expected done, got ${submission.kind}`);
      expect(submission.outputs).toHaveLength(1);
      const [output] = submission.outputs;
      if (output?.kind !== "bytes") throw new Error("Expected bytes");
      expect(sniffMediaType(output.bytes)).toBe(output.contentType);
      expect(simulator.jobs()).toBe(1);
    });

    it("goes from pending to succeeded, with outputs", async (test) => {
      if (simulator.synchronous) return test.skip();
      const operation = await accepted();
      const { model } = simulator.request();
      expect(await provider.check(operation, model)).toMatchObject({ kind: "pending" });
      await simulator.finish();
      const status = await provider.check(operation, model);
      if (status.kind !== "succeeded") throw new Error(`Expected succeeded, got ${status.kind}`);
      expect(status.outputs).toHaveLength(1);
    });

    it.for([
      ["moderated", "ContentRejected"],
      ["failed", "ProviderFailed"],
    ] as const)("tells a job that was %s", async ([fault, failure], test) => {
      if (simulator.unknownFaults?.includes(fault)) return test.skip();
      simulator.spoilJob(fault);
      const charged = !simulator.isFree;
      expect(await ended()).toMatchObject({ kind: "failed", name: failure, charged });
    });

    it("throws ProviderUnavailable for a read that fails, without trying again by itself", async (test) => {
      if (simulator.synchronous) return test.skip();
      const operation = await accepted();
      simulator.spoilReads(1);
      const { model } = simulator.request();
      await expect(provider.check(operation, model)).rejects.toMatchObject({ name: "ProviderUnavailable" });
      expect(await provider.check(operation, model)).toMatchObject({ kind: "pending" });
    });

    it("throws ProviderUnavailable when it cannot learn the balance", async (test) => {
      if (provider.balance === undefined) return test.skip();
      simulator.spoilReads(1);
      await expect(provider.balance()).rejects.toMatchObject({ name: "ProviderUnavailable" });
      expect((await provider.balance()).amountMicros).toBeGreaterThan(0);
    });

    it("finds a create whose answer was lost, among others", async (test) => {
      if (provider.find === undefined) return test.skip();
      await accepted(simulator.request(1001), "img_b-1");
      simulator.spoilCreate("reset-accepted");
      const request = simulator.request(1002);
      const context = contextOf("img_a-1");
      const create = lostCreate(request, context);
      expect(await provider.submit(request, context)).toMatchObject({ kind: "unknown" });
      await accepted(simulator.request(1003), "img_c-1");

      const found = await provider.find(create);
      if (found.kind !== "found") throw new Error(`Expected found, got ${found.kind}`);
      await simulator.finish();
      expect(await provider.check(found.operation, request.model)).toMatchObject({ kind: "succeeded" });
      expect(simulator.jobs()).toBe(3);
    });

    it("says none only from a complete listing, otherwise unknown", async (test) => {
      if (provider.find === undefined) return test.skip();
      await accepted(simulator.request(1001), "img_b-1");
      const create = lostCreate(simulator.request(1002), contextOf("img_a-1"));
      expect(await provider.find(create)).toStrictEqual({ kind: "none" });
      simulator.spoilReads(1);
      expect(await provider.find(create)).toStrictEqual({ kind: "unknown" });
    });

    it("takes an unsigned webhook as a hint, whatever it says", async (test) => {
      if (provider.parseWebhook === undefined || !simulator.unsignedWebhooks) return test.skip();
      const operation = await accepted();
      await simulator.finish();
      const arrived = simulator.webhook();
      if (arrived === undefined) throw new Error("No webhook arrived");
      const { model } = simulator.request();
      const read = (rawBody: Uint8Array) =>
        provider.parseWebhook?.(arrived.headers, rawBody, simulator.nowMs(), model);
      expect(read(arrived.rawBody)).toStrictEqual({ kind: "hint", operation });
      expect(read(Buffer.from("no such thing"))).toMatchObject({ kind: "refused", reason: "body" });
    });

    it("reads a signed webhook as the status of the same operation", async (test) => {
      if (provider.parseWebhook === undefined || simulator.unsignedWebhooks) return test.skip();
      const operation = await accepted();
      await simulator.finish();
      const arrived = simulator.webhook();
      if (arrived === undefined) throw new Error("No webhook arrived");
      const { headers, rawBody } = arrived;
      const { model } = simulator.request();
      const reading = provider.parseWebhook(headers, rawBody, simulator.nowMs(), model);
      expect(reading).toMatchObject({ kind: "status", operation, status: { kind: "succeeded" } });

      const altered = Uint8Array.from(rawBody, (byte, at) => (at === 20 ? byte ^ 1 : byte));
      expect(provider.parseWebhook(headers, altered, simulator.nowMs(), model)).toMatchObject({
        kind: "refused",
        reason: "signature",
      });
      expect(provider.parseWebhook(headers, rawBody, simulator.nowMs() + 301_000, model)).toMatchObject({
        kind: "refused",
        reason: "age",
      });
      expect(provider.parseWebhook({}, rawBody, simulator.nowMs(), model)).toMatchObject({ kind: "refused" });
    });

    it("cancels a job, and a second cancel is no error", async (test) => {
      if (provider.cancel === undefined || simulator.synchronous) return test.skip();
      const operation = await accepted();
      await provider.cancel(operation);
      await provider.cancel(operation);
      const kind = simulator.cannotCancel ? "pending" : "failed";
      expect(await provider.check(operation, simulator.request().model)).toMatchObject({ kind });
    });
  });
}
