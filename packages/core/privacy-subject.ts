/** @module What belongs to a request, an image or a person: for telling them what is kept, and for removing it. */
import { AtelierError } from "./errors.ts";
import type { Image } from "./image.ts";
import type { Audit, AuditEntry, Images, Requests } from "./ports.ts";
import type { ImageRequest } from "./request.ts";

export interface SubjectDeps {
  readonly images: Pick<Images, "get" | "ofRequest">;
  readonly requests: Pick<Requests, "get">;
  readonly audit: Pick<Audit, "ofSubject" | "list">;
}

/** What belongs to a subject. */
export interface Subject {
  readonly subject: string;
  /** A person or caller, where the subject is neither an image nor a request. */
  readonly person: string | null;
  readonly requests: readonly ImageRequest[];
  readonly images: readonly Image[];
  /** Subjects of the audit that tell of it. */
  readonly audited: readonly string[];
}

const PAGE = 100;

/**
 * @param subject a request, also one that was refused, an image, or whoever asked
 * @throws AtelierError `UnknownName` when nothing is known of it
 */
export async function findSubject(subject: string, deps: SubjectDeps): Promise<Subject> {
  const request = await deps.requests.get(subject);
  if (request) {
    const images = await deps.images.ofRequest(subject);
    return { subject, person: null, requests: [request], images, audited: [subject, ...idsOf(images)] };
  }
  const image = await deps.images.get(subject);
  if (image) return { subject, person: null, requests: [], images: [image], audited: [subject] };
  // What only the audit knows: a prompt that was refused before it became a request. Budgets and attestations are nobody's.
  if ((await deps.audit.ofSubject(subject)).some(({ kind }) => kind === "refused")) {
    return { subject, person: null, requests: [], images: [], audited: [subject] };
  }
  const entries = await entriesBy(subject, deps.audit);
  if (entries.length === 0) {
    throw new AtelierError(
      "UnknownName",
      `Nothing is kept about "${subject}"; give a request, an image, or who asked as \`atelier audit\` shows it.`,
    );
  }
  const asked = new Set(entries.filter(isOwnRequest).map((entry) => entry.subject));
  const requests: ImageRequest[] = [];
  const images: Image[] = [];
  for (const requestId of asked) {
    const found = await deps.requests.get(requestId);
    if (!found) continue;
    requests.push(found);
    images.push(...(await deps.images.ofRequest(requestId)));
  }
  const subjects = new Set([...entries.map((entry) => entry.subject), ...idsOf(images)]);
  return { subject, person: subject, requests, images, audited: [...subjects] };
}

/** What the calendar asked for belongs to nobody, in whoever's name it ran. */
function isOwnRequest({ kind, facts }: AuditEntry): boolean {
  return kind === "asked" && facts.source !== "occurrence";
}

async function entriesBy(person: string, audit: Pick<Audit, "list">): Promise<AuditEntry[]> {
  const found: AuditEntry[] = [];
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const page = await audit.list({ limit: PAGE, ...(cursor !== undefined && { cursor }) });
    found.push(...page.items.filter(({ by }) => by === person));
    cursor = page.cursor;
  }
  return found;
}

export function idsOf(images: readonly Image[]): string[] {
  return images.map(({ imageId }) => imageId);
}
