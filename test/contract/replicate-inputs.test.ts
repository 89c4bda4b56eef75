import type { Model } from "@atelier/core/catalogue";
import { loadInstalledCatalogue } from "@atelier/local/installed-catalogue";
import { createBody } from "@atelier/providers/replicate/requests";
import { invalidFields, schemaFor } from "@atelier/providers/sandbox/input";
import { INPUT_SCHEMAS } from "@atelier/providers/sandbox/schemas";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";

/** Models whose schema is nowhere published: their parameter names are an entry's word alone. */
const WITHOUT_A_SCHEMA = ["realistic-vision-v2", "realistic-vision-v2-mcai"];

describe("every model of Replicate in the shipped catalogue", () => {
  let models: Model[];
  beforeAll(async () => {
    const catalogue = await loadInstalledCatalogue();
    models = catalogue.models.filter(({ provider }) => provider === "replicate");
  });
  const schemaOf = (model: Model) => schemaFor(INPUT_SCHEMAS, model.version ?? model.model);

  it("has a schema, or is known to have none", () => {
    const without = models.filter((model) => schemaOf(model) === undefined).map(({ name }) => name);
    expect(without.sort()).toStrictEqual(WITHOUT_A_SCHEMA);
    expect(models.length).toBeGreaterThan(without.length + 5);
  });

  it("is asked in its own parameter names, within its own ranges, whatever is wanted", () => {
    const published = models.filter((model) => schemaOf(model) !== undefined);
    const edge = fc.integer({ min: 8, max: 256 }).map((eighths) => eighths * 8);
    fc.assert(
      fc.property(
        fc.constantFrom(...published),
        fc.record({
          width: edge,
          height: edge,
          steps: fc.integer({ min: 1, max: 150 }),
          guidanceScale: fc.double({ min: 0, max: 50, noNaN: true }),
        }),
        fc.integer({ min: 1, max: 0x7ffffffe }),
        fc.string({ minLength: 1 }),
        fc.string(),
        (model, parameters, seed, prompt, negativePrompt) => {
          const request = { model, parameters, seed, prompt, negativePrompt, deadlineMs: 60_000 };
          const { input } = createBody(request, { attemptId: "img_a-1", webhookUrl: null });
          const schema = schemaOf(model);
          if (schema === undefined) throw new Error(model.name);
          expect(invalidFields(schema, input)).toStrictEqual([]);
          expect(input[model.seed]).toBe(seed);
        },
      ),
      { numRuns: 400 },
    );
  });
});
