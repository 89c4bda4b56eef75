/** @module Ways that an image goes in tests: to the hold, and through whole executions with the clock running. */
import { validate } from "@atelier/core/workflow/steps/validate";
import type { World } from "./world.ts";

export interface HeldInput {
  readonly imageId: string;
  readonly generation: number;
  readonly attemptId: string;
}

/** Plans one image and takes its hold: what generate is called with. */
export async function held(world: World): Promise<HeldInput> {
  const [image] = await world.planned();
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
