/** @module What must hold of the functions and of what everybody may do. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { AWS_TIMES, GENERATE_TIMEOUT_MS, LONGEST_CREATE_MS } from "@atelier/functions/reconcile-report";
import { CREATE_TIMEOUT_MS as COMFYUI_MS } from "@atelier/providers/comfyui/provider";
import { SUBMIT_TIMEOUT_MS as MIDJOURNEY_MS } from "@atelier/providers/midjourney/connection";
import { CREATE_TIMEOUT_MS as REPLICATE_MS } from "@atelier/providers/replicate/provider";
import { CREATE_TIMEOUT_MS as STABILITY_MS } from "@atelier/providers/stability/provider";
import { describe, expect, test } from "vitest";
import imaging from "../../packages/imaging/package.json" with { type: "json" };
import { ENTRY_NAMES, type EntryName } from "../../stacks/access.ts";
import { NEVER_LOADED } from "../../stacks/bundling.ts";
import { CALLS } from "./calls.ts";
import { ROOT } from "./evaluation.ts";
import { all, type Graph, grantsOf, list, one, type PolicyStatement, statementsOf } from "./harness/graph.ts";

export function describeFunctions(graph: Graph): void {
  const roleOf = (name: EntryName) => one(graph, "iam/role:Role", `${title(name)}Role`);

  describe("functions", () => {
    test("are the entries, on arm64 and Node 24, minified, with JSON logs of their own", async () => {
      expect(graph.builds.map(({ functionID }) => functionID.toLowerCase()).sort()).toEqual(
        [...ENTRY_NAMES].sort(),
      );
      for (const build of graph.builds) {
        expect(build).toMatchObject({
          runtime: "nodejs24.x",
          properties: { architecture: "arm64", minify: true },
        });
        const source = await readFile(join(ROOT, build.handler.replace(/\.handler$/, ".ts")), "utf8");
        expect(source).toMatch(/^export const handler = /m);
      }
      for (const { inputs } of all(graph, "lambda/function:Function")) {
        expect(inputs).toMatchObject({ architectures: ["arm64"], runtime: "nodejs24.x" });
        expect(inputs.loggingConfig).toEqual({ logFormat: "JSON", logGroup: `/aws/lambda/${inputs.name}` });
      }
    });

    test("only process and reprocess install sharp and C2PA, in the versions that were tested", () => {
      const installing = graph.builds.filter(({ properties }) => properties.install !== undefined);
      expect(installing.map(({ functionID }) => functionID).sort()).toEqual(["Process", "Reprocess"]);
      for (const { properties } of installing) {
        expect(properties.install).toEqual({
          sharp: imaging.dependencies.sharp,
          "@contentauth/c2pa-wasm": imaging.dependencies["@contentauth/c2pa-wasm"],
        });
      }
    });

    test("bundles leave out what Lambda never loads", () => {
      for (const { properties } of graph.builds)
        expect(properties.esbuild).toEqual({ external: NEVER_LOADED });
    });

    test("generate ends when the reconciler counts on it, after the longest create and what follows it", () => {
      const { inputs } = one(graph, "lambda/function:Function", "GenerateFunction");
      expect(inputs.timeout * 1000).toBe(GENERATE_TIMEOUT_MS);
      // A1111 has no time-out of its own: it may take what it is given, and a picture that is lost cost nothing.
      expect(Math.max(REPLICATE_MS, STABILITY_MS, MIDJOURNEY_MS, COMFYUI_MS)).toBe(LONGEST_CREATE_MS);
      expect(GENERATE_TIMEOUT_MS).toBeGreaterThanOrEqual(LONGEST_CREATE_MS + 30_000);
      expect(AWS_TIMES.lostCreateGraceMs).toBeGreaterThan(LONGEST_CREATE_MS + GENERATE_TIMEOUT_MS);
    });

    test.each(ENTRY_NAMES)(
      "%s is told of this stage's things, and of none that it has no use for",
      (name) => {
        const { variables } = one(graph, "lambda/function:Function", `${title(name)}Function`).inputs
          .environment;
        const told = Object.entries(variables).filter(([variable]) => !variable.startsWith("SST_"));
        const calls = (service: string) => CALLS[name].some((call) => call.startsWith(service));
        const machine = one(graph, "sfn/stateMachine:StateMachine").inputs.name;
        expect(Object.fromEntries(told)).toEqual({
          ATELIER_PROVIDER: "replicate",
          ATELIER_PROVIDERS: "replicate",
          ATELIER_TIMEZONE: "Europe/Paris",
          ATELIER_BUDGET_USD: "25",
          ATELIER_METRICS_NAMESPACE: `Atelier/${graph.stage}`,
          ...(calls("dynamodb:") && { ATELIER_TABLE: one(graph, "dynamodb/table:Table").inputs.name }),
          ...(calls("events:") && {
            ATELIER_EVENT_BUS: one(graph, "cloudwatch/eventBus:EventBus").inputs.name,
          }),
          ...(calls("s3:") && {
            ATELIER_BUCKET: one(graph, "s3/bucket:Bucket", "ContentBucket").inputs.bucket,
          }),
          ...(calls("states:") && {
            ATELIER_STATE_MACHINE_ARN: `arn:aws:states:eu-west-1:123456789012:stateMachine:${machine}`,
          }),
          ...(CALLS[name].some((call) => call.endsWith(" prompts")) && {
            ATELIER_PROMPT_KEY_ARN: "arn:aws:kms:eu-west-1:123456789012:key/promptkey-id",
          }),
          ...(calls("s3:GetObject copies/") && {
            ATELIER_BACKUP_BUCKET: one(graph, "s3/bucket:Bucket", "BackupBucket").inputs.bucket,
          }),
          ...(name === "api" && {
            ATELIER_API_URL: "https://httpapiapi-id.execute-api.eu-west-1.amazonaws.com",
            ATELIER_OIDC_ISSUER: "https://cognito-idp.eu-west-1.amazonaws.com/users-id",
            ATELIER_OIDC_AUDIENCE: "peopleclient-id,programclient-id",
          }),
          ...((name === "process" || name === "reprocess") && {
            MALLOC_ARENA_MAX: "2",
            ATELIER_PROVENANCE_KEY: "arn:aws:kms:eu-west-1:123456789012:key/provenancekey-id",
          }),
          ...(name === "generate" && {
            ATELIER_WEBHOOK_URL: "https://webhooksapi-id.execute-api.eu-west-1.amazonaws.com",
          }),
        });
      },
    );

    test("hold the secrets that they need and no others", () => {
      const links = Object.fromEntries(
        graph.builds.map(({ functionID, links }) => [functionID.toLowerCase(), Object.keys(links).sort()]),
      );
      expect(links).toEqual({
        plan: ["AtelierKey"],
        validate: ["AtelierKey"],
        generate: ["AtelierKey", "ReplicateApiToken"],
        collect: ["ReplicateApiToken"],
        process: ["AtelierKey"],
        record: [],
        abandon: [],
        reconcile: ["ReplicateApiToken"],
        webhook: ["AtelierKey", "ReplicateWebhookSecret"],
        start: ["AtelierKey"],
        reprocess: ["AtelierKey"],
        notify: ["ChatWebhookUrl"],
        api: ["AtelierKey", "ReplicateApiToken"],
        claims: [],
        attest: [],
        daily: [],
      });
    });
  });

  describe("permissions", () => {
    test.each(ENTRY_NAMES)("of %s are what it calls", (name) => {
      const granted = grantsOf(roleOf(name)).flatMap((grant) => callsOf(grant, name, graph));
      expect([...new Set(granted)].sort()).toEqual(
        [
          ...CALLS[name],
          ...keyCalls(CALLS[name]),
          "logs:CreateLogStream own",
          "logs:PutLogEvents own",
        ].sort(),
      );
      expect(roleOf(name).inputs.managedPolicyArns).toEqual([]);
    });

    test("name their actions, and their resources wherever AWS lets them", () => {
      const deliveries =
        /^logs:(\w+LogDeliver(y|ies)|PutResourcePolicy|Describe(ResourcePolicies|LogGroups))$/;
      // AWS's list of Rekognition's actions names no resource for those that take the picture with the call.
      const pictures = /^rekognition:Detect(ModerationLabels|Faces)$/;
      for (const role of all(graph, "iam/role:Role")) {
        expect(grantsOf(role).length).toBeGreaterThan(0);
        for (const { Action, Resource } of grantsOf(role)) {
          for (const action of list(Action)) {
            expect(action).not.toContain("*");
            if (!deliveries.test(action) && !pictures.test(action)) expect(list(Resource)).not.toContain("*");
          }
          for (const resource of list(Resource))
            expect(resource).not.toMatch(/:\*$(?<!:log-group:.*:\*)(?<!:execution:.*:\*)/);
        }
      }
    });

    test("are for one service of this account alone", () => {
      for (const role of all(graph, "iam/role:Role")) {
        const [trust, ...more] = statementsOf(role.inputs.assumeRolePolicy);
        expect(more).toEqual([]);
        expect(Object.keys(trust?.Principal ?? {})).toEqual(["Service"]);
        expect(JSON.stringify(trust)).not.toContain(":root");
        // Services that act for whoever names a role must be acting for this account.
        const asked = /^(Scheduler|Workflow)Role$/.test(role.name);
        expect(trust?.Condition).toEqual(
          asked ? { StringEquals: { "aws:SourceAccount": ["123456789012"] } } : undefined,
        );
      }
    });
  });
}

function title(name: string): string {
  return name.slice(0, 1).toUpperCase() + name.slice(1);
}

/** A policy statement in the words of calls.ts. */
function callsOf(grant: PolicyStatement, name: EntryName, g: Graph): string[] {
  expect(grant.Effect).toBe("Allow");
  const table = one(g, "dynamodb/table:Table").inputs.name;
  const bucket = one(g, "s3/bucket:Bucket", "ContentBucket").inputs.bucket;
  const copies = one(g, "s3/bucket:Bucket", "BackupBucket").inputs.bucket;
  const places: [RegExp, string][] = [
    [new RegExp(`:table/${table}$`), "records"],
    [new RegExp(`:table/${table}/index/state$`), "records/index/state"],
    [new RegExp(`:::${bucket}/(\\w+/\\*)$`), "$1"],
    [new RegExp(`:::${copies}/(\\w+/\\*)$`), "copies/$1"],
    [new RegExp(`:table/${table}/index/timeline$`), "records/index/timeline"],
    [/:key\/provenancekey-id$/, "provenance"],
    [/:key\/promptkey-id$/, "prompts"],
    [/:event-bus\/atelier-\w+$|:events:.*:atelier-\w+$/, "bus"],
    [/:stateMachine:atelier-\w+-images$/, "machine"],
    [/:execution:atelier-\w+-images:\*$/, "executions"],
    [new RegExp(`:log-group:/aws/lambda/atelier-\\w+-${name}:\\*$`), "own"],
  ];
  return list(grant.Action).flatMap((action) =>
    list(grant.Resource).flatMap((resource) => {
      const listed = [bucket, copies].find((name) => resource === `arn:aws:s3:::${name}`);
      if (listed !== undefined) {
        // Of a listing the condition on the prefix is all that binds it to a folder.
        const { StringLike, StringLikeIfExists } = grant.Condition ?? {};
        const prefixes = (StringLike ?? StringLikeIfExists)?.["s3:prefix"] as string[];
        return list(prefixes).map((prefix) => `${action} ${listed === copies ? "copies/" : ""}${prefix}`);
      }
      const key = /:key\/(data|backup)key-id$/.exec(resource)?.[1];
      if (action.startsWith("kms:") && key !== undefined) {
        const via = `${action} via ${grant.Condition?.StringEquals?.["kms:ViaService"]}`;
        return [key === "data" ? via : `${via} of copies`];
      }
      const [pattern, place] = places.find(([candidate]) => candidate.test(resource)) ?? [];
      if (!pattern || place === undefined) return [`${action} ${resource}`];
      return [`${action} ${place.replace("$1", pattern.exec(resource)?.[1] ?? "")}`];
    }),
  );
}

/** What a table and a bucket under our key ask of it, in the name of whoever calls them. */
function keyCalls(calls: readonly string[]): string[] {
  const any = (start: string) => calls.some((call) => call.startsWith(start));
  const via = (service: string, ...actions: string[]) =>
    actions.map((action) => `kms:${action} via ${service}.eu-west-1.amazonaws.com`);
  return [
    ...(any("dynamodb:")
      ? via(
          "dynamodb",
          "Decrypt",
          "DescribeKey",
          "Encrypt",
          "GenerateDataKey",
          "ReEncryptFrom",
          "ReEncryptTo",
        )
      : []),
    ...(any("s3:GetObject") ? via("s3", "Decrypt") : []),
    ...(any("s3:PutObject") ? via("s3", "GenerateDataKey") : []),
    ...(any("s3:GetObject copies/") ? via("s3", "Decrypt").map((call) => `${call} of copies`) : []),
  ];
}
