/** @module Records for the table's contract, and a wire that loses answers on demand. */
import type { Attempt } from "@atelier/core/attempt";
import { attemptIdOf, imageIdOf } from "@atelier/core/ids";
import type { Image } from "@atelier/core/image";
import type { ImageRequest, Part } from "@atelier/core/request";
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";

/** A table made from `TABLE_DEFINITION`, empty. */
export interface TestTable {
  readonly client: DynamoDBClient;
  readonly tableName: string;
  close(): Promise<void>;
}
export type MakeTable = () => Promise<TestTable>;

export const START_MS = Date.UTC(2026, 10, 22, 6);

export function someImage(fields: Partial<Image> = {}): Image {
  const requestId = fields.requestId ?? "req_contract";
  const index = fields.index ?? 0;
  return {
    imageId: imageIdOf(requestId, index),
    requestId,
    askedBy: null,
    index,
    part: Math.floor(index / 50),
    generation: 1,
    category: "feet",
    template: "feet_closeup",
    slots: { light: "window light" },
    words: [],
    rating: "general",
    tags: [],
    parameters: { width: 1024, height: 1024, steps: 50, guidanceScale: 7.5 },
    seed: 7,
    priority: "interactive",
    wantedModel: null,
    wantedProvider: null,
    maxCostMicros: null,
    status: "planned",
    createdAtMs: START_MS + index,
    localDate: "2026-11-22",
    deadlineAtMs: START_MS + 3_600_000,
    attempts: 0,
    currentAttemptId: null,
    promptHash: null,
    exclusions: [],
    warnings: [],
    failure: null,
    chosenAttemptId: null,
    model: null,
    provider: null,
    sentSeed: null,
    costMicros: 0,
    processingMs: null,
    quality: null,
    qualityParts: null,
    fingerprint: null,
    duplicateOf: null,
    verdict: null,
    version: null,
    manifestKey: null,
    renditions: [],
    originals: [],
    finishedAtMs: null,
    ...fields,
  };
}

export function someAttempt(fields: Partial<Attempt> = {}): Attempt {
  const imageId = fields.imageId ?? imageIdOf("req_contract", 0);
  const number = fields.number ?? 1;
  return {
    attemptId: attemptIdOf(imageId, number),
    imageId,
    requestId: "req_contract",
    number,
    generation: 1,
    provider: "sandbox",
    model: "sdxl",
    version: null,
    seed: 7,
    state: "held",
    account: "sandbox",
    budgetMonth: "2026-11",
    budgetDay: "2026-11-22",
    category: "feet",
    holdMicros: 50_000,
    listMicros: 50_000,
    createdAtMs: START_MS + number,
    deadlineAtMs: START_MS + 600_000,
    nonce: null,
    submittingAtMs: null,
    submitter: null,
    webhookUrl: null,
    submittedAtMs: null,
    operation: null,
    followUpAtMs: null,
    checkedAtMs: null,
    token: null,
    outcome: null,
    stored: [],
    storedAtMs: null,
    cancelledAtMs: null,
    quality: null,
    settledMicros: null,
    correctionMicros: null,
    ledgerApplied: false,
    correctionApplied: false,
    ...fields,
  };
}

export function someRequest(fields: Partial<ImageRequest> = {}): ImageRequest {
  return {
    requestId: "req_contract",
    source: "command",
    occurrenceId: null,
    category: "feet",
    template: null,
    freePrompt: false,
    count: 3,
    seed: 7,
    priority: "interactive",
    wantedModel: null,
    wantedProvider: null,
    parameters: {},
    maxCostMicros: null,
    localDate: "2026-11-22",
    createdAtMs: START_MS,
    parts: 1,
    cancelledAtMs: null,
    askedBy: null,
    bodyHash: null,
    partsBegun: null,
    ...fields,
  };
}

export function somePart(fields: Partial<Part> = {}): Part {
  const part = fields.part ?? 0;
  return {
    requestId: "req_contract",
    part,
    owner: null,
    generation: 1,
    open: true,
    createdAtMs: START_MS + part,
    ended: null,
    ...fields,
  };
}

/** Runs a call while the answer to its first `write` is lost after the table has acted; the SDK then repeats it. */
export async function losingAnAnswer<R>(client: DynamoDBClient, call: () => Promise<R>): Promise<R> {
  let lost = false;
  client.middlewareStack.add(
    (next, context) => async (request) => {
      const answer = await next(request);
      if (!lost && /^(Put|Update)Item/.test(String(context.commandName))) {
        lost = true;
        throw Object.assign(new Error("the answer was lost"), { name: "TimeoutError" });
      }
      return answer;
    },
    { step: "deserialize", name: "losing-an-answer", priority: "high" },
  );
  try {
    const result = await call();
    if (!lost) throw new Error("No answer was lost: the call wrote nothing.");
    return result;
  } finally {
    client.middlewareStack.remove("losing-an-answer");
  }
}

/** The commands that a call sends, by name. */
export async function commandsOf(client: DynamoDBClient, call: () => Promise<unknown>): Promise<string[]> {
  const names: string[] = [];
  client.middlewareStack.add(
    (next, context) => (request) => {
      names.push(String(context.commandName).replace("Command", ""));
      return next(request);
    },
    { step: "initialize", name: "commands-of" },
  );
  try {
    await call();
  } finally {
    client.middlewareStack.remove("commands-of");
  }
  return names;
}
