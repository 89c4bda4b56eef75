/** @module `atelier serve`: the API, the calendar and the reconciler of a data folder in one process. */
import { setTimeout as wait } from "node:timers/promises";
import { startCalendar, type Timer } from "./calendar.ts";
import type { ServeOptions, Serving } from "./facade.ts";
import type { Installation } from "./installation.ts";
import { fireOccurrence } from "./serve-firing.ts";
import { startRounds } from "./serve-rounds.ts";
import { openApiServer } from "./server.ts";
import { apiDepsOf } from "./server-deps.ts";
import { createLocalTokens, type LocalTokens } from "./token.ts";

/** Steps under way have so long to end; what is left is taken up by the next process. */
const STEPS_WITHIN_MS = 8_000;
/** A round may wait for a provider's answer; nothing is lost with it. */
const ROUND_WITHIN_MS = 1_000;

const timer: Timer = (delayMs, run) => {
  const timeout = setTimeout(run, delayMs);
  return () => clearTimeout(timeout);
};

/**
 * @param onFault told of whatever fails in the background; nothing of it stops the server
 * @throws AtelierError `UsageError` for a port that is in use, before anything is begun
 */
export async function openServing(
  installation: Installation,
  options: ServeOptions,
  onFault: (error: unknown) => void,
): Promise<Serving> {
  const { machine, steps, folder, keys, gate, clock, catalogue } = installation;
  const { randomBytes, actor } = steps;
  const tokens = createLocalTokens({
    folder,
    keys,
    attestations: gate.attestations,
    user: actor,
    clock,
    randomBytes,
  });
  const server = await openApiServer(options.port, apiDepsOf(installation, tokens.verifier, onFault));
  const token = await mintedToken(tokens, options).catch(async (error: unknown) => {
    await server.close();
    throw error;
  });
  machine.onFailure(onFault);
  const rounds = startRounds(installation, onFault);
  const calendar = options.calendar
    ? startCalendar({
        schedule: catalogue.schedule,
        clock,
        timer,
        fire: (occurrence) => fireOccurrence(occurrence, installation),
        onFault,
      })
    : null;
  return {
    url: server.url,
    token,
    async close() {
      // The calendar and the API first: they start executions.
      const stopped = Promise.all([calendar?.stop(), rounds.stop()]);
      await server.close();
      await machine.stop(STEPS_WITHIN_MS);
      await Promise.race([stopped, wait(ROUND_WITHIN_MS)]);
    },
  };
}

async function mintedToken(tokens: LocalTokens, { revokeTokens, tokenDays }: ServeOptions): Promise<string> {
  if (revokeTokens) await tokens.revokeAll();
  return tokens.mint(tokenDays);
}
