/// <reference path="../.sst/platform/config.d.ts" />

/** Keeps its data whatever happens; every other stage goes away without a trace. */
export const isProduction = $app.stage === "production";

/** Names that people type or that two resources must agree on before either exists; the rest is named by SST. */
export const prefix = `${$app.name}-${$app.stage}`;

/** Stages share an account: what one counts must not ring for another. */
export const metricsNamespace = `Atelier/${$app.stage}`;
