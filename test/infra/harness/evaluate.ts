/**
 * @module `node test/infra/harness/evaluate.ts STAGE OUTFILE`: runs the real sst.config.ts with SST's own components under
 * Pulumi's mocks and writes the graph. One process for each evaluation: both SST and Pulumi keep state in their modules.
 */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { basename, dirname, extname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { load } from "./bundle.ts";
import type { Graph, Resource } from "./graph.ts";
import { createMocks } from "./mocks.ts";

interface App {
  readonly name: string;
  stage: string;
  removal?: string;
  protect?: boolean;
  readonly providers: { readonly aws: { readonly region: string } };
}

// biome-ignore lint/suspicious/noExplicitAny: of Pulumi, as the platform installs it, this checkout has no types
type Pulumi = any;

const root = fileURLToPath(new URL("../../..", import.meta.url));
const platform = join(root, ".sst", "platform");
const [stage = "dev", target = "graph.json"] = process.argv.slice(2);
const outfile = resolve(target);

const folder = join(platform, `evaluate-${process.pid}`);
mkdirSync(folder, { recursive: true });
const failures = new Set<string>();
process.on("exit", () => {
  rmSync(folder, { recursive: true, force: true });
  if (failures.size === 0) return;
  process.stderr.write(`${[...failures].slice(0, 5).join("\n")}\n`);
  process.exitCode = 1;
});
for (const event of ["unhandledRejection", "uncaughtException"] as const) {
  // One failure rejects every output that depends on it: each text is told once.
  process.on(event, (error: unknown) =>
    failures.add(error instanceof Error ? (error.stack ?? error.message) : String(error)),
  );
}

const config = JSON.stringify(join(root, "sst.config.ts"));
const app = await readApp();
const builds: Graph["builds"][number][] = [];
const server = await answerProgram();
const resources: Resource[] = [];
const outputs = await runProgram();
server.close();
server.closeAllConnections();
resources.sort((left, right) => (`${left.type} ${left.name}` < `${right.type} ${right.name}` ? -1 : 1));
builds.sort((left, right) => (left.functionID < right.functionID ? -1 : 1));
const graph: Graph = {
  stage,
  app: { removal: app.removal ?? "retain", protect: app.protect ?? false },
  resources,
  builds,
  outputs,
};
mkdirSync(dirname(outfile), { recursive: true });
if (failures.size === 0) writeFileSync(outfile, JSON.stringify(graph, null, 1));

async function readApp(): Promise<App> {
  const { default: written } = await load<{ default: { app(input: { stage: string }): App | Promise<App> } }>(
    {
      root,
      code: `globalThis.$config = (config) => config; module.exports.default = require(${config}).default;`,
      define: {},
      inject: [],
      globals: "",
      outfile: join(folder, "app.cjs"),
    },
  );
  return Object.assign(await written.app({ stage }), { stage });
}

/** The two questions that components ask the command line while a program runs. */
async function answerProgram() {
  const answers: Record<string, (input: never) => unknown> = {
    "Provider.Aws.Bootstrap": ({ region }: { region: string }) => ({
      asset: `sst-asset-${region}`,
      state: `sst-state-${region}`,
      assetEcrRegistryId: "",
      assetEcrUrl: "",
      appsyncHttp: "",
      appsyncRealtime: "",
    }),
    "Runtime.Build": (input: Graph["builds"][number]) => {
      builds.push(input);
      // The component zips this folder into artifacts/{id}: it must not be that folder itself.
      const out = join(folder, "artifacts", `${input.functionID}-source`);
      mkdirSync(out, { recursive: true });
      writeFileSync(join(out, "bundle.mjs"), `// ${input.handler}\n`);
      return { handler: `bundle${extname(input.handler)}`, out, errors: [], sourcemaps: [] };
    },
  };
  const answering = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    const { method, params } = JSON.parse(body);
    const answer = answers[method];
    response.end(
      // The components know a method that is missing by this wording.
      JSON.stringify(
        answer ? { result: answer(params[0] as never) } : { error: `rpc: can't find method ${method}` },
      ),
    );
  });
  await new Promise<void>((listening) => answering.listen(0, "127.0.0.1", listening));
  answering.unref();
  process.env.SST_SERVER = `http://127.0.0.1:${(answering.address() as AddressInfo).port}`;
  process.env.SST_AWS_REGION = app.providers.aws.region;
  return answering;
}

