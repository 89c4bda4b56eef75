/**
 * @module Tables of one dynalite in memory, in this process. They are asked without a wire: HTTP and what the SDK's client does to a
 * request are the matter of the table's contract and of the data folder's client, and cost more than all the rest.
 */
import { createRequire } from "node:module";
import { createDynamo, type Dynamo } from "@atelier/aws/dynamo/client";
import type { EngineClient } from "@atelier/local/engine-client";
import { ConditionalCheckFailedException, type DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { createActiveTable } from "./active-table.ts";

/** What is used of dynalite 4.0.0, which has no types. */
interface Store {
  readonly db: { close(): Promise<void> };
}
interface Stores {
  create(options: { createTableMs: number }): Store;
}
interface Validations {
  checkTypes(input: unknown, types: unknown): object;
  checkValidations(input: object, types: unknown, custom: unknown, store: Store): void;
}
type Action = (store: Store, input: object, done: (error: unknown, output: unknown) => void) => void;
interface Refusal {
  readonly statusCode: number;
  readonly body: { readonly __type: string; readonly message?: string; readonly Message?: string };
}

const require = createRequire(import.meta.url);
const stores: Stores = require("dynalite/db/index.js");
const validations: Validations = require("dynalite/validations/index.js");

export interface MemoryTables {
  readonly client: EngineClient;
  /** A new, empty table. */
  table(): Promise<Dynamo>;
  close(): Promise<void>;
}

export async function startMemoryTables(): Promise<MemoryTables> {
  const store = stores.create({ createTableMs: 0 });
  const client = clientOf(store);
  let tables = 0;
  return {
    client,
    async table() {
      const tableName = `table-${++tables}`;
      await createActiveTable(client as DynamoDBClient, tableName);
      return createDynamo({ client, tableName });
    },
    close: () => store.db.close(),
  };
}

/** Validated and done as by dynalite's server. @throws (from its commands) as the SDK's client */
function clientOf(store: Store): EngineClient {
  async function send(command: { readonly input: unknown }): Promise<unknown> {
    const operation = command.constructor.name.replace(/Command$/, "");
    const file = operation.charAt(0).toLowerCase() + operation.slice(1);
    const validation = require(`dynalite/validations/${file}.js`);
    const action: Action = require(`dynalite/actions/${file}.js`);
    try {
      // Nothing is shared with whoever asks: what would go over a wire is read anew.
      const input = validations.checkTypes(JSON.parse(JSON.stringify(command.input)), validation.types);
      validations.checkValidations(input, validation.types, validation.custom, store);
      const output = await new Promise((resolve, reject) => {
        action(store, input, (error, output) => (error ? reject(error) : resolve(output)));
      });
      return JSON.parse(JSON.stringify(output));
    } catch (error) {
      throw isRefusal(error) ? asTheSdkTells(error) : error;
    }
  }
  return { send: send as EngineClient["send"] };
}

function isRefusal(error: unknown): error is Refusal {
  return error instanceof Error && "statusCode" in error && "body" in error;
}

function asTheSdkTells({ statusCode, body }: Refusal): Error {
  const name = body.__type.split("#").at(-1) ?? "";
  const told = { message: body.message ?? body.Message ?? "", $metadata: { httpStatusCode: statusCode } };
  return name === ConditionalCheckFailedException.name
    ? new ConditionalCheckFailedException(told)
    : Object.assign(new Error(told.message), { name, $metadata: told.$metadata });
}
