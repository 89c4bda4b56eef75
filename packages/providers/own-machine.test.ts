import { describe, expect, it } from "vitest";
import { a1111 } from "./a1111/definition.ts";
import { comfyui } from "./comfyui/definition.ts";
import type { HttpAnswer } from "./http.ts";
import { commonSubmission, isServersWord } from "./own-machine.ts";

const deps = { clock: () => 0, workflows: {} };

describe("settings of one's own machines", () => {
  it.each(["http://127.0.0.1:8188", "http://192.168.1.20:8188/", "https://gpu.example/comfy"])(
    "take %s",
    (baseUrl) => {
      expect(comfyui.open({ baseUrl }, deps).trustedOrigin).toBe(new URL(baseUrl).origin);
      // Its pictures come in the answer.
      expect(a1111.open({ baseUrl }, deps).trustedOrigin).toBeNull();
    },
  );

  it.each(["gpu:8188", "ftp://gpu", "http://ada:secret@gpu:8188", "http://gpu:8188/?a=b"])(
    "refuse %s, naming the variable and not the address",
    (baseUrl) => {
      for (const [definition, variable] of [
        [a1111, "A1111_BASE_URL"],
        [comfyui, "COMFYUI_BASE_URL"],
      ] as const) {
        expect(() => definition.open({ baseUrl }, deps)).toThrow(
          expect.objectContaining({
            name: "ConfigurationInvalid",
            message: expect.stringMatching(new RegExp(`^${variable} of the provider \\w+ must [^@]+\\.$`)),
          }),
        );
      }
    },
  );

  it.each([
    [{ user: "ada" }, "A1111_PASSWORD of the provider a1111 must be set when there is a user."],
    [{ password: "secret" }, "A1111_USER of the provider a1111 must be set when there is a password."],
  ])("want user and password together: %o", (half, message) => {
    expect(() => a1111.open({ baseUrl: "http://127.0.0.1:7860", ...half }, deps)).toThrow(message);
  });
});

describe("what a bare answer says", () => {
  const of = (answer: HttpAnswer) =>
    isServersWord(answer) ? null : commonSubmission("It", answer, Date.parse("2026-11-22T06:00:00Z"));
  const answered = (status: number, headers: Record<string, string> = {}): HttpAnswer => ({
    kind: "answered",
    status,
    headers: new Headers(headers),
    text: null,
  });

  it.each<[HttpAnswer, object | null]>([
    [
      { kind: "not-sent", message: "x" },
      { kind: "refused", name: "ProviderAborted" },
    ],
    [{ kind: "lost", message: "x" }, { kind: "unknown" }],
    [answered(429), { kind: "rate-limited", retryAfterMs: 10_000 }],
    [answered(429, { "retry-after": "3" }), { kind: "rate-limited", retryAfterMs: 3_000 }],
    [
      answered(429, { "retry-after": "Sun, 22 Nov 2026 06:00:20 GMT" }),
      { kind: "rate-limited", retryAfterMs: 20_000 },
    ],
    [answered(401), { kind: "refused", name: "KeyRefused" }],
    [answered(403), { kind: "refused", name: "KeyRefused" }],
    [answered(302), { kind: "unknown" }],
    [answered(408), { kind: "unknown" }],
    [answered(503), { kind: "unknown" }],
    [answered(200), null],
    [answered(400), null],
  ])("%o", (answer, expected) => {
    const said = of(answer);
    if (expected === null) expect(said).toBeNull();
    else expect(said).toMatchObject(expected);
  });
});
