/** @module Whether Replicate still serves a model, or the very version that is pinned. */
import type { Model } from "@atelier/core/catalogue";
import type { ModelProbe } from "@atelier/core/provider";
import type Replicate from "replicate";
import type { HttpAnswer } from "../http.ts";
import { versionHash } from "./find.ts";

/** @returns what was learnt, or the answer that tells nothing of the model */
export async function probeModel(
  { model, version }: Pick<Model, "model" | "version">,
  call: (build: (client: Replicate) => Promise<unknown>) => Promise<HttpAnswer>,
): Promise<ModelProbe | HttpAnswer> {
  const [owner, name, ...rest] = model.split("/");
  // A model whose owner is not known can be called by its version, and asked about by nobody.
  if (!owner || !name || rest.length > 0) return "unknown";
  const answer = await call((client) =>
    version === null
      ? client.models.get(owner, name)
      : client.models.versions.get(owner, name, versionHash(version)),
  );
  if (answer.kind !== "answered") return answer;
  if (answer.status === 404) return "gone";
  return answer.status === 200 ? "available" : answer;
}
