import type { ProviderRequest } from "@atelier/core/provider";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FLUX, SDXL, TEST_MODELS } from "../../../test/simulators/models.ts";
import { invalidFields, schemaFor } from "../sandbox/input.ts";
import { INPUT_SCHEMAS } from "../sandbox/schemas.ts";
import { cancelAfter, createBody } from "./requests.ts";

const REQUEST: ProviderRequest = {
  model: SDXL,
  prompt: "a lighthouse at dusk",
  negativePrompt: "blurry",
  parameters: { width: 1024, height: 768, steps: 50, guidanceScale: 7.5 },
  seed: 42,
  deadlineMs: 300_000,
};
describe("createBody", () => {
  it("is valid under the published schema for any request", () => {
    const size = fc.integer({ min: 8, max: 128 }).map((eighths) => eighths * 8);
    fc.assert(
      fc.property(
        fc.constantFrom(...TEST_MODELS),
        fc.record({
          width: size,
          height: size,
          steps: fc.integer({ min: 1, max: 150 }),
          guidanceScale: fc.double({ min: 0, max: 50, noNaN: true }),
        }),
        fc.integer({ min: 1, max: 0x7ffffffe }),
        fc.string({ minLength: 1 }),
        (model, parameters, seed, prompt) => {
          const body = createBody(
            { ...REQUEST, model, parameters, seed, prompt },
            { attemptId: "a", webhookUrl: null },
          );
          const schema = schemaFor(INPUT_SCHEMAS, body.version);
          if (schema === undefined) throw new Error(`No schema for ${body.version}`);
          expect(invalidFields(schema, body.input)).toStrictEqual([]);
          expect(body.input[model.seed]).toBe(seed);
        },
      ),
      { numRuns: 200 },
    );
  });

  it("has a webhook only where there is one, and nothing else", () => {
    expect(Object.keys(createBody(REQUEST, { attemptId: "a", webhookUrl: null })).sort()).toStrictEqual([
      "input",
      "version",
    ]);
    expect(createBody(REQUEST, { attemptId: "a", webhookUrl: "https://example.com/w" })).toMatchObject({
      webhook: "https://example.com/w",
      webhook_events_filter: ["completed"],
    });
  });

  it("calls an official model by its name", () => {
    expect(createBody({ ...REQUEST, model: FLUX }, { attemptId: "a", webhookUrl: null }).version).toBe(
      "black-forest-labs/flux-schnell",
    );
  });
});

describe("cancelAfter", () => {
  it("rounds up to seconds, five at least", () => {
    expect([0, 1, 5_000, 5_001, 300_000].map(cancelAfter)).toStrictEqual(["5s", "5s", "5s", "6s", "300s"]);
  });
});
