import { createExecutions, type Executions } from "@atelier/aws/dynamo/executions";
import { definition } from "@atelier/core/workflow/definition";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type MemoryTables, startMemoryTables } from "../../test/builders/memory-table.ts";
import { LOCAL_FUNCTIONS } from "./handlers.ts";
import {
  createStateMachine,
  type Handler,
  type LocalStateMachine,
  PAYLOAD_BYTES_MAX,
} from "./state-machine.ts";

let tables: MemoryTables;
let executions: Executions;
const machines: LocalStateMachine[] = [];
beforeAll(async () => {
  tables = await startMemoryTables();
});
afterAll(() => tables.close());
beforeEach(async () => {
  executions = createExecutions(await tables.table());
});
afterEach(async () => {
  await Promise.all(machines.splice(0).map((machine) => machine.stop()));
});

const INPUT = { requestId: "req_a", part: 0, generation: 1 };
const item = (number: number) => ({ imageId: `img_a_0000${number}`, requestId: "req_a", generation: 1 });

/** The real document over handlers that note what they were given. */
function machineWith(
  change: Partial<Record<keyof typeof LOCAL_FUNCTIONS, Handler>> = {},
  more: {
    processId?: string;
    alive?: readonly string[];
    definition?: object;
    executionsAtOnce?: number;
  } = {},
) {
  const calls: [string, unknown][] = [];
  const noting =
    (name: string, handler: Handler): Handler =>
    async (payload) => {
      calls.push([name, payload]);
      return handler(payload);
    };
  const handlers: Record<keyof typeof LOCAL_FUNCTIONS, Handler> = {
    plan: async () => ({ items: [item(0)] }),
    validate: async (payload) => ({ attemptId: `${imageOf(payload)}-1` }),
    generate: async (payload) => {
      await machine.answer(tokenOf(payload), { ok: true });
    },
    collect: async () => undefined,
    process: async () => ({ manifestKey: "content/manifest.json" }),
    record: async () => undefined,
    abandon: async () => undefined,
    ...change,
  };
  const machine = createStateMachine({
    definition: more.definition ?? definition(LOCAL_FUNCTIONS),
    handlers: Object.fromEntries(Object.entries(handlers).map(([name, one]) => [name, noting(name, one)])),
    executions,
    processId: more.processId ?? "p1",
    isAlive: async (id) => (more.alive ?? ["p1"]).includes(id),
    clock: () => 1_000,
    ...(more.executionsAtOnce !== undefined && { executionsAtOnce: more.executionsAtOnce }),
    overrides: {
      waitMs: { Pace: 1 },
      retryMs: Object.fromEntries(
        ["Plan", "Validate", "Generate", "Collect", "Process", "Record", "Abandon"].map((name) => [name, 1]),
      ),
    },
  });
  machines.push(machine);
  const names = () => calls.map(([name]) => name);
  return { machine, calls, names };
}

const fieldOf = (payload: unknown, field: string) => String(Reflect.get(payload as object, field));
const imageOf = (payload: unknown) => fieldOf(payload, "imageId");
const tokenOf = (payload: unknown) => fieldOf(payload, "taskToken");
const failing =
  (name: string, message = "a test's failure"): Handler =>
  async () => {
    throw Object.assign(new Error(message), { name });
  };

