/** @module What the tests of this package share: threads that misbehave, and a picture of no more than its pixels. */
import type { OpenPicture } from "@atelier/core/pictures";

/** A thread of these lines instead of the models. */
export function threadOf(lines: string): URL {
  const source = `import { parentPort, workerData } from "node:worker_threads"; ${lines}`;
  return new URL(`data:text/javascript,${encodeURIComponent(source)}`);
}

/** A thread that loads at once; `onPicture` is what it then does with a `picture`, where `say` answers it. */
export function threadAnswering(onPicture: string): URL {
  return threadOf(
    `const answer = (number) => (said) => parentPort.postMessage({ kind: "answer", number, said });
     parentPort.on("message", (picture) => { const say = answer(picture.number); ${onPicture} }); parentPort.postMessage({ kind: "ready" });`,
  );
}

export const MEASURED = JSON.stringify({
  kind: "measured",
  scores: { suggestive: 0.01, nudity: 0, explicit: 0, other: 0 },
  tellsExplicit: false,
  faces: [],
});

/** The ways to go wrong that a classifier must survive; `within` in milliseconds is as long as it may take. */
export const MISBEHAVING: Readonly<Record<string, { threadFile: URL; reason: string; withinMs?: number }>> = {
  "that hangs while it loads": {
    threadFile: threadOf("for (;;);"),
    reason: "did not answer within 300 ms",
    withinMs: 300,
  },
  "that cannot load": { threadFile: threadOf('throw new Error("no models");'), reason: "broke down" },
  "that ends while it loads": { threadFile: threadOf("process.exit(0);"), reason: "ended" },
  "that hangs over a picture": {
    threadFile: threadAnswering("for (;;);"),
    reason: "did not answer within 300 ms",
    withinMs: 300,
  },
  "that crashes over a picture": {
    threadFile: threadAnswering('throw new WebAssembly.RuntimeError("unreachable");'),
    reason: "broke down",
  },
  "that ends over a picture": { threadFile: threadAnswering("process.exit(1);"), reason: "ended" },
  "that begins anew": {
    threadFile: threadAnswering('parentPort.postMessage({ kind: "ready" });'),
    reason: "spoke unasked",
  },
  "that answers before it is ready": {
    threadFile: threadOf(`parentPort.postMessage(${MEASURED});`),
    reason: "spoke unasked",
  },
};

/** Answers that are no measurement, as the thread's JavaScript. */
export const NONSENSE: Readonly<Record<string, string>> = {
  undefined: "undefined",
  null: "null",
  "a number": "0",
  "a word": '"measured"',
  "a list": "[]",
  "an empty object": "{}",
  "a verdict of its own": '{ kind: "released" }',
  "no numbers": '{ kind: "measured" }',
  "no scores": `{ ...${MEASURED}, scores: undefined }`,
  "no faces": `{ ...${MEASURED}, faces: undefined }`,
  "empty scores": `{ ...${MEASURED}, scores: {} }`,
  "an age that is no number": `{ ...${MEASURED}, faces: [{ score: 0.9, ageYears: NaN }] }`,
  "a face beyond certainty": `{ ...${MEASURED}, faces: [{ score: 2, ageYears: 40 }] }`,
  "scores that are no numbers": `{ ...${MEASURED}, scores: { suggestive: NaN, nudity: NaN, explicit: NaN, other: NaN } }`,
  "negative scores": `{ ...${MEASURED}, scores: { suggestive: -0.1, nudity: -0.1, explicit: -0.1, other: 0 } }`,
  "scores that contradict each other": `{ ...${MEASURED}, scores: { suggestive: 0, nudity: 0, explicit: 0.3, other: 0 } }`,
};

/** Of one colour; only its pixels can be asked for. */
export function plainPicture(width: number, height: number, value = 128): OpenPicture {
  const unavailable = () => Promise.reject(new Error("only the pixels are there"));
  return {
    width,
    height,
    format: "png",
    pixels: new Uint8Array(width * height * 3).fill(value),
    markedBy: () => false,
    measure: unavailable,
    proxyJpeg: unavailable,
    develop: () => {
      throw new Error("only the pixels are there");
    },
  };
}
