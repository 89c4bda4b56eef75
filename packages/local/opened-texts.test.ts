import type { TextAbout, TextVault } from "@atelier/core/ports";
import { expect, it } from "vitest";
import { withOpenedTexts } from "./opened-texts.ts";

const PEARS: TextAbout = { purpose: "prompt", subject: "img_a_00000" };

/** Notes what it is asked to open; opens what begins with `sealed:`. */
function counted() {
  const asked: string[] = [];
  const vault: TextVault = {
    seal: async (_, text) => `sealed:${text}`,
    reseal: async () => null,
    async open({ subject }, sealed) {
      asked.push(`${subject} ${sealed}`);
      if (!sealed.startsWith("sealed:")) throw new Error("altered");
      return sealed.slice("sealed:".length);
    },
  };
  return { asked, vault };
}

it("opens a text once, however many ask for it at the same time or later", async () => {
  const { asked, vault } = counted();
  const texts = withOpenedTexts(vault);
  const both = await Promise.all([texts.open(PEARS, "sealed:pears"), texts.open(PEARS, "sealed:pears")]);
  expect([...both, await texts.open(PEARS, "sealed:pears")]).toEqual(["pears", "pears", "pears"]);
  expect(asked).toEqual(["img_a_00000 sealed:pears"]);
});

it("leaves to the vault what is about something else, was altered, or failed before", async () => {
  const { asked, vault } = counted();
  const texts = withOpenedTexts(vault);
  await texts.open(PEARS, "sealed:pears");
  await texts.open({ ...PEARS, subject: "img_b_00000" }, "sealed:pears");
  await expect(texts.open(PEARS, "pears")).rejects.toThrow("altered");
  await expect(texts.open(PEARS, "pears")).rejects.toThrow("altered");
  expect(asked).toEqual([
    "img_a_00000 sealed:pears",
    "img_b_00000 sealed:pears",
    "img_a_00000 pears",
    "img_a_00000 pears",
  ]);
});

it("keeps so many characters, and lets go of what nobody asked for longest", async () => {
  const { asked, vault } = counted();
  const keyCharacters = JSON.stringify(["prompt", PEARS.subject, "sealed:1"]).length;
  const texts = withOpenedTexts(vault, 2 * keyCharacters);
  for (const sealed of ["sealed:1", "sealed:2", "sealed:1", "sealed:3", "sealed:1", "sealed:2"]) {
    await texts.open(PEARS, sealed);
  }
  expect(asked.map((each) => each.at(-1))).toEqual(["1", "2", "3", "2"]);
});
