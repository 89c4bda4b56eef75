/** @module The table as a function reaches it. */
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { createDynamo, type Dynamo } from "./dynamo/client.ts";

/** Region, credentials and endpoint come from the environment of the function, as the SDK reads it. */
export function connectTable(tableName: string): Dynamo {
  const client = new DynamoDBClient({
    requestHandler: { connectionTimeout: 3_000, requestTimeout: 10_000, throwOnRequestTimeout: true },
  });
  // There is no logger, but for one it would go through all of each request and answer.
  client.middlewareStack.remove("loggerMiddleware");
  return createDynamo({ client, tableName });
}
