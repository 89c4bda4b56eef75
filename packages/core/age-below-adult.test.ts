import { describe, expect, test } from "vitest";
import { saysAgeBelowAdult } from "./age-below-adult.ts";
import { normalised } from "./normalise.ts";

const says = (text: string, today?: string) => saysAgeBelowAdult(normalised(text).readings, today);

test.each([
  "15 years old",
  "seventeen-year-olds",
  "17.9 years old",
  "quinze ans",
  "dix-sept ans",
  "dieciséis años",
  "fünfzehnjährig",
  "siebzehneinhalb Jahre",
  "una sedicenne",
  "dezessete anos",
  "14-17 years old",
  "zwischen 14 und 16",
  "looks 15",
  "wirkt wie 14",
  "under 18",
  "moins de dix-huit ans",
  "barely 18",
  "appena 18",
  "her sixteenth birthday",
  "XVI years",
  "200 months old",
  "l5 years old",
  "tiene 16",
])("%j says an age below 18", (text) => {
  expect(says(text)).toBe(true);
});

test.each([
  "18 years old",
  "quarante-deux ans",
  "trentacinque anni",
  "zweiunddreißig Jahre",
  "over 18",
  "15 years ago",
  "depuis 10 ans",
  "f/16 at 1/15 s",
  "seventeen candles",
  "class of architects",
  "once upon a time, an elf",
])("%j says none", (text) => {
  expect(says(text)).toBe(false);
});

describe("a year of birth", () => {
  test.each([
    "born in 2010",
    "née en 2010",
    "Jahrgang 2010",
    "b. 2010",
    "2010 birth year",
    "born in two thousand ten",
  ])("%j is compared with the year of today", (text) => {
    expect(says(text, "2026-11-22")).toBe(true);
    // Whoever is born in 2010 may turn 18 on the last day of 2028.
    expect(says(text, "2028-12-31")).toBe(true);
    expect(says(text, "2029-01-01")).toBe(false);
  });

  test("without a date is compared with 2026, never with a clock", () => {
    expect(says("born in 2008")).toBe(true);
    expect(says("born in 2007")).toBe(false);
  });

  test("of two digits is of this century as long as it is not in the future", () => {
    expect(says("born in '12", "2026-11-22")).toBe(true);
    expect(says("born in '85", "2026-11-22")).toBe(false);
  });
});
