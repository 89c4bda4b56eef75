/** @module Reviews on one machine: what waits for a person, what was decided, and callers who are held back. */
import type { ReviewDeps, ReviewInput } from "@atelier/core/review";
import {
  type Decided,
  decideReview,
  liftCaller,
  rememberedCallers,
  shownReview,
  waitingReviews,
} from "@atelier/core/review-desk";
import type { CallerDocument, ReviewDocument, ShownReviewDocument } from "@atelier/core/review-document";
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

export function createReviewDesk(installation: Installation): ReviewDesk {
  const { steps, gate } = installation;
  const deps = { ...reviewing(installation), callers: gate.callers };
  return {
    list: async (limit) => (await waitingReviews({ limit }, deps)).items,
    show: (imageId) => shownReview(imageId, deps),
    decide: ({ reviewer, ...input }) => decideReview({ ...input, reviewer: reviewer ?? steps.actor }, deps),
    callers: () => rememberedCallers(deps),
    lift: ({ caller, by, reason }) => liftCaller({ caller, reason, by: by ?? steps.actor }, deps),
  };
}

/** What decisions are carried out with. */
export function reviewing(installation: Installation): ReviewDeps {
  const { steps, gate, versions, configuration, dataFolder } = installation;
  return {
    ...steps,
    ...gate,
    versions,
    isFourEyes: configuration.isFourEyes,
    removeOverviews: (imageId) => removeContactSheetsOf(imageId, dataFolder),
  };
}
