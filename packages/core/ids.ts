/** @module Ids: each carries its type, sorts by time where it has one, and can be derived again from what it names. */
import { createHash, createHmac, createSecretKey, hash, type KeyObject } from "node:crypto";

const CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz";

/** `size` unpredictable bytes; injected, so that tests can repeat a run. */
export type RandomBytes = (size: number) => Uint8Array;

/** Milliseconds since 1970; injected, so that nothing in a test sleeps. */
export type Clock = () => number;

/** `req_` and 26 characters: 10 of time (milliseconds), 16 of randomness; the layout of a ULID. */
export function newRequestId(clock: Clock, randomBytes: RandomBytes): string {
  return `req_${timed(clock(), randomBytes(10))}`;
}

/** The request of an occurrence: derived, so that a second firing makes nothing new. */
export function occurrenceRequestId(occurrenceId: string, scheduledAtMs: number): string {
  return `req_${timed(scheduledAtMs, createHash("sha256").update(occurrenceId).digest().subarray(0, 10))}`;
}

/** The request that a caller asked for under a key of theirs: derived, so that asking again makes nothing new. */
export function keyedRequestId(caller: string, idempotencyKey: string): string {
  const digest = hash("sha256", JSON.stringify(["request", caller, idempotencyKey]), "buffer");
  return `req_${timed(0, digest.subarray(0, 10))}`;
}

/** One firing of one entry of the calendar: it fires once per local date. */
export function occurrenceIdOf(entryName: string, localDate: string): string {
  return `${entryName}@${localDate}`;
}

/** `img_{request}_{index}`; the same request and index always give the same id. */
export function imageIdOf(requestId: string, index: number): string {
  return `img_${requestId.slice("req_".length)}_${String(index).padStart(5, "0")}`;
}

/** `{imageId}-{n}`, n from 1. */
export function attemptIdOf(imageId: string, attemptNumber: number): string {
  return `${imageId}-${attemptNumber}`;
}

export function imageIdOfAttempt(attemptId: string): string {
  return attemptId.slice(0, attemptId.lastIndexOf("-"));
}

/** `{requestId}.{k}-{generation}`: the execution that owns a part of a request. */
export function executionNameOf(requestId: string, part: number, generation: number): string {
  return `${requestId}.${part}-${generation}`;
}

/** Deterministic in subject, kind and attempt: writing the same thing twice is one audit entry. */
export function auditIdOf(subject: string, kind: string, phase: string, attempt: string): string {
  return createHash("sha256").update([subject, kind, phase, attempt].join("\n")).digest("hex").slice(0, 24);
}

/** Deterministic in what is told: telling it again is the same event. */
export function eventIdOf(...parts: (string | number)[]): string {
  return sha256Hex(parts.join("\n")).slice(0, 24);
}

/** A short proof that we made an id, for URLs that come back to us. */
export function signId(id: string, key: Uint8Array): string {
  return createHmac("sha256", key).update(id).digest("base64url").slice(0, 32);
}

export function sha256Hex(bytes: Uint8Array | string): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Preparing a key takes longer than a short text's hash. */
const preparedKeys = new WeakMap<Uint8Array, KeyObject>();

/** The keyed hash that stands for a text wherever the text itself may not. @param key is never changed afterwards */
export function keyedHash(text: string, key: Uint8Array): string {
  const prepared = preparedKeys.get(key) ?? createSecretKey(key);
  preparedKeys.set(key, prepared);
  return createHmac("sha256", prepared).update(text).digest("hex");
}

/**
 * A number from 1 to 2^31 - 2, derived: seeds of variations and later attempts. Zero means "random" to some models
 * and values over 31 bits are refused by others.
 */
export function derivedSeed(...parts: (string | number)[]): number {
  const hash = createHash("sha256").update(parts.join("\n")).digest();
  return (hash.readUInt32BE(0) % 0x7ffffffe) + 1;
}

function timed(timeMs: number, random: Uint8Array): string {
  let time = "";
  for (let rest = Math.max(0, Math.floor(timeMs)), digit = 0; digit < 10; digit++) {
    time = `${CROCKFORD[rest % 32]}${time}`;
    rest = Math.floor(rest / 32);
  }
  let bits = 0n;
  for (const byte of random.subarray(0, 10)) bits = (bits << 8n) | BigInt(byte);
  let noise = "";
  for (let digit = 0; digit < 16; digit++) {
    noise = `${CROCKFORD[Number(bits & 31n)]}${noise}`;
    bits >>= 5n;
  }
  return time + noise;
}
