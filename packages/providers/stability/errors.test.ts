import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { HttpBytesAnswer } from "../http.ts";
import { readFailure, submissionFrom } from "./errors.ts";

const NOW_MS = Date.parse("2026-11-22T06:00:00Z");
const KEY = "sk-live-key";
const PROMPT = 'a "lighthouse" at dusk';

function answered(status: number, body: unknown, headers: Record<string, string> = {}): HttpBytesAnswer {
  const bytes = Buffer.from(typeof body === "string" ? body : JSON.stringify(body));
  return { kind: "answered", status, headers: new Headers(headers), bytes };
}
const submission = (answer: HttpBytesAnswer) => submissionFrom(answer, [KEY, PROMPT], NOW_MS);

const MODERATION =
  "Your request was flagged by our content moderation system, as a result your request was denied and you were not charged.";
const BALANCE =
  "Your organization does not have enough balance to request this action (need $0.009, have $0.001 on balance)";

describe("submissionFrom", () => {
  it.each([
    [400, { id: "a", name: "bad_request", message: "steps: must be at most 50" }, "ProviderRefused"],
    [400, { id: "a", name: "bad_request", errors: ["prompt: cannot be blank"] }, "ProviderRefused"],
    [
      400,
      { id: "a", name: "invalid_sdxl_v1_dimensions", message: "for stable-diffusion-xl…" },
      "ProviderRefused",
    ],
    [400, { id: "a", name: "invalid_samples", message: "samples: …" }, "ProviderRefused"],
    [400, { id: "a", name: "invalid_prompts", message: "Invalid prompts detected" }, "ContentRejected"],
    [403, { id: "a", name: "content_moderation", errors: [MODERATION] }, "ContentRejected"],
    [403, { errors: [MODERATION] }, "ContentRejected"],
    [402, { id: "a", name: "payment_required", errors: [BALANCE] }, "OutOfCredit"],
    [402, {}, "OutOfCredit"],
    [429, { id: "a", name: "insufficient_balance", message: BALANCE }, "OutOfCredit"],
    [429, { id: "a", message: BALANCE }, "OutOfCredit"],
    [
      404,
      { id: "a", name: "not_found", message: "The specified engine (ID x) was not found." },
      "ModelUnavailable",
    ],
    [410, "gone", "ModelUnavailable"],
    [401, { id: "a", name: "unauthorized", message: "missing authorization header" }, "KeyRefused"],
    [403, { id: "a", name: "permission_denied", message: "…" }, "KeyRefused"],
    [403, "<html>", "KeyRefused"],
    [413, { id: "a", name: "content_too_large", errors: ["body: at most 10MiB"] }, "ProviderRefused"],
    [
      422,
      { id: "a", name: "invalid_language", errors: ["English is the only supported language"] },
      "ProviderRefused",
    ],
  ])("refuses on %i %j as %s, free of charge", (status, body, name) => {
    expect(submission(answered(status, body))).toMatchObject({ kind: "refused", name });
  });

  it.each([301, 307, 408, 500, 502, 503, 504, 520])("cannot tell what a %i did", (status) => {
    expect(submission(answered(status, "<html>"))).toMatchObject({ kind: "unknown" });
    const named = { id: "a", name: "insufficient_balance", message: BALANCE };
    expect(submission(answered(status, named))).toMatchObject({ kind: "unknown" });
    expect(submission(answered(status, { id: "a", name: "internal_error", errors: ["…"] }))).toMatchObject({
      kind: "unknown",
    });
  });

  it("tells a create that never left from one that may have arrived", () => {
    expect(submission({ kind: "not-sent", message: "refused" })).toMatchObject({
      kind: "refused",
      name: "ProviderAborted",
    });
    expect(submission({ kind: "lost", message: "reset" })).toStrictEqual({
      kind: "unknown",
      message: "reset",
    });
  });

  it.each([
    ["the header", { "retry-after": "12" }, "…", 12_000],
    ["the header as a date", { "retry-after": "Sun, 22 Nov 2026 06:01:30 GMT" }, "…", 90_000],
    [
      "the sentence",
      {},
      "150 requests within a 10 second period, and have been timed out for 45 seconds",
      45_000,
    ],
    [
      "nobody: a minute",
      {},
      "You have exceeded the rate limit of 150 requests within a 10 second period",
      60_000,
    ],
    ["a header that cannot be read: a minute", { "retry-after": "soon" }, "…", 60_000],
    ["a header beyond reason: ten minutes", { "retry-after": "1e9" }, "…", 600_000],
  ])("waits as long as told by %s", (_, headers: Record<string, string>, said, retryAfterMs) => {
    for (const body of [
      { id: "a", name: "rate_limit_exceeded", errors: [said] },
      { id: "a", message: said },
    ]) {
      expect(submission(answered(429, body, headers))).toMatchObject({ kind: "rate-limited", retryAfterMs });
    }
  });

  it("is not misled by the words of the prompt", () => {
    const prompt = "a sign that says content moderation";
    const echo = answered(429, { id: "a", name: "rate_limit_exceeded", errors: [`Too fast: ${prompt}`] });
    expect(submissionFrom(echo, [KEY, prompt], NOW_MS)).toMatchObject({ kind: "rate-limited" });
  });

  it("stays certain of the status when the body broke off", () => {
    const broken = { kind: "answered", headers: new Headers(), bytes: null } as const;
    expect(submission({ ...broken, status: 429 })).toMatchObject({
      kind: "rate-limited",
      retryAfterMs: 60_000,
    });
    expect(submission({ ...broken, status: 400 })).toMatchObject({
      kind: "refused",
      name: "ProviderRefused",
    });
  });

  it("never repeats the key or the prompt, however they are quoted", () => {
    const echo = `Bearer ${KEY} said ${PROMPT}, is not allowed`;
    for (const body of [
      { name: "bad_request", message: echo },
      { name: "bad_request", errors: [echo] },
      { name: "bad_request", errors: [{ field: "prompt", message: echo }] },
    ]) {
      const said = submission(answered(400, body));
      expect(said).toMatchObject({ message: expect.stringContaining("is not allowed") });
      expect(JSON.stringify(said)).not.toMatch(/sk-live|lighthouse/);
    }
    for (const status of [400, 403, 429, 500]) {
      expect(JSON.stringify(submission(answered(status, { detail: echo })))).not.toMatch(
        /sk-live|lighthouse/,
      );
      expect(JSON.stringify(submission(answered(status, `<p>${echo}`)))).not.toMatch(/sk-live|lighthouse/);
    }
  });

  it("classifies by the name, whatever else the body holds or lacks", () => {
    const noise = fc.dictionary(
      fc.string().filter((name) => name !== "name"),
      fc.jsonValue(),
    );
    fc.assert(
      fc.property(noise, fc.constantFrom(402, 403, 429), (around, status) => {
        const body = { ...around, name: "insufficient_balance" };
        expect(submission(answered(status, body))).toMatchObject({ kind: "refused", name: "OutOfCredit" });
      }),
    );
    for (const field of ["message", "errors"]) {
      const odd = { name: "content_moderation", [field]: { deep: [1, null, { text: "x" }] } };
      expect(submission(answered(403, odd))).toMatchObject({ name: "ContentRejected" });
    }
  });
});

describe("readFailure", () => {
  const failure = (status: number, headers: Record<string, string> = {}) =>
    readFailure({ kind: "answered", status, headers: new Headers(headers), text: `no ${KEY}` }, KEY, NOW_MS);

  it("tells a refused key from a service that does not answer", () => {
    expect([401, 403, 200, 404, 429, 500].map((status) => failure(status).name)).toStrictEqual([
      "KeyRefused",
      "KeyRefused",
      ...Array<string>(4).fill("ProviderUnavailable"),
    ]);
    expect(readFailure({ kind: "lost", message: "reset" }, KEY, NOW_MS)).toMatchObject({
      name: "ProviderUnavailable",
      message: "reset",
    });
    expect(failure(500).message).not.toContain(KEY);
  });

  it("passes on how long a read must wait", () => {
    expect(failure(429, { "retry-after": "3" }).data).toStrictEqual({ status: 429, retryAfterMs: 3_000 });
    expect(failure(500).data).toStrictEqual({ status: 500 });
  });
});
