/** @module Writes `docs/events.md` from the table of events; a test compares the two. */
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { EVENT_TYPES, EVENTS } from "@atelier/core/events";
import * as z from "zod";

export const EVENTS_PAGE = fileURLToPath(new URL("../docs/events.md", import.meta.url));

/** As much of JSON Schema as the table's schemas make. */
interface Field {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly enum?: readonly string[];
  readonly anyOf?: readonly Field[];
  readonly items?: Field;
  readonly properties?: Readonly<Record<string, Field>>;
  readonly propertyNames?: Field;
  readonly additionalProperties?: Field;
}

/** The whole page, as Markdown. */
export function eventsPage(): string {
  const sections = EVENT_TYPES.map((type) => {
    const { version, meaning, detail } = EVENTS[type];
    const { properties = {} } = z.toJSONSchema(detail, { io: "input" }) as Field;
    return `## ${type}

${meaning} Version ${version}.

| field | type | |
|---|---|---|
${Object.entries(properties)
  .flatMap(([name, field]) => rows(name, field))
  .join("\n")}
`;
  });
  return `# Events

Made from \`packages/core/events.ts\` by \`node scripts/run.mjs scripts/events.ts\`; edit the table, not this page.

What happened, for other programs. Every event has the same envelope:

\`\`\`json
{ "id": "32e0c5e22da4ff33ab820bec", "type": "image-completed", "version": 1, "at": "2026-11-22T05:00:12.345Z", "detail": {} }
\`\`\`

An event is told after what it tells of stands in the records, **at least once**: whoever reads it keeps the \`id\`, which is the same when
the same thing is told again. \`at\` is when it happened. A version is raised when a field goes or changes its meaning; more fields are no new
version, so leave out what you do not know. No event holds a prompt or the name of a person.

- **On one machine** they are lines of \`events.jsonl\` in the data folder (\`tail -F\`). A line that a killed process left torn is no event;
  what it would have told comes again.
- **On AWS** they are on the bus \`atelier-STAGE\` of EventBridge, with the source \`atelier\`, the type as \`detail-type\` and the whole envelope as
  \`detail\`; and items of the table under \`EVENTS#{day}\` for a month.

${sections.join("\n")}`;
}

function rows(name: string, field: Field): string[] {
  const item = field.items?.properties;
  const own = `| \`${name}\` | ${typeOf(field)} | ${field.description ?? ""} |`;
  const parts = Object.entries(item ?? {}).flatMap(([part, each]) => rows(`${name}[].${part}`, each));
  return [own, ...parts];
}

function typeOf(field: Field): string {
  if (field.anyOf) return field.anyOf.map(typeOf).join(" or ");
  if (field.enum) return field.enum.map((value) => `\`${value}\``).join(" ");
  if (field.items) return field.items.properties ? "list" : `list of ${typeOf(field.items)}`;
  if (field.additionalProperties) return `${typeOf(field.additionalProperties)} by name`;
  return [field.type ?? "anything"].flat().join(" or ");
}

if (import.meta.main) await writeFile(EVENTS_PAGE, eventsPage());
