/** @module What signing adds to each rendition, in time and in bytes, with a key of this process. */
import { randomBytes } from "node:crypto";
import { fileURLToPath } from "node:url";
import { modelOutput } from "@atelier/imaging/baseline";
import { createPemSigner } from "@atelier/imaging/c2pa-pem-signer";
import { type DevelopingAction, signRendition } from "@atelier/imaging/c2pa-sign";
import { createTestKey } from "@atelier/imaging/c2pa-test-certificate";
import { createImaging } from "@atelier/imaging/open";
import { DEFAULT_RECIPE } from "@atelier/imaging/renditions";

const PHOTO = fileURLToPath(new URL("../test/fixtures/photos/coffee.png", import.meta.url));
const EDGE_PIXELS = 1024;
const WARM_UP_ROUNDS = 5;
const ACTIONS: readonly DevelopingAction[] = ["c2pa.enhanced", "c2pa.resized", "c2pa.transcoded"];

const PROVENANCE = {
  imageId: "img_bench",
  model: "sdxl",
  modelVersion: "1.0",
  createdAtMs: 0,
  title: "Bench",
  keywords: [],
};

export interface ProvenanceBench {
  /** The first signature of a process, with loading the library. */
  firstMs: number;
  /** Milliseconds a rendition after warm-up, over all renditions of the recipe. */
  signMs: number;
  signP95Ms: number;
  /** The most that a manifest adds to a rendition, in kB of 1000 bytes. */
  manifestKb: number;
  /** The same with a provider's manifest as ingredient. */
  signWithParentMs: number;
  manifestWithParentKb: number;
}

export async function benchProvenance(rounds = 50): Promise<ProvenanceBench> {
  const key = createTestKey({
    clock: () => Date.now(),
    randomBytes: (size) => new Uint8Array(randomBytes(size)),
  });
  const signer = createPemSigner(key);
  const input = await modelOutput(PHOTO, EDGE_PIXELS);
  const picture = await createImaging({ concurrency: 1 }).open(input);
  const renditions = await Array.fromAsync(picture.develop(DEFAULT_RECIPE, PROVENANCE));
  const original = { data: input, contentType: "image/png", actions: [] };

  const startedAt = performance.now();
  const marked = await signRendition(original, { provenance: PROVENANCE, signer, parent: null });
  const firstMs = performance.now() - startedAt;

  const measure = async (parent: Parameters<typeof signRendition>[1]["parent"]) => {
    const tookMs: number[] = [];
    let addedBytes = 0;
    for (let round = -WARM_UP_ROUNDS; round < rounds; round++) {
      for (const { data, contentType } of renditions) {
        const before = performance.now();
        const signed = await signRendition(
          { data, contentType, actions: ACTIONS },
          { provenance: PROVENANCE, signer, parent },
        );
        if (round >= 0) tookMs.push(performance.now() - before);
        addedBytes = Math.max(addedBytes, signed.length - data.length);
      }
    }
    tookMs.sort((one, other) => one - other);
    return { tookMs, addedKb: rounded(addedBytes / 1000) };
  };
  const alone = await measure(null);
  const withParent = await measure({ kind: "kept", bytes: marked, mediaType: "image/png" });
  return {
    firstMs: rounded(firstMs),
    signMs: rounded(quantile(alone.tookMs, 0.5)),
    signP95Ms: rounded(quantile(alone.tookMs, 0.95)),
    manifestKb: alone.addedKb,
    signWithParentMs: rounded(quantile(withParent.tookMs, 0.5)),
    manifestWithParentKb: withParent.addedKb,
  };
}

function quantile(sorted: readonly number[], part: number): number {
  return sorted[Math.ceil(part * sorted.length) - 1] ?? Number.NaN;
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
