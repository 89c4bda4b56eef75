/**
 * @module The sandbox: Replicate's protocol on loopback, strictly, with placeholder pictures. Like any provider it has a
 * state of its own, on disk: a host that was killed finds its predictions again, further on by as much as time has passed.
 */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { Model } from "@atelier/core/catalogue";
import type { Clock } from "@atelier/core/ids";
import { answerFault, answeringFault, handleCreate } from "./create.ts";
import { CREATES_FILE, type RecordedCreate, readCreates } from "./creates.ts";
import { createFaults, type FaultInput, type Faults } from "./faults.ts";
import { type Call, sendJson, sendProblem, serve } from "./http-server.ts";
import { knownSchemas, schemaFor } from "./input.ts";
import { listingPage } from "./listing.ts";
import { addressHolds, type Draw, drawOutput, outputAddress, serveOutput } from "./outputs.ts";
import { endOf, openPredictions, type PredictionRecord } from "./predictions.ts";
import type { InputSchema } from "./schemas.ts";
import { outputCount, predictionView } from "./views.ts";
import { createDeliveries } from "./webhooks.ts";

export interface SandboxSettings {
  /** How long a job takes; absent: as long as its model typically does. The settings file goes before it. */
  readonly delayMs?: number;
  readonly faults?: readonly FaultInput[];
  /** Whether ended jobs tell how long their hardware ran, as Replicate's do; default true. */
  readonly tellsUsage?: boolean;
  /** What a caller must present as a bearer token. */
  readonly token: string;
  /** `whsec_` and base64; what webhooks are signed with. */
  readonly webhookSecret: string;
  /** Signs the addresses of outputs; the same after a restart, so that they stay good. */
  readonly outputKey: string | Uint8Array;
}

export interface SandboxOptions {
  /** Belongs to the sandbox alone; one host at a time. */
  readonly folder: string;
  /** 0: any free port. Take the same again after a restart. */
  readonly port: number;
  /** Default 127.0.0.1. */
  readonly host?: string;
  readonly draw: Draw;
  readonly clock: Clock;
  /** The catalogue's models: their pace, and those that no schema is published for. */
  readonly models: readonly Model[];
  readonly settings: SandboxSettings;
  readonly onError: (error: unknown) => void;
  /** Told of each request as it arrived, right or wrong: for tests that assert the exact request. */
  readonly onRequest?: (call: Pick<Call, "method" | "url" | "headers" | "body">) => void;
  /** Default: unpredictable ones of 26 characters. */
  readonly newId?: () => string;
}

export interface Sandbox {
  /** `http://127.0.0.1:{port}` */
  readonly url: string;
  /** What the Replicate adapter takes as its base URL: `{url}/v1`. */
  readonly apiUrl: string;
  readonly port: number;
  readonly faults: Faults;
  /** Every create that reached the wire, the oldest first, those of earlier hosts included. */
  creates(): RecordedCreate[];
  /** Sends the webhooks that are due by the clock and waits for their answers: for tests that move the clock. */
  tick(): Promise<void>;
  close(): Promise<void>;
}

