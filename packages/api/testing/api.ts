/**
 * @module The API for tests: the real app over the real stores on dynalite in memory and files in a folder that goes away. Nothing
 * runs: the workflow notes what it is asked to start.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createAttempts } from "@atelier/aws/dynamo/attempts";
import { createAttestations } from "@atelier/aws/dynamo/attestations";
import { createAudit } from "@atelier/aws/dynamo/audit";
import { createCallers } from "@atelier/aws/dynamo/callers";
import type { Dynamo } from "@atelier/aws/dynamo/client";
import { createImages } from "@atelier/aws/dynamo/images";
import type { Key } from "@atelier/aws/dynamo/keys";
import { createLedgerStore } from "@atelier/aws/dynamo/ledger";
import { createPacingStore } from "@atelier/aws/dynamo/pacing";
import { createPromptVault } from "@atelier/aws/dynamo/prompts";
import { createRequests } from "@atelier/aws/dynamo/requests";
import { createBlockedPictures, createReviews } from "@atelier/aws/dynamo/reviews";
import { createVersions } from "@atelier/aws/dynamo/versions";
import { SCOPES, type Scope } from "@atelier/core/caller";
import { accountReport } from "@atelier/core/installed-health";
import { installedRouting } from "@atelier/core/installed-routing";
import { createPictureBlock } from "@atelier/core/picture-block";
import type { Recipe } from "@atelier/core/pictures";
import type { Blobs, Events, PlanInput } from "@atelier/core/ports";
import { localDateOf } from "@atelier/core/schedule";
import { createImaging } from "@atelier/imaging/open";
import { createFileBlobs } from "@atelier/local/file-blobs";
import { CATALOGUE } from "../../../test/builders/catalogue.ts";
import { startMemoryTables } from "../../../test/builders/memory-table.ts";
import { TEXT_VAULT } from "../../../test/builders/text-vault.ts";
import { createApi, routedApp } from "../app.ts";
import type { ApiApp } from "../context.ts";
import type { ApiDeps, ApiOptions } from "../deps.ts";
import { openApiDocument } from "../openapi.ts";
import { createTokenVerifier, type MintedToken, mintToken } from "../tokens.ts";
import { answerChecker } from "./answers.ts";

export const BASE_URL = "http://127.0.0.1:8787";
export const ISSUER = "https://issuer.test";
export const AUDIENCE = "atelier-test";
const TIMEZONE = "Europe/Paris";
export const TOKEN_KEY = Buffer.from("a key of 32 bytes for the tokens");
const RECIPE: Recipe = {
  name: "test-1",
  enhance: "none",
  steps: [{ rendition: "full", format: "jpeg", edge: null, quality: 80 }],
};

export interface TestApi {
  readonly app: ApiApp;
  readonly deps: ApiDeps;
  readonly options: ApiOptions;
  /** Executions that were asked for, in order. */
  readonly started: { readonly name: string; readonly input: PlanInput }[];
  readonly events: Parameters<Events["publish"]>[0][];
  /** What `onFault` was told. */
  readonly faults: unknown[];
  /** Every write that was sent to the table or the files, as method and key. */
  readonly writes: string[];
  /** Where the files are. */
  readonly folder: string;
  clock(): number;
  advance(byMs: number): void;
  /** A token; of a caller `ada` with every scope for an hour, when nothing else is said. */
  token(fields?: Partial<MintedToken>): Promise<string>;
  /** Calls with a token of the scopes; throws when the answer is not as the document says. @param path from the root: `/v1/images` */
  call(path: string, call?: TestCall): Promise<Response>;
  /** Another app over the same stores. */
  with(deps: Partial<ApiDeps>, options?: Partial<ApiOptions>): Promise<TestApi>;
  close(): Promise<void>;
}

