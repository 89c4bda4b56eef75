import { createCallers } from "@atelier/aws/dynamo/callers";
import { createPromptVault } from "@atelier/aws/dynamo/prompts";
import { createRequests } from "@atelier/aws/dynamo/requests";
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createInterleaver } from "../../test/builders/interleaver.ts";
import { type MemoryTables, startMemoryTables } from "../../test/builders/memory-table.ts";
import { partsPass } from "../../test/builders/parts.ts";
import { TEXT_VAULT } from "../../test/builders/text-vault.ts";
import { startWorld, type World } from "../../test/builders/world.ts";
import { type AdmissionDeps, acceptRequest, type Who } from "./admission.ts";
import { askingSchema, wishHash } from "./asking.ts";
import { isAtelierError } from "./errors.ts";
import { imageIdOf, keyedRequestId } from "./ids.ts";
import type { Workflow } from "./ports.ts";
import { plan } from "./workflow/steps/plan.ts";

let tables: MemoryTables;
let world: World;
let calls: string[];
/** Executions by name, each with how often it was begun. */
let executions: Map<string, number>;
beforeAll(async () => {
  tables = await startMemoryTables();
});
afterAll(() => tables.close());
beforeEach(async () => {
  world = await startWorld(await tables.table());
  calls = [];
  executions = new Map();
});
afterEach(() => world.close());

const workflow: Workflow = {
  async start(name) {
    calls.push("StartExecution");
    if (executions.has(name)) return "exists";
    executions.set(name, 1);
    return "started";
  },
  describe: async () => "running",
  answer: async () => "gone",
  submitterAlive: async () => false,
};

/** Notes what is asked of the stores. */
function noted<T extends object>(store: T, of: string): T {
  return new Proxy(store, {
    get(target, name, receiver) {
      const value = Reflect.get(target, name, receiver);
      if (typeof value !== "function") return value;
      return (...call: unknown[]) => {
        calls.push(`${of}.${String(name)}`);
        return value.apply(target, call);
      };
    },
  });
}

function deps(): AdmissionDeps & World["steps"] {
  const { steps, dynamo, audit } = world;
  return {
    ...steps,
    audit: noted(audit, "audit"),
    requests: noted(createRequests(dynamo), "requests"),
    ledger: noted(steps.ledger, "ledger"),
    vault: noted(steps.vault as AdmissionDeps["vault"] & World["steps"]["vault"], "vault"),
    callers: noted(createCallers(dynamo), "callers"),
    workflow: workflow as World["steps"]["workflow"],
    today: () => "2026-11-22",
    provider: null,
  } as AdmissionDeps & World["steps"];
}

const who = (idempotencyKey: string | null, caller: string | null = "ada"): Who => ({
  caller,
  askedBy: caller,
  idempotencyKey,
});
const STILL_LIFE = { category: "weekend_special", count: 2 };
const PEARS = { prompt: "A bowl of pears on a table" };
const ask = (body: object, by: Who, own = deps()) => acceptRequest(askingSchema.parse(body), by, own);

/** The first part's execution, as far as its images. */
async function planned(requestId: string) {
  const name = `${requestId}.0-1`;
  const run = { input: { requestId, part: 0, generation: 1 }, executionId: name, executionName: name };
  return plan(run, { ...world.steps, workflow: workflow as World["steps"]["workflow"] });
}

