/** @module Data protection on this machine: what is kept of a subject, its removal, and keys for prompts. */
import { CATEGORY_NAMES } from "@atelier/core/catalogue";
import { eraseSubject, exportSubject, type PrivacyDeps, sweep } from "@atelier/core/privacy";
import { findSubject } from "@atelier/core/privacy-subject";
import { removeContactSheetsOf } from "./contact-sheets.ts";
import type { Privacy } from "./facade.ts";
import type { Installation } from "./installation.ts";

const PAGE = 100;

export function privacyOf(installation: Installation): Privacy {
  const { steps, gate, audit, vault, places, retention, dataFolder } = installation;
  const deps: PrivacyDeps = {
    ...steps,
    audit,
    vault,
    places,
    reviews: gate.reviews,
    versions: installation.versions,
    removeOverviews: (imageId) => removeContactSheetsOf(imageId, dataFolder),
  };

  return {
    async *export(subject) {
      yield* exportSubject(await findSubject(subject, deps), deps);
    },
    erase: async (subject) => eraseSubject(await findSubject(subject, deps), deps),
    sweep: (isTrial) => sweep(retention, deps, isTrial),
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
