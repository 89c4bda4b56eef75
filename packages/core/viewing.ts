/**
 * @module Who may look at a picture, and for how long: a rated picture only a viewer whose age somebody attests, by a link that
 * is signed, names one rendition of one version, and dies after minutes. Pictures that were rejected or sealed: nobody.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import * as z from "zod";
import { type AttestationStore, isAgeAttested } from "./attestations.ts";
import { type Image, RENDITION_NAMES, type Rendition } from "./image.ts";
import type { Images } from "./ports.ts";

/** Long enough to load a page of pictures, too short to be passed on. */
export const LINK_LIFETIME_MS = 5 * 60 * 1000;

export interface Viewer {
  /** A token's subject, or the operating system's user. */
  readonly name: string;
  /** May look at what is in quarantine, in order to decide about it. */
  readonly mayReview: boolean;
  /** Until when the viewer's token, or the installation itself, says that they are an adult; null: it does not say so. */
  readonly ageAttestedUntilMs: number | null;
}

export interface ViewingDeps {
  readonly images: Pick<Images, "get">;
  /** What operators of this installation attest: one that is withdrawn ends the links that it allowed. */
  readonly attestations: Pick<AttestationStore, "age">;
  /** Signs links; of this installation, and used for nothing else. */
  readonly linkKey: Uint8Array;
}

const REFUSALS = {
  missing: "There is no such picture.",
  sealed: "Nobody may look at this picture.",
  rejected: "The picture was rejected.",
  unfinished: "The picture is not made yet.",
  quarantined: "The picture waits for a reviewer.",
  "age-not-attested": "Pictures of this rating are shown to viewers whose age is attested.",
  invalid: "The link is not one of ours.",
  expired: "The link has expired; ask for a new one.",
} as const;
type RefusalRule = keyof typeof REFUSALS;
export interface ViewRefusal {
  readonly kind: "refused";
  readonly rule: RefusalRule;
  readonly message: string;
}

const claimSchema = z.strictObject({
  imageId: z.string(),
  version: z.int(),
  rendition: z.enum(RENDITION_NAMES),
  viewer: z.string(),
  /** Who attests the viewer's age: an operator of this installation, the issuer of their token alone; nobody had to. */
  attested: z.enum(["here", "by-token", "no"]),
  untilMs: z.int(),
});
type Claim = z.infer<typeof claimSchema>;

/**
 * @param nowMs milliseconds since 1970
 * @returns a link for `openLink`, of letters, digits, `-`, `_` and one dot; it ends no later than the attestation does
 */
export async function linkFor(
  imageId: string,
  rendition: Rendition["name"],
  viewer: Viewer,
  nowMs: number,
  deps: ViewingDeps,
): Promise<{ readonly kind: "link"; readonly link: string; readonly expiresAtMs: number } | ViewRefusal> {
  const image = await deps.images.get(imageId);
  const found = viewable(image, rendition);
  if (found.kind === "refused") return found;
  if (found.image.status === "quarantined" && !viewer.mayReview) return refused("quarantined");
  let untilMs = nowMs + LINK_LIFETIME_MS;
  let attested: Claim["attested"] = "no";
  if (needsAttestation(found.image, rendition)) {
    const { ageAttestedUntilMs } = viewer;
    if (ageAttestedUntilMs === null || nowMs >= ageAttestedUntilMs) return refused("age-not-attested");
    untilMs = Math.min(untilMs, ageAttestedUntilMs);
    attested = isAgeAttested(await deps.attestations.age(viewer.name), nowMs) ? "here" : "by-token";
  }
  const claim: Claim = {
    imageId,
    version: found.version,
    rendition,
    viewer: viewer.name,
    attested,
    untilMs,
  };
  const body = Buffer.from(JSON.stringify(claim)).toString("base64url");
  return {
    kind: "link",
    link: `${body}.${signatureOf(body, deps.linkKey).toString("base64url")}`,
    expiresAtMs: untilMs,
  };
}

