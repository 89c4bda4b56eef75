/** @module Memory and time of every function, with the reason. Lambda gives one whole vCPU at 1,769 MB and in proportion below. */
import type { EntryName } from "./access.ts";

export interface Size {
  readonly memoryMb: number;
  /** At most the `TimeoutSeconds` of its state, so that it is Lambda that ends it and says so. */
  readonly timeoutSeconds: number;
  /** How many may run at once in production. Reserving needs an account with a limit of 1,000: new ones have 10. */
  readonly reserved?: number;
  readonly why: string;
}

/** A few calls of a few milliseconds. Resident memory of the SDK clients and zod is about 100 MB. */
const LIGHT_MB = 256;

export const SIZES: Readonly<Record<EntryName, Size>> = {
  plan: {
    memoryMb: 512,
    timeoutSeconds: 120,
    why: "up to 50 images expanded and written at once; a cold start is mostly CPU",
  },
  validate: {
    memoryMb: LIGHT_MB,
    timeoutSeconds: 60,
    why: "a dozen calls to the table, and the policy; retried while the ledger is busy",
  },
  generate: {
    memoryMb: LIGHT_MB,
    timeoutSeconds: 150,
    why: "one create: 120 s where the answer is the picture (Stability AI), and what must be kept after it whatever happens",
  },
  collect: {
    memoryMb: 512,
    timeoutSeconds: 120,
    why: "outputs of up to 32 MB, one at a time, held twice while they are hashed and kept",
  },
  process: {
    memoryMb: 1769,
    timeoutSeconds: 120,
    why: "one core for sharp; measured: 135 MB and 1.2 s of CPU at 1024x1024, 1,050 MB and 35 s at the limit of 64 MP",
  },
  record: {
    memoryMb: LIGHT_MB,
    timeoutSeconds: 60,
    why: "500 fingerprints compared; originals copied inside S3",
  },
  abandon: { memoryMb: LIGHT_MB, timeoutSeconds: 60, why: "a few calls to the table" },
  reconcile: {
    memoryMb: 512,
    timeoutSeconds: 300,
    // A pass that takes longer than its minute must not be joined by five more that ask the same questions.
    reserved: 1,
    why: "all open work in pages of 100; a question to a provider takes up to 15 s, a picture that it keeps up to 60 s",
  },
  webhook: {
    memoryMb: LIGHT_MB,
    timeoutSeconds: 25,
    // A public address must not be able to use up the concurrency that the steps need.
    reserved: 20,
    why: "HTTP API gives up after 30 s; a body is at most 1 MB",
  },
  start: {
    memoryMb: LIGHT_MB,
    timeoutSeconds: 60,
    why: "one request, a part and an execution for each 50 images",
  },
  notify: {
    memoryMb: LIGHT_MB,
    timeoutSeconds: 25,
    why: "one call to the chat's address, which may take ten seconds",
  },
  api: {
    memoryMb: 1024,
    timeoutSeconds: 29,
    // Whoever has a token must not be able to use up the concurrency that the steps need.
    reserved: 50,
    why: "HTTP API gives up after 30 s; half a core, because a cold start reads 2 MB of program and makes the routes of the whole API",
  },
  claims: { memoryMb: LIGHT_MB, timeoutSeconds: 5, why: "one record; Cognito waits 5 s" },
  attest: { memoryMb: LIGHT_MB, timeoutSeconds: 30, why: "one record and its audit" },
  daily: {
    memoryMb: 512,
    timeoutSeconds: 900,
    reserved: 1,
    why: "every ended image that may be due; what is not done today is done tomorrow",
  },
  reprocess: {
    memoryMb: 1769,
    timeoutSeconds: 300,
    // Called each minute: one that is still at work is not joined by another.
    reserved: 1,
    why: "versions one after the other; measured: 290 MB and 3 s of CPU enlarged to 4000x4000, 720 MB and 13 s to 8000x8000",
  },
};
