/** @module A verified file in words, for people. */
import type { FileVerification } from "@atelier/local/verify-file";
import { type Output, printable, type Style } from "./output.ts";

type Verification = Exclude<FileVerification, { status: "unreadable" }>;
type ManifestReport = NonNullable<Verification["manifest"]>;

/** @param file as it may be printed */
export function verificationText(
  file: string,
  found: Verification,
  { paint }: Pick<Output, "paint">,
): string {
  const [style, verdict] = VERDICTS[found.status];
  const lines = [
    `${found.format.toUpperCase()}, ${found.width} x ${found.height}, ${originOf(found)}`,
    ...manifestLines(found.manifest),
    xmpLine(found),
  ];
  return [
    `${paint("bold", file)}: ${paint(style, verdictOf(found, verdict))}`,
    ...lines.map((line) => `   ${printable(line)}`),
  ].join("\n");
}

const VERDICTS: Readonly<Record<Verification["status"], readonly [Style, string]>> = {
  marked: ["green", "marked and unaltered"],
  altered: ["red", "altered"],
  unmarked: ["yellow", "unmarked"],
};

function verdictOf({ manifest, status }: Verification, verdict: string): string {
  if (manifest?.state === "invalid") return "not properly signed";
  return status === "marked" && manifest === null ? "marked, but not signed" : verdict;
}

function originOf({ synthetic, manifest, xmp }: Verification): string {
  if (synthetic === null) return "origin not stated";
  const source = manifest?.digitalSourceType ?? xmp?.digitalSourceType ?? "";
  return `${synthetic ? "made by a model" : "not made by a model"} (${source.slice(source.lastIndexOf("/") + 1)})`;
}

function manifestLines(manifest: ManifestReport | null): string[] {
  if (manifest === null) return ["Manifest: none; whether the picture was altered cannot be told."];
  if (manifest.state === "unreadable") {
    return [`Manifest: damaged, cannot be read (${manifest.problems.join(", ")}).`];
  }
  const { generator, signedBy, createdAt, signedAt, actions, ingredients } = manifest;
  const name = signedBy?.name ?? signedBy?.organisation;
  const of = name ? ` of "${name}"` : " without a name";
  return [
    `Manifest: ${STATES[manifest.state]}${causesOf(manifest)}.`,
    `   Certificate${of}: ${manifest.trusted ? "trusted" : "untrusted, nobody known vouches for it"}.`,
    `   Made by ${generator ?? "an unnamed program"}${createdAt ? `, created ${createdAt}` : ""}${signedAt ? `, signed ${signedAt}` : ""}.`,
    `   Actions: ${actions.map(actionOf).join(", ") || "none stated"}.`,
    ...ingredients.map(
      ({ title, generator: by, hasManifest }) =>
        `   Made from: ${title ?? "a file without a title"}${hasManifest ? `, with a manifest by ${by ?? "an unnamed program"}` : ""}.`,
    ),
  ];
}

const STATES: Readonly<Record<Exclude<ManifestReport["state"], "unreadable">, string>> = {
  valid: "valid, the picture is the one that was signed",
  altered: "does not belong to this picture as it is now",
  invalid: "the signature cannot be accepted",
};

/** Codes of C2PA, section 15.2, in words; others as they are. */
const CAUSES: readonly (readonly [RegExp, string])[] = [
  [/^assertion\.\w+Hash\.mismatch$/, "the picture was changed after it was signed"],
  [/^assertion\.hashedURI\.mismatch$/, "a statement of the manifest was changed"],
  [/^claimSignature\.(mismatch|missing)$/, "the signature is not of this manifest"],
  [
    /^claimSignature\.outsideValidity$|^signingCredential\.expired$/,
    "the certificate was not valid at the time",
  ],
  [/^signingCredential\.revoked$/, "the certificate was revoked"],
  [/^signingCredential\.invalid$/, "the certificate may not sign pictures"],
];

function causesOf({ problems }: ManifestReport): string {
  const causes = problems.map((code) => CAUSES.find(([pattern]) => pattern.test(code))?.[1] ?? code);
  return causes.length === 0 ? "" : `: ${[...new Set(causes)].join("; ")}`;
}

function actionOf({ action, softwareAgent }: ManifestReport["actions"][number]): string {
  return action.replace(/^c2pa\./, "") + (softwareAgent === null ? "" : ` (${softwareAgent})`);
}

function xmpLine({ xmp }: Verification): string {
  if (xmp === null) return "XMP: none.";
  const parts = [
    xmp.digitalSourceType?.replace(/^.*\//, ""),
    xmp.aiSystem && `model ${xmp.aiSystem} ${xmp.aiSystemVersion ?? ""}`.trim(),
    xmp.creatorTool && `by ${xmp.creatorTool}`,
    xmp.createdAt,
    xmp.identifier,
  ].filter(Boolean);
  return parts.length === 0 ? "XMP: present, says nothing of the origin." : `XMP: ${parts.join(", ")}.`;
}
