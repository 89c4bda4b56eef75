/**
 * @module The contract of a provider: types only. A provider never sleeps, retries, reads the environment or knows about
 * the workflow. Expected failures are values; an unreachable provider on a read is a thrown `ProviderUnavailable`.
 */
import type { Model, Parameters, ProviderName } from "./catalogue.ts";
import type { Micros } from "./money.ts";

/** What one attempt asks for. One picture a call unless the model can only make more. */
export interface ProviderRequest {
  readonly model: Model;
  readonly prompt: string;
  /** Empty when none was asked; left out where the model takes none. */
  readonly negativePrompt: string;
  readonly parameters: Parameters;
  /** 1 to 2^31 - 2, unique per attempt. */
  readonly seed: number;
  /** How long the job may take at the provider, counted from the create. */
  readonly deadlineMs: number;
}

export interface SubmitContext {
  readonly attemptId: string;
  /** Where the provider tells about the end of the job; null when it cannot reach us. */
  readonly webhookUrl: string | null;
}

/** Opaque and serialisable; persisted before anything else can fail. */
export type Operation = string;

/** `grid-2x2`: one file that holds four pictures; it is cut into quarters before one is chosen. */
export type OutputLayout = "grid-2x2";

export type OutputData =
  | { readonly kind: "url"; readonly url: string; readonly layout?: OutputLayout }
  | {
      readonly kind: "bytes";
      readonly bytes: Uint8Array;
      readonly contentType: string;
      readonly layout?: OutputLayout;
    };

/** Why a provider did not make the picture: names of the error table. */
export type ProviderFailureName =
  | "ContentRejected"
  | "ProviderRefused"
  | "ModelUnavailable"
  | "KeyRefused"
  | "OutOfCredit"
  | "ProviderFailed"
  | "ProviderCancelled"
  | "ProviderAborted"
  | "OutputExpired";

export type Submission =
  /** A synchronous provider: the pictures themselves. */
  | { readonly kind: "done"; readonly outputs: readonly OutputData[]; readonly costMicros: Micros | null }
  | { readonly kind: "accepted"; readonly operation: Operation }
  /** Nothing was created. */
  | { readonly kind: "rate-limited"; readonly retryAfterMs: number; readonly message: string }
  /** Nothing was created and nothing charged. */
  | { readonly kind: "refused"; readonly name: ProviderFailureName; readonly message: string }
  /** A synchronous provider: it worked, and may charge, without a picture that can be used. */
  | Extract<OperationStatus, { kind: "failed" }>
  /** The create may have reached the provider (reset, time-out, 5xx): never sent again blindly. */
  | { readonly kind: "unknown"; readonly message: string };

export type OperationStatus =
  /** `progress` from 0 to 1 where the provider tells. */
  | { readonly kind: "pending"; readonly progress?: number }
  | {
      readonly kind: "succeeded";
      readonly outputs: readonly OutputData[];
      readonly costMicros: Micros | null;
      /**
       * True where the provider can do more with what it has made, at no further price (enlarge the quarters of a grid): asked
       * once with `followUp`; should that fail, these outputs are taken.
       */
      readonly canFollowUp?: boolean;
    }
  | {
      readonly kind: "failed";
      readonly name: ProviderFailureName;
      readonly message: string;
      readonly charged: boolean;
      readonly costMicros: Micros | null;
    };

export type Found =
  | { readonly kind: "found"; readonly operation: Operation }
  /** A complete listing shows no such job. */
  | { readonly kind: "none" }
  /** The listing could not be completed. */
  | { readonly kind: "unknown" };

/** What identifies a create whose answer was lost. */
export interface LostCreate {
  readonly attemptId: string;
  readonly model: Model;
  readonly seed: number;
  readonly webhookUrl: string | null;
  readonly submittingAtMs: number;
}

export type WebhookReading =
  /** Signature, age and body are good. */
  | { readonly kind: "status"; readonly operation: Operation; readonly status: OperationStatus }
  /** Nobody signed it: worth asking the provider, not worth believing. */
  | { readonly kind: "hint"; readonly operation: Operation | null }
  | { readonly kind: "refused"; readonly reason: "signature" | "age" | "body"; readonly message: string };

/** What an account has left at a provider. */
export interface Balance {
  readonly amountMicros: Micros;
}

/** `gone`: the model, version or engine is not served any more. `unknown`: the provider has no list that would tell. */
export type ModelProbe = "available" | "gone" | "unknown";

export interface Provider {
  readonly name: ProviderName;
  submit(request: ProviderRequest, context: SubmitContext): Promise<Submission>;
  /** @throws AtelierError `ProviderUnavailable` when the provider does not answer */
  check(operation: Operation, model: Model): Promise<OperationStatus>;
  /** Absent where a lost create cannot be found again. */
  find?(create: LostCreate): Promise<Found>;
  /**
   * Stops a job as far as the provider can. What was charged is learnt by `check` afterwards.
   *
   * @throws AtelierError `ProviderUnavailable`
   */
  cancel?(operation: Operation): Promise<void>;
  /**
   * The operation of an attempt whose create has not answered yet, where it follows from the attempt's id: a provider that
   * answers with the picture itself can be told to stop.
   */
  operationOf?(attemptId: string): Operation;
  /**
   * Asks for what `canFollowUp` offers. Called at most once for an attempt; buys nothing.
   *
   * @returns the operation that stands for both from now on; null when it was refused
   */
  followUp?(operation: Operation, model: Model, context: SubmitContext): Promise<Operation | null>;
  /** @throws AtelierError `ProviderUnavailable` or `KeyRefused` */
  balance?(): Promise<Balance>;
  /** @throws AtelierError `ProviderUnavailable` or `KeyRefused` */
  probe?(model: Model): Promise<ModelProbe>;
  parseWebhook?(
    headers: Readonly<Record<string, string | undefined>>,
    rawBody: Uint8Array,
    nowMs: number,
    model: Model,
  ): WebhookReading;
  /**
   * The one origin (protocol, host, port) whose addresses may be plain http, on this machine or in a private network; null: https
   * and public only.
   */
  readonly trustedOrigin: string | null;
}
