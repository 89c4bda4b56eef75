/** @module A new table that answers: dynalite, as DynamoDB, makes it a moment after it was asked for. */

import { TABLE_DEFINITION } from "@atelier/aws/dynamo/table-definition";
import { CreateTableCommand, type DynamoDBClient, waitUntilTableExists } from "@aws-sdk/client-dynamodb";

export async function createActiveTable(client: DynamoDBClient, tableName: string): Promise<void> {
  await client.send(new CreateTableCommand({ TableName: tableName, ...TABLE_DEFINITION }));
  await waitUntilTableExists(
    { client, maxWaitTime: 10, minDelay: 0.01, maxDelay: 0.05 },
    { TableName: tableName },
  );
}
