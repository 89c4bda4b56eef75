/** @module The Replicate adapter; the sandbox is the same adapter under another name and address. */

import type { Model } from "@atelier/core/catalogue";
import { AtelierError } from "@atelier/core/errors";
import type { Clock } from "@atelier/core/ids";
import type { Provider } from "@atelier/core/provider";
import { fetchTransport } from "../fetch-transport.ts";
import { type HttpAnswer, readJson, redact, sendOnce, type Transport } from "../http.ts";
import { isLoopbackHost } from "../public-address.ts";
import { buildRequest, type ClientRequest, openClient } from "./client.ts";
import { retryAfterMs, submissionFrom } from "./errors.ts";
import { findPrediction } from "./find.ts";
import { probeModel } from "./probe.ts";
import { cancelAfter, createBody } from "./requests.ts";
import { createdSchema, operationOf, predictionIdOf, predictionSchema, statusOf } from "./responses.ts";
import { webhookFault } from "./webhook.ts";

/** A create answers in well under a second; the rest is for a slow network. */
export const CREATE_TIMEOUT_MS = 30_000;
export const READ_TIMEOUT_MS = 15_000;

export interface ReplicateSettings {
  readonly name: "replicate" | "sandbox";
  /** With the version: `https://api.replicate.com/v1`. */
  readonly baseUrl: string;
  /** Never empty: the client would look into the environment for one. */
  readonly token: string;
  /** `whsec_…`; null: webhooks are not read, the reconciler asks instead. */
  readonly webhookSecret: string | null;
}

export interface ReplicateDeps {
  readonly clock: Clock;
  /** Default: `fetchTransport`. */
  readonly transport?: Transport;
  readonly createTimeoutMs?: number;
  readonly readTimeoutMs?: number;
}

export function createReplicateProvider(settings: ReplicateSettings, deps: ReplicateDeps): Provider {
  const { baseUrl, token, webhookSecret } = settings;
  const { clock, createTimeoutMs = CREATE_TIMEOUT_MS, readTimeoutMs = READ_TIMEOUT_MS } = deps;
  const transport = deps.transport ?? fetchTransport;
  const client = openClient(settings);
  const read = async (build: Parameters<typeof buildRequest>[1]) =>
    sendOnce(transport, { ...(await buildRequest(client, build)), timeoutMs: readTimeoutMs });
  /**
   * Where creates go, and with which headers: the client is asked for the first one. Building each through it takes longer
   * than everything else that we add to a create.
   */
  let createForm: ClientRequest | undefined;
  // The sandbox's play money goes by the list.
  const pricedAs = (model: Model) => (settings.name === "sandbox" ? { ...model, price: null } : model);

  const provider: Provider = {
    name: settings.name,
    trustedOrigin: isLoopbackHost(new URL(baseUrl).hostname) ? new URL(baseUrl).origin : null,

    async submit(request, context) {
      const body = createBody(request, context);
      createForm ??= await buildRequest(client, ({ predictions }) => predictions.create({ ...body }));
      const answer = await sendOnce(transport, {
        ...createForm,
        headers: { ...createForm.headers, "Cancel-After": cancelAfter(request.deadlineMs) },
        body: JSON.stringify(body),
        timeoutMs: createTimeoutMs,
      });
      const secrets = [token, request.prompt, request.negativePrompt];
      if (!isSuccess(answer)) return submissionFrom(answer, secrets, clock());
      const prediction = readJson(createdSchema, answer.text);
      return prediction === undefined
        ? { kind: "unknown", message: "Replicate accepted the create, but its answer could not be read." }
        : { kind: "accepted", operation: operationOf(prediction) };
    },

    /**
     * A 404 is not an end: the prediction was there when it was created, so a missing one is a wrong account, a lagging
     * replica or an outage. Calling it failed would buy a second picture; the attempt's deadline decides instead.
     */
    async check(operation, model) {
      const id = predictionIdOf(operation);
      const answer = await read((client) => client.predictions.get(id));
      const prediction = isSuccess(answer) ? readJson(predictionSchema, answer.text) : undefined;
      if (prediction?.id !== id) throw unavailable(answer, token, clock());
      return statusOf(prediction, pricedAs(model));
    },

    find(create) {
      return findPrediction(create, baseUrl, read);
    },

    async cancel(operation) {
      const id = predictionIdOf(operation);
      const answer = await read((client) => client.predictions.cancel(id));
      // Any other 4xx says that there is nothing left to cancel.
      const settled =
        answer.kind === "answered" && answer.status < 500 && ![401, 403, 429].includes(answer.status);
      if (!settled) throw unavailable(answer, token, clock());
    },

    async probe(model) {
      const answer = await probeModel(model, read);
      if (typeof answer === "string") return answer;
      throw answer.kind === "answered" && [401, 403].includes(answer.status)
        ? new AtelierError("KeyRefused", `Replicate refused the key with status ${answer.status}.`)
        : unavailable(answer, token, clock());
    },
  };
  if (webhookSecret === null) return provider;

  return {
    ...provider,
    parseWebhook(headers, rawBody, nowMs, model) {
      const fault = webhookFault(webhookSecret, headers, rawBody, nowMs);
      if (fault === "signature") {
        return { kind: "refused", reason: fault, message: "The webhook is not signed with our secret." };
      }
      if (fault === "age") {
        return {
          kind: "refused",
          reason: fault,
          message: "The webhook's time stamp is over five minutes off.",
        };
      }
      const prediction = readJson(predictionSchema, Buffer.from(rawBody).toString("utf8"));
      return prediction === undefined
        ? { kind: "refused", reason: "body", message: "The webhook's body is not a prediction." }
        : {
            kind: "status",
            operation: operationOf(prediction),
            status: statusOf(prediction, pricedAs(model)),
          };
    },
  };
}

type Answered = Extract<HttpAnswer, { kind: "answered" }>;

function isSuccess(answer: HttpAnswer): answer is Answered {
  return answer.kind === "answered" && isSuccessStatus(answer.status);
}

function isSuccessStatus(status: number): boolean {
  return status >= 200 && status < 300;
}

function unavailable(answer: HttpAnswer, token: string, nowMs: number): AtelierError {
  if (answer.kind !== "answered") return new AtelierError("ProviderUnavailable", answer.message);
  const { status, headers, text } = answer;
  const said = isSuccessStatus(status)
    ? "with something that is no such prediction"
    : redact(text ?? "", [token]);
  return new AtelierError(
    "ProviderUnavailable",
    `Replicate answered a read with status ${status} ${said}`.trim(),
    {
      data: { status, ...(status === 429 ? { retryAfterMs: retryAfterMs({}, headers, nowMs) } : {}) },
    },
  );
}
