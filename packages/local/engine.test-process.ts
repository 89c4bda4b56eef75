/** @module A process for the tests of the engine: opens a data folder and does what its parent says. */
import { randomBytes } from "node:crypto";
import { GetItemCommand, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { prepareDataFolder } from "./data-folder.ts";
import { openEngine } from "./engine.ts";

export type Order = { do: "write" } | { do: "read"; id: string } | { do: "close" };
export type Report =
  | { kind: "ready"; hosting: boolean }
  | { kind: "hosting" }
  | { kind: "acknowledged"; id: string }
  | { kind: "read"; found: boolean }
  | { kind: "failed"; name: string; message: string };

const report = (said: Report) => process.send?.(said);

const dataFolder = await prepareDataFolder({ path: process.argv[2] ?? "", clock: Date.now, randomBytes });
const engine = await openEngine({
  dataFolder,
  table: {
    TableName: "things",
    BillingMode: "PAY_PER_REQUEST",
    AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
    KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
  },
  clock: Date.now,
  randomBytes,
  onFault: (error) => report({ kind: "failed", name: "task", message: String(error) }),
});
await engine.whenHosting(async () => {
  report({ kind: "hosting" });
  return async () => {};
});

async function write(): Promise<void> {
  for (let count = 0; ; count++) {
    const id = `${process.pid}-${count}`;
    await engine.client.send(new PutItemCommand({ TableName: "things", Item: { id: { S: id } } }));
    report({ kind: "acknowledged", id });
  }
}

process.on("message", (order: Order) => {
  const done =
    order.do === "write"
      ? write()
      : order.do === "read"
        ? engine.client
            .send(
              new GetItemCommand({ TableName: "things", Key: { id: { S: order.id } }, ConsistentRead: true }),
            )
            .then((output) => report({ kind: "read", found: output.Item !== undefined }))
        : engine.close().then(() => process.disconnect());
  Promise.resolve(done).catch((error: Error) =>
    report({ kind: "failed", name: error.name, message: error.message }),
  );
});
report({ kind: "ready", hosting: engine.hosting() });
