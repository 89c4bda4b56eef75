/** @module Ways that an image goes in tests: to the hold, and through whole executions with the clock running. */
import { executionNameOf } from "@atelier/core/ids";
import { partIdOf } from "@atelier/core/request";
import { collect } from "@atelier/core/workflow/steps/collect";
import { plan } from "@atelier/core/workflow/steps/plan";
import { process } from "@atelier/core/workflow/steps/process";
import { record } from "@atelier/core/workflow/steps/record";
import { validate } from "@atelier/core/workflow/steps/validate";
import { TEST_JOB_MS } from "../simulators/replicate.ts";
import type { World } from "./world.ts";

export interface HeldInput {
  readonly imageId: string;
  readonly generation: number;
  readonly attemptId: string;
}

/** Plans one image and takes its hold: what generate is called with. */
export async function held(world: World, requestId = "req_contract"): Promise<HeldInput> {
  const [image] = await world.planned({ requestId });
  if (!image) throw new Error("Nothing was planned.");
  const { imageId, generation } = image;
  return { imageId, generation, ...(await validate({ imageId, generation }, world.steps)) };
}

/** Lets time pass, in steps, while the executions run; resolves when all have ended. */
export async function ended(
  world: World,
  names: readonly string[],
  each: () => Promise<unknown> = async () => {},
): Promise<void> {
  let over = false;
  const done = Promise.allSettled(names.map((name) => world.machine.ended(name))).then(() => {
    over = true;
  });
  for (let round = 0; !over && round < 400; round++) {
    await Promise.race([done, new Promise((resolve) => setTimeout(resolve, 15))]);
    if (over) break;
    // Never longer than a winner may take between winning and calling.
    await world.advance(700);
    await each();
  }
  if (!over) throw new Error("The executions do not end.");
}

/** The rest of an image's way for an owner, step after step, as the state machine does it. */
export async function finish(world: World, imageId: string, generation: number): Promise<void> {
  const input = { imageId, generation, ...(await validate({ imageId, generation }, world.steps)) };
  const run = world.generating(input);
  await run.sent;
  await world.advance(TEST_JOB_MS);
  if ((await run.answered) !== "ok") throw new Error(`generate was answered ${await run.answered}.`);
  await collect(input, world.steps);
  await record({ ...input, ...(await process(input, world.steps)) }, world.steps);
}

/** A new owner claims the part of a request and raises its generation, as after a restart by the reconciler. */
export async function takeOver(world: World, requestId: string, generation: number): Promise<void> {
  const executionName = executionNameOf(requestId, 0, generation);
  await world.steps.requests.parts.patch(partIdOf({ requestId, part: 0 }), {
    set: { generation, owner: executionName },
    when: [],
  });
  await plan(
    { input: { requestId, part: 0, generation }, executionId: executionName, executionName },
    world.steps,
  );
}
