/** @module What can be tried of `npm run e2e` without an account: that it refuses in one sentence, before anything is made. */
import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { ROOT } from "./evaluation.ts";

/** Nobody's credentials. */
const environment = { PATH: process.env.PATH, HOME: "/nonexistent", AWS_EC2_METADATA_DISABLED: "true" };

test.each([
  [[], /^Say which stage to try, as in .*\n$/],
  [["--stage", "production"], /^The stage production is not for trying; .*\n$/],
  [["--stage", "trial", "--deploy"], /^There are no AWS credentials: .*\n$/],
  [["--stag"], /^Unknown option '--stag'.*\n$/],
] satisfies [string[], RegExp][])("e2e %j is refused", (words, sentence) => {
  const ended = spawnSync(process.execPath, ["scripts/e2e.ts", ...words], {
    cwd: ROOT,
    env: environment,
    encoding: "utf8",
  });
  expect(ended.stderr).toMatch(sentence);
  expect(ended.stdout).toBe("");
  expect(ended.status).toBe(2);
});
