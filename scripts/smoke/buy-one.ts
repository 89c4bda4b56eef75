/** @module One cheap real call: buys a picture the way the product does, and keeps what went over the wire as a fixture. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Catalogue, Model, Parameters } from "@atelier/core/catalogue";
import type { Clock } from "@atelier/core/ids";
import { JOB_DEADLINE_MS, priceOf } from "@atelier/core/price";
import type { OperationStatus, OutputData, Provider, ProviderRequest } from "@atelier/core/provider";
import { createImaging } from "@atelier/imaging/open";
import type { ProviderDefinition } from "@atelier/providers/definition";
import type { Transport } from "@atelier/providers/http";
import { settingsFromEnvironment } from "@atelier/providers/registry";
import { createOutputFetcher } from "@atelier/providers/safe-url";
import { type RawExchange, recorded } from "./recording.ts";
import { redactedExchanges } from "./redaction.ts";

export interface SmokeDeps {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly catalogue: Catalogue;
  readonly definitions: readonly ProviderDefinition[];
  readonly transport: Transport;
  readonly clock: Clock;
  readonly sleep: (forMs: number) => Promise<void>;
  /** `test/fixtures/exchanges` */
  readonly folder: string;
  /** Where a run that brought no picture is written. */
  readonly failuresFolder: string;
  readonly say: (line: string) => void;
}

/** Ends the run with one sentence. */
export class SmokeFailure extends Error {}

/** Nothing dearer is bought, whatever the catalogue says. */
const COST_MAX_MICROS = 100_000;
const PROMPT = "A lighthouse on a cliff at dusk, watercolour";
const SEED = 20261122;
const STEPS = 10;
const EDGE_PIXELS = 512;
const CHECK_EVERY_MS = 2_000;
/** A job that its provider did not end at its deadline is given up a minute later. */
const PATIENCE_MS = 60_000;

/**
 * @param input.model a name of the catalogue; null: the provider's cheapest
 * @returns whether a call was made
 * @throws SmokeFailure when it was made, or should have been, and did not end with a picture
 */
export async function buyOne(
  input: { readonly provider: string; readonly model: string | null },
  deps: SmokeDeps,
): Promise<"bought" | "skipped"> {
  const { environment, catalogue, definitions, clock, say } = deps;
  const definition = definitions.find(({ name }) => name === input.provider);
  if (definition === undefined) {
    const names = definitions
      .filter(({ variables }) => Object.keys(variables).length > 0)
      .map(({ name }) => name)
      .join(", ");
    throw new SmokeFailure(`There is no provider ${input.provider}; take one of ${names}.`);
  }
  const enabled = (environment.ATELIER_ENABLE ?? "").split(",").map((name) => name.trim());
  const { settings, off } = settingsFromEnvironment(environment, enabled, [definition]);
  const values = settings[definition.name];
  if (values === undefined) {
    say(`Skipped, nothing was called: ${off.get(definition.name)?.detail ?? "it has no variables."}`);
    return "skipped";
  }

  const model = chosenModel(catalogue, definition.name, input.model);
  const parameters = cheapParameters(model);
  const { listMicros, deadlineMs } = affordable(model, parameters);
  say(
    `${definition.name}: one picture by ${model.name}, ${parameters.width}x${parameters.height}; list price ${usd(listMicros)} USD.`,
  );

  const exchanges: RawExchange[] = [];
  const provider = definition.open(values, {
    clock,
    workflows: catalogue.workflows,
    transport: recorded(deps.transport, exchanges),
  });
  const request: ProviderRequest = {
    model,
    prompt: PROMPT,
    negativePrompt: "",
    parameters,
    seed: SEED,
    deadlineMs,
  };
  let gives: unknown = null;
  try {
    const bought = await purchase(provider, request, deps);
    gives = { kind: bought.kind };
    const sizes: string[] = [];
    for (const output of bought.outputs) sizes.push(await decoded(output, provider));
    const cost = bought.costMicros === null ? "not told" : `${usd(bought.costMicros)} USD`;
    say(`It made ${sizes.join(", ")}; what it charged: ${cost}.`);
  } finally {
    const secrets = [
      PROMPT,
      ...Object.entries(definition.variables).flatMap(([setting, variable]) => {
        const value = String(values[setting] ?? "");
        if (variable.secret) return [value];
        return URL.canParse(value) ? [new URL(value).origin, new URL(value).hostname] : [value];
      }),
    ];
    // What went wrong is worth a look, but no fixture: it must not take the place of a good one.
    const path =
      gives === null
        ? join(deps.failuresFolder, `atelier-smoke-${definition.name}-${model.name}.json`)
        : join(deps.folder, definition.name, `recorded-${model.name}.json`);
    await writeFixture(path, {
      origin: "recorded",
      source: `npm run smoke -- ${definition.name}, ${new Date(clock()).toISOString().slice(0, 10)}`,
      model: model.name,
      gives,
      exchanges: redactedExchanges(exchanges, secrets),
    });
    say(`Recorded, without keys, ids, prompts and addresses: ${path}`);
  }
  return "bought";
}

