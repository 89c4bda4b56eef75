/**
 * @module What a step weighs as a Lambda: the step and the adapters that its function will name, in one minified file. The
 * entries exist only here, in memory; the AWS clients that do not exist yet (S3, Step Functions) are not in the figures.
 * `process` is left out: it carries sharp, which is installed beside a bundle, not in it.
 */
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

/** Minified, in kB of 1000 bytes: beyond it a cold start is felt. */
export const BUNDLE_BUDGET_KB = 900;

export const BUNDLED_STEPS = ["plan", "validate", "generate", "collect", "record", "abandon"] as const;
export type BundledStep = (typeof BUNDLED_STEPS)[number];

/** Module to the names that a step's entry takes from it; every name is used, so that nothing is shaken out of the tree. */
type Imports = Readonly<Record<string, readonly string[]>>;

const TABLE: Imports = {
  "@aws-sdk/client-dynamodb": ["DynamoDBClient"],
  "@atelier/aws/dynamo/client": ["createDynamo"],
};
const IMAGES: Imports = { "@atelier/aws/dynamo/images": ["createImages"] };
const ATTEMPTS: Imports = { "@atelier/aws/dynamo/attempts": ["createAttempts"] };
const REQUESTS: Imports = { "@atelier/aws/dynamo/requests": ["createRequests"] };
const LEDGER: Imports = { "@atelier/aws/dynamo/ledger": ["createLedgerStore"] };
const PROMPTS: Imports = { "@atelier/aws/dynamo/prompts": ["createPromptVault"] };
const AUDIT: Imports = { "@atelier/aws/dynamo/audit": ["createAudit"] };
const PACING: Imports = {
  "@atelier/aws/dynamo/pacing": ["createPacingStore"],
  "@atelier/core/pacing-rounds": ["createPacing", "jobRunning", "limitsIn"],
};
const PROVIDERS: Imports = { "@atelier/providers/registry": ["createProviders"] };
const FETCHER: Imports = { "@atelier/providers/safe-url": ["createOutputFetcher"] };

const ENTRIES: Record<BundledStep, Imports> = {
  plan: {
    "@atelier/core/workflow/steps/plan": ["plan", "planInputSchema"],
    ...{ ...TABLE, ...IMAGES, ...ATTEMPTS, ...REQUESTS, ...PROMPTS, ...AUDIT },
  },
  validate: {
    "@atelier/core/workflow/steps/validate": ["validate"],
    "@atelier/core/workflow/ownership": ["imageInputSchema"],
    "@atelier/core/routing": ["rankCandidates"],
    ...{ ...TABLE, ...IMAGES, ...ATTEMPTS, ...LEDGER, ...PROMPTS, ...AUDIT },
  },
  generate: {
    "@atelier/core/workflow/steps/generate": ["generate", "generateInputSchema"],
    "@atelier/core/webhook": ["webhookPath"],
    ...{ ...TABLE, ...IMAGES, ...ATTEMPTS, ...PROMPTS, ...AUDIT, ...PACING, ...PROVIDERS },
  },
  collect: {
    "@atelier/core/workflow/steps/collect": ["collect"],
    "@atelier/core/workflow/ownership": ["attemptInputSchema"],
    ...{ ...TABLE, ...IMAGES, ...ATTEMPTS, ...PROVIDERS, ...FETCHER },
  },
  record: {
    "@atelier/core/workflow/steps/record": ["record", "recordInputSchema"],
    ...{ ...TABLE, ...IMAGES, ...ATTEMPTS, ...LEDGER, ...AUDIT },
  },
  abandon: {
    "@atelier/core/workflow/steps/abandon": ["abandon", "abandonInputSchema"],
    ...{ ...TABLE, ...IMAGES, ...ATTEMPTS, ...LEDGER, ...AUDIT },
  },
};

export interface Bundle {
  /** Minified, in kB of 1000 bytes. */
  readonly kb: number;
  /** Files that went into it, relative to the checkout. */
  readonly inputs: readonly string[];
}

/** @param extra modules besides: for the test that a bundle can be too heavy */
export async function bundleStep(step: BundledStep, extra: Imports = {}): Promise<Bundle> {
  const root = fileURLToPath(new URL("..", import.meta.url));
  const { metafile } = await build({
    stdin: { contents: entryOf({ ...ENTRIES[step], ...extra }), resolveDir: root, sourcefile: `${step}.ts` },
    absWorkingDir: root,
    outfile: `${step}.mjs`,
    bundle: true,
    minify: true,
    format: "esm",
    platform: "node",
    target: "node24",
    mainFields: ["module", "main"],
    // There in every Lambda of Node, or native.
    external: ["sharp"],
    write: false,
    metafile: true,
    logLevel: "error",
  });
  const [output] = Object.values(metafile.outputs);
  if (!output) throw new Error(`esbuild made no bundle of ${step}.`);
  return { kb: Math.round(output.bytes / 100) / 10, inputs: Object.keys(output.inputs) };
}

/** `{step}Kb` for every step. */
export async function benchBundles(): Promise<Record<`${BundledStep}Kb`, number>> {
  const sizes: Partial<Record<`${BundledStep}Kb`, number>> = {};
  for (const step of BUNDLED_STEPS) sizes[`${step}Kb`] = (await bundleStep(step)).kb;
  return sizes as Record<`${BundledStep}Kb`, number>;
}

function entryOf(imports: Imports): string {
  const names = Object.values(imports).flat();
  const lines = Object.entries(imports).map(
    ([from, some]) => `import { ${some.join(", ")} } from "${from}";`,
  );
  return `${lines.join("\n")}\nexport const used = [${names.join(", ")}];\n`;
}
