/** @module Drives the API, and the functions beside it, through what they can be asked, on clients that note what is called. */
import { createApi } from "@atelier/api/app";
import type { ApiDeps } from "@atelier/api/deps";
import { createAttestations } from "@atelier/aws/dynamo/attestations";
import { createCallers } from "@atelier/aws/dynamo/callers";
import { createImages } from "@atelier/aws/dynamo/images";
import { createPacingStore } from "@atelier/aws/dynamo/pacing";
import { createBlockedPictures, createReviews } from "@atelier/aws/dynamo/reviews";
import { createVersions } from "@atelier/aws/dynamo/versions";
import { createTableRateLimit } from "@atelier/aws/rate-limit";
import { SCOPES } from "@atelier/core/caller";
import { AtelierError } from "@atelier/core/errors";
import { accountReport } from "@atelier/core/installed-health";
import { createPictureBlock } from "@atelier/core/picture-block";
import { DEFAULT_RETENTION } from "@atelier/core/retention";
import { review } from "@atelier/core/review";
import { claimsOf } from "@atelier/functions/claims-of";
import { dailyRound } from "@atelier/functions/daily-round";
import { developRound } from "@atelier/functions/develop-round";
import { giveWord } from "@atelier/functions/give-word";
import type { StepDeps } from "@atelier/local/handlers";
import { expect } from "vitest";
import type { Recorder } from "./recorder.ts";

const nothing = () => {};
const telemetry = {
  begin: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  add: nothing,
  measure: nothing,
  end: nothing,
};

interface Given {
  /** Of a picture that is on its shelf, and of ones that wait for a person. */
  readonly released: string;
  readonly quarantined: readonly [toRelease: string, toRemove: string, toErase: string];
  /** A request whose picture its provider has made, and nobody has fetched. */
  readonly underWay: string;
}

