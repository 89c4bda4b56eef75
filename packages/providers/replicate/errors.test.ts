import { describe, expect, it } from "vitest";
import type { HttpAnswer } from "../http.ts";
import { retryAfterMs, submissionFrom } from "./errors.ts";

const NOW_MS = Date.parse("2026-11-22T06:00:00Z");
const PROMPT = "a lighthouse at dusk";

function answered(status: number, body: unknown, headers: Record<string, string> = {}): HttpAnswer {
  const text = typeof body === "string" || body === null ? body : JSON.stringify(body);
  return { kind: "answered", status, headers: new Headers(headers), text };
}
const submission = (answer: HttpAnswer) => submissionFrom(answer, ["r8_token", PROMPT], NOW_MS);

describe("submissionFrom", () => {
  it.each([
    [
      401,
      { title: "Unauthenticated", detail: "You did not pass a valid authentication token" },
      "KeyRefused",
    ],
    [403, { title: "Forbidden" }, "KeyRefused"],
    [403, { detail: "Your prompt was flagged as sensitive." }, "ContentRejected"],
    [402, { title: "Insufficient credit" }, "OutOfCredit"],
    [422, { title: "Invalid version or not permitted", detail: "…" }, "ModelUnavailable"],
    [422, { title: "Input validation failed", detail: "- input: prompt is required\n" }, "ProviderRefused"],
    // A field whose name or value mentions what the other rules look for is still about our mapping.
    [
      422,
      {
        title: "Error",
        detail: "- input: nsfw_version is not allowed",
        invalid_fields: [{ type: "x", field: "input.nsfw_version", description: "x" }],
      },
      "ProviderRefused",
    ],
    [400, "not even JSON", "ProviderRefused"],
    [404, null, "ProviderRefused"],
    [413, {}, "ProviderRefused"],
  ])("refuses on %i %j as %s", (status, body, name) => {
    expect(submission(answered(status, body))).toMatchObject({ kind: "refused", name });
  });

  it.each([301, 307, 408, 500, 502, 503, 504, 520])("cannot tell what a %i did", (status) => {
    expect(submission(answered(status, "<html>"))).toMatchObject({ kind: "unknown" });
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

  it("never repeats the token or the prompt", () => {
    for (const status of [400, 401, 422, 429, 500]) {
      const said = submission(
        answered(status, { detail: `Bearer r8_token said: ${PROMPT}, is not allowed` }),
      );
      expect(said).toMatchObject({ message: expect.stringContaining("is not allowed") });
      expect(JSON.stringify(said)).not.toMatch(/r8_token|lighthouse/);
    }
  });
});

describe("retryAfterMs", () => {
  const wait = (problem: Parameters<typeof retryAfterMs>[0], headers: Record<string, string> = {}) =>
    retryAfterMs(problem, new Headers(headers), NOW_MS);

  it("believes the body, then the header, then the sentence, then a default", () => {
    const detail = "Request was throttled. Your rate limit resets in ~7s.";
    expect(wait({ retry_after: 5, detail }, { "retry-after": "3" })).toBe(5_000);
    expect(wait({ detail }, { "retry-after": "3" })).toBe(3_000);
    expect(wait({}, { "retry-after": "Sun, 22 Nov 2026 06:00:09 GMT" })).toBe(9_000);
    expect(wait({ detail }, { "retry-after": "soon" })).toBe(7_000);
    expect(wait({ detail: "Expected available in 1 second." })).toBe(1_000);
    expect(wait({})).toBe(6_000);
  });

  it("waits ten minutes at most and never into the past", () => {
    expect(wait({ retry_after: 1e9 })).toBe(600_000);
    expect(wait({}, { "retry-after": "Sun, 22 Nov 2020 06:00:00 GMT" })).toBe(0);
  });
});
