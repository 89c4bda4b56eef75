/**
 * @module The embedded classifier: rating and faces, by models that come with npm packages and run in a thread of their own.
 * Whatever goes wrong in there is a `failed` value here.
 */
import { createRequire } from "node:module";
import type { Classification, Classifier, Thresholds } from "@atelier/core/classifier";
import type { Clock } from "@atelier/core/ids";
import type { OpenPicture } from "@atelier/core/pictures";
import { DEFAULT_THRESHOLDS } from "@atelier/core/verdict";
import { FACE_MODEL } from "./age.ts";
import { RATING_MODEL } from "./rating.ts";
import { type ModelThread, openModelThread } from "./thread-client.ts";

export interface EmbeddedClassifier extends Classifier {
  /** Ends the thread. The next picture would start another. */
  close(): Promise<void>;
}

export interface EmbeddedClassifierDeps {
  /** What the thread runs. Default: the models. */
  readonly threadFile?: URL;
  /** Default 30 seconds: a second on an idle machine, more on a busy one. */
  readonly loadTimeoutMs?: number;
  /** Default 20 seconds for a picture, which takes about one. */
  readonly pictureTimeoutMs?: number;
  /** Default 45 seconds for its turn. All three together must stay below the two minutes that `process` has. */
  readonly turnTimeoutMs?: number;
  /** Milliseconds that only go up. Default: the machine's. */
  readonly clock?: Clock;
  /** Told what was wrong, beyond what a verdict may say. Default: nobody. */
  readonly onFault?: (error: unknown) => void;
}

/**
 * Pictures wait for each other: the models use one core, and their memory grows with every picture at once. The models are
 * loaded with the first picture and kept; after a time-out or a crash the next picture gets a new thread.
 */
export function createEmbeddedClassifier(
  thresholds: Thresholds,
  deps: EmbeddedClassifierDeps = {},
): EmbeddedClassifier {
  const { threadFile = new URL("./thread.ts", import.meta.url) } = deps;
  const { loadTimeoutMs = 30_000, pictureTimeoutMs = 20_000, turnTimeoutMs = 45_000 } = deps;
  const { clock = () => performance.now(), onFault } = deps;
  let opened: Promise<ModelThread> | null = null;
  let before: Promise<unknown> = Promise.resolve();

  async function closeThread(): Promise<void> {
    const closing = opened;
    opened = null;
    await closing?.then(
      (thread) => thread.end(),
      () => undefined,
    );
  }

  async function classify(picture: OpenPicture): Promise<Classification> {
    try {
      opened ??= openModelThread(threadFile, { faceScoreMin: thresholds.faceScore }, loadTimeoutMs);
      const thread = await opened;
      return await thread.classify(picture, pictureTimeoutMs);
    } catch (error) {
      await closeThread();
      onFault?.(error);
      return { kind: "failed", reason: error instanceof Error ? error.message : "unknown" };
    }
  }

  return {
    name: `${RATING_MODEL}, ${FACE_MODEL}`,
    thresholds,
    classify(picture) {
      const askedAtMs = clock();
      const said = before.then(() =>
        clock() - askedAtMs > turnTimeoutMs
          ? ({ kind: "failed", reason: `had no time within ${turnTimeoutMs} ms` } as const)
          : classify(picture),
      );
      before = said.catch(() => undefined);
      return said;
    },
    async close() {
      await before;
      await closeThread();
    },
  };
}

const MODEL_PACKAGES = [
  "@tensorflow/tfjs",
  "@tensorflow/tfjs-backend-wasm",
  "nsfwjs/core",
  "@vladmandic/face-api/package.json",
];

/**
 * The classifier with the models that are installed, or null when one is missing: then every picture of a real provider
 * waits for a person. Loads nothing yet.
 *
 * @param deps.resolve finds a package, or throws; default: where this package is installed
 */
export function openInspection(
  deps: EmbeddedClassifierDeps & {
    readonly thresholds?: Thresholds;
    readonly resolve?: (name: string) => unknown;
  } = {},
): EmbeddedClassifier | null {
  const { thresholds = DEFAULT_THRESHOLDS, resolve = createRequire(import.meta.url).resolve, ...rest } = deps;
  try {
    for (const name of MODEL_PACKAGES) resolve(name);
  } catch (error) {
    rest.onFault?.(error);
    return null;
  }
  return createEmbeddedClassifier(thresholds, rest);
}
