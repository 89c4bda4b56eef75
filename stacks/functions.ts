/// <reference path="../.sst/platform/config.d.ts" />
import { ACCESS, type Access, ENTRY_NAMES, type EntryName, type SecretName } from "./access.ts";
import type { Copies } from "./backup.ts";
import { BESIDE_PROCESS, NEVER_LOADED } from "./bundling.ts";
import type { Identity } from "./identity.ts";
import { permissionsOf } from "./permissions.ts";
import type { Secrets } from "./secrets.ts";
import type { Settings } from "./settings.ts";
import { SIZES } from "./sizes.ts";
import { isProduction, metricsNamespace, prefix } from "./stage.ts";
import type { Storage } from "./storage.ts";

export type Lambdas = Readonly<Record<Exclude<EntryName, "notify" | "claims">, sst.aws.Function>> & {
  /** Only where a chat is told. */
  readonly notify?: sst.aws.Function;
  /** Only where tokens are those of a user pool of our own. */
  readonly claims?: sst.aws.Function;
};

interface Surroundings {
  readonly settings: Settings;
  readonly store: Storage;
  readonly signingKey: aws.kms.Key;
  readonly secrets: Secrets;
  readonly copies: Copies;
  readonly webhookUrl: $util.Output<string>;
  readonly apiUrl: $util.Output<string>;
  /** Made with the function of claims, and known to the API. */
  readonly identity: (claims: sst.aws.Function | null) => Identity;
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
export function functions(surroundings: Surroundings): { readonly lambdas: Lambdas; readonly who: Identity } {
  const { settings } = surroundings;
  const claims = settings.oidc === null ? lambda("claims", surroundings) : null;
  const who = surroundings.identity(claims);
  const others = ENTRY_NAMES.filter((name) => name !== "claims" && (name !== "notify" || settings.alertChat));
  const made = Object.fromEntries(others.map((name) => [name, lambda(name, { ...surroundings, who })]));
  return { lambdas: { ...made, ...(claims && { claims }) } as unknown as Lambdas, who };
}

function lambda(name: EntryName, surroundings: Surroundings & { readonly who?: Identity }) {
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
    environment: environmentOf(name, surroundings, machine.arn),
    link: access.secrets.flatMap((secret: SecretName) => surroundings.secrets[secret]),
    permissions: [
      ...permissionsOf(access, {
        ...surroundings,
        machineArn: machine.arn,
        executionArn: machine.executionArn,
      }),
      {
        actions: ["logs:CreateLogStream", "logs:PutLogEvents"],
        resources: [$interpolate`${logs.arn}:*`],
      },
    ],
  });
}

/** What a function is told: this stage's things, and none that it has no use for. */
function environmentOf(
  name: EntryName,
  surroundings: Surroundings & { readonly who?: Identity },
  machineArn: $util.Output<string>,
): Record<string, $util.Input<string>> {
  const { settings, store, copies, signingKey, webhookUrl, apiUrl, bus, who } = surroundings;
  const access = ACCESS[name];
  return {
    ...settings.environment,
    ...(access.table.length > 0 ? { ATELIER_TABLE: store.table.name } : {}),
    ...(access.bus.length > 0 ? { ATELIER_EVENT_BUS: bus.name } : {}),
    ATELIER_METRICS_NAMESPACE: metricsNamespace,
    ...(opensBucket(access) ? { ATELIER_BUCKET: store.bucket.name } : {}),
    ...(access.copies.length > 0 ? { ATELIER_BACKUP_BUCKET: copies.bucket.name } : {}),
    ...(access.workflow.length > 0 ? { ATELIER_STATE_MACHINE_ARN: machineArn } : {}),
    ...(access.prompts.length > 0 ? { ATELIER_PROMPT_KEY_ARN: store.promptKey.arn } : {}),
    ...(name === "generate" ? { ATELIER_WEBHOOK_URL: webhookUrl } : {}),
    ...(access.signing.length > 0 ? { ATELIER_PROVENANCE_KEY: signingKey.arn, ...settings.provenance } : {}),
    ...(name === "daily" ? settings.retention : {}),
    ...(name === "api" && who
      ? {
          ...settings.api,
          ATELIER_API_URL: apiUrl,
          ATELIER_OIDC_ISSUER: who.issuer,
          ATELIER_OIDC_AUDIENCE: $resolve(who.audiences).apply((audiences) => audiences.join(",")),
        }
      : {}),
    // glibc would give each thread of libvips an arena of its own: a hundred megabytes more after 200 pictures (measured).
    ...(DEVELOPING.includes(name) ? { MALLOC_ARENA_MAX: "2" } : {}),
  };
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
