/**
 * @module Ten thousand random bodies from the OpenAPI document against every route that takes one (`test/hostile`): none may be a fault
 * of ours, tell a secret, or write anything when it is refused. `--seed S --bodies N` replays what a failure says.
 */
import { parseArgs } from "node:util";
import { attackWithBodies, BODIES } from "../test/hostile/random.ts";

const SEED = 20_261_122;

/** @throws Error for the first answer that breaks a rule, with the body and how to see it again */
export async function benchHostile(options: readonly string[] = []): Promise<object> {
  const { values } = parseArgs({
    args: [...options],
    options: { seed: { type: "string" }, bodies: { type: "string" } },
  });
  const startedAtMs = performance.now();
  const figures = await attackWithBodies(Number(values.bodies ?? BODIES), Number(values.seed ?? SEED));
  return { ...figures, seconds: Math.round((performance.now() - startedAtMs) / 1000) };
}
