/// <reference path="../.sst/platform/config.d.ts" />
import { ACCESS, type Access, ENTRY_NAMES, type EntryName, type SecretName } from "./access.ts";
import { BESIDE_PROCESS, NEVER_LOADED } from "./bundling.ts";
import { permissionsOf } from "./permissions.ts";
import type { Secrets } from "./secrets.ts";
import type { Settings } from "./settings.ts";
import { SIZES } from "./sizes.ts";
import { isProduction, metricsNamespace, prefix } from "./stage.ts";
import type { Storage } from "./storage.ts";

export type Lambdas = Readonly<Record<Exclude<EntryName, "notify">, sst.aws.Function>> & {
  /** Only where a chat is told. */
  readonly notify?: sst.aws.Function;
};

interface Surroundings {
  readonly settings: Settings;
  readonly store: Storage;
  readonly signingKey: aws.kms.Key;
  readonly secrets: Secrets;
  readonly webhookUrl: $util.Output<string>;
  readonly bus: aws.cloudwatch.EventBus;
}

/** Those that work on pictures. */
const DEVELOPING: readonly EntryName[] = ["process", "reprocess"];

/** What Lambda does with an asynchronous call that failed, where its default of two repetitions is wrong. */
const REPETITION: Partial<Record<EntryName, Pick<sst.aws.FunctionArgs, "retries" | "transform">>> = {
  // The schedule calls again in a minute: neither a failed nor a refused call is worth keeping longer.
  reconcile: { retries: 0, transform: { eventInvokeConfig: { maximumEventAgeInSeconds: 60 } } },
  // As above.
  reprocess: { retries: 0, transform: { eventInvokeConfig: { maximumEventAgeInSeconds: 60 } } },
  // It buys: whoever asked decides whether to ask again.
  start: { retries: 0 },
};

/** One Lambda for each file of packages/functions. */
export function functions(surroundings: Surroundings): Lambdas {
  const names = ENTRY_NAMES.filter((name) => name !== "notify" || surroundings.settings.alertChat);
  return Object.fromEntries(names.map((name) => [name, lambda(name, surroundings)])) as unknown as Lambdas;
}

function lambda(name: EntryName, surroundings: Surroundings) {
  const { settings, store, signingKey, secrets, webhookUrl, bus } = surroundings;
  const { memoryMb, timeoutSeconds, reserved } = SIZES[name];
  const access = ACCESS[name];
  const title = titleOf(name);
  const functionName = `${prefix}-${name}`;
  const logs = new aws.cloudwatch.LogGroup(`${title}Logs`, {
    name: `/aws/lambda/${functionName}`,
    retentionInDays: 30,
  });
  const machine = machineNamed();
  return new sst.aws.Function(title, {
    name: functionName,
    handler: `packages/functions/${name}.handler`,
    runtime: "nodejs24.x",
    architecture: "arm64",
    memory: `${memoryMb} MB`,
    timeout: `${timeoutSeconds} seconds`,
    ...(isProduction && reserved !== undefined ? { concurrency: { reserved } } : {}),
    ...REPETITION[name],
    logging: { format: "json", logGroup: logs.name },
    nodejs: {
      minify: true,
      sourcemap: true,
      esbuild: { external: NEVER_LOADED },
      ...(DEVELOPING.includes(name) ? { install: BESIDE_PROCESS } : {}),
    },
    environment: {
      ...settings.environment,
      ...(access.table.length > 0 ? { ATELIER_TABLE: store.table.name } : {}),
      ...(access.bus.length > 0 ? { ATELIER_EVENT_BUS: bus.name } : {}),
      ATELIER_METRICS_NAMESPACE: metricsNamespace,
      ...(opensBucket(access) ? { ATELIER_BUCKET: store.bucket.name } : {}),
      ...(access.workflow.length > 0 ? { ATELIER_STATE_MACHINE_ARN: machine.arn } : {}),
      ...(access.prompts.length > 0 ? { ATELIER_PROMPT_KEY_ARN: store.promptKey.arn } : {}),
      ...(name === "generate" ? { ATELIER_WEBHOOK_URL: webhookUrl } : {}),
      ...(access.signing.length > 0
        ? { ATELIER_PROVENANCE_KEY: signingKey.arn, ...settings.provenance }
        : {}),
      // glibc would give each thread of libvips an arena of its own: a hundred megabytes more after 200 pictures (measured).
      ...(DEVELOPING.includes(name) ? { MALLOC_ARENA_MAX: "2" } : {}),
    },
    link: access.secrets.flatMap((secret: SecretName) => secrets[secret]),
    permissions: [
      ...permissionsOf(access, {
        store,
        signingKey,
        machineArn: machine.arn,
        executionArn: machine.executionArn,
        bus,
      }),
      {
        actions: ["logs:CreateLogStream", "logs:PutLogEvents"],
        resources: [$interpolate`${logs.arn}:*`],
      },
    ],
  });
}

/**
 * The state machine by its name: its own definition holds the functions' ARNs, so the functions cannot wait for it.
 */
export function machineNamed() {
  const name = `${prefix}-images`;
  const region = aws.getRegionOutput({}).region;
  const account = aws.getCallerIdentityOutput({}).accountId;
  return {
    name,
    arn: $interpolate`arn:aws:states:${region}:${account}:stateMachine:${name}`,
    executionArn: $interpolate`arn:aws:states:${region}:${account}:execution:${name}:*`,
  };
}

function opensBucket({ reads, writes, misses }: Access): boolean {
  return reads.length + writes.length + misses.length > 0;
}

function titleOf(name: string): string {
  return name.slice(0, 1).toUpperCase() + name.slice(1);
}
