/** @module What a program (the command line, tests) can ask of Atelier on this machine; implemented in `index.ts`. */

import type { CustomPrompt, GenerateOptions } from "@atelier/core/accept";
import type { AlarmReport } from "@atelier/core/alarms";
import type { ChainProof } from "@atelier/core/audit-chain";
import type { BudgetProof } from "@atelier/core/budget-verify";
import type { Catalogue, CategoryName, Rating } from "@atelier/core/catalogue";
import type { BudgetDocument, ImageDocument, ShownDocument, VariationDocument } from "@atelier/core/document";
import type { ImageStatus } from "@atelier/core/image";
import type { LibraryReport } from "@atelier/core/library";
import type { MetricsReport } from "@atelier/core/metrics";
import type { ModelReport } from "@atelier/core/model-report";
import type { Micros } from "@atelier/core/money";
import type { PlannedEntry } from "@atelier/core/plan-report";
import type { AuditEntry } from "@atelier/core/ports";
import type { Erasure } from "@atelier/core/privacy";
import type { RequestStatus, RequestSummary } from "@atelier/core/request-document";
import type { AttestDesk } from "./attest-desk.ts";
import type { ExportOptions } from "./library-export.ts";
import type { ReviewDesk } from "./review-desk.ts";
import type { VersionDesk } from "./versions.ts";

export type { AttestDesk, CustomPrompt, GenerateOptions, ReviewDesk, VersionDesk };

export type Stage = "validate" | "generate" | "collect" | "process" | "record";
export type ProgressEvent =
  /** How many images the run works on; again with a higher number when another part is planned. */
  | { readonly kind: "planned"; readonly images: number }
  | { readonly kind: "entered"; readonly stage: Stage; readonly imageId: string }
  | { readonly kind: "finished"; readonly stage: Stage; readonly imageId: string }
  | { readonly kind: "image"; readonly document: ImageDocument };

export interface RunOptions {
  readonly onProgress?: (event: ProgressEvent) => void;
  /** Stops cleanly: nothing new is started, what runs is left for `resume`. */
  readonly signal?: AbortSignal;
}

/** A refused line of a prompts file keeps its place among the answers. */
export type Produced =
  | ImageDocument
  | { readonly status: "refused"; readonly rule: string; readonly message: string; readonly error: string };

export interface Cancelled {
  readonly images: readonly ImageDocument[];
  /** Attempts that their provider may still charge for. */
  readonly running: readonly string[];
}

/** Whose data is kept, and for how long. A subject is a request, an image, or whoever asked. */
export interface Privacy {
  /** A document for everything that is kept. @throws AtelierError `UnknownName` */
  export(subject: string): AsyncIterable<object>;
  /** Removes it everywhere and looks again. @throws AtelierError `UnknownName`, `UsageError` for what has not ended */
  erase(subject: string): Promise<Erasure>;
  /** Removes what retention says is due. @param isTrial only tells what it would be */
  sweep(isTrial: boolean): Promise<{ readonly images: readonly string[]; readonly files: number }>;
  /** A new key for prompts, and every prompt under it. */
  rotateKeys(): Promise<{ readonly key: number; readonly renewed: number; readonly kept: number }>;
}

export interface ServeOptions {
  /** 0 for any. */
  readonly port: number;
  /** How long the token that is minted is good. */
  readonly tokenDays: number;
  /** Every token minted before is good no more. */
  readonly revokeTokens: boolean;
  /** Whether the calendar is fired. */
  readonly calendar: boolean;
}

export interface Serving {
  /** Without a slash at the end. */
  readonly url: string;
  /** Of the operating system's user, with every scope. */
  readonly token: string;
  /** Ends answers and streams; running steps have some seconds. */
  close(): Promise<void>;
}

