/** @module Data protection on this machine: what is kept of a subject, its removal, and keys for prompts. */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { CATEGORY_NAMES } from "@atelier/core/catalogue";
import { eraseSubject, exportSubject, findSubject, type PrivacyDeps, sweep } from "@atelier/core/privacy";
import type { Privacy } from "./facade.ts";
import type { Installation } from "./installation.ts";
import { storageFault } from "./storage-fault.ts";

const PAGE = 100;

export function privacyOf(installation: Installation): Privacy {
  const { steps, audit, vault, places, retention, dataFolder, gate } = installation;
  const deps: PrivacyDeps = { ...steps, audit, vault, places, reviews: gate.reviews };

  /** Overviews show pictures that may be gone; they can be made again. */
  async function removeContactSheets(): Promise<void> {
    const path = join(dataFolder, "contact-sheets");
    await rm(path, { recursive: true, force: true }).catch((error: unknown) => {
      throw storageFault(error, path);
    });
  }

  return {
    async *export(subject) {
      yield* exportSubject(await findSubject(subject, deps), deps);
    },
    async erase(subject) {
      const erasure = await eraseSubject(await findSubject(subject, deps), deps);
      if (erasure.files.length > 0) await removeContactSheets();
      return erasure;
    },
    async sweep(isTrial) {
      const swept = await sweep(retention, deps, isTrial);
      if (!isTrial && swept.files > 0) await removeContactSheets();
      return swept;
    },
    async rotateKeys() {
      const key = await installation.rotatePromptKey();
      const prompts = await installation.promptsUnderNewestKey();
      let renewed = 0;
      let kept = 0;
      for await (const imageId of imageIds(installation)) {
        if (await prompts.renew(imageId)) renewed++;
        else kept++;
      }
      return { key, renewed, kept };
    },
  };
}

async function* imageIds({ steps }: Pick<Installation, "steps">): AsyncGenerator<string> {
  for (const category of CATEGORY_NAMES) {
    for (let cursor: string | null | undefined; cursor !== null; ) {
      const page = await steps.images.list(
        { category },
        { limit: PAGE, ...(cursor !== undefined && { cursor }) },
      );
      for (const { imageId } of page.items) yield imageId;
      cursor = page.cursor;
    }
  }
}
