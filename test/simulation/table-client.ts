/**
 * @module Two ways to the table in memory: straight, for speed, and by the SDK's own client with all that it does to a request,
 * for the table's contract.
 */
import { createDynamo, type Dynamo } from "@atelier/aws/dynamo/client";
import { ConditionalCheckFailedException, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { type Command, type CommandInput, ConditionFailed } from "./table-engine.ts";

const TABLE_NAME = "simulated";

/** The product's client over the engine, without the SDK's work in between. */
export function connectDirectly(engine: Command): Dynamo {
  const send = async (command: {
    readonly constructor: { readonly name: string };
    readonly input: CommandInput;
  }) => {
    try {
      return engine(command.constructor.name.replace(/Command$/, ""), command.input);
    } catch (error) {
      if (!(error instanceof ConditionFailed)) throw error;
      throw new ConditionalCheckFailedException({ message: error.message, $metadata: {} });
    }
  };
  return createDynamo({ client: { send } as unknown as DynamoDBClient, tableName: TABLE_NAME });
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
