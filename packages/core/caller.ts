/** @module Who calls the API, and what their token lets them do. */

/** `{what}:{may}`; a token names those that its caller has. */
export const SCOPES = [
  /** Ask for images; cancel what one asked for. */
  "requests:write",
  "requests:read",
  /** Requests and images of other callers, too. */
  "requests:all",
  "images:read",
  /** Make versions, choose the current one, delete. */
  "images:write",
  "images:review",
  /** The text of prompts; without it documents carry null. */
  "prompts:read",
  /** Templates, models, terms. */
  "catalogue:read",
  "plan:read",
  "budgets:read",
  "budgets:write",
  "audit:read",
  "privacy:write",
  "metrics:read",
] as const;
export type Scope = (typeof SCOPES)[number];

export interface Caller {
  /** The token's subject: names who acts in the audit. */
  readonly name: string;
  readonly scopes: ReadonlySet<Scope>;
  /** Until when the token says that the caller is an adult, milliseconds since 1970; null: it does not say so. */
  readonly ageAttestedUntilMs: number | null;
}

/** Whose images and requests the caller may see: null for everybody's, else their own and the installation's. */
export function visibleTo({ name, scopes }: Pick<Caller, "name" | "scopes">): string | null {
  return scopes.has("requests:all") ? null : name;
}

/** @param owner `askedBy` of a request or image */
export function maySee(owner: string | null, caller: Pick<Caller, "name" | "scopes">): boolean {
  return owner === null || owner === caller.name || caller.scopes.has("requests:all");
}
