/** @module The rules of who may import whom and of how files are written, each a pure function to what breaks it. */
import { transformSync } from "esbuild";
import { type Import, isProduct, npmNameOf, packageOf, type Sources } from "./sources.ts";

/** Package to the packages that it may import; of `aws`, `local` may take the table's adapters and the cipher. */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  core: [],
  providers: ["core"],
  imaging: ["core"],
  inspection: ["core"],
  aws: ["core"],
  api: ["core"],
  // Types of core alone: it runs in browsers.
  sdk: ["core"],
  local: ["core", "aws", "providers", "imaging", "inspection", "api", "sdk"],
  cli: ["core", "local", "sdk"],
  functions: ["core", "aws", "providers", "imaging", "api"],
};

/** The product's logic does no I/O: it hashes, and parses what comes in. */
const CORE_MODULES = ["zod", "node:crypto"];

/** npm package (or its scope) to where it may be imported. */
const OWNERS: readonly { readonly module: RegExp; readonly paths: RegExp; readonly what: string }[] = [
  { module: /^sharp$/, paths: /^packages\/imaging\//, what: "sharp belongs to imaging" },
  {
    module: /^(nsfwjs$|@tensorflow\/|@vladmandic\/)/,
    paths: /^packages\/inspection\//,
    what: "the models belong to inspection",
  },
  {
    module: /^(hono$|hono\/|@hono\/zod-openapi$|jose$)/,
    paths: /^packages\/(api|functions|local)\//,
    what: "the API belongs to api",
  },
  {
    module: /^@aws-crypto\//,
    paths: /^packages\/aws\/prompt-encryption[\w-]*\.ts$/,
    what: "encryption belongs to the vault for texts",
  },
  {
    module: /^node:https?$/,
    paths: /^packages\/.*\.test-process\.ts$|\/testing\//,
    what: "an import of it loads all of fetch; take it from providers/node-http.ts",
  },
  {
    module: /^@(aws-sdk|smithy)\//,
    paths: /^packages\/(aws\/|local\/engine-client\.ts$)/,
    what: "the AWS SDK belongs to aws and to the local engine's client",
  },
];

/** Where the environment is read: each hands it on as an argument. */
const ENVIRONMENT_READERS = [
  "packages/aws/config.ts",
  "packages/local/index.ts",
  "packages/cli/run-process.ts",
  "packages/cli/process-io.ts",
];

const LINES_MAX = 350;

export function brokenArrows(imports: readonly Import[]): string[] {
  return imports.flatMap(({ from, to, kind }) => {
    const [own, other] = [packageOf(from), packageOf(to)];
    if (!to.startsWith("packages/")) {
      return own === "core" && !CORE_MODULES.includes(npmNameOf(to)) ? [`${from} imports ${to}`] : [];
    }
    if (!isProduct(to)) return [`${from} imports ${to}, which is for tests`];
    if (own === other) return [];
    const allowed =
      ARROWS[own]?.includes(other) &&
      !(
        own === "local" &&
        other === "aws" &&
        !/^packages\/aws\/(dynamo\/|prompt-encryption(-raw)?\.ts$)/.test(to)
      ) &&
      // Help and wrong usage start no engine.
      !(own === "cli" && other === "local" && kind === "value");
    return allowed ? [] : [`${from} imports ${to}${kind === "value" ? "" : ` (${kind})`}`];
  });
}

export function misplacedModules(imports: readonly Import[]): string[] {
  return imports.flatMap(({ from, to, kind }) =>
    OWNERS.filter(
      ({ module, paths }) => kind !== "type" && module.test(npmNameOf(to)) && !paths.test(from),
    ).map(({ what }) => `${from} imports ${to}: ${what}`),
  );
}

/** Packages that import each other, over any number of others, as `a -> b -> a`. */
export function packageCycles(imports: readonly Import[]): string[] {
  const next = new Map<string, Set<string>>();
  for (const { from, to } of imports) {
    if (!to.startsWith("packages/") || packageOf(from) === packageOf(to)) continue;
    next.set(packageOf(from), (next.get(packageOf(from)) ?? new Set()).add(packageOf(to)));
  }
  const cycles = new Set<string>();
  const walk = (path: readonly string[]): void => {
    for (const following of next.get(path.at(-1) ?? "") ?? []) {
      const start = path.indexOf(following);
      if (start >= 0) cycles.add([...path.slice(start), following].join(" -> "));
      else walk([...path, following]);
    }
  };
  for (const name of next.keys()) walk([name]);
  return [...cycles];
}

export function environmentReads(sources: Sources): string[] {
  return Object.entries(sources).flatMap(([path, text]) => {
    if (ENVIRONMENT_READERS.includes(path)) return [];
    // Without comments, which may name it.
    const { code } = transformSync(text, { loader: "ts", minifyWhitespace: true });
    const reads = /\bprocess\.env\b|\benv\b[^;]*from"node:process"|\bprocess\[|\bimport\.meta\.env\b/.test(
      code,
    );
    return reads ? [`${path} reads the environment`] : [];
  });
}

/** The namespace import bundles to a fifth of the named one. */
export function namedZodImports(sources: Sources): string[] {
  return Object.entries(sources).flatMap(([path, text]) =>
    [...text.matchAll(/^(?:import|export)\b([^;"]*)from "zod[^"]*"/gm)]
      .filter(([, what = ""]) => !/^ (type )?\* as z $/.test(what))
      .map(([statement]) => `${path}: ${statement}`),
  );
}

export function longFiles(sources: Sources): string[] {
  return Object.entries(sources).flatMap(([path, text]) => {
    const lines = text.split("\n").length - 1;
    return lines > LINES_MAX ? [`${path} has ${lines} lines`] : [];
  });
}

/** Rules of the linter that must stay errors, wherever it looks. */
const LINTED = [
  ["suspicious", "noExplicitAny"],
  ["style", "noNonNullAssertion"],
] as const;

type LinterRules = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** @param configuration `biome.json` */
export function missingLintRules(configuration: {
  readonly linter?: { readonly enabled?: boolean; readonly rules?: LinterRules };
  readonly overrides?: readonly { readonly linter?: { readonly rules?: LinterRules } }[];
}): string[] {
  const { linter, overrides = [] } = configuration;
  return LINTED.flatMap(([group, rule]) => {
    const isOn = linter?.enabled !== false && linter?.rules?.[group]?.[rule] === "error";
    const isOverridden = overrides.some((override) => override.linter?.rules?.[group]?.[rule] !== undefined);
    return isOn && !isOverridden ? [] : [`${group}/${rule} is not an error everywhere`];
  });
}

/** Comments that switch one of those rules off. */
export function suppressedLintRules(sources: Sources): string[] {
  return Object.entries(sources).flatMap(([path, text]) =>
    /biome-ignore(-all|-start)? lint\/(suspicious\/noExplicitAny|style\/noNonNullAssertion|suspicious:|style:|\s*:)|@ts-(ignore|nocheck|expect-error)/.test(
      text,
    )
      ? [`${path} switches a rule off`]
      : [],
  );
}
