/**
 * @module What the app needs from outside. It calls core with it and nothing else: the same app runs behind API Gateway, in
 * `atelier serve` and in tests.
 */
import type { CheckDeps, PreviewDeps } from "@atelier/core/accept";
import type { AlarmDeps } from "@atelier/core/alarms";
import type { AttestationStore } from "@atelier/core/attestations";
import type { Caller } from "@atelier/core/caller";
import type { CancelDeps } from "@atelier/core/cancel";
import type { Catalogue, ProviderName } from "@atelier/core/catalogue";
import type { Clock, RandomBytes } from "@atelier/core/ids";
import type { Image, Rendition } from "@atelier/core/image";
import type { ModelReportDeps } from "@atelier/core/model-report";
import type { Attempts, Audit, Images, PromptVault, Requests, TextVault } from "@atelier/core/ports";
import type { PrivacyDeps } from "@atelier/core/privacy";
import type { Callers } from "@atelier/core/probing";
import type { ReviewDeps } from "@atelier/core/review";
import type { StartDeps } from "@atelier/core/start";
import type { Version } from "@atelier/core/version";

/** Who sends a token. */
export interface TokenVerifier {
  /** @returns null for a token that is not good: of another issuer or audience, expired, altered, of another algorithm */
  verify(token: string): Promise<Caller | null>;
}

export type RateAnswer = { readonly ok: true } | { readonly ok: false; readonly retryAfterMs: number };

export interface RateLimit {
  take(caller: string): Promise<RateAnswer>;
}

/** A file as it is handed to whoever holds a good link: its bytes, or a short-lived address of the store's own. */
export type Delivery =
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  | { readonly kind: "redirect"; readonly url: string };

export interface ApiDeps
  extends PreviewDeps,
    CheckDeps,
    StartDeps,
    Omit<CancelDeps, "images" | "attempts" | "requests">,
    Omit<PrivacyDeps, "audit" | "vault" | "reviews">,
    ModelReportDeps,
    Pick<AlarmDeps, "pacingStore">,
    Omit<ReviewDeps, "images" | "audit"> {
  readonly catalogue: Catalogue;
  readonly clock: Clock;
  readonly randomBytes: RandomBytes;
  readonly timezone: string;
  readonly images: Images;
  readonly attempts: Attempts;
  readonly requests: Requests;
  readonly audit: Audit;
  readonly vault: PromptVault;
  readonly texts: TextVault;
  readonly callers: Callers;
  readonly attestations: AttestationStore;
  /** Null: the best that routing finds. */
  readonly provider: ProviderName | null;
  /** Which ledger requests spend from. */
  readonly account: "real" | "sandbox";
  /** Keyed hashes of prompts and bodies. */
  readonly promptKey: Uint8Array;
  /** Signs links to renditions. */
  readonly linkKey: Uint8Array;
  readonly tokens: TokenVerifier;
  /** Null: nobody is limited. */
  readonly rateLimit: RateLimit | null;
  /** Makes a version that was asked for, soon; where a schedule does, it does nothing. */
  beginVersion(version: Version): void;
  /** Between two looks of the event route; resolves early when the signal is aborted. Default: timers. */
  readonly wait?: (waitMs: number, signal: AbortSignal) => Promise<void>;
  deliver(image: Image, rendition: Rendition): Promise<Delivery>;
  /** Told of what nobody foresaw; the caller hears nothing of it. */
  onFault(error: unknown): void;
}

export interface ApiOptions {
  /** Where the app is reached, without a slash at the end; for links and the document. */
  readonly baseUrl: string;
  /** Origins that browsers may call from. */
  readonly allowedOrigins: readonly string[];
  /** Hosts that the app answers for; null: whatever comes (API Gateway knows its own). */
  readonly hosts: readonly string[] | null;
  /** False behind an HTTP API, which does not stream: the event route sends what is new and ends. */
  readonly streams: boolean;
}
