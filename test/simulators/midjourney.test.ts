import { createImaging } from "@atelier/imaging/open";
import { createMidjourneyProvider } from "@atelier/providers/midjourney/provider";
import { createOutputFetcher } from "@atelier/providers/safe-url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type SimulatedMidjourney, startMidjourney } from "./midjourney.ts";
import { MIDJOURNEY } from "./midjourney-models.ts";
import type { Hook, HookFault } from "./midjourney-tasks.ts";

const GRID_MS = 60_000;
const LATE_MS = 20 * 60_000;

let wrapper: SimulatedMidjourney;
let nowMs: number;
let arrived: Hook[];
beforeEach(async () => {
  nowMs = Date.parse("2026-11-22T06:00:00Z");
  arrived = [];
  wrapper = await startMidjourney({
    dialect: "change",
    clock: () => nowMs,
    gridMs: GRID_MS,
    hookLateMs: LATE_MS,
    deliver: async (hook) => arrived.push(hook),
  });
});
afterEach(() => wrapper.close());

const adapter = () =>
  createMidjourneyProvider(
    { baseUrl: wrapper.origin, apiKey: null, outputs: "crop" },
    { clock: () => nowMs },
  );

async function imagine(prompt = "a lighthouse at dusk") {
  const submission = await adapter().submit(
    {
      model: MIDJOURNEY,
      prompt,
      negativePrompt: "",
      parameters: { width: 1024, height: 1024, steps: 50, guidanceScale: 7.5 },
      seed: 42,
      deadlineMs: 300_000,
    },
    { attemptId: "img_a-1", webhookUrl: "http://127.0.0.1:9/webhooks/midjourney/img_a-1/x" },
  );
  if (submission.kind !== "accepted") throw new Error(`Not accepted: ${submission.kind}`);
  return submission.operation;
}

/** What hooks say, as time goes by in steps of a second until `untilMs` after now. */
async function hooksUntil(untilMs: number): Promise<string[]> {
  for (const endMs = nowMs + untilMs; nowMs <= endMs; nowMs += 1_000) await wrapper.tick();
  return arrived.map(({ body }) => (JSON.parse(body) as { status: string }).status);
}

describe("hooks of the simulated wrapper", () => {
  const running = ["NOT_START", "SUBMITTED", "IN_PROGRESS"];
  it.each([
    [null, [...running, "SUCCESS"]],
    ["lost", running],
    ["late", running],
    ["duplicated", [...running, "SUCCESS", "SUCCESS"]],
    ["reordered", [...running, "SUCCESS", "IN_PROGRESS"]],
  ] as const)("%s", async (fault: HookFault | null, expected) => {
    if (fault !== null) wrapper.spoilHooks(fault);
    await imagine();
    expect(await hooksUntil(GRID_MS + 1_000)).toEqual(expected);
    const afterwards = await hooksUntil(LATE_MS);
    expect(afterwards).toEqual(fault === "late" ? [...expected, "SUCCESS"] : expected);
  });
});

describe("jobs of the simulated wrapper", () => {
  it("time out while the picture comes all the same", async () => {
    wrapper.spoilJob({ as: "timed-out", pictureAfterMs: 5_000 });
    const operation = await imagine();
    nowMs += GRID_MS;
    expect(await adapter().check(operation, MIDJOURNEY)).toStrictEqual({ kind: "pending" });
    nowMs += 5_000;
    expect(await adapter().check(operation, MIDJOURNEY)).toMatchObject({ kind: "succeeded" });
    expect(wrapper.bought()).toEqual({ grids: 1, upscales: 0 });
  });

  it("bill each permutation, and fail for switches that are not known or come twice", async () => {
    const post = (prompt: string) =>
      fetch(`${wrapper.origin}/mj/submit/imagine`, { method: "POST", body: JSON.stringify({ prompt }) });
    await post("a {red, blue} {old, new, broken} car");
    expect(wrapper.bought().grids).toBe(6);
    await post("a car --v 6 --v 6");
    await post("a car --wheels 4");
    nowMs += GRID_MS;
    await wrapper.tick();
    const fails = wrapper.tasks().filter(({ fault }) => fault?.as === "invalid-parameter");
    expect(fails).toHaveLength(2);
  });

  it("cost once what the adapter is given, however it is written", async () => {
    const operation = await imagine("a {red, blue} car --v 5 —ar 1:2 ::2 https://example.com/a.png --tile");
    nowMs += GRID_MS;
    expect(await adapter().check(operation, MIDJOURNEY)).toMatchObject({ kind: "succeeded" });
    expect(wrapper.bought()).toEqual({ grids: 1, upscales: 0 });
  });
});

describe("pictures of the simulated wrapper", () => {
  const fetched = async (url: string, timeoutMs = 5_000) =>
    createOutputFetcher({ timeoutMs }).fetch(url, adapter().trustedOrigin);

  async function gridUrl(): Promise<string> {
    const operation = await imagine();
    nowMs += GRID_MS;
    const status = await adapter().check(operation, MIDJOURNEY);
    const [output] = status.kind === "succeeded" ? status.outputs : [];
    if (output?.kind !== "url") throw new Error("There is no grid.");
    return output.url;
  }

  it("are grids whose quarters are the four pictures", async () => {
    const imaging = createImaging({ concurrency: 1 });
    const url = await gridUrl();
    const { bytes } = await fetched(url);
    const quarters = await imaging.quarters(bytes);
    for (const [at, quarter] of quarters.entries()) {
      const single = await fetched(url.replace(".png", `-${at + 1}.png`));
      const [cut, wanted] = [await imaging.open(quarter), await imaging.open(single.bytes)];
      expect(Buffer.compare(cut.pixels, wanted.pixels)).toBe(0);
    }
    expect(new Set(quarters.map((quarter) => Buffer.from(quarter).toString("base64"))).size).toBe(4);
  });

  it.each([
    ["truncated", { kind: "truncated" }, "OutputUnavailable"],
    ["wrong", { kind: "wrong" }, "OutputInvalid"],
    ["expired", { kind: "expired" }, "OutputExpired"],
    ["not there just now", { kind: "status", status: 503 }, "OutputUnavailable"],
    ["too slow", { kind: "drip", pieceMs: 50 }, "OutputUnavailable"],
  ] as const)("can be %s", async (_, fault, name) => {
    const url = await gridUrl();
    wrapper.spoil("picture", fault);
    await expect(fetched(url, fault.kind === "drip" ? 400 : undefined)).rejects.toMatchObject({ name });
    await expect(fetched(url)).resolves.toMatchObject({ contentType: "image/png" });
  });
});
