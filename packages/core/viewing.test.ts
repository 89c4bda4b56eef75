import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { someImage } from "../../test/contract/table-fixtures.ts";
import type { AgeAttestation } from "./attestations.ts";
import { type Image, RENDITION_NAMES, type Verdict, verdictSchema } from "./image.ts";
import {
  LINK_LIFETIME_MS,
  linkFor,
  listedRendition,
  openLink,
  type Viewer,
  type ViewingDeps,
} from "./viewing.ts";

const NOW_MS = Date.UTC(2026, 10, 22, 12);
/** As a token says it. */
const ada = { name: "ada", mayReview: false, ageAttestedUntilMs: NOW_MS + 10 ** 9 };
const anyone = { ...ada, ageAttestedUntilMs: null };
const verdictOf = (decision: Verdict["decision"], fields: Partial<Verdict> = {}) =>
  verdictSchema.parse({ decision, basis: "classifier", rating: "general", reason: "", ...fields });

function imageWith(fields: Partial<Image> = {}): Image {
  return someImage({
    imageId: "img_a",
    status: "completed",
    rating: "nudity",
    version: 1,
    verdict: verdictOf("released"),
    renditions: RENDITION_NAMES.map((name) => ({
      name,
      path: `content/${name}.webp`,
      width: 1,
      height: 1,
      bytes: 1,
      sha256: "0",
      contentType: "image/webp",
    })),
    ...fields,
  });
}

function depsWith(
  image: Image | undefined,
  attestation: Partial<AgeAttestation> | null = null,
): ViewingDeps & { image: Image | undefined; attestation: AgeAttestation | undefined } {
  const deps = {
    image,
    attestation: attestation
      ? { viewer: "ada", by: "bob", how: "seen", atMs: NOW_MS - 1, untilMs: NOW_MS + 10 ** 9, ...attestation }
      : undefined,
    linkKey: Buffer.from("a link key for tests"),
    images: { get: async () => deps.image },
    attestations: { age: async (viewer: string) => (viewer === "ada" ? deps.attestation : undefined) },
  };
  return deps;
}

async function linked(deps: ViewingDeps, rendition: "full" | "blurred" = "full", viewer: Viewer = ada) {
  const made = await linkFor("img_a", rendition, viewer, NOW_MS, deps);
  if (made.kind === "refused") throw new Error(made.rule);
  return made;
}