export interface Atelier {
  readonly dataFolder: string;
  readonly catalogue: Catalogue;
  /** yyyy-mm-dd in the configured time zone. */
  today(): string;
  /** What the calendar asks for on a day; nothing is written. */
  plan(date: string): Promise<readonly PlannedEntry[]>;
  /** Produces it; a second time answers what is there. */
  runPlan(date: string, options: RunOptions): Promise<readonly ImageDocument[]>;
  previewGenerate(options: GenerateOptions): Promise<readonly VariationDocument[]>;
  generate(options: GenerateOptions, run: RunOptions): Promise<readonly ImageDocument[]>;
  previewCustom(
    prompts: readonly CustomPrompt[],
  ): Promise<readonly (VariationDocument | Extract<Produced, { status: "refused" }>)[]>;
  /** One answer for each prompt, in order. `maxCostMicros` is for all of them together. */
  custom(
    prompts: readonly CustomPrompt[],
    options: { maxCostMicros: Micros | null },
    run: RunOptions,
  ): Promise<readonly Produced[]>;
  images(filter: {
    readonly category?: CategoryName;
    readonly status?: ImageStatus;
    readonly tag?: string;
    /** yyyy-mm-dd, local. */
    readonly since?: string;
    /** yyyy-mm-dd, local; that day included. */
    readonly until?: string;
    readonly rating?: Rating;
    readonly template?: string;
    /** All of these words stand in the template's name, the tags or the slot values. */
    readonly text?: string;
    /** 0 to 100: at least this. */
    readonly qualityAtLeast?: number;
    readonly requestId?: string;
    readonly limit: number;
  }): AsyncIterable<ImageDocument>;
  /** The installation's, and this user's by the API; newest first. */
  requests(filter: {
    readonly status?: RequestStatus;
    readonly limit: number;
  }): AsyncIterable<RequestSummary>;
  /** @throws AtelierError `UnknownName` */
  show(imageId: string): Promise<ShownDocument>;
  /**
   * Cancels a request or one image. Jobs that run are stopped as far as their provider can; what they cost all the same is
   * settled once it is known.
   *
   * @throws AtelierError `UnknownName`
   */
  cancel(id: string): Promise<Cancelled>;
  /** Settles what an interrupted run left open; answers the images that it brought to an end. */
  resume(run: RunOptions): Promise<readonly ImageDocument[]>;
  /** @param options.probe asks each provider whether it serves the model, and what is left on the account */
  models(options: { readonly probe: boolean }): Promise<readonly ModelReport[]>;
  /** Every alarm that one machine can know of, ringing or not; a change is told in the outbox. */
  alerts(): Promise<readonly AlarmReport[]>;
  /** How each model has done. @param since yyyy-mm-dd, local; null: the last 14 days */
  metrics(since: string | null): Promise<MetricsReport>;
  budget(): Promise<readonly BudgetDocument[]>;
  /** Scope as in `BudgetDocument`; `limitMicros` null removes a provider's or category's cap. */
  setBudget(scope: string, limitMicros: Micros | null): Promise<readonly BudgetDocument[]>;
  /** Holds the month's ledger against the attempts. */
  proveBudget(): Promise<BudgetProof>;
  audit(subject: string | null, limit: number): Promise<readonly AuditEntry[]>;
  /** Holds the chain of one subject, or of all, against what is stored. */
  verifyAudit(subject: string | null): AsyncIterable<ChainProof>;
  /** Every entry with what proves it, subject by subject. */
  exportAudit(subject: string | null): AsyncIterable<AuditEntry>;
  readonly privacy: Privacy;
  /** Writes everything into a folder that `importLibrary` makes a data folder of. @throws as `exportLibrary` */
  exportLibrary(target: string, options: ExportOptions): Promise<LibraryReport>;
  /** What people decide about pictures, and about callers who probe. */
  readonly review: ReviewDesk;
  /** Pictures made anew from what was bought. */
  readonly versions: VersionDesk;
  /** What operators give their word for. */
  readonly attest: AttestDesk;
  /**
   * Serves the API on loopback, fires the calendar and reconciles, until it is closed.
   *
   * @throws AtelierError `UsageError` for a port that is in use
   */
  serve(options: ServeOptions): Promise<Serving>;
  /** Writes a contact sheet of the images beside them; answers its path, or null when none has a picture. */
  contactSheet(images: readonly ImageDocument[]): Promise<string | null>;
  close(): Promise<void>;
}

export interface OpenOptions {
  /** Folder for everything; created when missing. */
  readonly dataFolder: string;
  /** `--provider`: overrides the folder's setting; null: the setting, else the sandbox. */
  readonly provider: string | null;
  /** The process environment, read here and nowhere else. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** What can be asked for; default: the checkout's. */
  readonly catalogue?: Catalogue;
  /** Told of faults in the background that stop nothing, such as a webhook that could not be delivered. */
  readonly onFault?: (error: unknown) => void;
}
