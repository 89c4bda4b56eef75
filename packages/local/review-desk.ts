/** @module Reviews on one machine: what waits for a person, what was decided, and callers who are held back. */
import { AtelierError } from "@atelier/core/errors";
import type { Image, ImageStatus } from "@atelier/core/image";
import { liftRestraint } from "@atelier/core/probing";
import { type ReviewDeps, type ReviewInput, review } from "@atelier/core/review";
import {
  type CallerDocument,
  callerDocument,
  type ReviewDocument,
  reviewDocument,
  type ShownReviewDocument,
  shownReviewDocument,
} from "@atelier/core/review-document";
import { removeContactSheetsOf } from "./contact-sheets.ts";
import type { Installation } from "./installation.ts";

export interface ReviewDesk {
  /** Suspected minors first, then what is urgent, then the oldest. */
  list(limit: number): Promise<readonly ReviewDocument[]>;
  /** @throws AtelierError `UnknownName` */
  show(imageId: string): Promise<ShownReviewDocument>;
  /**
   * @param input.reviewer null: the operating system's user
   * @throws AtelierError as `review` in core
   */
  decide(input: Omit<ReviewInput, "reviewer"> & { readonly reviewer: string | null }): Promise<Decided>;
  /** Those whose refusals are remembered. */
  callers(): Promise<readonly CallerDocument[]>;
  /** @throws AtelierError `UnknownName` for a caller who is not held back */
  lift(lifting: {
    readonly caller: string;
    readonly by: string | null;
    readonly reason: string;
  }): Promise<void>;
}

export interface Decided {
  readonly image: ReviewDocument;
  /** True: noted, and another reviewer has to say the same. */
  readonly isAwaiting: boolean;
}

/** More than anybody looks at; what is beyond comes when these are decided. */
const LISTED_MAX = 1_000;
const PAGE_SIZE = 100;

export function createReviewDesk(installation: Installation): ReviewDesk {
  const { steps, gate, clock } = installation;
  const deps = reviewing(installation);
  const documentOf = async (image: Image) => reviewDocument(image, await gate.reviews.get(image.imageId));

  async function existing(imageId: string): Promise<Image> {
    const image = await steps.images.get(imageId);
    if (image) return image;
    throw new AtelierError(
      "UnknownName",
      `There is no image "${imageId}" here; \`atelier review list\` lists those that wait.`,
    );
  }

  return {
    async list(limit) {
      const quarantined = await listed("quarantined", installation);
      // What a classifier rejected lies there until somebody removes it.
      const rejected = (await listed("rejected", installation)).filter(
        ({ manifestKey }) => manifestKey !== null,
      );
      const urgency = (image: Image) => (image.verdict?.sealed ? 0 : image.verdict?.priority ? 1 : 2);
      const waiting = [...quarantined, ...rejected].sort(
        (one, other) => urgency(one) - urgency(other) || one.createdAtMs - other.createdAtMs,
      );
      return Promise.all(waiting.slice(0, limit).map(documentOf));
    },

    async show(imageId) {
      return shownReviewDocument(await existing(imageId), await gate.reviews.get(imageId), gate);
    },

    async decide({ reviewer, ...input }) {
      const outcome = await review({ ...input, reviewer: reviewer ?? steps.actor }, deps);
      return { image: await documentOf(outcome.image), isAwaiting: outcome.kind === "awaiting" };
    },

    callers: async () => (await gate.callers.all()).map((record) => callerDocument(record, clock())),

    async lift({ caller, by, reason }) {
      if (await liftRestraint(caller, { by: by ?? steps.actor, reason }, { ...steps, ...gate })) return;
      throw new AtelierError(
        "UnknownName",
        `${caller} is not held back; \`atelier review callers\` lists who is.`,
      );
    },
  };
}

/** What decisions are carried out with. */
export function reviewing(installation: Installation): ReviewDeps {
  const { steps, gate, configuration, dataFolder } = installation;
  return {
    ...steps,
    ...gate,
    isFourEyes: configuration.isFourEyes,
    removeOverviews: (imageId) => removeContactSheetsOf(imageId, dataFolder),
  };
}

async function listed(status: ImageStatus, { steps }: Installation): Promise<Image[]> {
  const found: Image[] = [];
  let cursor: string | null | undefined;
  while (found.length < LISTED_MAX && cursor !== null) {
    const page = await steps.images.list({ status }, { limit: PAGE_SIZE, ...(cursor ? { cursor } : {}) });
    found.push(...page.items);
    cursor = page.cursor;
  }
  return found;
}
