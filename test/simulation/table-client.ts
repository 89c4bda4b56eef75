/**
 * @module Two ways to the table in memory: straight, for speed, and by the SDK's own client with all that it does to a request,
 * for the table's contract.
 */
import type { Dynamo, Item } from "@atelier/aws/dynamo/client";
import { compileRange, MARSHALLING } from "@atelier/aws/dynamo/expressions";
import type { Key } from "@atelier/aws/dynamo/keys";
import { type AttributeValue, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { marshall, unmarshall } from "@aws-sdk/util-dynamodb";
import { type Command, type CommandInput, ConditionFailed } from "./table-engine.ts";
import type { Attributes } from "./table-expressions.ts";

const TABLE_NAME = "simulated";

/**
 * The port of the product's stores straight over the engine. Items that are read are converted once and shared: every store
 * parses them into records of its own.
 */
export function connectDirectly(engine: Command): Dynamo {
  const native = new WeakMap<object, Item>();
  const itemOf = (stored: Attributes): Item => {
    const known = native.get(stored);
    if (known) return known;
    const made = unmarshall(stored);
    native.set(stored, made);
    return made;
  };
  const found = ({ Item, Items = [], Attributes }: Answer) => ({
    item: Item && itemOf(Item),
    items: Items.map(itemOf),
    attributes: Attributes && itemOf(Attributes),
  });
  /** @returns undefined where the condition does not hold */
  const tried = (name: string, input: object): Answer | undefined => {
    try {
      return engine(name, input) as Answer;
    } catch (error) {
      if (error instanceof ConditionFailed) return undefined;
      throw error;
    }
  };
  const made = (name: string, input: object): Answer => engine(name, input) as Answer;
  const keyOf = ({ pk, sk }: Key) => ({ pk: { S: pk }, sk: { S: sk } });

  return {
    get: async (key) => found(made("GetItem", { Key: keyOf(key) })).item,
    getMany: async (keys) =>
      keys
        .map((key) => found(made("GetItem", { Key: keyOf(key) })).item)
        .filter((item) => item !== undefined),
    put: async (item, condition = {}) =>
      tried("PutItem", { Item: marshall(item, MARSHALLING), ...condition }) !== undefined,
    async putMany(items) {
      const t = items.map((item) => ({ PutRequest: { Item: marshall(item, MARSHALLING) } }));
      made("BatchWriteItem", { RequestItems: { t } });
    },
    async removeMany(keys) {
      const t = keys.map((key) => ({ DeleteRequest: { Key: keyOf(key) } }));
      made("BatchWriteItem", { RequestItems: { t } });
    },
    async update(key, update) {
      const answer = tried("UpdateItem", { Key: keyOf(key), ...update });
      const item = update.ReturnValues === "ALL_NEW" && answer ? found(answer).attributes : undefined;
      return answer ? { ok: true, item } : { ok: false };
    },
    remove: async (key) => made("DeleteItem", { Key: keyOf(key) }).Attributes !== undefined,
    async query(range, { backwards, limit, start }) {
      const page = { ScanIndexForward: !backwards, Limit: limit, ExclusiveStartKey: start };
      const answer = made("Query", { ...compileRange(range), IndexName: range.index, ...page });
      return { items: found(answer).items, next: answer.LastEvaluatedKey };
    },
    async count(range) {
      let total = 0;
      let start: Answer["LastEvaluatedKey"];
      do {
        const page = { IndexName: range.index, Select: "COUNT", ExclusiveStartKey: start };
        const answer = made("Query", { ...compileRange(range), ...page });
        total += answer.Count ?? 0;
        start = answer.LastEvaluatedKey;
      } while (start);
      return total;
    },
  };
}

interface Answer {
  readonly Item?: Attributes;
  readonly Items?: readonly Attributes[];
  readonly Attributes?: Attributes;
  readonly Count?: number;
  readonly LastEvaluatedKey?: Record<string, AttributeValue>;
}

/** The SDK's client, whose requests the engine answers as JSON. */
export function connectBySdk(engine: Command): { client: DynamoDBClient; tableName: string } {
  const client = new DynamoDBClient({
    endpoint: "http://127.0.0.1:9",
    region: "eu-west-3",
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
    requestHandler: {
      async handle(request: { headers: Record<string, string>; body: string | Uint8Array }) {
        const name = (request.headers["x-amz-target"] ?? "").split(".")[1] ?? "";
        const { statusCode, body } = answerTo(engine, name, Buffer.from(request.body).toString("utf8"));
        const headers = { "content-type": "application/x-amz-json-1.0" };
        return { response: { statusCode, headers, body: new Blob([JSON.stringify(body)]).stream() } };
      },
    } as never,
  });
  return { client, tableName: TABLE_NAME };
}

function answerTo(engine: Command, name: string, text: string): { statusCode: number; body: object } {
  try {
    return { statusCode: 200, body: engine(name, JSON.parse(text) as CommandInput) };
  } catch (error) {
    const { message, name: errorName } = error instanceof Error ? error : new Error(String(error));
    const type = error instanceof ConditionFailed ? "ConditionalCheckFailedException" : errorName;
    return { statusCode: 400, body: { __type: `com.amazonaws.dynamodb.v20120810#${type}`, message } };
  }
}
