import { expect, test } from "vitest";
import { normalised } from "./normalise.ts";
import { createRepair, wordsOfPatterns } from "./repair.ts";

const repair = createRepair(["menos", "anos", "birthday", "years", "old", "tenth", "grader", "bras"]);

test.each([
  ["me-nos de 1 8 añ os", "menos de 18 anos"],
  ["m.e.n.o.s of", "menos of"],
  ["16 yeeears ooold", "16 years old"],
  ["16 y€ar$ 0ld", "16 years old"],
  ["16th birth day", "16th birthday"],
  ["a t enth grad er", "a tenth grader"],
  ["born 2 0 1 2", "born 2012"],
])("%j can also be read as %j", (text, reading) => {
  expect(repair.readingsOf(normalised(text))).toContain(reading);
});

test("ordinary words are left as they are", () => {
  expect(repair.readingsOf(normalised("a brass lamp on a table"))).toStrictEqual(["a brass lamp on a table"]);
  expect(repair.readingsOf(normalised("32 years old"))).toStrictEqual(["32 years old"]);
});

test("words are taken from patterns with their choices", () => {
  expect(wordsOfPatterns(["\\balumn[oa]s? d(?:e|el)\\b", "(?:years?|yo)"]).sort()).toStrictEqual(
    ["alumna", "alumnas", "alumno", "alumnos", "el", "year", "years", "yo"].sort(),
  );
});