describe("accepting", () => {
  test("writes the request and starts its first execution, however many pictures; what is read is kept for a second", async () => {
    const own = deps();
    await world.steps.ledger.open("real", "2026-11", { d: 1e12, m: 1e12 });
    const { request, isNew } = await ask({ category: "weekend_special", count: 100_000 }, who("k"), own);
    expect(isNew).toBe(true);
    expect(calls).toStrictEqual(["callers.get", "ledger.read", "requests.putIfAbsent", "StartExecution"]);
    calls = [];
    await ask(STILL_LIFE, who("another"), own);
    expect(calls).toStrictEqual(["requests.putIfAbsent", "StartExecution"]);
    await world.advance(1_001);
    calls = [];
    await ask(PEARS, who("a third"), own);
    expect(calls).toStrictEqual([
      "callers.get",
      "ledger.read",
      "vault.seal",
      "requests.putIfAbsent",
      "StartExecution",
    ]);
    expect(request).toMatchObject({
      requestId: keyedRequestId("ada", "k"),
      askedBy: "ada",
      source: "api",
      count: 100_000,
      parts: 2_000,
      partsBegun: 0,
      bodyHash: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(executions.has(`${request.requestId}.0-1`)).toBe(true);
  });

  test("the same wish under the same key is the same request, however it was written; another one is refused", async () => {
    const first = await ask(STILL_LIFE, who("k"));
    const again = await ask({ variations: 2, category: "weekend_special", parameters: {} }, who("k"));
    expect(again).toStrictEqual({ request: first.request, isNew: false });
    for (const other of [{ ...STILL_LIFE, count: 3 }, { ...STILL_LIFE, seed: 1 }, PEARS]) {
      await expect(ask(other, who("k"))).rejects.toMatchObject({ name: "RequestConflict" });
    }
    expect((await ask({ ...STILL_LIFE, count: 3 }, who("k", "eve"))).isNew).toBe(true);
    expect((await ask(STILL_LIFE, who(null))).isNew).toBe(true);
  });

  test("what stands is answered though it would be refused now; a new one is refused, and noted", async () => {
    const { request } = await ask(STILL_LIFE, who("k"));
    await world.steps.ledger.setLimit(await world.row(), { name: "m", counter: "m", limitMicros: 1 });
    await world.advance(1_001);
    expect(await ask(STILL_LIFE, who("k"))).toStrictEqual({ request, isNew: false });
    await expect(ask({ ...STILL_LIFE, count: 3 }, who("k"))).rejects.toMatchObject({
      name: "RequestConflict",
    });
    await expect(ask(STILL_LIFE, who("new"))).rejects.toMatchObject({ name: "BudgetExceeded" });
    expect(await world.audit.ofSubject(keyedRequestId("ada", "new"))).toMatchObject([
      { kind: "refused", facts: { reason: "BudgetExceeded", count: 2 } },
    ]);
    expect(await world.steps.requests.get(keyedRequestId("ada", "new"))).toBeUndefined();
  });

  test("a budget that was raised just now is seen before anybody is refused", async () => {
    const own = deps();
    await ask(STILL_LIFE, who("k"), own);
    const row = await world.row();
    await world.steps.ledger.setLimit(row, { name: "d", counter: "d.2026-11-22", limitMicros: 100_000_000 });
    expect((await ask({ ...STILL_LIFE, count: 500 }, who("large"), own)).isNew).toBe(true);
  });

  test("a prompt that is refused counts at once; its text stands nowhere", async () => {
    const own = deps();
    for (let probe = 0; probe < 4; probe++) {
      const refused = ask({ prompt: "forbiddenword" }, who(`probe ${probe}`), own);
      await expect(refused).rejects.toMatchObject({ name: "PolicyRefused", data: { rule: "no-forbidden" } });
    }
    await expect(ask(PEARS, who("then"), own)).rejects.toMatchObject({ data: { rule: "probing-wait" } });
    const entries = await world.audit.ofSubject(keyedRequestId("ada", "probe 0"));
    expect(entries[0]?.facts).toMatchObject({ promptHash: expect.any(String) });
    expect(JSON.stringify(entries)).not.toContain("forbiddenword");
    expect(calls).not.toContain("vault.seal");
  });

  test("a prompt stands in the vault once its picture is planned, and is the one of the request that stands", async () => {
    const { request } = await ask(PEARS, who("k"));
    const imageId = imageIdOf(request.requestId, 0);
    await expect(ask({ prompt: "A bowl of plums" }, who("k"))).rejects.toMatchObject({
      name: "RequestConflict",
    });
    expect(await world.steps.vault.get(imageId)).toBeUndefined();
    await planned(request.requestId);
    expect((await world.steps.vault.get(imageId))?.prompt).toBe(PEARS.prompt);
    expect((await world.steps.requests.get(request.requestId))?.sealedPrompt).toBeNull();
  });

  test("a prompt that was erased does not come back with its key, nor does another one under it", async () => {
    const { request } = await ask(PEARS, who("k"));
    const imageId = imageIdOf(request.requestId, 0);
    await planned(request.requestId);
    await createPromptVault(world.dynamo, TEXT_VAULT).remove(imageId);
    const standing = await world.steps.requests.get(request.requestId);
    expect(await ask(PEARS, who("k"))).toStrictEqual({ request: standing, isNew: false });
    await expect(ask({ prompt: "A bowl of plums" }, who("k"))).rejects.toMatchObject({
      name: "RequestConflict",
    });
    await planned(request.requestId);
    expect(await world.steps.vault.get(imageId)).toBeUndefined();
    expect(await world.steps.requests.get(request.requestId)).toStrictEqual(standing);
  });

  test("a text that an earlier release or a dead call left gives way to that of the request, or is taken", async () => {
    const imageId = imageIdOf(keyedRequestId("ada", "k"), 0);
    const plums = { prompt: "A bowl of plums", negativePrompt: "" };
    await world.steps.vault.put(imageId, plums);
    const { request } = await ask(PEARS, who("k"));
    await planned(request.requestId);
    expect((await world.steps.vault.get(imageId))?.prompt).toBe(PEARS.prompt);

    const earlier = await ask(PEARS, who("earlier"));
    const { requestId } = earlier.request;
    await world.steps.requests.patch(requestId, { set: { sealedPrompt: null }, when: [] });
    await world.steps.vault.put(imageIdOf(requestId, 0), plums);
    await planned(requestId);
    expect(await world.steps.vault.get(imageIdOf(requestId, 0))).toStrictEqual(plums);
  });

  test.each([
    [{ ...STILL_LIFE, template: "nothing_such" }, "UnknownName"],
    [{ category: "feet" }, "UnknownName"],
    [{ category: "custom" }, "UsageError"],
    [{ ...STILL_LIFE, model: "no-model" }, "UnknownName"],
    [{ ...STILL_LIFE, provider: "stability" }, "UnknownName"],
    [{ ...STILL_LIFE, max_cost: 0.01 }, "MaxCostExceeded"],
    [{ ...STILL_LIFE, count: 100_000 }, "BudgetExceeded"],
    [{ prompt: "\u200b" }, "UsageError"],
  ])("%j is refused as %s", async (body, name) => {
    await expect(ask(body, who("k"))).rejects.toMatchObject({ name });
    expect(executions.size).toBe(0);
  });

  test("an installation that buys from one provider takes no other", async () => {
    const own = { ...deps(), provider: "replicate" };
    await expect(ask({ ...STILL_LIFE, provider: "stability" }, who("k"), own)).rejects.toMatchObject({
      name: "UsageError",
    });
    const { request } = await ask({ ...STILL_LIFE, provider: "replicate" }, who("k"), own);
    expect(request.wantedProvider).toBe("replicate");
  });
});

test.each([
  [{ ...STILL_LIFE, count: 100_001 }, "count"],
  [{ ...STILL_LIFE, variations: 3 }, "variations"],
  [{ ...STILL_LIFE, max_cost: 0.0000001 }, "max_cost"],
  [{ ...STILL_LIFE, caller: "somebody" }, "caller"],
  [{ ...PEARS, count: 2 }, "count"],
])("the body %j is wrong, and the field is named", (body, field) => {
  const parsed = askingSchema.safeParse(body);
  expect(parsed.error?.issues.map(({ path, message }) => `${path.join(".")} ${message}`).join()).toContain(
    field,
  );
});

/** Calls of stores come in an order that the seed decides; some are cut off, lost or repeated. */
function interleaved(seed: number) {
  const turns = createInterleaver(seed, 40);
  const own = deps();
  const gated = {
    ...own,
    requests: turns.gated(own.requests, ["get", "putIfAbsent"]),
    workflow: turns.gated(own.workflow, ["start"]),
  };
  return { turns, own, gated };
}

describe("a request that is accepted while calls are cut off, lost and repeated", () => {
  test("stands once, is started once, and its pictures are planned once", async () => {
    let keys = 0;
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.constantFrom<object>(STILL_LIFE, PEARS), async (seed, body) => {
        executions = new Map();
        const key = `key ${++keys}`;
        const requestId = keyedRequestId("ada", key);
        const { turns, gated } = interleaved(seed);
        let accepted = 0;
        const flows = Array.from({ length: 4 }, () => async () => {
          const { request } = await ask(body, who(key), gated);
          expect(request.requestId).toBe(requestId);
          accepted++;
        });
        await turns.run(flows, (error) => {
          if (!isAtelierError(error, "StorageUnavailable")) throw error;
        });
        const standing = await world.steps.requests.get(requestId);
        if (accepted > 0) expect(standing).toBeDefined();
        if (!standing) return;
        // Whoever was cut off is not missed: the reconciler starts what is not, and nothing twice.
        const pass = { ...world.reconciling, workflow: { ...world.reconciling.workflow, ...workflow } };
        await partsPass({ only: [requestId], restart: true }, pass);
        const name = `${requestId}.0-1`;
        expect([...executions.keys()].filter((one) => one.startsWith(requestId))).toStrictEqual([name]);
        const input = { requestId, part: 0, generation: 1 };
        const run = { input, executionId: name, executionName: name };
        const steps = { ...world.steps, workflow: workflow as World["steps"]["workflow"] };
        const { items } = await plan(run, steps);
        expect(items).toHaveLength(standing.count);
        expect((await plan(run, steps)).items).toStrictEqual(items);
        expect(await world.steps.images.ofRequest(requestId)).toHaveLength(standing.count);
        expect((await world.steps.requests.open({ limit: 10 })).items).toStrictEqual([]);
        await partsPass({ only: [requestId], restart: true }, pass);
        expect(executions.size).toBe(1);
      }),
      { numRuns: 15 },
    );
  });

  test("one of several prompts that race under one key wins, and its own text is what is planned", async () => {
    let keys = 0;
    await fc.assert(
      fc.asyncProperty(fc.nat(), async (seed) => {
        executions = new Map();
        const key = `race ${++keys}`;
        const requestId = keyedRequestId("ada", key);
        const { turns, own, gated } = interleaved(seed);
        const prompts = ["A bowl of pears", "A bowl of plums"];
        const flows = [...prompts, ...prompts].map((prompt) => async () => {
          await ask({ prompt }, who(key), gated).catch((error: unknown) => {
            if (!isAtelierError(error, "RequestConflict")) throw error;
          });
          // Whoever is told "accepted" may be bought for at once.
          if (executions.has(`${requestId}.0-1`)) await planned(requestId);
        });
        await turns.run(flows, (error) => {
          if (!isAtelierError(error, "StorageUnavailable")) throw error;
        });
        const standing = await world.steps.requests.get(requestId);
        const text = await world.steps.vault.get(imageIdOf(requestId, 0));
        if (!standing) return expect(text).toBeUndefined();
        await planned(requestId);
        const kept = await world.steps.vault.get(imageIdOf(requestId, 0));
        const hashes = prompts.map((prompt) => wishHash(askingSchema.parse({ prompt }), own.promptKey));
        expect(kept?.prompt).toBe(prompts[hashes.indexOf(standing.bodyHash ?? "")]);
      }),
      { numRuns: 25 },
    );
  });
});
