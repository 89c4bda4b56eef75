import { ERRORS } from "@atelier/core/error-table";
import { ERROR_NAMES } from "@atelier/core/errors";
import { IMAGE_STATUSES } from "@atelier/core/image";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type ExitCode,
  exitCodeOfError,
  exitCodeOfProduced,
  exitCodeOfVariation,
  worstExitCode,
} from "./exit-codes.ts";
import { failedImage, imageNumbered, variation } from "./testing/documents.ts";

const RANK: Record<ExitCode, number> = { 2: 0, 3: 1, 4: 2, 1: 3, 0: 4 };
const anyCode = fc.constantFrom<ExitCode>(0, 1, 2, 3, 4);

describe("worstExitCode", () => {
  it("is the first of 2, 3, 4, 1 that occurs, whatever the order and the number", () => {
    fc.assert(
      fc.property(fc.array(anyCode), (codes) => {
        const worst = worstExitCode(codes);
        for (const code of codes) expect(RANK[worst]).toBeLessThanOrEqual(RANK[code]);
        expect(codes.length === 0 ? [0] : codes).toContain(worst);
      }),
    );
  });

  it("can be taken in parts", () => {
    fc.assert(
      fc.property(fc.array(anyCode), fc.array(anyCode), (some, others) => {
        const inParts = worstExitCode([worstExitCode(some), worstExitCode(others)]);
        expect(inParts).toBe(worstExitCode([...others, ...some]));
      }),
    );
  });
});

describe("exit code of an image", () => {
  it.each(ERROR_NAMES)("%s: as the error table says", (name) => {
    expect(exitCodeOfProduced(failedImage(0, name))).toBe(ERRORS[name].exitCode);
  });

  it.each(IMAGE_STATUSES)("%s without a named failure", (status) => {
    const done = status === "completed" || status === "quarantined";
    expect(exitCodeOfProduced(imageNumbered(0, { status }))).toBe(done ? 0 : 1);
  });

  it("counts unknown as failed even when the failure has a name of its own", () => {
    expect(exitCodeOfProduced({ ...failedImage(0, "KeyRefused"), status: "unknown" })).toBe(1);
  });

  it("takes a name that the table does not have for a failed image", () => {
    expect(exitCodeOfProduced(failedImage(0, "States.Timeout"))).toBe(1);
  });

  it("takes a refused prompt's code from its error", () => {
    const refused = { status: "refused", rule: "youth", message: "no", error: "PolicyRefused" } as const;
    expect(exitCodeOfProduced(refused)).toBe(3);
  });
});

describe("exit code of a variation", () => {
  const excludedFor = (...reasons: string[]) =>
    variation({
      candidates: [],
      excluded: reasons.map((reason) => ({ model: "sdxl", provider: "replicate", reason, detail: "" })),
    });

  it.each([
    ["possible", variation(), 0],
    ["refused", variation({ policy: { decision: "refused", rule: "youth", message: "no" } }), 3],
    ["terms in the way", excludedFor("not-buyable", "terms"), 3],
    ["a licence in the way", excludedFor("licence"), 3],
    ["no model of that size", excludedFor("size"), 2],
    ["no model at all", excludedFor(), 2],
  ])("%s", (_, document, exitCode) => {
    expect(exitCodeOfVariation(document)).toBe(exitCode);
  });
});

it("counts whatever nobody foresaw as failed", () => {
  expect(exitCodeOfError(new TypeError("x"))).toBe(1);
  expect(exitCodeOfError("x")).toBe(1);
});
