import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SDXL } from "../../../test/simulators/models.ts";
import {
  startTestReplicate,
  TEST_JOB_MS,
  TEST_TOKEN,
  TEST_WEBHOOK_SECRET,
  type TestReplicate,
} from "../../../test/simulators/replicate.ts";
import { createReplicateProvider } from "../replicate/provider.ts";
import { createOutputFetcher } from "../safe-url.ts";
import type { FaultInput } from "./faults.ts";

let replicate: TestReplicate;
beforeEach(async () => {
  replicate = await startTestReplicate();
});
afterEach(async () => {
  await replicate.close();
  expect(replicate.errors).toStrictEqual([]);
});

const adapter = () =>
  createReplicateProvider(
    {
      name: "sandbox",
      baseUrl: replicate.sandbox().apiUrl,
      token: TEST_TOKEN,
      webhookSecret: TEST_WEBHOOK_SECRET,
    },
    { clock: replicate.clock },
  );

async function operationOf(prompt = "a lighthouse", seed = 42): Promise<string> {
  const submission = await adapter().submit(
    {
      model: SDXL,
      prompt,
      negativePrompt: "",
      parameters: { width: 256, height: 128, steps: 20, guidanceScale: 7 },
      seed,
      deadlineMs: 60_000,
    },
    { attemptId: "a", webhookUrl: null },
  );
  if (submission.kind !== "accepted") throw new Error(JSON.stringify(submission));
  await replicate.advance(TEST_JOB_MS);
  return submission.operation;
}
async function addressOf(operation: string): Promise<string> {
  const status = await adapter().check(operation, SDXL);
  const [output] = status.kind === "succeeded" ? status.outputs : [];
  if (output?.kind !== "url") throw new Error(`Expected an address, got ${status.kind}`);
  return output.url;
}
const fetched = (url: string, options = {}) =>
  createOutputFetcher({ timeoutMs: 5_000, ...options }).fetch(url, adapter().trustedOrigin);

describe("the sandbox's pictures", () => {
  it("are the same bytes for the same input, others for another prompt or seed, and have the size asked for", async () => {
    const bytes = async (prompt: string, seed: number) =>
      Buffer.from((await fetched(await addressOf(await operationOf(prompt, seed)))).bytes);
    const first = await bytes("a lighthouse", 42);
    expect([first.readUInt32BE(16), first.readUInt32BE(20)]).toStrictEqual([256, 128]);
    expect((await bytes("a lighthouse", 42)).equals(first)).toBe(true);
    expect((await bytes("a lighthouse", 43)).equals(first)).toBe(false);
    expect((await bytes("a windmill", 42)).equals(first)).toBe(false);
  });

  it("die with their address after an hour, and live again by the next check", async () => {
    const operation = await operationOf();
    const url = await addressOf(operation);
    await fetched(url);
    await replicate.advance(3_600_001);
    await expect(fetched(url)).rejects.toMatchObject({ name: "OutputExpired" });
    expect((await fetched(await addressOf(operation))).contentType).toBe("image/png");
  });

  it("are not to be had by guessing", async () => {
    const url = new URL(await addressOf(await operationOf()));
    const bent = [
      url.href.replace("0.png", "1.png"),
      url.href.replace(/expires=\d/, "expires=9"),
      url.href.replace(/signature=.*/, "signature="),
      `${url.origin}${url.pathname}`,
    ];
    for (const address of bent)
      await expect(fetched(address)).rejects.toMatchObject({ name: "OutputExpired" });
  });

  type Output = Extract<FaultInput, { kind: "output" }>["as"];
  it.each<[Output, string]>([
    ["html", "OutputInvalid"],
    ["mistyped", "OutputInvalid"],
    ["endless", "OutputInvalid"],
    ["redirect", "OutputUnsafe"],
    ["missing", "OutputExpired"],
    ["broken-off", "OutputUnavailable"],
  ])("come to grief on demand: %s", async (as, name) => {
    replicate.sandbox().faults.add({ kind: "output", as });
    const url = await addressOf(await operationOf());
    await expect(fetched(url, { bytesMax: 3_000_000 })).rejects.toMatchObject({ name });
  });

  it("drip too slowly on demand", async () => {
    replicate.sandbox().faults.add({ kind: "output", as: "drip" });
    const url = await addressOf(await operationOf());
    await expect(fetched(url, { timeoutMs: 50 })).rejects.toMatchObject({ name: "OutputUnavailable" });
  });

  it.each<[Output, string]>([
    ["expired", "OutputExpired"],
    ["unavailable-once", "OutputUnavailable"],
  ])("fail once on demand: %s", async (as, name) => {
    replicate.sandbox().faults.add({ kind: "output", as });
    const operation = await operationOf();
    await expect(fetched(await addressOf(operation))).rejects.toMatchObject({ name });
    expect((await fetched(await addressOf(operation))).contentType).toBe("image/png");
  });

  it("pass the fetcher and are wrong inside on demand: truncated, corrupt, 20,000 pixels wide", async () => {
    const sound = await fetched(await addressOf(await operationOf("sound")));
    const spoilt = async (as: Output) => {
      replicate.sandbox().faults.add({ kind: "output", as });
      return Buffer.from((await fetched(await addressOf(await operationOf("sound")))).bytes);
    };
    const half = Math.ceil(sound.bytes.length / 2);
    expect(await spoilt("truncated")).toStrictEqual(Buffer.from(sound.bytes.subarray(0, half)));
    const corrupt = await spoilt("corrupt");
    expect(corrupt.length).toBe(sound.bytes.length);
    expect(corrupt.subarray(half).equals(sound.bytes.subarray(half))).toBe(false);
    const huge = await spoilt("huge-header");
    expect([huge.readUInt32BE(16), huge.readUInt32BE(20), huge.length < 1_000]).toStrictEqual([
      20_000,
      20_000,
      true,
    ]);
  });

  it("are a server error when they cannot be drawn, and the host hears of it", async () => {
    const url = new URL(await addressOf(await operationOf()));
    replicate.breakDrawing();
    await expect(fetched(url.href)).rejects.toMatchObject({ name: "OutputUnavailable" });
    expect(replicate.errors.splice(0)).toMatchObject([{ message: "no ink" }]);
  });

  it.each([
    ["fewer-outputs", "ProviderFailed"],
    ["data-removed", "OutputExpired"],
  ] as const)("may be missing from a success: %s", async (as, name) => {
    replicate.sandbox().faults.add({ kind: "job", as });
    expect(await adapter().check(await operationOf(), SDXL)).toMatchObject({
      kind: "failed",
      name,
      charged: true,
    });
  });
});
