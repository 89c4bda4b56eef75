import type { Operation } from "@atelier/core/provider";
import { afterEach, describe, expect, it } from "vitest";
import {
  type MidjourneyOptions,
  type SimulatedMidjourney,
  startMidjourney,
} from "../../../test/simulators/midjourney.ts";
import { MIDJOURNEY } from "../../../test/simulators/midjourney-models.ts";
import { wireHeaders } from "../contract.ts";
import { createMidjourneyProvider } from "./provider.ts";
import { UPSCALES_WAIT_MS } from "./upscales.ts";

const GRID_MS = 60_000;
const UPSCALE_MS = 10_000;
const HOOK = "https://atelier.example/webhooks/midjourney/img_a-1/signature";
const CONTEXT = { attemptId: "img_a-1", webhookUrl: HOOK };

let wrapper: SimulatedMidjourney;
let nowMs: number;
afterEach(() => wrapper.close());

/** A wrapper with a grid that is done, and the adapter that upscales. */
async function withGrid(options: Partial<MidjourneyOptions> = {}) {
  nowMs = Date.parse("2026-11-22T06:00:00Z");
  wrapper = await startMidjourney({
    dialect: "change",
    clock: () => nowMs,
    gridMs: GRID_MS,
    upscaleMs: UPSCALE_MS,
    deliver: async () => {},
    ...options,
  });
  const provider = createMidjourneyProvider(
    { baseUrl: wrapper.origin, apiKey: null, outputs: "upscale" },
    { clock: () => nowMs, submitTimeoutMs: 1_500 },
  );
  const { check, followUp } = provider;
  if (followUp === undefined) throw new Error("The adapter cannot follow up.");
  const request = {
    model: MIDJOURNEY,
    prompt: "a lighthouse at dusk",
    negativePrompt: "",
    parameters: { width: 1024, height: 1024, steps: 50, guidanceScale: 7.5 },
    seed: 42,
    deadlineMs: 300_000,
  };
  const submission = await provider.submit(request, CONTEXT);
  if (submission.kind !== "accepted") throw new Error("The grid was not accepted.");
  nowMs += GRID_MS;
  const { operation } = submission;
  const gridId = (JSON.parse(operation) as { id: string }).id;
  return {
    gridId,
    operation,
    check: (asked: Operation) => check(asked, MIDJOURNEY),
    followUp: () => followUp(operation, MIDJOURNEY, CONTEXT),
  };
}

const submitsAfterImagine = () =>
  wrapper.requests
    .filter(({ path }) => path.startsWith("/mj/submit/") && !path.endsWith("/imagine"))
    .map(({ path, body }) => ({ path, body: JSON.parse(body) }));
const urlsOf = (status: object) =>
  "outputs" in status ? (status.outputs as { url: string; layout?: string }[]).map(({ url }) => url) : [];
const grid = (gridId: string) => ({
  kind: "succeeded",
  outputs: [{ kind: "url", url: `${wrapper.origin}/attachments/${gridId}.png`, layout: "grid-2x2" }],
});

