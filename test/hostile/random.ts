/** @module Random bodies, sent one after the other to every operation that takes one, and what came of them. */
import { SCOPES } from "@atelier/core/caller";
import fc from "fast-check";
import { bodiesOf } from "./bodies.ts";
import { callOf } from "./calls.ts";
import { exchange } from "./exchange.ts";
import { OPERATIONS, type Operation, type Schema } from "./operations.ts";
import { ATTACKER, openStage, type Stage } from "./stage.ts";

/** Of `npm run bench -- hostile`; tests take a hundredth. */
export const BODIES = 10_000;

/** Then another caller attacks: one whose prompts are refused again and again gets no further. */
const BODIES_OF_A_CALLER = 25;

const SCOPES_HAD = SCOPES.filter((scope) => scope !== "requests:all" && scope !== "prompts:read");

export interface RandomFigures {
  readonly bodies: number;
  /** Status to how many were answered with it. */
  readonly statuses: Readonly<Record<string, number>>;
  /** Operation to how many were accepted. */
  readonly accepted: Readonly<Record<string, number>>;
}

/** @throws Error for the first answer that does not keep to what `exchange` demands, with the body and the seed */
export async function attackWithBodies(bodies: number, seed: number): Promise<RandomFigures> {
  const stage = await openStage();
  const statuses: Record<string, number> = {};
  const accepted: Record<string, number> = {};
  try {
    await stage.api.call("/v1/budgets");
    const targets = OPERATIONS.flatMap((operation) =>
      operation.body ? [{ operation, body: operation.body }] : [],
    );
    for (const [index, { operation, body }] of targets.entries()) {
      const share =
        Math.floor(((index + 1) * bodies) / targets.length) - Math.floor((index * bodies) / targets.length);
      // What is refused changes nothing, so that the same records serve until a body is accepted.
      let path: string | null = null;
      for (const [number, text] of samples(body, share, seed + index).entries()) {
        path ??= (await callOf(operation.id).prepare(stage)).path;
        const token = await tokenOf(operation, number, stage);
        const headers = { "Content-Type": "application/json" };
        const sent = { method: operation.method, path, token, headers, body: text };
        const { status } = await exchange(sent, operation, stage).catch((error: unknown) => {
          throw new Error(
            `With the seed ${seed}, body ${number} of ${operation.id}: ${text.slice(0, 2_000)}`,
            {
              cause: error,
            },
          );
        });
        statuses[status] = (statuses[status] ?? 0) + 1;
        if (status >= 300) continue;
        accepted[operation.id] = (accepted[operation.id] ?? 0) + 1;
        path = null;
      }
    }
  } finally {
    await stage.close();
  }
  return { bodies, statuses, accepted };
}

function samples(schema: Schema, count: number, seed: number): string[] {
  return fc.sample(bodiesOf(schema), { numRuns: count, seed });
}

function tokenOf(operation: Operation, number: number, { api }: Stage): Promise<string> {
  // Whose things are attacked with cannot change.
  const isOwned = callOf(operation.id).foreign !== null;
  const subject = isOwned ? ATTACKER : `${ATTACKER}.${Math.floor(number / BODIES_OF_A_CALLER)}`;
  return api.token({ subject, scopes: SCOPES_HAD });
}
