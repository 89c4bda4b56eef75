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
  seed: number | null;
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
    api_used: string | null;
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
  verdict: { decision: string; basis: string; rating: string | null; reason: string } | null;
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
  progress: Partial<Record<ImageStatus, number>>;
  cost: number;
  created_at: string;
  cancelled_at: string | null;
  finished_at: string | null;
}

export interface PriceDocument {
  list: number;
  most: number;
}

/** What one image of a request would be. */
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
