/** @module collect: fetches what the attempt produced and keeps it, before anything else can fail. */
import { type KeepOutputsDeps, keepOutputs } from "../../keep-outputs.ts";
import type { Images } from "../../ports.ts";
import { type AttemptInput, advance, ownedAttempt } from "../ownership.ts";

export interface CollectDeps extends KeepOutputsDeps {
  readonly images: Images;
}

/** @throws AtelierError as `keepOutputs`; `OutputUnavailable` is tried again by the engine */
export async function collect(input: AttemptInput, deps: CollectDeps): Promise<void> {
  await keepOutputs(await ownedAttempt(input, deps.attempts), deps);
  await advance(input, "processing", deps.images);
}
