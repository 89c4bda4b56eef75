/**
 * @module Task tokens, as Step Functions has them: fresh for each call, used once, and timed out by deadline or heartbeat.
 * A token names its process: another process cannot answer it, only write the outcome that this one will find.
 */
import { randomUUID } from "node:crypto";
import type { TokenAnswer } from "@atelier/core/ports";
import { named } from "./named-error.ts";

export interface TaskTokens {
  /**
   * Runs a function that must see to it that its token is answered. Settles as the answer says; as on AWS, what the function
   * returns is ignored, and what it throws fails the task.
   */
  call(task: TokenTask): Promise<unknown>;
  answer(token: string, answer: TokenAnswer): "answered" | "gone" | "foreign";
  /** Restarts the heartbeat; false when the token is gone. */
  beat(token: string): boolean;
  /** Tokens waiting now, with the attempt that each is for. */
  waiting(): { token: string; attemptId: string }[];
  /** Fails every call, and each that comes later, with `Cancelled`: an hour's time-out must not keep the process. */
  close(): void;
}

export interface TokenTask {
  readonly attemptId: string;
  readonly run: (token: string) => Promise<unknown>;
  readonly timeoutSeconds: number | undefined;
  readonly heartbeatSeconds: number | undefined;
}

interface Waiting {
  readonly attemptId: string;
  resolve(output: unknown): void;
  reject(error: Error): void;
  beat(): void;
}

export function createTaskTokens(processId: string): TaskTokens {
  const waiting = new Map<string, Waiting>();
  let closed = false;
  const cancelled = () => named("Cancelled", "The run was stopped.");

  async function call({ attemptId, run, timeoutSeconds, heartbeatSeconds }: TokenTask): Promise<unknown> {
    if (closed) throw cancelled();
    const token = `${processId}~${randomUUID()}`;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const failAfter = (seconds: number | undefined, what: string) =>
      seconds === undefined
        ? undefined
        : setTimeout(() => reject(named("States.Timeout", `No answer within the ${what}.`)), seconds * 1000);
    const deadline = failAfter(timeoutSeconds, "time-out");
    let heartbeat: NodeJS.Timeout | undefined;
    const beat = () => {
      clearTimeout(heartbeat);
      heartbeat = failAfter(heartbeatSeconds, "heartbeat");
    };
    waiting.set(token, { attemptId, resolve, reject, beat });
    beat();
    try {
      return await Promise.race([promise, run(token).then(() => promise)]);
    } finally {
      clearTimeout(deadline);
      clearTimeout(heartbeat);
      waiting.delete(token);
    }
  }

  function answer(token: string, said: TokenAnswer): "answered" | "gone" | "foreign" {
    const waiter = waiting.get(token);
    if (!waiter) return token.startsWith(`${processId}~`) ? "gone" : "foreign";
    waiting.delete(token);
    if (said.ok) waiter.resolve({});
    else waiter.reject(named(said.error, said.cause));
    return "answered";
  }

  return {
    call,
    answer,
    beat(token) {
      const waiter = waiting.get(token);
      waiter?.beat();
      return waiter !== undefined;
    },
    waiting: () => [...waiting].map(([token, { attemptId }]) => ({ token, attemptId })),
    close() {
      closed = true;
      for (const waiter of waiting.values()) waiter.reject(cancelled());
    },
  };
}