/**
 * Looks again: what was rejected, moved or sealed since the link was made is not shown, nor to a viewer whose attestation was
 * withdrawn.
 *
 * @returns where the file stands
 */
export async function openLink(
  link: string,
  nowMs: number,
  deps: ViewingDeps,
): Promise<{ readonly kind: "file"; readonly image: Image; readonly rendition: Rendition } | ViewRefusal> {
  const claim = claimOf(link, deps.linkKey);
  if (!claim) return refused("invalid");
  if (nowMs >= claim.untilMs) return refused("expired");
  const found = viewable(await deps.images.get(claim.imageId), claim.rendition);
  if (found.kind === "refused") return found;
  if (found.version !== claim.version) return refused("expired");
  if (needsAttestation(found.image, claim.rendition) && !(await isStillAttested(claim, nowMs, deps))) {
    return refused("age-not-attested");
  }
  return { kind: "file", image: found.image, rendition: found.rendition };
}

/**
 * The rendition that a list shows: `wanted` where it may be seen by everybody or the viewer's age is attested, the blurred one
 * otherwise; null where nothing may be shown. Placeholders of the sandbox are drawings of ours, whatever they stand for.
 */
export function listedRendition<Listed extends { readonly name: string }>(
  image: {
    readonly status: string;
    readonly rating: string;
    readonly verdict: { readonly basis: string } | null;
    readonly renditions: readonly Listed[];
  },
  wanted: Rendition["name"],
  isAttested: boolean,
): Listed | null {
  if (image.status !== "completed" && image.status !== "quarantined") return null;
  const isPlaceholder = image.verdict?.basis === "sandbox-mark";
  const isOpen = image.status === "completed" && (image.rating === "general" || isAttested || isPlaceholder);
  const name = isOpen ? wanted : "blurred";
  return image.renditions.find((rendition) => rendition.name === name) ?? null;
}

/** In quarantine nobody knows yet what a picture shows. */
function needsAttestation(image: Image, rendition: Rendition["name"]): boolean {
  return rendition !== "blurred" && (image.rating !== "general" || image.status === "quarantined");
}

/** A token's word ends with the link; an operator's may be withdrawn before. */
async function isStillAttested(
  { attested, viewer }: Claim,
  nowMs: number,
  { attestations }: Pick<ViewingDeps, "attestations">,
): Promise<boolean> {
  return attested === "here" ? isAgeAttested(await attestations.age(viewer), nowMs) : attested === "by-token";
}

function viewable(
  image: Image | undefined,
  name: Rendition["name"],
):
  | {
      readonly kind: "viewable";
      readonly image: Image;
      readonly rendition: Rendition;
      readonly version: number;
    }
  | ViewRefusal {
  if (!image) return refused("missing");
  if (image.verdict?.sealed) return refused("sealed");
  if (image.status === "rejected") return refused("rejected");
  if (image.status !== "completed" && image.status !== "quarantined") return refused("unfinished");
  const rendition = image.renditions.find((candidate) => candidate.name === name);
  if (!rendition || image.version === null) return refused("missing");
  return { kind: "viewable", image, rendition, version: image.version };
}

function claimOf(link: string, key: Uint8Array): Claim | undefined {
  const [body = "", signature = "", ...more] = link.split(".");
  const given = Buffer.from(signature, "base64url");
  const right = signatureOf(body, key);
  if (more.length > 0 || given.length !== right.length || !timingSafeEqual(given, right)) return undefined;
  const parsed = claimSchema.safeParse(JSON.parse(Buffer.from(body, "base64url").toString("utf8")));
  return parsed.success ? parsed.data : undefined;
}

function signatureOf(body: string, key: Uint8Array): Buffer {
  return createHmac("sha256", key).update(`view\n${body}`).digest();
}

function refused(rule: RefusalRule): ViewRefusal {
  return { kind: "refused", rule, message: REFUSALS[rule] };
}