export interface TestCall {
  readonly method?: string;
  /** Default: all. Null: no token is sent. */
  readonly scopes?: readonly Scope[] | null;
  /** Default: `ada`. */
  readonly as?: string;
  readonly ageAttestedUntilMs?: number;
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent as it is. */
  readonly body?: string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Of one document, made with the first of them: compiling its schemas takes longer than most calls. */
let checkAnswer: ReturnType<typeof answerChecker> | undefined;

export async function startTestApi(
  change: Partial<ApiDeps> = {},
  changedOptions: Partial<ApiOptions> = {},
): Promise<TestApi> {
  const tables = await startMemoryTables();
  const writes: string[] = [];
  const dynamo = notingWrites(await tables.table(), writes);
  const folder = await mkdtemp(join(tmpdir(), "api-"));
  let nowMs = Date.UTC(2026, 10, 22, 12);
  const clock = () => nowMs;
  let drawn = 0;
  const randomBytes = (size: number) => {
    const bytes = Buffer.alloc(size);
    bytes.writeUInt32BE(++drawn);
    return new Uint8Array(bytes);
  };
  const today = () => localDateOf(clock(), TIMEZONE);
  const blobs = notingFiles(createFileBlobs({ folder, randomBytes }), writes);
  const started: TestApi["started"] = [];
  const events: TestApi["events"] = [];
  const faults: unknown[] = [];
  const pacingStore = createPacingStore(dynamo);
  const standard: ApiDeps = {
    catalogue: CATALOGUE,
    clock,
    randomBytes,
    timezone: TIMEZONE,
    today,
    images: createImages(dynamo),
    attempts: createAttempts(dynamo),
    requests: createRequests(dynamo),
    audit: createAudit(dynamo),
    vault: createPromptVault(dynamo, TEXT_VAULT),
    texts: TEXT_VAULT,
    callers: createCallers(dynamo),
    attestations: createAttestations(dynamo),
    ledger: createLedgerStore(dynamo),
    firstLimits: { dayMicros: 10_000_000, monthMicros: 200_000_000 },
    reviews: createReviews(dynamo),
    versions: createVersions(dynamo),
    isFourEyes: false,
    pictureBlock: createPictureBlock(createBlockedPictures(dynamo), Buffer.from("a picture key for tests")),
    removeOverviews: async () => undefined,
    blobs,
    places: [{ name: "data", blobs }],
    imaging: createImaging({ concurrency: 1 }),
    recipe: RECIPE,
    events: {
      async publish(event) {
        events.push(event);
      },
    },
    workflow: {
      async start(name, input) {
        if (started.some((each) => each.name === name)) return "exists";
        started.push({ name, input });
        return "started";
      },
    },
    route: installedRouting({
      catalogue: CATALOGUE,
      attestations: [],
      on: ["replicate"],
      off: new Map(),
      today,
    }),
    providerOf: () => undefined,
    providersOff: new Map(),
    termsAttested: async () => [],
    pacingStore,
    providerState: (provider) =>
      accountReport(provider, {
        catalogue: CATALOGUE,
        pacingStore,
        clock,
        timezone: TIMEZONE,
      }),
    modelOf: (name) => CATALOGUE.models.find((model) => model.name === name),
    fetcher: {
      async fetch() {
        throw new Error("Nothing is fetched in tests of the API.");
      },
    },
    provider: null,
    account: "real",
    actor: "nobody",
    promptKey: Buffer.from("a prompt key for tests"),
    linkKey: Buffer.from("a link key for tests"),
    tokens: createTokenVerifier({
      issuer: ISSUER,
      audiences: [AUDIENCE],
      keys: TOKEN_KEY,
      algorithms: ["HS256"],
      clock,
    }),
    rateLimit: null,
    beginVersion: () => undefined,
    async deliver(_image, rendition) {
      const blob = await blobs.get(rendition.path);
      if (!blob) throw new Error(`There is no file ${rendition.path}.`);
      return { kind: "bytes", bytes: blob.bytes };
    },
    onFault: (error) => faults.push(error),
    ...change,
  };
  const advance = (byMs: number) => {
    nowMs += byMs;
  };
  const shared = { started, events, faults, writes, folder, clock, advance };

  checkAnswer ??= answerChecker(openApiDocument(routedApp(), BASE_URL));
  const check = checkAnswer;

  function apiOf(deps: ApiDeps, options: ApiOptions): TestApi {
    const app = createApi(deps, options);
    const token = (fields: Partial<MintedToken> = {}) =>
      mintToken(
        {
          issuer: ISSUER,
          audience: AUDIENCE,
          subject: "ada",
          scopes: SCOPES,
          ageAttestedUntilMs: null,
          lifetimeMs: 3_600_000,
          ...fields,
        },
        { key: TOKEN_KEY, algorithm: "HS256", clock },
      );
    return {
      ...shared,
      app,
      deps,
      options,
      token,
      async call(path, call = {}) {
        const { scopes = SCOPES, as = "ada", ageAttestedUntilMs = null, json, body, headers } = call;
        const method = call.method ?? (json === undefined && body === undefined ? "GET" : "POST");
        const answer = await app.request(options.baseUrl + path, {
          method,
          headers: {
            ...(scopes !== null && {
              Authorization: `Bearer ${await token({ subject: as, scopes, ageAttestedUntilMs })}`,
            }),
            ...(json !== undefined && { "Content-Type": "application/json" }),
            ...headers,
          },
          ...(json !== undefined && { body: JSON.stringify(json) }),
          ...(body !== undefined && { body }),
        });
        await check(method, new URL(path, options.baseUrl).pathname, answer);
        return answer;
      },
      with: async (moreDeps, moreOptions = {}) =>
        apiOf({ ...deps, ...moreDeps }, { ...options, ...moreOptions }),
      async close() {
        await tables.close();
        await rm(folder, { recursive: true, force: true });
      },
    };
  }
  return apiOf(standard, {
    baseUrl: BASE_URL,
    allowedOrigins: ["https://console.test"],
    hosts: null,
    streams: true,
    ...changedOptions,
  });
}

function notingWrites(dynamo: Dynamo, writes: string[]): Dynamo {
  const note = (method: string, ...keys: readonly Key[]) => {
    for (const { pk, sk } of keys) writes.push(`${method} ${pk} ${sk}`);
  };
  return {
    ...dynamo,
    put(item, condition) {
      note("put", item);
      return dynamo.put(item, condition);
    },
    putMany(items) {
      note("put", ...items);
      return dynamo.putMany(items);
    },
    removeMany(keys) {
      note("remove", ...keys);
      return dynamo.removeMany(keys);
    },
    update(key, update) {
      note("update", key);
      return dynamo.update(key, update);
    },
    remove(key) {
      note("remove", key);
      return dynamo.remove(key);
    },
  };
}

function notingFiles(blobs: Blobs, writes: string[]): Blobs {
  return {
    ...blobs,
    put(key, bytes, contentType) {
      writes.push(`file ${key}`);
      return blobs.put(key, bytes, contentType);
    },
    copy(fromKey, toKey) {
      writes.push(`file ${toKey}`);
      return blobs.copy(fromKey, toKey);
    },
    remove(key) {
      writes.push(`file ${key}`);
      return blobs.remove(key);
    },
  };
}
