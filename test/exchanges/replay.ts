/** @module Exchanges with the real services, as documented or recorded: played back to the adapters over loopback. */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Model } from "@atelier/core/catalogue";
import type { Provider, ProviderRequest, SubmitContext } from "@atelier/core/provider";
import type { ProviderDeps } from "@atelier/providers/definition";
import { PROVIDERS } from "@atelier/providers/registry";
import * as z from "zod";
import { type Reply, type SeenRequest, startScriptedServer } from "../simulators/scripted-server.ts";

const exchangeSchema = z.object({
  request: z.object({ method: z.string(), path: z.string() }),
  answer: z
    .object({
      status: z.int(),
      headers: z.record(z.string(), z.string()).default({}),
      /** JSON, or text where it is a string. */
      body: z.json().optional(),
      bodyBase64: z.string().optional(),
    })
    .nullable(),
});
export type Exchange = z.infer<typeof exchangeSchema>;

const caseSchema = z.object({
  name: z.string(),
  source: z.string(),
  /** `buy`: a create, and checks until there is an end. */
  call: z.enum(["buy", "find", "balance", "probe"]).default("buy"),
  /** In the catalogue; default: the provider's first. */
  model: z.string().optional(),
  exchanges: z.array(exchangeSchema),
  /** What the adapter makes of it. */
  gives: z.json(),
  /** Fields without which it gives something else, as `{exchange}:{path}`; a path ends everything below it. */
  needed: z.array(z.string()).optional(),
});
export type ExchangeCase = z.infer<typeof caseSchema>;

export const ORIGINS = ["from documentation", "recorded"] as const;
/** A file of cases, or one recording of `npm run smoke`. */
const fileSchema = z.union([
  z.object({ origin: z.literal(ORIGINS[0]), cases: z.array(caseSchema).min(1) }),
  caseSchema
    .omit({ name: true })
    .extend({ origin: z.literal(ORIGINS[1]) })
    .transform(({ origin, ...one }) => ({ origin, cases: [{ name: one.source, ...one }] })),
]);

const FOLDER = fileURLToPath(new URL("../fixtures/exchanges", import.meta.url));

/** @param text of a file under test/fixtures/exchanges */
export function casesIn(text: string): (ExchangeCase & { origin: string })[] {
  const { origin, cases } = fileSchema.parse(JSON.parse(text));
  return cases.map((one) => ({ ...one, origin }));
}

export function exchangeCases(provider: string): (ExchangeCase & { origin: string })[] {
  return readdirSync(`${FOLDER}/${provider}`)
    .sort()
    .flatMap((name) => casesIn(readFileSync(`${FOLDER}/${provider}/${name}`, "utf8")));
}

export function recordedProviders(): string[] {
  return readdirSync(FOLDER, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort();
}

/** What each provider needs to call a service at an origin. */
const SETTINGS: Readonly<Record<string, (origin: string) => Readonly<Record<string, unknown>>>> = {
  replicate: (origin) => ({ token: "r8_token", baseUrl: `${origin}/v1` }),
  stability: (origin) => ({ apiKey: "sk-key", baseUrl: origin }),
  midjourney: (origin) => ({ apiKey: "key", baseUrl: origin }),
  a1111: (origin) => ({ baseUrl: origin }),
  comfyui: (origin) => ({ baseUrl: origin }),
};

const CONTEXT: SubmitContext = { attemptId: "img_a-1", webhookUrl: "https://atelier.example/w/img_a-1" };
const SEED = 42;
/** Plays the exchanges to the adapter and gives what it makes of them. */
export async function replay(
  one: Pick<ExchangeCase, "call" | "exchanges">,
  model: Model,
  deps: ProviderDeps,
): Promise<unknown> {
  const definition = PROVIDERS.find(({ name }) => name === model.provider);
  const settings = SETTINGS[model.provider];
  if (definition === undefined || settings === undefined)
    throw new Error(`${model.provider} has no adapter.`);
  const server = await startScriptedServer(playing(one.exchanges));
  try {
    const provider = definition.open(settings(server.origin), deps);
    return await outcomeOf(one, provider, model);
  } finally {
    await server.close();
  }
}

/** In order among those with the same method and path; the last of them from then on. */
function playing(exchanges: readonly Exchange[]): (request: SeenRequest) => Reply | "reset" {
  const played = new Set<Exchange>();
  return ({ method, path }) => {
    const [wanted] = path.split("?");
    const fitting = exchanges.filter(
      ({ request }) => request.method === method && request.path.split("?")[0] === wanted,
    );
    const next = fitting.find((exchange) => !played.has(exchange)) ?? fitting.at(-1);
    if (next === undefined) return { status: 404, body: "{}" };
    played.add(next);
    if (next.answer === null) return "reset";
    const { status, headers, body, bodyBase64 } = next.answer;
    const text = typeof body === "string" ? body : body === undefined ? "" : JSON.stringify(body);
    return {
      status,
      headers: Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== "[redacted]")),
      body: bodyBase64 === undefined ? text : Buffer.from(bodyBase64, "base64"),
    };
  };
}

async function outcomeOf(
  { call, exchanges }: Pick<ExchangeCase, "call" | "exchanges">,
  provider: Provider,
  model: Model,
): Promise<unknown> {
  const request: ProviderRequest = {
    model,
    prompt: "a lighthouse",
    negativePrompt: "",
    parameters: { width: 1024, height: 1024, steps: 20, guidanceScale: 7 },
    seed: SEED,
    deadlineMs: 60_000,
  };
  switch (call) {
    case "balance":
      return provider.balance?.();
    case "probe":
      return provider.probe?.(model);
    case "find":
      return provider.find?.({
        ...CONTEXT,
        model,
        seed: SEED,
        submittingAtMs: Date.parse("2026-11-22T06:00:00Z"),
      });
    default: {
      const submission = await provider.submit(request, CONTEXT);
      if (submission.kind !== "accepted") return submission;
      for (let check = 0; check < exchanges.length; check++) {
        const status = await provider.check(submission.operation, model);
        if (status.kind !== "pending") return status;
      }
      return { kind: "pending" };
    }
  }
}
