/** @module Finding a create whose answer was lost, among the predictions that Replicate lists. */
import type { Found, LostCreate } from "@atelier/core/provider";
import type Replicate from "replicate";
import { type HttpAnswer, readJson } from "../http.ts";
import { operationOf, type Prediction, predictionPageSchema } from "./responses.ts";

/** Our clock and Replicate's may differ by this much. */
const CLOCK_SLACK_MS = 60_000;
/** 100 predictions a page: 5,000 creates since the lost one. More is answered with "unknown". */
const PAGES_MAX = 50;

/**
 * Reads the whole listing since the create, unless the job shows up before its end. Pages are followed only below the
 * configured base URL: the token goes with the request.
 */
export async function findPrediction(
  create: LostCreate,
  baseUrl: string,
  call: (build: (client: Replicate) => Promise<unknown>) => Promise<HttpAnswer>,
): Promise<Found> {
  const createdAfter = new Date(create.submittingAtMs - CLOCK_SLACK_MS).toISOString();
  let answer = await call((client) =>
    client.request("/predictions", { method: "GET", params: { created_after: createdAfter } }),
  );
  let doubtful = false;
  const visited = new Set<string>();
  for (let page = 0; page < PAGES_MAX; page++) {
    if (answer.kind !== "answered" || answer.status !== 200) return { kind: "unknown" };
    const listing = readJson(predictionPageSchema, answer.text);
    if (listing === undefined) return { kind: "unknown" };
    for (const prediction of listing.results) {
      const match = matches(prediction, create);
      if (match === "yes") return { kind: "found", operation: operationOf(prediction) };
      doubtful ||= match === "perhaps";
    }
    if (!listing.next) return { kind: doubtful ? "unknown" : "none" };
    const next = nextAddress(listing.next, baseUrl);
    if (next === null || visited.has(next.href)) return { kind: "unknown" };
    visited.add(next.href);
    answer = await call((client) => client.request(next, { method: "GET" }));
  }
  return { kind: "unknown" };
}

/**
 * Everything that is shown must agree; `perhaps` when neither seed nor webhook is. The model's name is not compared: a
 * pinned version says more, and official models answer with `hidden` or `dp-…` in its place.
 */
function matches(prediction: Prediction, create: LostCreate): "yes" | "no" | "perhaps" {
  const { model } = create;
  const shown = prediction.version ?? "";
  const isHash = /^[0-9a-f]{64}$/.test(shown);
  if (isHash && model.version !== null && shown !== versionHash(model.version)) return "no";
  const seed = prediction.input?.[model.seed];
  if (seed !== undefined && seed !== create.seed) return "no";
  if (prediction.webhook && prediction.webhook !== create.webhookUrl) return "no";
  return seed === undefined && !prediction.webhook ? "perhaps" : "yes";
}

export function versionHash(version: string): string {
  return version.slice(version.indexOf(":") + 1);
}

function nextAddress(next: string, baseUrl: string): URL | null {
  if (!URL.canParse(next, baseUrl)) return null;
  const address = new URL(next, baseUrl);
  return address.origin === new URL(baseUrl).origin ? address : null;
}
