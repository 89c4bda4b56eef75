import { modelSchema } from "@atelier/core/catalogue";
import { describe, expect, it } from "vitest";
import { SDXL, STABLE_DIFFUSION, TEST_MODELS } from "../../../test/simulators/models.ts";
import { invalidFields, knownSchemas, schemaFor, sizeOf } from "./input.ts";
import { INPUT_SCHEMAS } from "./schemas.ts";

describe("knownSchemas", () => {
  it("adds nothing where a schema is published, and nothing of other providers", () => {
    const foreign = modelSchema.parse({ ...SDXL, provider: "stability", version: null });
    expect(knownSchemas([...TEST_MODELS, foreign])).toStrictEqual(INPUT_SCHEMAS);
  });

  it("reconstructs the rest from the catalogue, and says so", () => {
    const model = modelSchema.parse({ ...SDXL, version: "f".repeat(64), outputs: null });
    const schema = schemaFor(knownSchemas([model]), "f".repeat(64));
    if (schema === undefined) throw new Error("no schema");
    expect([schema.reconstructed, schema.output]).toStrictEqual([true, "single"]);
    expect(invalidFields(schema, { prompt: "x", seed: 1, width: 64, apply_watermark: false })).toStrictEqual(
      [],
    );
    expect(invalidFields(schema, { seed: "1", scheduler: "DDIM" }).map(({ field }) => field)).toStrictEqual([
      "input.prompt",
      "input.seed",
      "input.scheduler",
    ]);
  });
});

describe("sizeOf", () => {
  it.each([
    [SDXL.version, { width: 640, height: 512 }, [640, 512]],
    [SDXL.version, {}, [1024, 1024]],
    [STABLE_DIFFUSION.version, { image_dimensions: "512x512" }, [512, 512]],
    ["black-forest-labs/flux-schnell", { aspect_ratio: "3:2" }, [1216, 832]],
    ["black-forest-labs/flux-schnell", { aspect_ratio: "3:2", megapixels: "0.25" }, [608, 416]],
  ])("of %s with %j", (version, input, size) => {
    const schema = schemaFor(INPUT_SCHEMAS, version ?? "");
    expect(schema && sizeOf(schema, input)).toStrictEqual(size);
  });
});