async function runProgram(): Promise<Record<string, unknown>> {
  const require = createRequire(join(platform, "package.json"));
  fixRandomNames(require("node:crypto"));
  const pulumi = require("@pulumi/pulumi");
  recordResources(pulumi, require("@pulumi/pulumi/runtime/mocks").MockMonitor.prototype);
  await pulumi.runtime.setMocks(createMocks(app.providers.aws.region), app.name, stage, false);
  const { main } = await load<{ main(): Promise<Record<string, unknown>> }>({
    root,
    code: `import { run } from ${JSON.stringify(join(platform, "src/auto/run.ts"))};
      import program from ${config};
      export const main = () => run(program.run);`,
    define: {
      $app: JSON.stringify(app),
      $cli: JSON.stringify({
        command: "deploy",
        dev: false,
        state: { version: {} },
        rpc: "",
        paths: { home: join(folder, "home"), root, work: folder, platform },
      }),
      $dev: "false",
    },
    inject: [join(platform, "src/shim/run.js")],
    globals: [
      `import * as aws from "@pulumi/aws";`,
      `import * as sst from ${JSON.stringify(join(platform, "src/components"))};`,
    ].join(""),
    outfile: join(folder, "program.cjs"),
  });
  let returned: Record<string, unknown> = {};
  await pulumi.runtime.runInPulumiStack(async () => {
    returned = await main();
    return returned;
  });
  // What inputs still wait for may register more resources after the program has ended.
  await pulumi.runtime.disconnect();
  const known: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(returned ?? {})) {
    known[name] = await new Promise((resolved) => pulumi.output(value).apply(resolved));
  }
  for (const resource of resources) Object.assign(resource, { inputs: await plain(resource.inputs, pulumi) });
  return known;
}

/** SST ends physical names with eight random bytes; other sizes must stay unique. */
function fixRandomNames(crypto: { randomBytes(size: number, ...rest: unknown[]): Buffer }): void {
  const real = crypto.randomBytes;
  crypto.randomBytes = (size, ...rest) =>
    size === 8 && rest.length === 0 ? Buffer.alloc(8, 7) : real(size, ...rest);
}

/** Mocks are not told of options: they are taken from the raw request. */
function recordResources(pulumi: Pulumi, monitor: Pulumi): void {
  const register = monitor.registerResource;
  monitor.registerResource = function (request: Pulumi, done: (error: unknown, response: unknown) => void) {
    const inputs = pulumi.runtime.deserializeProperties(request.getObject());
    return register.call(this, request, (error: unknown, response: unknown) => {
      if (!error && request.getCustom()) {
        resources.push({
          type: request.getType(),
          name: request.getName(),
          inputs,
          options: {
            protect: request.getProtect() === true,
            retainOnDelete: request.getRetainondelete() === true,
            dependencies: request
              .getDependenciesList()
              .map((urn: string) => urn.slice(urn.lastIndexOf("::") + 2))
              .sort(),
          },
        });
      }
      done(error, response);
    });
  };
}

/** Unwraps secrets and names assets by their path. */
async function plain(value: Pulumi, pulumi: Pulumi): Promise<Pulumi> {
  if (Array.isArray(value)) return Promise.all(value.map((item) => plain(item, pulumi)));
  if (value === null || typeof value !== "object") return value;
  for (const kind of [pulumi.asset.Asset, pulumi.asset.Archive]) {
    if (!kind.isInstance(value)) continue;
    const path = value.path ? relative(root, await value.path) : "inline";
    return { asset: path.replace(basename(folder), "evaluate").replace(dirname(root), "") };
  }
  if (pulumi.runtime.specialSigKey in value && "value" in value) return plain(value.value, pulumi);
  const entries = Object.entries(value).map(async ([key, item]) => [key, await plain(item, pulumi)] as const);
  return Object.fromEntries(await Promise.all(entries));
}