describe("an execution", () => {
  test("runs the steps in order, each with what the document gives it", async () => {
    const { machine, calls } = machineWith();
    expect(await machine.start("req_a.0-1", INPUT)).toBe("started");
    await machine.ended("req_a.0-1");
    const owned = { imageId: "img_a_00000", generation: 1 };
    const attempt = { ...owned, attemptId: "img_a_00000-1" };
    expect(calls).toEqual([
      ["plan", { input: INPUT, executionId: "req_a.0-1", executionName: "req_a.0-1" }],
      ["validate", owned],
      ["generate", { ...attempt, taskToken: expect.stringMatching(/^p1~/) }],
      ["collect", attempt],
      ["process", attempt],
      ["record", { ...attempt, manifestKey: "content/manifest.json" }],
    ]);
    expect(machine.transitions()).toBe(7);
    expect(await executions.get("req_a.0-1")).toMatchObject({ status: "ended", owner: "p1", input: INPUT });
  });

  test("of the same name is started once, by however many", async () => {
    const { machine, names } = machineWith();
    const said = await Promise.all(Array.from({ length: 5 }, () => machine.start("req_a.0-1", INPUT)));
    expect(said.filter((one) => one === "started")).toHaveLength(1);
    await machine.ended("req_a.0-1");
    expect(await machine.start("req_a.0-1", INPUT)).toBe("exists");
    expect(names().filter((name) => name === "plan")).toHaveLength(1);
  });

  test("is running from the moment it is written, not ended", async () => {
    const { putIfAbsent } = executions;
    const seen: string[] = [];
    const { machine } = machineWith();
    Object.assign(executions, {
      putIfAbsent: async (...call: Parameters<typeof putIfAbsent>) => {
        const done = await putIfAbsent(...call);
        seen.push(await machine.describe("req_a.0-1"));
        return done;
      },
    });
    await machine.start("req_a.0-1", INPUT);
    await machine.ended("req_a.0-1");
    seen.push(await machine.describe("req_a.0-1"), await machine.describe("req_b.0-1"));
    expect(seen).toEqual(["running", "ended", "missing"]);
  });

  test("of another process runs while that process lives", async () => {
    const parked = machineWith({ generate: async () => undefined });
    await parked.machine.start("req_a.0-1", INPUT);
    while (parked.machine.waiting().length === 0) await new Promise((resolve) => setImmediate(resolve));
    const other = machineWith({}, { processId: "p2", alive: ["p1", "p2"] }).machine;
    expect(await other.describe("req_a.0-1")).toBe("running");
    expect(await machineWith({}, { processId: "p3", alive: ["p3"] }).machine.describe("req_a.0-1")).toBe(
      "ended",
    );
    // A process that was started again under the same name runs nothing of before.
    expect(await machineWith({}, { processId: "p1" }).machine.describe("req_a.0-1")).toBe("ended");
    expect(await parked.machine.describe("req_a.0-1")).toBe("running");
    const [waiting] = parked.machine.waiting();
    expect(waiting?.attemptId).toBe("img_a_00000-1");
    expect(await other.answer(waiting?.token ?? "", { ok: true })).toBe("foreign");
    expect(await parked.machine.answer(waiting?.token ?? "", { ok: true })).toBe("answered");
    await parked.machine.ended("req_a.0-1");
  });

  test("whose plan fails rejects for whoever waits, and is ended", async () => {
    const { machine } = machineWith({ plan: failing("UnknownName", "no such request") });
    await machine.start("req_a.0-1", INPUT);
    await expect(machine.ended("req_a.0-1")).rejects.toMatchObject({ cause: { name: "UnknownName" } });
    expect(await machine.describe("req_a.0-1")).toBe("ended");
  });

  test("that is stopped stays running in the table, answers nothing more and starts nothing", async () => {
    const { machine, names } = machineWith({ generate: async () => undefined });
    await machine.start("req_a.0-1", INPUT);
    while (machine.waiting().length === 0) await new Promise((resolve) => setImmediate(resolve));
    await machine.stop();
    expect(await executions.get("req_a.0-1")).toMatchObject({ status: "running" });
    expect(machine.waiting()).toEqual([]);
    await expect(machine.start("req_a.0-2", INPUT)).rejects.toMatchObject({ name: "Cancelled" });
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(names()).toEqual(["plan", "validate", "generate"]);
  });
});

describe("many executions", () => {
  const inputOf = (requestId: string, part: number) => ({ requestId, part, generation: 1 });

  test("wait for their turn: known at once, begun in fair order, and told about when they fail", async () => {
    const planned: string[] = [];
    const gates: (() => void)[] = [];
    const failures: unknown[] = [];
    const { machine } = machineWith(
      {
        plan: async (payload) => {
          planned.push(fieldOf(payload, "executionName"));
          await new Promise<void>((open) => gates.push(open));
          return planned.length === 3 ? failing("UnknownName", "no such request")(payload) : { items: [] };
        },
      },
      { executionsAtOnce: 1 },
    );
    machine.onFailure((error) => failures.push(error));
    const names = ["req_a.0-1", "req_a.1-1", "req_b.0-1"];
    for (const [index, name] of names.entries()) {
      await machine.start(name, inputOf(name.slice(0, 5), index));
    }
    for (const name of names) expect(await machine.describe(name)).toBe("running");
    for (let opened = 0; opened < names.length; opened++) {
      while (gates.length <= opened) await new Promise((resolve) => setTimeout(resolve, 1));
      expect(planned).toHaveLength(opened + 1);
      gates[opened]?.();
      await machine.ended(planned[opened] ?? "").catch(() => undefined);
    }
    expect(planned).toStrictEqual(["req_a.0-1", "req_a.1-1", "req_b.0-1"]);
    expect(failures).toMatchObject([{ cause: { name: "UnknownName" } }]);
  });

  test("that wait when the machine is stopped are left to the next process", async () => {
    const { machine, names } = machineWith({ generate: async () => undefined }, { executionsAtOnce: 1 });
    await machine.start("req_a.0-1", inputOf("req_a", 0));
    await machine.start("req_b.0-1", inputOf("req_b", 0));
    while (machine.waiting().length === 0) await new Promise((resolve) => setImmediate(resolve));
    await machine.stop();
    expect(names()).toStrictEqual(["plan", "validate", "generate"]);
    const next = machineWith({}, { processId: "p2", alive: ["p2"] }).machine;
    expect(await next.describe("req_b.0-1")).toBe("ended");
  });

  test("a stop waits for a slow step only as long as it was told", async () => {
    let entered = false;
    const { machine } = machineWith({
      validate: () => {
        entered = true;
        return new Promise(() => {});
      },
    });
    await machine.start("req_a.0-1", INPUT);
    while (!entered) await new Promise((resolve) => setImmediate(resolve));
    await machine.stop(10);
    await machine.stop();
  });
});

