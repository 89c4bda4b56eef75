/** @module Writes `docs/errors.md` from the error table; a test compares the two. */
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { ErrorEntry, ErrorRoute } from "@atelier/core/error-entry";
import { ERRORS } from "@atelier/core/error-table";
import { ERROR_NAMES } from "@atelier/core/errors";

export const ERRORS_PAGE = fileURLToPath(new URL("../docs/errors.md", import.meta.url));

const ROUTES: Record<ErrorRoute, string> = {
  retry: "The same step runs again, by itself; it buys nothing.",
  pace: "The state machine waits as long as the provider says, then generates with the same attempt.",
  "fail-over": "The next candidate is tried with a new attempt (three attempts at most).",
  abandon: "The image ends here; what was held for it is settled or released.",
  hold: "Nothing was decided: the image stays open, and `atelier resume` goes on with it.",
};

/** The whole page, as Markdown. */
export function errorsPage(): string {
  const sections = ERROR_NAMES.map((name) => {
    const { route, charged, httpStatus, exitCode, meaning, remedy, remedyOverHttp }: ErrorEntry =
      ERRORS[name];
    return `## ${name}

${meaning} ${remedy}
${remedyOverHttp === undefined ? "" : `\nOver HTTP: ${remedyOverHttp}\n`}
Route \`${route}\` · charged: ${charged} · HTTP ${httpStatus} · exit code ${exitCode}
`;
  });
  return `# Errors

Made from \`packages/core/error-table.ts\` by \`node scripts/run.mjs scripts/errors.ts\`; edit the table, not this page.
The names are the same in the state machine, in documents (\`failure\`), in the audit and in events.

The route is what the state machine does:

${Object.entries(ROUTES)
  .map(([route, does]) => `- \`${route}\`: ${does}`)
  .join("\n")}

"Charged" is whether a provider has been paid when this error ends an attempt; \`unknown\` is booked as charged. The exit code
is that of a command for which this is the worst that happened.

${sections.join("\n")}`;
}

if (import.meta.main) await writeFile(ERRORS_PAGE, errorsPage());
