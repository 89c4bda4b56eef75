/** @module The table as data: one CreateTable call makes it, here or by infrastructure code. */
import type { CreateTableCommandInput } from "@aws-sdk/client-dynamodb";
import { INDEXES } from "./keys.ts";

const { timeline, state } = INDEXES;

/** Everything but the name. Both indexes come with the table: some engines cannot add one later. */
export const TABLE_DEFINITION = {
  BillingMode: "PAY_PER_REQUEST",
  AttributeDefinitions: [
    { AttributeName: "pk", AttributeType: "S" },
    { AttributeName: "sk", AttributeType: "S" },
    { AttributeName: timeline.hash, AttributeType: "S" },
    { AttributeName: timeline.range, AttributeType: "S" },
    { AttributeName: state.hash, AttributeType: "S" },
    { AttributeName: state.range, AttributeType: "S" },
  ],
  KeySchema: [
    { AttributeName: "pk", KeyType: "HASH" },
    { AttributeName: "sk", KeyType: "RANGE" },
  ],
  GlobalSecondaryIndexes: Object.entries(INDEXES).map(([name, index]) => ({
    IndexName: name,
    KeySchema: [
      { AttributeName: index.hash, KeyType: "HASH" as const },
      { AttributeName: index.range, KeyType: "RANGE" as const },
    ],
    Projection: { ProjectionType: "KEYS_ONLY" as const },
  })),
} satisfies Omit<CreateTableCommandInput, "TableName">;
