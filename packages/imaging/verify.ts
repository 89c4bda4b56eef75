/** @module What any picture file says about where it comes from, and whether that still holds. */
import type { OpenPicture } from "@atelier/core/pictures";
import sharp from "sharp";
import {
  actionsOf,
  type C2paAction,
  type C2paManifest,
  type ManifestReading,
  readManifests,
  type Software,
} from "./c2pa-read.ts";
import { checkFile, undecodable } from "./limits.ts";
import { readXmp, type XmpStatement } from "./verify-xmp.ts";

export interface Verification {
  readonly format: OpenPicture["format"];
  readonly width: number;
  readonly height: number;
  /**
   * `altered`: the manifest and the picture no longer belong together, or the manifest is damaged or not properly signed.
   * `unmarked`: nothing says where the picture comes from. `marked`: neither; by XMP alone an alteration would not show.
   */
  readonly status: "marked" | "altered" | "unmarked";
  /** Null: no digital source type is stated. */
  readonly synthetic: boolean | null;
  /** Null: there is no packet. */
  readonly xmp: XmpStatement | null;
  /** Null: there is none. */
  readonly manifest: ManifestReport | null;
}

export interface ManifestReport {
  /** `invalid`: signed, and unaltered as far as can be told, but not by a proper certificate at a proper time. */
  readonly state: "valid" | "altered" | "invalid" | "unreadable";
  /** Whether somebody known vouches for who signed. */
  readonly trusted: boolean;
  /** Codes of the C2PA specification, or why it cannot be read. */
  readonly problems: readonly string[];
  readonly generator: string | null;
  readonly signedBy: { readonly organisation: string | null; readonly name: string | null } | null;
  /** By a time stamp; ISO 8601. */
  readonly signedAt: string | null;
  /** As its maker says, of the first action; ISO 8601. */
  readonly createdAt: string | null;
  readonly digitalSourceType: string | null;
  readonly actions: readonly { readonly action: string; readonly softwareAgent: string | null }[];
  readonly ingredients: readonly {
    readonly title: string | null;
    readonly relationship: string | null;
    /** Whose manifest came along; null when it has none. */
    readonly generator: string | null;
    readonly hasManifest: boolean;
  }[];
}

/** IPTC digital source types of pictures that a model made, in whole or in part. */
const SYNTHETIC = /trainedalgorithmic|algorithmicmedia|compositesynthetic/i;

/**
 * Nothing is fetched and nothing is decoded but the header.
 *
 * @throws AtelierError `OutputInvalid` when it is not one PNG, JPEG, WebP or AVIF picture, as a sentence about "the output"
 */
export async function verifyPicture(bytes: Uint8Array): Promise<Verification> {
  const format = checkFile(bytes);
  const header = await sharp(bytes, { limitInputPixels: false })
    .metadata()
    .catch((cause: unknown) => {
      throw undecodable(format, cause);
    });
  const xmp = header.xmp === undefined ? null : readXmp(header.xmp.toString("utf8"));
  const manifest = reportOf(await readManifests(bytes, `image/${format}`));
  const stated = manifest?.digitalSourceType ?? xmp?.digitalSourceType ?? null;
  return {
    format,
    width: header.width,
    height: header.height,
    status: statusOf(manifest, xmp),
    synthetic: stated === null ? null : SYNTHETIC.test(stated),
    xmp,
    manifest,
  };
}

function statusOf(manifest: ManifestReport | null, xmp: XmpStatement | null): Verification["status"] {
  if (manifest !== null) return manifest.state === "valid" ? "marked" : "altered";
  return xmp?.digitalSourceType ? "marked" : "unmarked";
}

function reportOf(reading: ManifestReading): ManifestReport | null {
  if (reading.kind === "none") return null;
  if (reading.kind === "unreadable") return { ...UNKNOWN, state: "unreadable", problems: [reading.detail] };
  const { active, manifests, trusted, valid, problems } = reading;
  const actions = actionsOf(active);
  const { issuer, common_name: name, time } = active.signature_info ?? {};
  return {
    state: valid ? "valid" : stateOf(problems),
    trusted,
    problems,
    generator: generatorOf(active),
    signedBy: active.signature_info ? { organisation: issuer ?? null, name: name ?? null } : null,
    signedAt: time ?? null,
    createdAt: actions[0]?.when ?? null,
    digitalSourceType: actions.find(({ digitalSourceType }) => digitalSourceType)?.digitalSourceType ?? null,
    actions: actions.map((action) => ({ action: action.action, softwareAgent: agentOf(action) })),
    ingredients: (active.ingredients ?? []).map(({ title, relationship, active_manifest: label }) => {
      const own = manifests[label ?? ""];
      return {
        title: title ?? null,
        relationship: relationship ?? null,
        generator: own ? generatorOf(own) : null,
        hasManifest: own !== undefined,
      };
    }),
  };
}

const UNKNOWN = {
  trusted: false,
  generator: null,
  signedBy: null,
  signedAt: null,
  createdAt: null,
  digitalSourceType: null,
  actions: [],
  ingredients: [],
} as const;

/** Codes of C2PA, section 15.2: those about hashes and the signature itself, and those about its certificate and time. */
function stateOf(problems: readonly string[]): "altered" | "invalid" {
  const aboutSigner = /^(signingCredential|timeStamp|claimSignature\.outsideValidity|algorithm)/;
  return problems.length > 0 && problems.every((code) => aboutSigner.test(code)) ? "invalid" : "altered";
}

function generatorOf(manifest: C2paManifest): string | null {
  const [first] = manifest.claim_generator_info ?? [];
  return first ? named(first) : (manifest.claim_generator ?? null);
}

function agentOf({ softwareAgent }: C2paAction): string | null {
  if (!softwareAgent) return null;
  return typeof softwareAgent === "string" ? softwareAgent : named(softwareAgent);
}

function named({ name, version }: Software): string {
  return version ? `${name} ${version}` : name;
}