/** @throws the system's error, with its `code` (`EADDRINUSE`, `EACCES`), when port or folder cannot be had */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const { folder, clock, settings, onError, models } = options;
  const store = await openPredictions(join(folder, "predictions"), onError);
  const schemas = knownSchemas(models);
  const faults = createFaults(folder, settings.faults ?? [], onError);
  const createsPath = join(folder, CREATES_FILE);
  const stopping = new AbortController();
  const newId = options.newId ?? (() => randomBytes(13).toString("hex"));

  const schemaOf = (record: PredictionRecord): InputSchema | undefined =>
    schemas.find(({ model, version }) => model === record.model && (version ?? "hidden") === record.version);
  const view = (record: PredictionRecord) => {
    const nowMs = clock();
    return predictionView(record, {
      nowMs,
      origin: server.origin,
      schema: schemaOf(record),
      tellsUsage: settings.tellsUsage ?? true,
      outputUrl: (of, index) => outputAddress(server.origin, of, index, settings.outputKey, nowMs),
    });
  };

  const server = await serve(options.host ?? "127.0.0.1", options.port, handle, onError);
  const deliveries = createDeliveries({ store, clock, secret: settings.webhookSecret, view, onError });
  // What no receiver has confirmed starts over: it may arrive twice, as with Replicate.
  for (const record of store.undelivered()) {
    if (record.delivery.tries > 0) {
      await store.save({ ...record, delivery: { done: false, tries: 0, nextAtMs: 0 } });
    }
  }
  deliveries.run().catch(onError);

  async function handle(call: Call): Promise<void> {
    const { url, method, response } = call;
    options.onRequest?.(call);
    const [area, kind, ...rest] = url.pathname.slice(1).split("/");
    if (area === "files" && method === "GET") return serveFile(call, kind ?? "", rest[0] ?? "");
    if (area !== "v1") return sendProblem(response, 404, "Not found", "There is no such page.");
    if (call.headers.authorization !== `Bearer ${settings.token}`) {
      return sendProblem(response, 401, "Unauthenticated", "You did not pass a valid authentication token");
    }
    const route = `${method} ${[kind, ...rest].map((part, index) => (isName(kind, index) ? "*" : part)).join("/")}`;
    switch (route) {
      case "POST predictions":
        return handleCreate(call, {
          clock,
          newId,
          store,
          schemas,
          models,
          faults,
          delayMs: settings.delayMs,
          createsPath,
          promptKey: settings.outputKey,
          view,
          onCreated: () => void deliveries.run().catch(onError),
        });
      case "GET predictions":
        if (await interfered(call, "list")) return;
        return sendListing(call);
      case "GET predictions/*":
        if (await interfered(call, "get")) return;
        return sendPrediction(call, rest[0]);
      case "POST predictions/*/cancel":
        if (await interfered(call, "cancel")) return;
        return cancel(call, rest[0]);
      case "GET models/*/*":
        return sendModel(call, `${rest[0]}/${rest[1]}`);
      case "GET models/*/*/versions/*":
        return sendVersion(call, `${rest[0]}/${rest[1]}`, rest[3] ?? "");
      case "GET webhooks/default/secret":
        return sendJson(response, 200, { key: settings.webhookSecret });
      default:
        return sendProblem(response, 404, "Not found", "There is no such page.");
    }
  }

  /** True when a fault has answered the call. */
  async function interfered(call: Call, on: "get" | "list" | "cancel"): Promise<boolean> {
    const fault = await answeringFault(faults.answers(on, undefined));
    if (fault !== undefined) answerFault(call, fault);
    return fault !== undefined;
  }

  function sendPrediction(call: Call, id = ""): void {
    const record = store.get(id);
    if (record === undefined) sendMissing(call);
    else sendJson(call.response, 200, view(record));
  }

  function sendListing(call: Call): void {
    const page = listingPage(store.all(), call.url.searchParams);
    if (page === null) {
      sendProblem(call.response, 400, "Bad request", "A time or the cursor cannot be read.");
      return;
    }
    sendJson(call.response, 200, {
      previous: null,
      next: page.next === null ? null : `${server.origin}${call.url.pathname}?${page.next}`,
      results: page.records.map(view),
    });
  }

  async function cancel(call: Call, id = ""): Promise<void> {
    const record = store.get(id);
    if (record === undefined) return sendMissing(call);
    const end = endOf(record);
    const nowMs = clock();
    if (end === null || end.atMs > nowMs) {
      await store.save({ ...record, cancelledAtMs: nowMs });
      deliveries.run().catch(onError);
    }
    sendPrediction(call, id);
  }

  function sendModel(call: Call, name: string): void {
    if (schemas.some(({ model }) => model === name))
      sendJson(call.response, 200, { url: server.origin, name });
    else sendMissing(call);
  }

  function sendVersion(call: Call, model: string, version: string): void {
    const schema = schemaFor(schemas, `${model}:${version}`);
    if (schema === undefined) {
      sendMissing(call);
      return;
    }
    sendJson(call.response, 200, {
      id: version,
      cog_version: "0.9.0",
      openapi_schema: {
        info: { title: "Cog", version: "0.1.0", "x-reconstructed": schema.reconstructed },
        components: {
          schemas: { Input: { type: "object", required: schema.required, properties: schema.fields } },
        },
      },
    });
  }

  async function serveFile(call: Call, id: string, name: string): Promise<void> {
    const record = store.get(id);
    const index = Number(/^(\d+)\.png$/.exec(name)?.[1] ?? Number.NaN);
    const fault = record?.faults.output?.kind === "output" ? record.faults.output : null;
    if (
      record !== undefined &&
      (fault?.as === "expired" || fault?.as === "unavailable-once") &&
      !record.outputRefused
    ) {
      await store.save({ ...record, outputRefused: true });
      if (fault.as === "unavailable-once")
        return sendProblem(call.response, 503, "Unavailable", "Try again.");
    }
    const succeeded = record !== undefined && isOver(record, clock());
    const gone =
      !succeeded || fault?.as === "missing" || !addressHolds(call.url, settings.outputKey, clock());
    if (gone || !(index < outputCount(record))) return sendMissing(call);
    const bytes = await drawOutput(record, schemaOf(record), index, options.draw);
    await serveOutput(call.response, fault, bytes, stopping.signal);
  }

  return {
    url: server.origin,
    apiUrl: `${server.origin}/v1`,
    port: server.port,
    faults,
    creates: () => readCreates(createsPath),
    tick: () => deliveries.run(),
    async close() {
      stopping.abort();
      await deliveries.close();
      await server.close();
    },
  };
}

/** Which parts of a path are names: `predictions/*`, `models/{owner}/{name}/versions/{id}`. */
function isName(kind: string | undefined, index: number): boolean {
  return kind === "predictions" ? index === 1 : kind === "models" && [1, 2, 4].includes(index);
}

function isOver(record: PredictionRecord, nowMs: number): boolean {
  const end = endOf(record);
  return end !== null && end.status === "succeeded" && end.atMs <= nowMs;
}

function sendMissing(call: Call): void {
  sendProblem(call.response, 404, "Not found", "The requested resource could not be found.");
}