function chosenModel(catalogue: Catalogue, provider: string, wanted: string | null): Model {
  const offered = catalogue.models.filter((model) => model.provider === provider && model.buyable);
  // One that nobody has verified only where no other one is cheap enough.
  const verified = offered.filter((model) => model.verified && listMicrosOf(model) <= COST_MAX_MICROS);
  const named =
    wanted === null
      ? cheapest(verified.length > 0 ? verified : offered)
      : offered.find(({ name }) => name === wanted);
  if (named !== undefined) return named;
  throw new SmokeFailure(
    `templates/models.yaml has no ${wanted ?? "model"} that can be bought from ${provider}; it has ${offered.map(({ name }) => name).join(", ") || "none"}.`,
  );
}

function cheapest(models: readonly Model[]): Model | undefined {
  return [...models].sort((one, other) => listMicrosOf(one) - listMicrosOf(other))[0];
}

function listMicrosOf(model: Model): number {
  return priceOf(model, cheapParameters(model))?.listMicros ?? Number.POSITIVE_INFINITY;
}

/** Few steps, and a small square where the model has one. */
function cheapParameters({ sizes, steps, guidanceScale }: Model): Parameters {
  const within = (value: number, range: { min: number; max: number } | null) =>
    range === null ? value : Math.min(range.max, Math.max(range.min, value));
  const square = `${EDGE_PIXELS}x${EDGE_PIXELS}`;
  const names = sizes.kind === "range" ? [square] : Object.values(sizes.values);
  const edges = names.map((name) => name.split("x").map(Number) as [number, number]);
  const [[width, height] = [EDGE_PIXELS, EDGE_PIXELS]] = edges.sort(
    (one, other) => one[0] * one[1] - other[0] * other[1],
  );
  const side = (pixels: number) => within(pixels, sizes.kind === "range" ? sizes : null);
  return {
    width: side(width),
    height: side(height),
    steps: Math.round(within(STEPS, steps)),
    guidanceScale: within(5, guidanceScale),
  };
}

/** What it will cost, and the time after which a model that is billed by time would cost more than we allow. */
function affordable(model: Model, parameters: Parameters): { listMicros: number; deadlineMs: number } {
  const price = priceOf(model, parameters);
  if (price === null) throw new SmokeFailure(`The price of ${model.name} is not known: nothing was called.`);
  const { listMicros, mostMicros } = price;
  if (listMicros > COST_MAX_MICROS) {
    throw new SmokeFailure(
      `${model.name} costs ${usd(listMicros)} USD a picture and a smoke run spends at most ${usd(COST_MAX_MICROS)}: nothing was called.`,
    );
  }
  const share = mostMicros > COST_MAX_MICROS ? COST_MAX_MICROS / mostMicros : 1;
  return { listMicros, deadlineMs: Math.floor(JOB_DEADLINE_MS * share) };
}

interface Bought {
  readonly kind: "done" | "succeeded";
  readonly outputs: readonly OutputData[];
  readonly costMicros: number | null;
}

async function purchase(provider: Provider, request: ProviderRequest, deps: SmokeDeps): Promise<Bought> {
  const { clock, say } = deps;
  const startedAtMs = clock();
  const attemptId = `img_smoke${startedAtMs.toString(36)}-1`;
  const submission = await provider.submit(request, { attemptId, webhookUrl: null });
  if (submission.kind === "done") return submission;
  if (submission.kind !== "accepted") {
    const after =
      submission.kind === "unknown" ? " It may have been bought all the same: look at the account." : "";
    throw new SmokeFailure(`The create gave ${submission.kind}: ${submission.message}${after}`);
  }
  say("Accepted; waiting for the picture.");
  const { operation } = submission;
  for (let status: OperationStatus; clock() < startedAtMs + request.deadlineMs + PATIENCE_MS; ) {
    status = await provider.check(operation, request.model);
    if (status.kind === "succeeded") return status;
    if (status.kind === "failed")
      throw new SmokeFailure(`The job ended with ${status.name}: ${status.message}`);
    await deps.sleep(CHECK_EVERY_MS);
  }
  await provider.cancel?.(operation).catch(() => undefined);
  throw new SmokeFailure("The job did not end in time and was cancelled; it may have been charged.");
}

/** Through the same guard as in the product. @returns the size in words */
async function decoded(output: OutputData, provider: Provider): Promise<string> {
  const { bytes, contentType } =
    output.kind === "bytes" ? output : await createOutputFetcher().fetch(output.url, provider.trustedOrigin);
  const picture = await createImaging({ concurrency: 1 }).open(bytes);
  const { width, height } = picture;
  return `${width}x${height} (${contentType}, ${bytes.byteLength} bytes)`;
}

async function writeFixture(path: string, fixture: object): Promise<void> {
  await mkdir(join(path, ".."), { recursive: true });
  await writeFile(path, `${JSON.stringify(fixture, null, 2)}\n`);
}

function usd(micros: number): string {
  return (micros / 1_000_000).toFixed(4);
}
