/// <reference path="../.sst/platform/config.d.ts" />

/** Keeps its data whatever happens; every other stage goes away without a trace. */
export const isProduction = $app.stage === "production";

/**
 * Names of buckets and of the address for signing in have small letters alone, and 63 characters with what comes after the stage; and
 * Cognito refuses three words in that address ("Domain cannot contain reserved word"), when most of a stage stands already.
 *
 * @throws Error of one sentence
 */
export function checkedStage(stage: string): string {
  if (/^[a-z][a-z0-9-]{0,29}(?<!-)$/.test(stage) && !/aws|amazon|cognito/.test(stage)) return stage;
  throw new Error(
    `The stage is "${stage}"; take a name of up to 30 small letters, digits and hyphens, without "aws", "amazon" and "cognito" in it.`,
  );
}

/** Names that people type or that two resources must agree on before either exists; the rest is named by SST. */
export const prefix = `${$app.name}-${checkedStage($app.stage)}`;

/** Stages share an account: what one counts must not ring for another. */
export const metricsNamespace = `Atelier/${$app.stage}`;