export async function driveApi(
  recorder: Recorder,
  steps: Omit<StepDeps, "vault" | "workflow"> & Pick<ApiDeps, "audit" | "vault" | "workflow">,
  given: Given,
): Promise<void> {
  const { dynamo, blobs, copies, texts } = recorder;
  const today = () => "2026-11-22";
  const pacingStore = createPacingStore(dynamo);
  const shared = {
    ...steps,
    today,
    telemetry,
    images: createImages(dynamo, { wordKey: steps.promptKey }),
    reviews: createReviews(dynamo),
    versions: createVersions(dynamo),
    attestations: createAttestations(dynamo),
    pictureBlock: createPictureBlock(createBlockedPictures(dynamo), Buffer.from("a key for pictures")),
    places: [
      { name: "content", blobs },
      { name: "copies", blobs: copies },
    ],
    removeOverviews: async () => undefined,
    termsAttested: async () => [],
  };
  const faults: unknown[] = [];
  const gone = () => {
    throw new AtelierError("StorageUnavailable", "The process was killed.");
  };
  const elsewhere = async () => {
    throw new AtelierError("ImageUnfinished", "It is developed elsewhere.");
  };
  const app = createApi(
    {
      ...shared,
      texts,
      callers: createCallers(dynamo),
      imaging: { open: elsewhere },
      isFourEyes: false,
      pacingStore,
      provider: "replicate",
      account: "real",
      providersOff: new Map(),
      providerState: (provider) => accountReport(provider, { ...shared, pacingStore }),
      linkKey: Buffer.from("a key for links"),
      tokens: {
        verify: async () => ({ name: "ada", scopes: new Set(SCOPES), ageAttestedUntilMs: Infinity }),
      },
      rateLimit: createTableRateLimit(1_000, { dynamo, clock: steps.clock }),
      beginVersion: nothing,
      deliver: async () => ({ kind: "redirect", url: "https://example.com/" }),
      onFault: (error) => faults.push(error),
    },
    { baseUrl: "https://api.example.com", allowedOrigins: [], hosts: null, streams: false },
  );
  const call = (method: string, path: string, body?: object, status?: number) =>
    recorder.as("api", async () => {
      const headers = { authorization: "Bearer a.b.c", "content-type": "application/json" };
      const init = { method, headers, ...(body && { body: JSON.stringify(body) }) };
      const answer = await app.fetch(new Request(`https://api.example.com${path}`, init));
      const text = await answer.text();
      const wanted = status ?? expect.toSatisfy((known: number) => known < 500);
      expect([method, path, answer.status, text]).toEqual([method, path, wanted, text]);
      return answer.headers.get("content-type") === "application/json" ? JSON.parse(text) : text;
    });

  /** As replication does. */
  const copied = async (imageId: string) => {
    const image = await shared.images.get(imageId);
    const keys = [...(image?.originals ?? []), ...(image?.renditions ?? [])].map((file) =>
      "path" in file ? file.path : file.key,
    );
    for (const key of keys.filter((each) => /^(content|originals)\//.test(each))) {
      const file = await blobs.get(key);
      if (file) await copies.put(key, file.bytes, file.head.contentType);
    }
  };

  const free = { prompt: "A bowl of apples on a table" };
  const { request_id: requestId } = await call("POST", "/v1/requests", free);
  await call("POST", "/v1/requests?dry_run=true", free);
  await call("POST", "/v1/requests", { category: "weekend_special" });
  await call("POST", "/v1/requests", { prompt: "forbiddenword" });
  for (const path of LOOKS) await call("GET", path);
  await call("GET", `/v1/requests/${requestId}`);
  await call("GET", `/v1/requests/${requestId}/events`);
  for (const id of [requestId, given.underWay]) await call("POST", `/v1/requests/${id}/cancel`);

  const { released, quarantined } = given;
  for (const id of [released, ...quarantined]) {
    for (const path of ["", "/versions", "/renditions/web"]) await call("GET", `/v1/images/${id}${path}`);
  }
  await call("POST", `/v1/images/${released}/versions`, { enhance: "strong" });
  const [toRelease, toRemove, toErase] = quarantined;
  const reason = "Fruit, and nobody in the picture.";
  for (const id of quarantined) await call("GET", `/v1/reviews/${id}`);
  const decide = (id: string, decision: object, status: number) =>
    call("POST", `/v1/images/${id}/review`, { reason, ...decision }, status);
  for (const id of [toRelease, toErase]) await decide(id, { action: "release" }, 200);
  // Must be developed anew, which is done by the function that makes versions: on the shelf, and in quarantine.
  await decide(toRelease, { action: "rate", rating: "suggestive" }, 409);
  await decide(toRemove, { action: "rate", rating: "suggestive" }, 409);
  const invocation = { requestId: "a call", deadlineMs: steps.clock() + 300_000 };
  expect(await recorder.as("reprocess", () => developRound({}, shared, invocation))).toMatchObject({
    reviews: 2,
  });
  await decide(toRemove, { action: "rate", rating: "nudity" }, 200);
  // Decided by one who was killed.
  const killed = { ...shared, texts, isFourEyes: false, blobs: { ...blobs, list: gone } };
  await expect(
    review({ imageId: toRemove, action: "reject", reason, reviewer: "ada" }, killed),
  ).rejects.toThrow();
  expect(await recorder.as("reprocess", () => developRound({}, shared, invocation))).toMatchObject({
    reviews: 1,
  });
  // As its cold start does where no certificate was issued.
  await recorder.as("reprocess", () => recorder.signer(steps));
  await call("PUT", "/v1/budgets/day", { limit: 50 });
  for (const id of [released, toErase]) await copied(id);
  await call("DELETE", `/v1/images/${toErase}`, undefined, 204);
  await call("GET", `/v1/privacy/${toErase}`, undefined, 200);
  expect(faults).toEqual([]);

  const word = { viewer: "ada", by: "an operator", how: "Saw an identity card." };
  await recorder.as("attest", () => giveWord(word, shared));
  const asked = { request: { userAttributes: { sub: "ada" } } };
  await recorder.as("claims", () => claimsOf(asked, shared));
  await recorder.as("attest", () => giveWord({ ...word, how: null }, shared));
  // Soon to expire.
  const until = new Date(steps.clock() + 86_400_000).toISOString();
  await recorder.as("attest", () => giveWord({ ...word, viewer: "bob", until }, shared));
  // Everything is due.
  const retention = { ...DEFAULT_RETENTION, completed: 0, quarantined: 0, rejected: 0, failed: 0 };
  await recorder.as("daily", () => dailyRound({}, { ...shared, retention }));
}

const LOOKS = [
  "/openapi.json",
  "/reference",
  "/v1/health",
  "/v1/requests?limit=5",
  "/v1/images?category=custom&text=apples&limit=5",
  "/v1/images?status=failed",
  "/v1/reviews",
  "/v1/callers",
  "/v1/templates",
  "/v1/models",
  "/v1/terms",
  "/v1/budgets",
  "/v1/plan",
  "/v1/audit",
  "/v1/attestations",
  "/v1/metrics",
];