describe("a link", () => {
  test("to a rated picture is for a viewer whose age is attested, opens its file, and dies after minutes", async () => {
    const deps = depsWith(imageWith(), {});
    const { link, expiresAtMs } = await linked(deps);
    expect(expiresAtMs).toBe(NOW_MS + LINK_LIFETIME_MS);
    expect(link).toMatch(/^[\w-]+\.[\w-]+$/);
    expect(await openLink(link, expiresAtMs - 1, deps)).toMatchObject({
      kind: "file",
      rendition: { path: "content/full.webp" },
    });
    expect(await openLink(link, expiresAtMs, deps)).toMatchObject({ rule: "expired" });
  });

  test.each([
    ["without an attestation", null],
    ["after it", NOW_MS],
  ])("is not given %s, whatever is attested here", async (_, ageAttestedUntilMs) => {
    const deps = depsWith(imageWith(), {});
    const viewer = { ...ada, ageAttestedUntilMs };
    expect(await linkFor("img_a", "full", viewer, NOW_MS, deps)).toMatchObject({ rule: "age-not-attested" });
    // The blurred one shows nothing.
    expect(await linkFor("img_a", "blurred", viewer, NOW_MS, deps)).toMatchObject({ kind: "link" });
  });

  test("ends with the attestation of the token", async () => {
    const deps = depsWith(imageWith());
    const viewer = { ...ada, ageAttestedUntilMs: NOW_MS + 1_000 };
    const { link, expiresAtMs } = await linked(deps, "full", viewer);
    expect(expiresAtMs).toBe(NOW_MS + 1_000);
    // Nothing is attested here: the token's word is enough.
    expect(await openLink(link, NOW_MS, deps)).toMatchObject({ kind: "file" });
  });

  test("is worth nothing once an operator's attestation, on which it was given, is withdrawn", async () => {
    const deps = depsWith(imageWith(), {});
    const { link } = await linked(deps);
    deps.attestation = undefined;
    expect(await openLink(link, NOW_MS, deps)).toMatchObject({ rule: "age-not-attested" });
  });

  test("to a general picture needs no attestation, and shows none that is rated higher since", async () => {
    const deps = depsWith(imageWith({ rating: "general" }));
    const { link } = await linked(deps, "full", anyone);
    expect(await openLink(link, NOW_MS, deps)).toMatchObject({ kind: "file" });
    deps.image = imageWith({ rating: "suggestive" });
    expect(await openLink(link, NOW_MS, deps)).toMatchObject({ rule: "age-not-attested" });
  });

  test.each<[string, Partial<Image>]>([
    ["sealed", { verdict: verdictOf("quarantined", { sealed: true }), status: "quarantined" }],
    ["rejected", { status: "rejected", verdict: verdictOf("rejected") }],
    ["unfinished", { status: "processing" }],
    ["missing", { renditions: [] }],
  ])("is neither given nor opened once a picture is %s, to nobody", async (rule, fields) => {
    const deps = depsWith(imageWith(), {});
    const { link } = await linked(deps);
    deps.image = imageWith(fields);
    for (const rendition of RENDITION_NAMES) {
      const reviewer = { ...ada, mayReview: true };
      expect(await linkFor("img_a", rendition, reviewer, NOW_MS, deps)).toMatchObject({ rule });
    }
    expect(await openLink(link, NOW_MS, deps)).toMatchObject({ rule });
  });

  test("into quarantine is for reviewers of an attested age alone", async () => {
    const deps = depsWith(imageWith({ status: "quarantined", rating: "general" }), {});
    expect(await linkFor("img_a", "full", ada, NOW_MS, deps)).toMatchObject({ rule: "quarantined" });
    const reviewer = { ...ada, mayReview: true };
    expect(await linkFor("img_a", "full", reviewer, NOW_MS, deps)).toMatchObject({ kind: "link" });
    expect(await linkFor("img_a", "full", { ...anyone, mayReview: true }, NOW_MS, deps)).toMatchObject({
      rule: "age-not-attested",
    });
  });

  test("of a version that has moved is dead", async () => {
    const deps = depsWith(imageWith(), {});
    const { link } = await linked(deps);
    deps.image = imageWith({ version: 2 });
    expect(await openLink(link, NOW_MS, deps)).toMatchObject({ rule: "expired" });
  });

  test("that is altered anywhere, or signed with another key, is none", async () => {
    const deps = depsWith(imageWith(), {});
    const { link } = await linked(deps);
    await fc.assert(
      fc.asyncProperty(fc.nat(link.length - 1), fc.constantFrom(..."Aa0-_."), async (at, letter) => {
        const altered = link.slice(0, at) + letter + link.slice(at + 1);
        fc.pre(altered !== link);
        // The last letter of Base64 holds bits that mean nothing.
        fc.pre(at !== link.length - 1 && at !== link.indexOf(".") - 1);
        expect(await openLink(altered, NOW_MS, deps)).toMatchObject({ rule: "invalid" });
      }),
    );
    const other = { ...deps, linkKey: Buffer.from("another") };
    expect(await openLink(link, NOW_MS, other)).toMatchObject({ rule: "invalid" });
    for (const text of ["", ".", "a.b", "a.b.c", `${link}.x`]) {
      expect(await openLink(text, NOW_MS, deps)).toMatchObject({ rule: "invalid" });
    }
  });
});

describe("a list shows", () => {
  const shown = (fields: Partial<Image>, isAttested = false) =>
    listedRendition(imageWith(fields), "preview", isAttested)?.name ?? null;

  test("the picture where everybody may see it, and a blurred one where not", () => {
    expect(shown({ rating: "general" })).toBe("preview");
    expect(shown({ rating: "suggestive" })).toBe("blurred");
    expect(shown({ rating: "nudity" }, true)).toBe("preview");
    expect(shown({ status: "quarantined", rating: "general" }, true)).toBe("blurred");
  });

  test("placeholders of the sandbox: they are drawings of ours", () => {
    expect(shown({ verdict: verdictOf("released", { basis: "sandbox-mark" }) })).toBe("preview");
  });

  test("nothing of what was rejected or sealed", () => {
    expect(shown({ status: "rejected", rating: "general" }, true)).toBeNull();
    expect(shown({ status: "quarantined", renditions: [] }, true)).toBeNull();
  });
});
