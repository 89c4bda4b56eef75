/**
 * @module `npm run e2e -- --stage S [--deploy]`: buys one picture on a deployed stage and checks what cannot be proven without
 * an account. With `--deploy` the stage is deployed first and removed at the end, however far it came, unless a purchase
 * still has no outcome. It has never been run: no account could be reached where it was written.
 */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const root = fileURLToPath(new URL("..", import.meta.url));
/** That of sst.config.ts. */
const REGION = "eu-west-1";

/** Ends the run with one sentence. */
class Refusal extends Error {}

async function main(words: readonly string[]): Promise<void> {
  const { stage, deploy } = options(words);
  // Asking a machine that is none of Amazon's for credentials only takes time.
  process.env.AWS_EC2_METADATA_DISABLED ??= "true";
  const { LambdaClient } = await import("@aws-sdk/client-lambda");
  await new LambdaClient({ region: REGION }).config.credentials().catch(() => {
    throw new Refusal(
      "There are no AWS credentials: set AWS_PROFILE, or log in by `aws sso login`, and run this again.",
    );
  });
  if (deploy) run(process.execPath, ["scripts/templates.ts"]);
  const { OpenPurchase, produceOne } = await import("./e2e/produce-one.ts");
  const failures: unknown[] = [];
  try {
    if (deploy) sst("deploy", stage);
    await produceOne({ stage, region: REGION, say: (line) => process.stdout.write(`${line}\n`) });
  } catch (error) {
    // Only what the stage keeps can still learn what the purchase came to.
    if (error instanceof OpenPurchase) throw error;
    failures.push(error);
  }
  try {
    if (deploy) sst("remove", stage);
  } catch (error) {
    failures.push(error);
  }
  if (failures.length > 0) throw failures.length === 1 ? failures[0] : new Error(sentencesOf(failures));
}

function sentencesOf(failures: readonly unknown[]): string {
  return failures.map((failure) => (failure instanceof Error ? failure.message : failure)).join("\n");
}

function options(words: readonly string[]): { stage: string; deploy: boolean } {
  let values: { stage?: string | undefined; deploy: boolean };
  try {
    ({ values } = parseArgs({
      args: [...words],
      options: { stage: { type: "string" }, deploy: { type: "boolean", default: false } },
    }));
  } catch (error) {
    throw new Refusal(
      `${error instanceof Error ? error.message : error}; give --stage S and, if wanted, --deploy.`,
    );
  }
  const { stage, deploy } = values;
  if (!stage) {
    throw new Refusal(
      "Say which stage to try, as in `npm run e2e -- --stage trial`: it buys one picture there.",
    );
  }
  if (stage === "production") {
    throw new Refusal("The stage production is not for trying; take one of its own, as in --stage trial.");
  }
  return { stage, deploy };
}

function sst(command: "deploy" | "remove", stage: string): void {
  run(process.execPath, ["node_modules/sst/bin/sst.mjs", command, "--stage", stage]);
}

function run(program: string, words: readonly string[]): void {
  const { status } = spawnSync(program, words, { cwd: root, stdio: "inherit" });
  if (status !== 0) throw new Refusal(`\`node ${words.join(" ")}\` failed, see above.`);
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = error instanceof Refusal ? 2 : 1;
}
