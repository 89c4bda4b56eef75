/** @module What is not in a function's bundle: data, for the stacks and for the test that weighs bundles as SST packs them. */
import imaging from "../packages/imaging/package.json" with { type: "json" };

/** Native code for arm64, and WebAssembly that is loaded from its file, in this one package: the versions that the tests ran. */
export const BESIDE_PROCESS: Readonly<Record<string, string>> = {
  sharp: imaging.dependencies.sharp,
  "@contentauth/c2pa-wasm": imaging.dependencies["@contentauth/c2pa-wasm"],
};

/**
 * Where the SDK looks for credentials when there are none in the environment: a tenth of every bundle. Lambda always puts them
 * there, and the SDK imports these only when it has not found them.
 */
export const NEVER_LOADED = [
  "@aws-sdk/credential-provider-http",
  "@aws-sdk/credential-provider-ini",
  "@aws-sdk/credential-provider-process",
  "@aws-sdk/credential-provider-sso",
  "@aws-sdk/credential-provider-web-identity",
  "@smithy/credential-provider-imds",
];
