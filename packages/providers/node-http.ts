/**
 * @module Node's own HTTP without `import`, which reads every export once; one of them is a getter that loads all of `fetch` and
 * WebSocket: fifty milliseconds of processor in each command and each thread, wanted or not.
 */
export const {
  Agent,
  createServer,
  get: httpGet,
  request: httpRequest,
} = process.getBuiltinModule("node:http");
