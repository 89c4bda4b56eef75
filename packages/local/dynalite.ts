/**
 * @module DynamoDB on disk: dynalite's store and actions behind a small HTTP front of ours. dynalite's own front throws
 * what the store throws (a full disk, a caller that was killed in mid-sentence) into the process; ours answers with a
 * name of the error table.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { createRequire } from "node:module";
import type { Stream } from "node:stream";
import { AtelierError, errorNameOf, isAtelierError } from "@atelier/core/errors";
import { createServer } from "@atelier/providers/node-http";
import type { CreateTableCommandInput, KeySchemaElement } from "@aws-sdk/client-dynamodb";
import { damaged, hasLostItsHead, storeFault } from "./dynalite-faults.ts";
import { type ItemStore, wholeItems } from "./dynalite-items.ts";
import { type LevelStore, sendSnapshot } from "./dynalite-snapshot.ts";
import { type ValueStore, Values } from "./dynalite-values.ts";

/** What is used of dynalite 4.0.0, which has no types. */
interface Store {
  readonly db: LevelStore &
    ValueStore &
    ItemStore & {
      open(): Promise<void>;
      close(): Promise<void>;
      createValueStream(options: unknown): Stream;
      _get(key: unknown, options: unknown): Promise<unknown>;
      _getSync(key: unknown, options: unknown): unknown;
    };
  readonly tableDb: {
    get(name: string, done: (error: unknown, table?: Table) => void): void;
    put(name: string, table: Table, done: (error: unknown) => void): void;
  };
}
interface Table {
  readonly TableName: string;
  TableStatus: string;
  KeySchema: KeySchemaElement[];
  GlobalSecondaryIndexes?: { IndexName: string; KeySchema: KeySchemaElement[]; IndexStatus: string }[];
}
interface StoreModule {
  create(options: { path: string; createTableMs: number }): Store;
}
interface Validations {
  checkTypes(input: unknown, types: unknown): object;
  checkValidations(input: unknown, types: unknown, custom: unknown, store: Store): void;
}
interface ActionValidation {
  readonly types: unknown;
  readonly custom: unknown;
}
type Action = (store: Store, input: unknown, done: (error: unknown, output: unknown) => void) => void;

const OPERATIONS = [
  "BatchGetItem",
  "BatchWriteItem",
  "CreateTable",
  "DeleteItem",
  "DescribeTable",
  "GetItem",
  "PutItem",
  "Query",
  "Scan",
  "UpdateItem",
] as const;
type Operation = (typeof OPERATIONS)[number];

const require = createRequire(import.meta.url);
const CONTENT_TYPE = "application/x-amz-json-1.0";
/** Carries the name of the error table when the store itself fails; such an answer is not DynamoDB's. */
export const FAULT_HEADER = "x-atelier-fault";
/** A request that is answered by its head alone and ends when the server does: how others learn of it. */
export const WATCH_PATH = "/watch";
/** Answers with every item of the table as it stands; see `dynalite-snapshot.ts`. */
export const SNAPSHOT_PATH = "/snapshot";

export interface Dynalite {
  /** @throws the system's error when the socket cannot be made */
  listen(socketPath: string): Promise<void>;
  /** Takes no new request, answers those under way, closes the store. */
  close(): Promise<void>;
}

/**
 * Opens the store and makes the table if it is not there.
 *
 * @param deps.folder LevelDB's folder; its lock is the kernel's and ends with the process
 * @param deps.onFault called after a request met a failing store, which stays failed until it is opened anew
 * @returns `locked` when somebody else has the store open
 * @throws AtelierError `FolderUnusable` (damaged, or a table of another version), `StorageFull`
 */
export async function openDynalite(deps: {
  folder: string;
  table: CreateTableCommandInput;
  onFault: () => void;
}): Promise<Dynalite | "locked"> {
  if (await hasLostItsHead(deps.folder)) throw damaged(deps.folder);
  const stores: StoreModule = require("dynalite/db/index.js");
  const store = stores.create({ path: deps.folder, createTableMs: 0 });
  // A read from LevelDB's cache takes microseconds, but sending it over the thread pool ten times as long; and this thread does
  // nothing else meanwhile.
  store.db._get = async (key, options) => store.db._getSync(key, options);
  store.db.createValueStream = (options) => new Values(store.db, options);
  try {
    await store.db.open();
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined;
    if (cause instanceof Error && "code" in cause && cause.code === "LEVEL_LOCKED") return "locked";
    throw storeFault(cause ?? error, deps.folder);
  }
  let table: Table;
  try {
    table = await ensuredTable(store, deps.table, deps.folder);
  } catch (error) {
    await store.db.close();
    throw isAtelierError(error) ? error : storeFault(error, deps.folder);
  }
  rememberTable(store, table);

  const watchers = new Set<ServerResponse>();
  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const answered = await answer(request, { store, table, folder: deps.folder });
    if (!answered) return;
    const { text } = answered;
    response.setHeader("content-type", CONTENT_TYPE).setHeader("content-length", Buffer.byteLength(text));
    // While closing, an answered connection must end, or it would keep the server open.
    if (!server.listening) response.setHeader("connection", "close");
    if (answered.fault !== undefined) {
      response.setHeader(FAULT_HEADER, answered.fault).once("close", deps.onFault);
    }
    response.writeHead(answered.statusCode).end(text);
  }
  const server = createServer((request, response) => {
    // A caller that is killed takes its request back; nobody is left to be told.
    request.on("error", () => {});
    response.on("error", () => {});
    if (request.url === SNAPSHOT_PATH) return void sendSnapshot(store.db, deps.table.TableName, response);
    if (request.url !== WATCH_PATH) return void respond(request, response);
    watchers.add(response.once("close", () => watchers.delete(response)));
    response.flushHeaders();
  });
  // Ours are the only callers: a connection may be idle for as long as its process lives.
  server.keepAliveTimeout = 0;
  server.requestTimeout = 0;

  return {
    listen: (socketPath) =>
      new Promise((resolve, reject) => {
        server.once("error", reject);
        server.listen(socketPath, resolve);
      }),
    async close() {
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        for (const watcher of watchers) watcher.end();
        server.closeIdleConnections();
      });
      await store.db.close();
    },
  };
}

