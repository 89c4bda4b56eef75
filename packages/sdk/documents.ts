/**
 * @module What the API answers, as its document `/openapi.json` describes it: snake_case, money in US dollars, times in
 * RFC 3339 (UTC). Written out here, so that the package needs nothing else; a test holds it against the server's schemas.
 */

export type Category = "lingerie" | "feet" | "artistic_nude" | "weekend_special" | "custom";
export type Rating = "general" | "suggestive" | "nudity";
export type ImageStatus =
  | "planned"
  | "held"
  | "generating"
  | "processing"
  | "completed"
  | "quarantined"
  | "rejected"
  | "failed"
  | "unknown"
  | "cancelled";
export type RenditionName = "full" | "web" | "preview" | "thumbnail" | "blurred";
export type RequestStatus = "accepted" | "running" | "completed" | "failed" | "cancelled" | "refused";

export interface ParametersDocument {
  width: number;
  height: number;
  steps: number;
  guidance_scale: number;
  seed: number;
}

export interface RenditionDocument {
  name: RenditionName;
  path: string;
  width: number;
  height: number;
  bytes: number;
  sha256: string;
  content_type: string;
}

export interface ExclusionDocument {
  model: string;
  provider: string;
  reason: string;
  detail: string;
}

export interface ImageDocument {
  image_id: string;
  request_id: string;
  /** Null for tokens that may not read prompts. */
  prompt: string | null;
  negative_prompt: string | null;
  model: string | null;
  parameters: ParametersDocument;
  category: Category;
  rating: Rating;
  tags: string[];
  template: string | null;
  file_path: string | null;
  version: number | null;
  renditions: RenditionDocument[];
  metadata: {
    generated_at: string | null;
    /** The provider that was called. */
    api_used: string | null;
    /** US dollars, all attempts together. */
    cost: number;
    /** Seconds. */
    processing_time: number | null;
    /** 0 to 100. */
    quality: number | null;
    quality_parts: Record<string, number> | null;
    attempts: number;
    duplicate_of: string | null;
    warnings: string[];
  };
  verdict: {
    decision: "released" | "quarantined" | "rejected";
    basis: "sandbox-mark" | "no-classifier" | "classifier" | "known-picture" | "review";
    rating: Rating | "explicit" | null;
    reason: string;
  } | null;
  status: ImageStatus;
  failure: { name: string; message: string; rule: string | null } | null;
  excluded: ExclusionDocument[];
  created_at: string;
}

export interface RequestDocument {
  request_id: string;
  status: RequestStatus;
  /** The first 1,000. */
  images: string[];
  count: number;
  category: Category;
  template: string | null;
  /** How many images stand at each status; those that are not begun are `planned`. */
  progress: Record<ImageStatus, number>;
  /** US dollars, all attempts together so far. */
  cost: number;
  created_at: string;
  cancelled_at: string | null;
  /** Null while it runs. */
  finished_at: string | null;
}

/** As lists show it. */
export type RequestSummary = Omit<RequestDocument, "images">;

export interface PriceDocument {
  list: number;
  most: number;
}

/** What one image of a request would be; prompts are null for tokens that may not read them. */
export interface VariationDocument {
  category: Category;
  template: string | null;
  prompt: string | null;
  negative_prompt: string | null;
  seed: number;
  rating: Rating;
  tags: string[];
  parameters: ParametersDocument;
  candidates: {
    model: string;
    provider: string;
    price: PriceDocument;
    terms: { date: string; source: string };
    warnings: string[];
  }[];
  excluded: ExclusionDocument[];
  price: PriceDocument | null;
  policy: { decision: "allowed" | "refused"; rule: string | null; message: string | null };
  occurrence: string | null;
}

export interface BudgetDocument {
  /** `day`, `month`, `provider:replicate`, `category:feet` */
  scope: string;
  period: string;
  limit: number;
  remaining: number;
  spent: number;
  held: number;
  resets_at: string;
}

export interface Link {
  url: string;
  expires_at: string;
}

/** Made anew from what was bought; nothing is charged. */
export interface VersionDocument {
  image_id: string;
  /** From 1; numbers may be missing. */
  version: number;
  /** Whether it is what the image shows. */
  current: boolean;
  state: "making" | "ready" | "failed";
  recipe: { upscale: 2 | 4 | null; enhance: "none" | "standard" | "strong" | null };
  /** Empty until it is ready. */
  renditions: RenditionDocument[];
  failure: { name: string; message: string } | null;
  created_at: string;
  finished_at: string | null;
}

/** A picture that waits for a person. */
export interface ReviewDocument {
  image_id: string;
  status: ImageStatus;
  category: Category;
  rating: Rating;
  /** What it shows at most, as far as is known. */
  rating_seen: Rating;
  /** May show a minor: no file of it is named. */
  sealed: boolean;
  priority: boolean;
  reason: string;
  /** Reviewers who have said what another one has to confirm. */
  votes: { action: string; rating: Rating; by: string }[];
  /** Decided; being carried out. */
  pending: string | null;
  created_at: string;
  preview: string | null;
}

export interface ReviewDecidedDocument extends ReviewDocument {
  /** True: noted; another reviewer has to say the same. */
  is_awaiting: boolean;
}

export interface TemplateDocument {
  category: Category;
  rating: Rating;
  /** Null for a category that takes prompts of one's own only. */
  template: string | null;
  description: string;
  /** How many different prompts the slots give. */
  combinations: number | null;
  price: PriceDocument | null;
  tags: string[];
  slots: Record<string, string[]>;
  parameters: Omit<ParametersDocument, "seed"> | null;
  models: string[];
}

export interface QuotaDocument {
  used: number;
  limit: number | null;
  share: number | null;
}

export interface ModelDocument {
  name: string;
  provider: string;
  version: string | null;
  price: PriceDocument | null;
  offered: boolean;
  /** Why not; empty when offered. */
  reason: string;
  sizes: string;
  typical_seconds: number;
  terms: { rating: Rating; allowed: boolean; reason: string; date: string; source: string }[];
  /** The last 14 days; null without an attempt. */
  health: {
    ended: number;
    success_rate: number | null;
    p50_seconds: number | null;
    p95_seconds: number | null;
    consecutive_failures: number;
    spent: number;
    mean_cost: number | null;
    mean_quality: number | null;
    problem: string | null;
  } | null;
  /** How its provider's account stands. */
  account: {
    circuit: string;
    open_until: string | null;
    day: QuotaDocument;
    month: QuotaDocument;
    running: number;
    rest_until: string | null;
  } | null;
}

/** What an entry of the calendar asks for on a day. */
export interface PlannedDocument {
  occurrence_id: string;
  entry: string;
  scheduled_at: string;
  action: "generate" | "reconcile-and-report";
  category: Category | null;
  count: number;
  /** Null until it has fired. */
  request_id: string | null;
  variations: VariationDocument[];
}

export interface AlarmDocument {
  alarm: string;
  state: "ok" | "ringing";
  severity: "critical" | "warning";
  since: string | null;
  provider: string | null;
  model: string | null;
  facts: Record<string, string | number>;
  /** The section of the documentation that says what to look at and do. */
  runbook: string;
  message: string;
}

export interface HealthDocument {
  /** `degraded`: something rings. */
  status: "ok" | "degraded";
  version: string;
  /** One for each alarm; names of later releases may be new. */
  checks: { name: string; state: "ok" | "ringing"; since: string | null }[];
  /** What rings, with the facts; only for tokens with `metrics:read`. */
  alarms?: AlarmDocument[];
}
