/** @module Requests of more pictures than run at once: begun part by part, whatever is killed; expanded in full by `npm run bench -- accept`. */
import { cancelRequest } from "@atelier/core/cancel";
import { isAtelierError } from "@atelier/core/errors";
import type { PlanInput, Workflow } from "@atelier/core/ports";
import { requestDocument } from "@atelier/core/request-progress";
import { startRequest } from "@atelier/core/start";
import { plan } from "@atelier/core/workflow/steps/plan";
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { expandRequestOf } from "../../bench/accept-expand.ts";
import { createInterleaver, type Interleaver } from "../builders/interleaver.ts";
import { type MemoryTables, startMemoryTables } from "../builders/memory-table.ts";
import { partsPass } from "../builders/parts.ts";
import { startWorld, type World } from "../builders/world.ts";
import { someRequest } from "../contract/table-fixtures.ts";

vi.setConfig({ testTimeout: 120_000 });

let tables: MemoryTables;
let world: World;
beforeAll(async () => {
  tables = await startMemoryTables();
});
afterAll(() => tables.close());
beforeEach(async () => {
  world = await startWorld(await tables.table());
});
afterEach(() => world.close());

test("a hundredth of the largest request is expanded, no more than twenty parts at once", async () => {
  expect(await expandRequestOf(1_050)).toMatchObject({ expandedImages: 1_050, parts: 21, openPartsMax: 20 });
});

/** Executions as names: who was started, how often, and which of them still run. */
function executions() {
  const inputs = new Map<string, PlanInput>();
  const running = new Set<string>();
  const workflow: Pick<Workflow, "start" | "describe"> = {
    async start(name, input) {
      if (inputs.has(name)) return "exists";
      inputs.set(name, input);
      running.add(name);
      return "started";
    },
    describe: async (name) => (running.has(name) ? "running" : inputs.has(name) ? "ended" : "missing"),
  };
  return { inputs, running, workflow };
}

function deps(own: ReturnType<typeof executions>, turns: Interleaver) {
  const workflow = turns.gated({ ...world.reconciling.workflow, ...own.workflow }, ["start"]);
  const { requests } = world.steps;
  const parts = turns.gated(requests.parts, ["putIfAbsent", "patch"]);
  const gated = { ...turns.gated(requests, ["patch"]), parts };
  return { ...world.reconciling, ...world.steps, audit: world.audit, requests: gated, workflow };
}

test("killed anywhere, every part is begun, its pictures are planned once, and nobody is started twice", async () => {
  let runs = 0;
  await fc.assert(
    fc.asyncProperty(fc.nat(), async (seed) => {
      const requestId = `req_large${++runs}`;
      const request = someRequest({ requestId, category: "weekend_special", count: 52, parts: 2 });
      const own = executions();
      const turns = createInterleaver(seed, 30);
      const ours = deps(own, turns);
      await startRequest(request, ours);
      const planned = new Set<string>();
      const pass = () => partsPass({ only: [requestId], restart: true }, ours);
      for (let round = 0; round < 8; round++) {
        const names = [...own.running];
        const flows = names.map((name) => async () => {
          const input = own.inputs.get(name);
          if (!input) throw new Error(`Nobody started ${name}.`);
          await plan({ input, executionId: name, executionName: name }, ours);
          planned.add(name);
        });
        await turns.run([...flows, pass, pass], (error) => {
          if (!isAtelierError(error, "StorageUnavailable")) throw error;
        });
        // One that did not get through its plan is dead, as Step Functions would end it.
        for (const name of names) if (!planned.has(name)) own.running.delete(name);
      }
      // A calm end: the reconciler starts what is left, and it is planned.
      const calm = { ...world.reconciling, workflow: { ...world.reconciling.workflow, ...own.workflow } };
      for (let round = 0; round < 4; round++) {
        await partsPass({ only: [requestId], restart: true }, calm);
        for (const name of own.running) {
          const input = own.inputs.get(name);
          const steps = { ...world.steps, workflow: calm.workflow };
          if (input && !planned.has(name)) {
            await plan({ input, executionId: name, executionName: name }, steps);
            planned.add(name);
          }
        }
      }
      const parts = await world.steps.requests.parts.ofRequest(requestId);
      expect(parts.map(({ part }) => part)).toStrictEqual([0, 1]);
      for (const { owner } of parts) expect(planned).toContain(owner);
      const images = await world.steps.images.ofRequest(requestId);
      expect(images.map(({ index }) => index)).toStrictEqual(Array.from({ length: 52 }, (_, index) => index));
      expect((await world.steps.requests.open({ limit: 10 })).items).toStrictEqual([]);
    }),
    { numRuns: 2 },
  );
});

test("cancelled, it begins no further part, and reads only the parts that stand", async () => {
  const request = someRequest({ category: "weekend_special", count: 5_000, parts: 100 });
  const own = executions();
  const turns = createInterleaver(1, 0);
  const ours = deps(own, turns);
  await startRequest(request, ours);
  const [name = ""] = own.inputs.keys();
  const input = { requestId: request.requestId, part: 0, generation: 1 };
  await plan({ input, executionId: name, executionName: name }, ours);
  const standing = await world.steps.requests.get(request.requestId);
  if (!standing) throw new Error("There is no request.");
  const read: number[] = [];
  const images = {
    ...world.steps.images,
    ofRequest: () => Promise.reject(new Error("All images were read.")),
    ofPart: (requestId: string, part: number) => {
      read.push(part);
      return world.steps.images.ofPart(requestId, part);
    },
  };
  const { cancelled } = await cancelRequest(standing, { ...world.steps, images });
  expect(cancelled).toHaveLength(50);
  expect(read).toStrictEqual([0, 1]);
  // The second part was begun and finds the mark.
  const second = `${request.requestId}.1-1`;
  const next = { requestId: request.requestId, part: 1, generation: 1 };
  expect((await plan({ input: next, executionId: second, executionName: second }, ours)).items).toStrictEqual(
    [],
  );
  own.running.clear();
  await partsPass({ only: null, restart: true }, ours);
  expect([...own.inputs.keys()]).toStrictEqual([name, second]);
  const marked = await world.steps.requests.get(request.requestId);
  expect(marked && (await requestDocument(marked, world.steps))).toMatchObject({
    status: "cancelled",
    progress: { cancelled: 5_000 },
    finished_at: expect.any(String),
  });
});
