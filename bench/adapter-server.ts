/**
 * @module The service that `bench/adapter.ts` calls, in a process of its own so that its work is not counted: a create of
 * Replicate's, and a picture as the web UI gives it. Answers are made beforehand.
 */
import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export const PICTURE_BYTES = 2 * 1024 * 1024;

const PREDICTION = JSON.stringify({
  id: "gm3qorzdhgbfurvjtvhg6dckhu",
  model: "stability-ai/sdxl",
  version: "7762fd07cf82c948538e41f63f77d685e02b063e37e496e96eefd46c929f9bdc",
  input: { prompt: "a lighthouse at dusk ".repeat(20), width: 1024, height: 1024, seed: 4711 },
  logs: "",
  output: null,
  data_removed: false,
  error: null,
  status: "starting",
  created_at: "2026-11-22T06:00:00.000Z",
  webhook: "https://atelier.example/w/img_a-1",
  urls: {
    cancel: "https://api.replicate.com/v1/predictions/gm3qorzdhgbfurvjtvhg6dckhu/cancel",
    get: "https://api.replicate.com/v1/predictions/gm3qorzdhgbfurvjtvhg6dckhu",
  },
});
const SIGNATURE = Buffer.from("\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x04\0\0\0\x04\0\x08\x02\0\0\0", "latin1");
const PICTURE = Buffer.from(
  JSON.stringify({
    images: [Buffer.concat([SIGNATURE, randomBytes(PICTURE_BYTES - SIGNATURE.length)]).toString("base64")],
    parameters: { prompt: "a lighthouse at dusk", steps: 30 },
    info: JSON.stringify({ all_seeds: [4711], index_of_first_image: 0, infotexts: ["a lighthouse at dusk"] }),
  }),
);

const server = createServer((request, response) => {
  request.resume().once("end", () => {
    const [status, body] = request.url === "/v1/predictions" ? [201, PREDICTION] : [200, PICTURE];
    response.writeHead(status, {
      "content-type": "application/json",
      "content-length": Buffer.byteLength(body),
    });
    response.end(body);
  });
});
server.keepAliveTimeout = 60_000;
server.listen(0, "127.0.0.1", () => process.send?.((server.address() as AddressInfo).port));
process.once("disconnect", () => process.exit());
