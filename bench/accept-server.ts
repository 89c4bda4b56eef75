/**
 * @module DynamoDB and Step Functions as `bench/accept.ts` needs them, in a process of their own so that their work is not counted: they
 * keep what is put by its key, know one condition (`attribute_not_exists`), and tell how often each action was called.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

interface Called {
  readonly Item?: Readonly<Record<string, { readonly S?: string }>>;
  readonly Key?: Readonly<Record<string, { readonly S?: string }>>;
  readonly ConditionExpression?: string;
}

/** The ledger and callers alone are read again: what is written once for each request is not kept. */
const items = new Map<string, unknown>();
const KEPT = /^(LEDGER|CALLERS)/;
let counts: Record<string, number> = {};

function answer(action: string, body: Called): object {
  const key = `${body.Item?.pk?.S ?? body.Key?.pk?.S} ${body.Item?.sk?.S ?? body.Key?.sk?.S}`;
  switch (action) {
    case "PutItem":
      if (KEPT.test(key)) items.set(key, body.Item);
      return {};
    case "GetItem":
      return items.has(key) ? { Item: items.get(key) } : {};
    case "StartExecution":
      return { executionArn: "arn:aws:states:eu-west-3:123456789012:execution:images:one", startDate: 1 };
    default:
      return { __type: "com.amazonaws#ValidationException", message: `The bench has no ${action}.` };
  }
}

const server = createServer(async (request, response) => {
  const target = String(request.headers["x-amz-target"]);
  const action = target.slice(target.indexOf(".") + 1);
  counts[action] = (counts[action] ?? 0) + 1;
  const answered = answer(action, JSON.parse(Buffer.concat(await request.toArray()).toString()) as Called);
  const body = JSON.stringify(answered);
  response.writeHead("__type" in answered ? 400 : 200, {
    "content-type": "application/x-amz-json-1.0",
    "content-length": Buffer.byteLength(body),
  });
  response.end(body);
});
server.keepAliveTimeout = 60_000;
server.listen(0, "127.0.0.1", () => process.send?.((server.address() as AddressInfo).port));
process.on("message", () => {
  process.send?.(counts);
  counts = {};
});
process.once("disconnect", () => process.exit());
