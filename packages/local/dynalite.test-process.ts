/** @module A process for the tests of the store: serves it, and says when it is ready and when it met a fault. */
import { openDynalite } from "./dynalite.ts";

const [folder = "", socketPath = ""] = process.argv.slice(2);
// The signal's default is to end the process; with it ignored the write fails, as on a full disk.
process.on("SIGXFSZ", () => {});
const dynalite = await openDynalite({
  folder,
  table: {
    TableName: "things",
    BillingMode: "PAY_PER_REQUEST",
    AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
    KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
  },
  onFault: () => process.stdout.write("fault\n"),
});
if (dynalite === "locked") throw new Error("locked");
await dynalite.listen(socketPath);
process.stdout.write("ready\n");