interface Answer {
  readonly statusCode: number;
  /** JSON. */
  readonly text: string;
  /** Set when the store failed and not the request. */
  readonly fault?: string;
}

/** @returns undefined when the caller is gone before it had said all */
async function answer(
  request: IncomingMessage,
  { store, table, folder }: { readonly store: Store; readonly table: Table; readonly folder: string },
): Promise<Answer | undefined> {
  try {
    const asked: unknown = JSON.parse(await textOf(request));
    const operation = operationOf(String(request.headers["x-amz-target"]).split(".")[1]);
    const input = checked(store, operation, asked);
    const items = wholeItems(operation, input, { db: store.db, table });
    return { statusCode: 200, text: items ?? JSON.stringify(await act(store, operation, input)) };
  } catch (error) {
    if (!request.complete) return undefined;
    if (isRefusal(error)) return { statusCode: error.statusCode, text: JSON.stringify(error.body) };
    const fault = storeFault(error, folder);
    return { statusCode: 500, text: JSON.stringify({ message: fault.message }), fault: errorNameOf(fault) };
  }
}

function run(store: Store, operation: Operation, input: unknown): Promise<unknown> {
  return act(store, operation, checked(store, operation, input));
}

/** The input of an operation, validated as dynalite validates it. @throws the refusal that DynamoDB would answer */
function checked(store: Store, operation: Operation, input: unknown): object {
  const validations: Validations = require("dynalite/validations/index.js");
  const validation: ActionValidation = require(`dynalite/validations/${fileOf(operation)}.js`);
  const checked = validations.checkTypes(input, validation.types);
  validations.checkValidations(checked, validation.types, validation.custom, store);
  return checked;
}

/** @throws the refusal that DynamoDB would answer */
function act(store: Store, operation: Operation, input: object): Promise<unknown> {
  const action: Action = require(`dynalite/actions/${fileOf(operation)}.js`);
  return new Promise((resolve, reject) => {
    action(store, input, (error, output) => (error ? reject(error) : resolve(output)));
  });
}

function fileOf(operation: Operation): string {
  return operation.charAt(0).toLowerCase() + operation.slice(1);
}

/** The table, made if it is not there. */
async function ensuredTable(store: Store, wanted: CreateTableCommandInput, folder: string): Promise<Table> {
  const found = await describe(store, wanted.TableName);
  if (!found) {
    await run(store, "CreateTable", structuredClone(wanted));
  } else if (shapeOf(found) !== shapeOf(wanted)) {
    throw new AtelierError(
      "FolderUnusable",
      `The database in ${folder} was made by another version of Atelier; use that version or a new folder with --data.`,
    );
  }
  const table = found ?? (await describe(store, wanted.TableName));
  if (!table) throw new Error("The table that was made is not there.");
  // A process that is killed right after creating it leaves the table in CREATING for ever; we alone have it open.
  if (table.TableStatus === "ACTIVE") return table;
  const indexes = table.GlobalSecondaryIndexes?.map((index) => ({ ...index, IndexStatus: "ACTIVE" }));
  const active = { ...table, TableStatus: "ACTIVE", ...(indexes && { GlobalSecondaryIndexes: indexes }) };
  await new Promise<void>((resolve, reject) => {
    store.tableDb.put(table.TableName, active, (error) => (error ? reject(error) : resolve()));
  });
  return active;
}

/** dynalite reads the table's definition for every item of every request; of the operations here none changes it. */
function rememberTable(store: Store, table: Table): void {
  const { get } = store.tableDb;
  store.tableDb.get = (asked, done) => {
    if (asked === table.TableName) queueMicrotask(() => done(null, table));
    else get(asked, done);
  };
}

async function describe(store: Store, tableName: string | undefined): Promise<Table | undefined> {
  try {
    return ((await run(store, "DescribeTable", { TableName: tableName })) as { Table: Table }).Table;
  } catch (error) {
    if (isRefusal(error) && String(error.body.__type).endsWith("ResourceNotFoundException")) return undefined;
    throw error;
  }
}

/** What cannot be changed on a table that exists: its keys and its indexes. */
function shapeOf(table: CreateTableCommandInput | Table): string {
  const keys = (schema: KeySchemaElement[] | undefined) =>
    schema?.map((element) => `${element.KeyType} ${element.AttributeName}`).join(", ");
  const indexes = table.GlobalSecondaryIndexes?.map(
    (index) => `${index.IndexName}: ${keys(index.KeySchema)}`,
  );
  return [`table: ${keys(table.KeySchema)}`, ...(indexes ?? []).sort()].join("; ");
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

interface Refusal {
  readonly statusCode: number;
  readonly body: { readonly __type: string; readonly message?: string };
}

function isRefusal(error: unknown): error is Refusal {
  return typeof error === "object" && error !== null && "statusCode" in error && "body" in error;
}

function refusal(type: string, message: string): Refusal {
  return { statusCode: 400, body: { __type: type, message } };
}

/** @throws the refusal that DynamoDB would answer */
function operationOf(name: string | undefined): Operation {
  const found = OPERATIONS.find((known) => known === name);
  if (found) return found;
  throw refusal("com.amazon.coral.service#UnknownOperationException", "No such operation here.");
}