describe("upscales", () => {
  it("offers them once the grid is there, with the grid as it is", async () => {
    const { check, operation, gridId } = await withGrid();
    expect(await check(operation)).toMatchObject({ ...grid(gridId), canFollowUp: true });
  });

  it("asks a task without buttons for changes, each quarter once", async () => {
    const { followUp, gridId } = await withGrid();
    await followUp();
    expect(submitsAfterImagine()).toStrictEqual(
      [1, 2, 3, 4].map((index) => ({
        path: "/mj/submit/change",
        body: { taskId: gridId, action: "UPSCALE", index, state: `img_a-1.U${index}`, notifyHook: HOOK },
      })),
    );
    expect(wrapper.bought()).toEqual({ grids: 1, upscales: 4 });
    expect(wireHeaders(wrapper.requests.at(-1)?.headers ?? {})).toMatchObject({
      "content-type": "application/json",
    });
  });

  it("presses the buttons of a task that has them", async () => {
    const { followUp, gridId } = await withGrid({ dialect: "action" });
    await followUp();
    expect(submitsAfterImagine()).toStrictEqual(
      [1, 2, 3, 4].map((quarter) => ({
        path: "/mj/submit/action",
        body: {
          taskId: gridId,
          customId: `MJ::JOB::upsample::${quarter}::${gridId}`,
          state: `img_a-1.U${quarter}`,
          notifyHook: HOOK,
        },
      })),
    );
    expect(wrapper.bought()).toEqual({ grids: 1, upscales: 4 });
  });

  it("confirms the window that a button opens", async () => {
    const { followUp, check } = await withGrid({ dialect: "action", windows: true });
    const operation = await followUp();
    const submits = submitsAfterImagine();
    expect(submits.map(({ path }) => path)).toEqual(
      Array.from({ length: 4 }, () => ["/mj/submit/action", "/mj/submit/modal"]).flat(),
    );
    expect(submits[1]?.body).toMatchObject({
      prompt: "a lighthouse at dusk --v 6.1 --stylize 100 --ar 1:1 --seed 42",
      state: "img_a-1.U1",
    });
    expect(wrapper.bought()).toEqual({ grids: 1, upscales: 4 });
    nowMs += UPSCALE_MS;
    expect(urlsOf(await check(operation ?? ""))).toHaveLength(4);
  });

  it("leaves out a window that is not confirmed", async () => {
    const { followUp, check } = await withGrid({ dialect: "action", windows: true });
    wrapper.spoil("modal", { kind: "code", code: 24 });
    const operation = await followUp();
    nowMs += UPSCALE_MS;
    expect(urlsOf(await check(operation ?? ""))).toHaveLength(3);
    expect(wrapper.bought()).toEqual({ grids: 1, upscales: 3 });
  });

  it("takes upscales that exist already, and makes no second ones", async () => {
    const { followUp } = await withGrid();
    const first = await followUp();
    expect(await followUp()).toBe(first);
    expect(wrapper.bought()).toEqual({ grids: 1, upscales: 4 });
  });

  it.each([
    { dialect: "change" },
    { dialect: "change", numericIds: true },
    { dialect: "action" },
    { dialect: "action", numericIds: true },
  ] as const)("is pending until all have ended, then gives them in order: %j", async (options) => {
    const { followUp, check } = await withGrid(options);
    const operation = await followUp();
    if (operation === null) throw new Error("Nothing was accepted.");
    expect(JSON.parse(JSON.stringify({ operation })).operation).toBe(operation);
    nowMs += UPSCALE_MS - 1;
    expect(await check(operation)).toStrictEqual({ kind: "pending", progress: 0 });
    nowMs += 1;
    const upscales = wrapper.tasks().filter(({ action }) => action === "UPSCALE");
    expect(await check(operation)).toStrictEqual({
      kind: "succeeded",
      outputs: upscales.map(({ id }) => ({ kind: "url", url: `${wrapper.origin}/attachments/${id}.png` })),
      costMicros: null,
    });
    expect(upscales.map(({ quarter }) => quarter)).toEqual([1, 2, 3, 4]);
  });

  it.each(["failed", "moderated", "timed-out", "no-picture", "forgotten"] as const)(
    "leaves out one that ends as %s",
    async (as) => {
      const { followUp, check } = await withGrid();
      wrapper.spoilJob(as === "timed-out" ? { as, pictureAfterMs: null } : { as });
      const operation = await followUp();
      nowMs += UPSCALE_MS;
      const status = await check(operation ?? "");
      const upscales = wrapper.tasks().filter(({ action }) => action === "UPSCALE");
      expect(urlsOf(status)).toEqual(
        upscales.slice(1).map(({ id }) => `${wrapper.origin}/attachments/${id}.png`),
      );
    },
  );

  it("gives the grid when none came out", async () => {
    const { followUp, check, gridId } = await withGrid();
    for (const _ of "1234") wrapper.spoilJob({ as: "failed" });
    const operation = await followUp();
    nowMs += UPSCALE_MS;
    expect(await check(operation ?? "")).toStrictEqual({ ...grid(gridId), costMicros: null });
  });

  it("does not wait for ever for one that never ends", async () => {
    const { followUp, check } = await withGrid();
    wrapper.spoilJob({ as: "stuck" });
    const operation = await followUp();
    nowMs += UPSCALES_WAIT_MS;
    expect(await check(operation ?? "")).toMatchObject({ kind: "pending", progress: 0.75 });
    nowMs += 1;
    expect(urlsOf(await check(operation ?? ""))).toHaveLength(3);
  });

  it("stays pending at a wrapper that forgot everything", async () => {
    const { followUp, check, operation: gridOperation } = await withGrid();
    const operation = await followUp();
    wrapper.forgetAll();
    nowMs += UPSCALES_WAIT_MS + 1;
    expect(await check(operation ?? "")).toMatchObject({ kind: "pending" });
    expect(await check(gridOperation)).toStrictEqual({ kind: "pending" });
    expect(await followUp()).toBeNull();
  });

  it.each([
    ["refused for one", { kind: "code", code: 9 }, 4, 3],
    ["a full queue", { kind: "code", code: 23 }, 1, 0],
    ["a reset", { kind: "reset" }, 1, 0],
    ["silence", { kind: "silence" }, 1, 0],
    ["a server error", { kind: "status", status: 502 }, 1, 0],
    ["a refused key", { kind: "status", status: 401 }, 1, 0],
    ["429", { kind: "rate-limit", seconds: 5, where: "header" }, 1, 0],
    ["half an answer", { kind: "malformed" }, 4, 3],
  ] as const)("goes on, or not, after %s", async (_, fault, asked, taken) => {
    const { followUp } = await withGrid();
    wrapper.spoil("upscale", fault);
    const operation = await followUp();
    expect(submitsAfterImagine()).toHaveLength(asked);
    const job = operation === null ? null : JSON.parse(operation);
    expect(job?.upscales ?? []).toHaveLength(taken);
  });

  it("takes the grid as it is when the wrapper cannot be asked, and asks for nothing", async () => {
    const { followUp } = await withGrid();
    wrapper.spoil("fetch", { kind: "status", status: 502 });
    expect(await followUp()).toBeNull();
    expect(submitsAfterImagine()).toEqual([]);
  });

  it("throws ProviderUnavailable when their list cannot be read", async () => {
    const { followUp, check } = await withGrid();
    const operation = await followUp();
    wrapper.spoil("list", { kind: "malformed" });
    await expect(check(operation ?? "")).rejects.toMatchObject({ name: "ProviderUnavailable" });
    expect(await check(operation ?? "")).toMatchObject({ kind: "pending" });
  });

  it("needs none where the build gives single pictures", async () => {
    const { check, operation, gridId } = await withGrid({ dialect: "action", singlePictures: true });
    expect(await check(operation)).toStrictEqual({
      kind: "succeeded",
      outputs: [1, 2, 3, 4].map((quarter) => ({
        kind: "url",
        url: `${wrapper.origin}/attachments/${gridId}-${quarter}.png`,
      })),
      costMicros: null,
    });
  });
});
