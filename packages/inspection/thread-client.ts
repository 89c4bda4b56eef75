/** @module The models' thread from outside: opened, asked one thing at a time, ended when it does not answer. */
import { Worker } from "node:worker_threads";
import type { Classification } from "@atelier/core/classifier";
import type { Pixels } from "./tensors.ts";
import type { ThreadAnswer, ThreadInput, ThreadPicture } from "./thread.ts";

export interface ModelThread {
  /** One picture at a time. @throws Error when the thread does not answer in time, or has ended; it is of no use after that */
  classify(picture: Pixels, timeoutMs: number): Promise<Classification>;
  end(): Promise<void>;
}

/** @throws Error when the models are not loaded in time, or not at all */
export async function openModelThread(
  file: URL,
  input: ThreadInput,
  loadTimeoutMs: number,
): Promise<ModelThread> {
  const worker = new Worker(file, {
    workerData: input,
    // The models' code sees no key of ours, and what it prints is not our output. (Reading that, if only to throw it away,
    // would keep the process running.)
    env: {},
    execArgv: [],
    stdout: true,
    stderr: true,
  });

  let waiting: PromiseWithResolvers<ThreadAnswer> | null = null;
  let broken: Error | null = null;
  let asked = 0;
  const breakDown = (error: Error) => {
    broken ??= error;
    waiting?.reject(broken);
  };
  worker.on("message", (answer: ThreadAnswer) => {
    if (waiting) waiting.resolve(answer);
    else breakDown(new Error("spoke unasked"));
  });
  worker.on("error", (cause) => breakDown(new Error("broke down", { cause })));
  worker.on("messageerror", (cause) => breakDown(new Error("was not understood", { cause })));
  worker.on("exit", () => breakDown(new Error("ended")));

  /** Only while somebody waits does the thread keep the process running. */
  async function nextAnswer(timeoutMs: number): Promise<ThreadAnswer> {
    if (broken) throw broken;
    waiting = Promise.withResolvers<ThreadAnswer>();
    const timer = setTimeout(() => breakDown(new Error(`did not answer within ${timeoutMs} ms`)), timeoutMs);
    worker.ref();
    try {
      return await waiting.promise;
    } finally {
      waiting = null;
      clearTimeout(timer);
      worker.unref();
    }
  }

  const end = async () => void (await worker.terminate());
  try {
    const { kind } = await nextAnswer(loadTimeoutMs);
    if (kind !== "ready") throw new Error("spoke unasked");
  } catch (error) {
    await end();
    throw error;
  }
  return {
    async classify({ width, height, pixels }, timeoutMs) {
      const copy = Uint8Array.from(pixels);
      const number = ++asked;
      worker.postMessage({ number, width, height, pixels: copy } satisfies ThreadPicture, [copy.buffer]);
      const answer = await nextAnswer(timeoutMs);
      if (answer.kind !== "answer" || answer.number !== number) throw new Error("spoke unasked");
      return answer.said;
    },
    end,
  };
}
