/** @module The README's own examples, for tests that run them. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const README = fileURLToPath(new URL("../../README.md", import.meta.url));

/** What stands under `## {title}`, without the title. @throws Error when there is no such section */
export function readmeSection(title: string, text: string = readFileSync(README, "utf8")): string {
  const section = text.split(/^## /m).find((each) => each.startsWith(`${title}\n`));
  if (section === undefined) throw new Error(`README.md has no section "${title}".`);
  return section.slice(title.length + 1);
}

/** The fenced blocks of a language, in order. */
export function blocksOf(section: string, language: string): string[] {
  return [...section.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].flatMap(([, name, block]) =>
    name === language && block !== undefined ? [block] : [],
  );
}
