import { expect, test } from "vitest";
import { named } from "./named-error.ts";
import { createTaskTokens } from "./task-tokens.ts";

const untimed = { attemptId: "img_a_00000-1", timeoutSeconds: undefined, heartbeatSeconds: undefined };

/** Calls with a function that keeps its token. */
function waiting(tokens = createTaskTokens("p1"), timing: Partial<typeof untimed> & object = {}) {
  let token = "";
  const ended = tokens.call({
    ...untimed,
    ...timing,
    run: async (given) => {
      token = given;
    },
  });
  ended.catch(() => undefined);
  return { tokens, token: () => token, ended };
}

test("a success ends the call; the function's own result is ignored", async () => {
  const tokens = createTaskTokens("p1");
  const ended = tokens.call({
    ...untimed,
    run: async (token) => {
      expect(tokens.answer(token, { ok: true })).toBe("answered");
      return { anything: 1 };
    },
  });
  expect(await ended).toEqual({});
});

test("a failure rejects with the literal name, and the cause as message", async () => {
  const { tokens, token, ended } = waiting();
  tokens.answer(token(), { ok: false, error: "Paced", cause: '{"seconds":2}' });
  await expect(ended).rejects.toMatchObject({ name: "Paced", message: '{"seconds":2}' });
});

test("each call has a token of its own, which names its process and is used once", async () => {
  const tokens = createTaskTokens("p1");
  const [one, other] = [waiting(tokens), waiting(tokens)];
  expect(one.token()).toMatch(/^p1~/);
  expect(one.token()).not.toBe(other.token());
  expect(tokens.waiting()).toEqual(
    [one, other].map(({ token }) => ({ token: token(), attemptId: untimed.attemptId })),
  );
  expect(tokens.answer(one.token(), { ok: true })).toBe("answered");
  expect(tokens.answer(one.token(), { ok: true })).toBe("gone");
  expect(tokens.answer(one.token(), { ok: false, error: "Late", cause: "" })).toBe("gone");
  expect(await one.ended).toEqual({});
  expect(tokens.waiting()).toHaveLength(1);
});

test("another process's token is foreign, one of ours that never was is gone", () => {
  const tokens = createTaskTokens("p1");
  expect(tokens.answer("p2~00000000", { ok: true })).toBe("foreign");
  expect(tokens.answer("p1~00000000", { ok: true })).toBe("gone");
});

test("what the function throws fails the call, and its token is gone", async () => {
  const tokens = createTaskTokens("p1");
  let token = "";
  const ended = tokens.call({
    ...untimed,
    run: async (given) => {
      token = given;
      throw named("StorageUnavailable", "away");
    },
  });
  await expect(ended).rejects.toMatchObject({ name: "StorageUnavailable" });
  expect(tokens.answer(token, { ok: true })).toBe("gone");
});

test("an answer that comes while the function still runs ends the call; its later failure is nobody's", async () => {
  const tokens = createTaskTokens("p1");
  const still = Promise.withResolvers<void>();
  const ended = tokens.call({
    ...untimed,
    run: async (token) => {
      tokens.answer(token, { ok: true });
      await still.promise;
    },
  });
  expect(await ended).toEqual({});
  still.reject(new Error("too late"));
});

test("without an answer the call times out, and its token is gone", async () => {
  const { tokens, token, ended } = waiting(createTaskTokens("p1"), { timeoutSeconds: 0.02 } as object);
  await expect(ended).rejects.toMatchObject({
    name: "States.Timeout",
    message: "No answer within the time-out.",
  });
  expect(tokens.answer(token(), { ok: true })).toBe("gone");
  expect(tokens.waiting()).toEqual([]);
});

test("a missed heartbeat is a time-out, a beat in time is not", async () => {
  const { tokens, token, ended } = waiting(createTaskTokens("p1"), { heartbeatSeconds: 0.04 } as object);
  for (let beat = 0; beat < 3; beat++) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(tokens.beat(token())).toBe(true);
  }
  await expect(ended).rejects.toMatchObject({
    name: "States.Timeout",
    message: "No answer within the heartbeat.",
  });
  expect(tokens.beat(token())).toBe(false);
});

test("closing lets every call go, and later calls at once: no timer keeps the process", async () => {
  const { tokens, ended } = waiting(createTaskTokens("p1"), { timeoutSeconds: 3_600 } as object);
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
  const before = timers();
  tokens.close();
  await expect(ended).rejects.toMatchObject({ name: "Cancelled" });
  expect(timers()).toBe(before - 1);
  await expect(waiting(tokens).ended).rejects.toMatchObject({ name: "Cancelled" });
});
