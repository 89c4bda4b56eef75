/** @module Both stages of the program, evaluated beside its type check, each in a process of its own. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Graph } from "./harness/graph.ts";
import { installPlatform, runIn } from "./harness/platform.ts";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));

export const STAGES = ["dev", "production"] as const;
export type Stage = (typeof STAGES)[number];

export interface Evaluation {
  readonly graphs: Readonly<Record<Stage, Graph>>;
  /** `dev` once more, on a machine that has other things set. */
  readonly again: Graph;
  /** `dev` with more than one provider, and pages that may call it. */
  readonly several: Graph;
  /** What the type check says; empty when it is content. */
  readonly typeErrors: string;
}

/** What the machine that runs this has set must change nothing. */
const SETTINGS = {
  ATELIER_PROVIDER: "",
  ATELIER_PROVIDERS: "",
  REPLICATE_BASE_URL: "",
  STABILITY_BASE_URL: "",
  ATELIER_PROVENANCE_CERTIFICATE: "",
  ATELIER_TIMEZONE: "",
  ATELIER_BUDGET_USD: "25",
  ATELIER_BUDGET_MONTH_USD: "",
  ATELIER_TERMS: "",
  ATELIER_CALENDAR: "",
  ATELIER_ALERT_CHAT: "on",
  ATELIER_OIDC_ISSUER: "",
  ATELIER_OIDC_AUDIENCE: "",
  ATELIER_CALLBACK_URLS: "",
  ATELIER_ALLOWED_ORIGINS: "",
  ATELIER_RATE_LIMIT_PER_MINUTE: "",
  ATELIER_REVIEW_FOUR_EYES: "",
  ATELIER_RETENTION: "",
};
const SECRETS = {
  SST_SECRET_ReplicateApiToken: "test",
  SST_SECRET_ReplicateWebhookSecret: "test",
  SST_SECRET_StabilityApiKey: "test",
  SST_SECRET_MidjourneyApiKey: "test",
  SST_SECRET_AtelierKey: "test",
  SST_SECRET_ChatWebhookUrl: "https://chat.example.com/hook",
};

/** @throws Error of one sentence when the platform cannot be installed; with the program's own errors when it fails */
export async function evaluate(): Promise<Evaluation> {
  const run = runIn(ROOT);
  await Promise.all([installPlatform(ROOT), run(process.execPath, ["scripts/templates.ts"], {})]);
  const [typeErrors, dev, production, again, several] = await Promise.all([
    typeCheck(),
    graphOf("dev", { ATELIER_ALERT_EMAIL: "" }),
    graphOf("production", { ATELIER_ALERT_EMAIL: "operator@example.com" }),
    graphOf("dev", { ATELIER_ALERT_EMAIL: "", AWS_REGION: "us-west-2", TZ: "Asia/Tokyo" }),
    graphOf("dev", {
      ATELIER_ALERT_EMAIL: "",
      ATELIER_PROVIDERS: "replicate, stability,midjourney",
      ATELIER_ALLOWED_ORIGINS: "https://console.example.com",
      STABILITY_BASE_URL: "https://stability.example.com",
      MIDJOURNEY_BASE_URL: "https://wrapper.example.com",
    }),
  ]);
  return { typeErrors, graphs: { dev, production }, again, several };
}

async function graphOf(stage: Stage, settings: Readonly<Record<string, string>>): Promise<Graph> {
  const folder = await mkdtemp(join(tmpdir(), "graph-"));
  const path = join(folder, "graph.json");
  const evaluated = (frames: number) =>
    runIn(ROOT)(
      process.execPath,
      [`--stack-trace-limit=${frames}`, "test/infra/harness/evaluate.ts", stage, path],
      { ...SETTINGS, ...SECRETS, ...settings },
    );
  try {
    // Pulumi takes a stack trace for each of its promises, which is half of the time: only a failure is worth them.
    await evaluated(1)
      .catch(() => evaluated(10))
      .catch((error: Error & { output?: string }) => {
        throw new Error(
          `sst.config.ts could not be evaluated for ${stage}:\n${error.output ?? error.message}`,
        );
      });
    return JSON.parse(await readFile(path, "utf8"));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function typeCheck(): Promise<string> {
  const compiler = join(ROOT, "node_modules", "typescript", "bin", "tsc");
  return runIn(ROOT)(
    process.execPath,
    [compiler, "-p", "tsconfig.stacks.json", "--pretty", "false"],
    {},
  ).catch((error: Error & { output?: string }) => error.output ?? error.message);
}
