import type { ProviderRequest } from "@atelier/core/provider";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MIDJOURNEY, NIJI } from "../../../test/simulators/midjourney-models.ts";
import { neutralText } from "./neutral-text.ts";
import { botTypeOf, renderedPrompt, seedIn } from "./prompt.ts";

const REQUEST: ProviderRequest = {
  model: MIDJOURNEY,
  prompt: "a lighthouse at dusk",
  negativePrompt: "",
  parameters: { width: 1024, height: 1024, steps: 50, guidanceScale: 7.5 },
  seed: 42,
  deadlineMs: 300_000,
};
const rendered = (request: Partial<ProviderRequest>) => renderedPrompt({ ...REQUEST, ...request });

describe("renderedPrompt", () => {
  it.each([
    [{}, "a lighthouse at dusk --v 6.1 --stylize 100 --ar 1:1 --seed 42"],
    [
      { negativePrompt: "text, Logo , text" },
      "a lighthouse at dusk --v 6.1 --stylize 100 --no text, Logo --ar 1:1 --seed 42",
    ],
    [
      { parameters: { width: 1440, height: 816, steps: 1, guidanceScale: 0 } },
      "a lighthouse at dusk --v 6.1 --stylize 100 --ar 16:9 --seed 42",
    ],
    [{ model: NIJI }, "a lighthouse at dusk --niji 6 --raw --chaos 5 --ar 1:1 --seed 42"],
    [
      { model: { ...MIDJOURNEY, version: null, negativePrompt: null, extras: {} }, negativePrompt: "text" },
      "a lighthouse at dusk --ar 1:1 --seed 42",
    ],
  ])("renders %j", (request, expected) => {
    expect(rendered(request)).toBe(expected);
  });

  it.each(["{}", " -- ", "https://example.com/a.png", "\u200b::2"])(
    "is null when %j is all there is",
    (prompt) => {
      expect(rendered({ prompt })).toBeNull();
    },
  );

  it("finds its seed again, and only as a switch of its own", () => {
    expect(seedIn(rendered({ seed: 2_147_483_646 }) ?? "")).toBe(2_147_483_646);
    expect(seedIn("a seed 42 of --seeds 3")).toBeNull();
  });

  it("goes to the bot of its model", () => {
    expect([botTypeOf(MIDJOURNEY), botTypeOf(NIJI)]).toEqual(["MID_JOURNEY", "NIJI_JOURNEY"]);
  });
});

describe("neutralText", () => {
  it.each([
    ["a 28-year-old woman in high-waisted trousers", "a 28-year-old woman in high-waisted trousers"],
    ["a house --ar 1:2 --v 5", "a house ar 1:2 v 5"],
    ["a house —v 5 –seed 3", "a house v 5 seed 3"],
    ["tea—milk, 35–85mm, pH −2", "tea milk, 35-85mm, pH 2"],
    ["cat::2 dog::-0.5 bird", "cat dog bird"],
    ["a {red, blue, {dark, light} green} car", "a red, blue, dark, light green car"],
    ["https://example.com/a.png  a house", "a house"],
    ["a house (see www.example.com) by <https://s.mj.run/abc>", "a house (see by"],
    ["s.mj.run/abc a house", "a house"],
    ["at f/2.8, 1.5/2 wide", "at f/2.8, 1.5/2 wide"],
    ["one\ntwo\t\u00a0three\u2028four", "one two three four"],
    ["－－ｖ 5 ｛a，b｝ ：：2", "v 5 a,b"],
    ["-\u200b-v 5 :\u2060:2", "v 5"],
    ["**bold** - ends", "bold ends"],
    ["- leading and trailing -", "leading and trailing"],
    ["clock at 10:30", "clock at 10:30"],
    ["half a pair \ud800", "half a pair \ufffd"],
  ])("%j becomes %j", (text, expected) => {
    expect(neutralText(text)).toBe(expected);
  });

  /** Texts full of what Midjourney reads as syntax. */
  const hostile = fc
    .array(
      fc.oneof(
        fc.constantFrom(
          ..."-—–―⸺－−:：{}｛｝*/., \n\t\u00a0\u200b\u2060\u00ad\ufe0f\u2028\u0301",
          "--v 5",
          "::2",
          "⩴",
          "{a,b}",
          "https://x.example/a.png",
          "http:",
          "//",
          "www.",
          "s.mj.run/a",
          "--seed 7",
          "--no",
          "no",
          "v",
          "1",
        ),
        fc.string({ unit: "binary", maxLength: 4 }),
        fc.string({ unit: "grapheme", maxLength: 4 }),
      ),
      { maxLength: 24 },
    )
    .map((parts) => parts.join(""));

  it("leaves no switch, weight, permutation or address, whatever the text; again changes nothing", () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const words = neutralText(text);
        // Also not after a translator has made it ASCII.
        for (const form of [words, words.normalize("NFKC")]) {
          expect(form).not.toMatch(
            /[-\p{Pd}\u2212]{2}|[\u2014\u2015\u2e3a\u2e3b]|(^|\s)[-\p{Pd}\u2212]|[-\p{Pd}\u2212](\s|$)/u,
          );
          expect(form).not.toMatch(/::|[{}*]|:\/\/|\bwww\./iu);
          expect(form).not.toMatch(/\b[a-z\d-]+\.[a-z]{2,}\//iu);
          expect(form).not.toMatch(/\s{2}|[^\S ]|^\s|\s$|\p{Cc}|\p{Cf}/u);
        }
        expect(neutralText(words)).toBe(words);
      }),
      { numRuns: 3_000 },
    );
  });

  it("puts each of our switches at the end once, whatever the texts", () => {
    fc.assert(
      fc.property(hostile, hostile, (prompt, negativePrompt) => {
        const text = rendered({ prompt: `a house ${prompt}`, negativePrompt });
        const switches = text?.match(/(?:^|\s)[-\p{Pd}\u2212]+\S*/gu)?.map((one) => one.trim());
        const expected = [
          "--v",
          "--stylize",
          ...(text?.includes(" --no ") ? ["--no"] : []),
          "--ar",
          "--seed",
        ];
        expect(switches).toEqual(expected);
        expect(text).toMatch(/ --v 6\.1 --stylize 100( --no [^-].*)? --ar 1:1 --seed 42$/u);
        expect(text).not.toMatch(/\n|\r| {2}/);
      }),
      { numRuns: 1_000 },
    );
  });
});
