/**
 * @module Where the attacks happen: the real app on a loopback port over real stores, with records of two callers and secrets planted
 * in what may not be told.
 */
import { startTestApi, type TestApi } from "@atelier/api/testing/api";
import { sha256Hex } from "@atelier/core/ids";
import { type Image, type Rendition, type StoredOutput, verdictSchema } from "@atelier/core/image";
import { type Manifest, manifestSchema, originalKey, versionFolder } from "@atelier/core/manifest";
import type { ImageRequest } from "@atelier/core/request";
import { drawPlaceholder } from "@atelier/imaging/placeholder";
import { openApiServer } from "@atelier/local/server";
import { someAttempt, someImage, somePart, someRequest } from "../contract/table-fixtures.ts";

/** Who attacks, and whose things are attacked. */
export const ATTACKER = "mallory.4711";
export const VICTIM = "victor.0815";

/** Words of prompts, of reviewers and of providers: nobody who attacks may read them. */
export const PLANTED = {
  prompt: "quincemarmalade",
  note: "elderflowernote",
  failure: "rhubarbfailure",
} as const;

const PICTURE = new Uint8Array([0xff, 0xd8, 0xff, 0xe0]);

export const VERDICT = verdictSchema.parse({
  decision: "released",
  basis: "classifier",
  rating: "general",
  reason: "Nothing was seen.",
});

export interface Stage {
  readonly api: TestApi;
  /** `http://127.0.0.1:{port}` */
  readonly url: string;
  /** An image at its end, with a prompt. */
  image(askedBy: string, fields?: Partial<Image>): Promise<Image>;
  /** One whose files are there: original, renditions and manifest. */
  filedImage(askedBy: string, status: "completed" | "quarantined"): Promise<Image>;
  /** A request that has ended. */
  request(askedBy: string): Promise<ImageRequest>;
  close(): Promise<void>;
}

export async function openStage(): Promise<Stage> {
  const api = await startTestApi({ isFourEyes: true });
  const server = await openApiServer(0, api.deps);
  const drawing = await drawPlaceholder({
    width: 64,
    height: 64,
    seed: 7,
    title: "sdxl",
    lines: [],
    key: api.deps.promptKey,
  });
  let made = 0;

  async function image(askedBy: string, fields: Partial<Image> = {}): Promise<Image> {
    const requestId = fields.requestId ?? `req_stage${++made}`;
    const rendition = (name: Rendition["name"]): Rendition => ({
      name,
      path: `content/${requestId}/${name}.jpg`,
      width: 1,
      height: 1,
      bytes: PICTURE.length,
      sha256: sha256Hex(PICTURE),
      contentType: "image/jpeg",
    });
    const stored = someImage({
      requestId,
      askedBy,
      status: "completed",
      version: 1,
      finishedAtMs: api.clock() - 3_600_000,
      renditions: [rendition("full"), rendition("preview")],
      verdict: VERDICT,
      ...fields,
    });
    await api.deps.images.putIfAbsent(stored);
    await api.deps.vault.put(stored.imageId, { prompt: PLANTED.prompt, negativePrompt: PLANTED.prompt });
    return stored;
  }

  async function filedImage(askedBy: string, status: "completed" | "quarantined"): Promise<Image> {
    const requestId = `req_stage${++made}`;
    const blank = someImage({ requestId });
    const shelf = status === "completed" ? "content" : "quarantine";
    const manifestKey = `${versionFolder(shelf, blank, 1)}manifest.json`;
    const key = originalKey(blank, `incoming/${blank.imageId}/${blank.imageId}-1-0.png`);
    const original = { key, sha256: sha256Hex(drawing), bytes: drawing.length, contentType: "image/png" };
    const stored = await image(askedBy, { requestId, status, manifestKey, originals: [original] });
    await api.deps.attempts.putIfAbsent(
      someAttempt({ imageId: stored.imageId, requestId, ledgerApplied: true }),
    );
    await api.deps.blobs.put(key, drawing, "image/png");
    for (const { path } of stored.renditions) await api.deps.blobs.put(path, PICTURE, "image/jpeg");
    const manifest = someManifest(stored, original, api.deps.recipe.name);
    await api.deps.blobs.put(manifestKey, Buffer.from(JSON.stringify(manifest)), "application/json");
    return stored;
  }

  return {
    api,
    url: server.url,
    image,
    filedImage,
    async request(askedBy) {
      const { requestId } = await image(askedBy, {
        status: "failed",
        version: null,
        renditions: [],
        verdict: null,
        failure: { name: "ProviderRefused", message: PLANTED.failure, rule: null },
      });
      const request = someRequest({ requestId, askedBy, source: "api", count: 1 });
      await api.deps.requests.putIfAbsent(request);
      await api.deps.requests.parts.putIfAbsent(somePart({ requestId, open: false }));
      return request;
    },
    async close() {
      await server.close();
      await api.close();
    },
  };
}

function someManifest(
  { imageId, category, rating, renditions, verdict }: Image,
  chosen: StoredOutput,
  recipe: string,
): Manifest {
  return manifestSchema.parse({
    imageId,
    category,
    rating,
    renditions,
    recipe,
    attemptId: `${imageId}-1`,
    version: 1,
    provider: "replicate",
    model: "sdxl",
    modelVersion: null,
    chosen,
    alternates: [],
    quality: 50,
    qualityParts: { sharpness: 1, exposure: 1, contrast: 1, colourfulness: 1, noise: 1, blockiness: 1 },
    fingerprint: null,
    colours: [],
    verdict,
    developedAtMs: 1,
  });
}
