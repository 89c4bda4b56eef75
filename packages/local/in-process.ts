/** @module The API of a data folder without a server: opened at the first call, called in this very process. */
import { createApi } from "@atelier/api/app";
import type { OpenOptions } from "./facade.ts";
import { type Installation, openInstallation } from "./installation.ts";
import { startRounds } from "./serve-rounds.ts";
import { apiDepsOf } from "./server-deps.ts";
import { createLocalTokens } from "./token.ts";

/** Nobody else can reach it; links to files hold it. */
export const IN_PROCESS_URL = "http://atelier.invalid";

/** Steps under way have so long to end; what is left is taken up by the next process. */
const STEPS_WITHIN_MS = 8_000;
/** Each call has a token of its own. */
const TOKEN_DAYS = 1;

export interface InProcessApi {
  /** As the global one, for addresses under `IN_PROCESS_URL`. */
  readonly fetch: typeof globalThis.fetch;
  /** Of the operating system's user, with every scope. Opens the folder. @throws AtelierError as `openInstallation`; Error once closed */
  token(): Promise<string>;
  /** Ends streams; running steps have some seconds. */
  close(): Promise<void>;
}

interface Opened {
  readonly fetch: (request: Request) => Response | Promise<Response>;
  readonly token: () => Promise<string>;
  readonly close: () => Promise<void>;
}

export function createInProcessApi(options: OpenOptions): InProcessApi {
  const running = new Set<AbortController>();
  let opening: Promise<Opened> | undefined;
  let closing: Promise<void> | undefined;

  async function opened(): Promise<Opened> {
    if (closing) throw new Error("The generator is closed; make a new one.");
    // A folder that could not be opened is tried again.
    opening ??= open(options).catch((error: unknown) => {
      opening = undefined;
      throw error;
    });
    return opening;
  }

  async function closeAll(): Promise<void> {
    for (const call of running) call.abort(new Error("The generator was closed."));
    await (await opening?.catch(() => undefined))?.close();
  }

  return {
    async fetch(input, init) {
      const { fetch } = await opened();
      const controller = new AbortController();
      running.add(controller);
      const end = () => {
        running.delete(controller);
        controller.abort(init?.signal?.reason);
      };
      // The SDK aborts each call once it is through with it.
      if (init?.signal?.aborted) end();
      init?.signal?.addEventListener("abort", end, { once: true });
      const { signal } = controller;
      return Promise.race([aborted(signal), fetch(new Request(input, { ...init, signal }))]);
    },
    token: async () => (await opened()).token(),
    close: () => (closing ??= closeAll()),
  };
}

async function open(options: OpenOptions): Promise<Opened> {
  const installation = await openInstallation(options);
  const onFault = (error: unknown) => options.onFault?.(error);
  const { machine } = installation;
  const tokens = tokensOf(installation);
  const app = createApi(apiDepsOf(installation, tokens.verifier, onFault), {
    baseUrl: IN_PROCESS_URL,
    allowedOrigins: [],
    hosts: null,
    streams: true,
  });
  machine.onFailure(onFault);
  const rounds = startRounds(installation, onFault);
  return {
    fetch: (request) => app.fetch(request),
    token: () => tokens.mint(TOKEN_DAYS),
    async close() {
      const stopped = rounds.stop();
      await machine.stop(STEPS_WITHIN_MS);
      await stopped;
      await installation.close();
    },
  };
}

function tokensOf({ folder, keys, gate, clock, steps }: Installation) {
  const { actor: user, randomBytes } = steps;
  return createLocalTokens({ folder, keys, attestations: gate.attestations, user, clock, randomBytes });
}

/** Never resolves. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