describe("errors", () => {
  test("of one image end in abandon, with name and cause; the others go on", async () => {
    const { machine, calls } = machineWith({
      plan: async () => ({ items: [item(0), item(1), item(2)] }),
      validate: async (payload) =>
        imageOf(payload) === item(1).imageId
          ? failing("PolicyRefused", "not this")(payload)
          : { attemptId: `${imageOf(payload)}-1` },
    });
    await machine.start("req_a.0-1", INPUT);
    await machine.ended("req_a.0-1");
    expect(calls.filter(([name]) => name === "abandon").map(([, payload]) => payload)).toEqual([
      { imageId: "img_a_00001", generation: 1, error: { Error: "PolicyRefused", Cause: "not this" } },
    ]);
    expect(calls.filter(([name]) => name === "record")).toHaveLength(2);
  });

  test("that pass are tried again, five times at most", async () => {
    let failures = 0;
    const { machine, names } = machineWith({
      collect: async (payload) => (failures++ < 3 ? failing("OutputUnavailable")(payload) : undefined),
      record: failing("StorageUnavailable"),
    });
    await machine.start("req_a.0-1", INPUT);
    await machine.ended("req_a.0-1");
    expect(names().filter((name) => name === "collect")).toHaveLength(4);
    expect(names().filter((name) => name === "record")).toHaveLength(6);
    expect(names().at(-1)).toBe("abandon");
  });

  test("of a purchase are not tried again", async () => {
    const { machine, names } = machineWith({ generate: failing("SubmitUnknown") });
    await machine.start("req_a.0-1", INPUT);
    await machine.ended("req_a.0-1");
    expect(names()).toEqual(["plan", "validate", "generate", "abandon"]);
  });

  test("that even abandon cannot handle do not fail the Map", async () => {
    const { machine, names } = machineWith({
      plan: async () => ({ items: [item(0), item(1)] }),
      validate: failing("PolicyRefused"),
      abandon: failing("Unexpected"),
    });
    await machine.start("req_a.0-1", INPUT);
    await expect(machine.ended("req_a.0-1")).resolves.toBeUndefined();
    expect(names().filter((name) => name === "abandon")).toHaveLength(2);
  });

  test("fail over to validate, pace back to generate with a fresh token", async () => {
    const tokens: string[] = [];
    const answers = [
      { ok: false, error: "Paced", cause: '{"seconds":1}' },
      { ok: false, error: "FailOver", cause: "{}" },
      { ok: true },
    ] as const;
    const { machine, names } = machineWith({
      generate: async (payload) => {
        const answer = answers[tokens.length] ?? { ok: true };
        tokens.push(tokenOf(payload));
        await machine.answer(tokenOf(payload), answer);
      },
    });
    await machine.start("req_a.0-1", INPUT);
    await machine.ended("req_a.0-1");
    expect(names()).toEqual([
      "plan",
      "validate",
      "generate",
      "generate",
      "validate",
      "generate",
      "collect",
      "process",
      "record",
    ]);
    expect(new Set(tokens).size).toBe(3);
  });
});

describe("what the cloud would refuse", () => {
  test("a payload over 256 KiB, in and out", async () => {
    const { machine, calls } = machineWith({
      process: async () => ({ manifestKey: "x".repeat(PAYLOAD_BYTES_MAX) }),
    });
    await machine.start("req_a.0-1", INPUT);
    await machine.ended("req_a.0-1");
    expect(calls.at(-1)).toMatchObject(["abandon", { error: { Error: "States.DataLimitExceeded" } }]);
  });

  test("JSONata, which the local engine would run wrongly", () => {
    const jsonata = { ...definition(LOCAL_FUNCTIONS), QueryLanguage: "JSONata" };
    expect(() => machineWith({}, { definition: jsonata })).toThrow("JSONPath only");
  });

  test("a task without a function: the engine would call AWS", () => {
    const unknown = definition({ ...LOCAL_FUNCTIONS, record: "nobody" });
    expect(() => machineWith({}, { definition: unknown })).toThrow(
      "No local function nobody for the state Record",
    );
  });

  test("a document that is no state machine, before anything is written", async () => {
    const { machine } = machineWith({}, { definition: { StartAt: "A", States: {} } });
    await expect(machine.start("x", { requestId: "x", part: 0, generation: 1 })).rejects.toThrow();
    expect(await machine.describe("x")).toBe("missing");
  });
});

test("handlers get copies: what a step does to its payload is nobody else's", async () => {
  const { machine, calls } = machineWith({
    validate: async (payload) => {
      const attemptId = `${imageOf(payload)}-1`;
      Object.assign(payload as object, { imageId: "changed" });
      return { attemptId };
    },
  });
  await machine.start("req_a.0-1", INPUT);
  await machine.ended("req_a.0-1");
  expect(imageOf(calls.find(([name]) => name === "record")?.[1])).toBe("img_a_00000");
});
