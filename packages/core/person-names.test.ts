import { describe, expect, test } from "vitest";
import { normalised } from "./normalise.ts";
import { isOnList, namesPerson } from "./person-names.ts";
import { hasUnreadableScript } from "./script.ts";

const persons = {
  given: ["emma", "greta", "jane"],
  other: ["new", "york", "art", "nouveau", "leica", "soft", "light", "grand", "hotel"],
  refused: [],
};

test.each([
  "with Emma Harlowe in the studio",
  "emma harlowe in the studio",
  "EMMA HARLOWE",
  "photo of Jane A. Rothmeyer",
  "Marla Venkow in the studio",
  "with Ximena de la Cortina",
  "an account such as @some_name",
  "as played by somebody",
  "looks like Velina",
  "ｗｉｔｈ Ｅｍｍａ Ｈａｒｌｏｗｅ",
])("%j names a person", (text) => {
  expect(namesPerson(text, persons)).toBe(true);
});

test.each([
  "a woman named Emma, red robe",
  "emma in a red robe",
  "New York at night, Art Nouveau",
  "Soft Light In The Grand Hotel, Velvet Curtains And Deep Shadows",
  "A woman. Soft light. Velvet curtains.",
  "Eine Frau im Studio. Weiches Licht von der Seite, Altbau mit Stuck",
  "shot @f1.8 @ 85mm, RAW UHD",
  "a cloud that looks like a whale",
])("%j names nobody", (text) => {
  expect(namesPerson(text, persons)).toBe(false);
});

test("an operator's list is found in any spelling", () => {
  const names = ["Ada Lindqvist"];
  for (const text of [
    "ada lindqvist",
    "a portrait of ADA LINDQVIST",
    "a-d-a l.i.n.d.q.v.i.s.t",
    "Аda Lindqvist",
  ]) {
    expect(isOnList(normalised(text), names), text).toBe(true);
  }
  expect(isOnList(normalised("ada and lindqvist"), names)).toBe(false);
  expect(isOnList(normalised("canada lindqvistic"), [" "])).toBe(false);
});

describe("a script that is not Latin", () => {
  test.each(["ребёнок", "少女", "طفلة", "cаfé with one Cyrillic letter"])("%j cannot be read", (text) => {
    expect(hasUnreadableScript(text)).toBe(true);
  });
  test.each(["café naïve", "Sony α7", "ｗｉｄｅ 𝐛𝐨𝐥𝐝", "✨ 🌸", "30 µm"])("%j can", (text) => {
    expect(hasUnreadableScript(text)).toBe(false);
  });
});
