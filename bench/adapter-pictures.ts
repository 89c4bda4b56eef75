/**
 * @module One side of the large comparison of `bench/adapter.ts`, alone in its process: pictures in base64, many at once.
 * Arguments: `adapter` or `fetch`, and the service's origin. Sends its figures to the parent.
 */
import type { ProviderRequest } from "@atelier/core/provider";
import { createA1111Provider } from "@atelier/providers/a1111/provider";
import { sendOnce } from "@atelier/providers/http";
import { createPool } from "@atelier/providers/pool";
import { SDXL } from "../test/simulators/models.ts";

export interface PicturesFigures {
  cpuMs: number;
  /** The most resident memory while it ran, beyond what there was before. */
  extraMb: number;
}

const PICTURES = 192;
const IN_FLIGHT = 16;

const [, , side, origin = ""] = process.argv;
const request: ProviderRequest = {
  model: SDXL,
  prompt: "a lighthouse at dusk",
  negativePrompt: "",
  parameters: { width: 1024, height: 1024, steps: 30, guidanceScale: 7.5 },
  seed: 4711,
  deadlineMs: 60_000,
};
const transport = createPool();
const adapter = createA1111Provider(
  { baseUrl: origin, user: null, password: null },
  { clock: Date.now, transport },
);

async function byAdapter(): Promise<number> {
  const submission = await adapter.submit(request, { attemptId: "img_bench-1", webhookUrl: null });
  if (submission.kind !== "done") throw new Error(`The adapter gave ${submission.kind}.`);
  return submission.outputs.reduce(
    (sum, output) => sum + (output.kind === "bytes" ? output.bytes.length : 0),
    0,
  );
}

async function byFetch(): Promise<number> {
  const response = await fetch(`${origin}/sdapi/v1/txt2img`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ prompt: request.prompt, steps: 30, seed: 4711 }),
  });
  const { images } = (await response.json()) as { images: string[] };
  return images.reduce((sum, image) => sum + Buffer.from(image, "base64").length, 0);
}

/** So that what is loaded and grown in the first calls of all counts for neither. */
async function warmUp(): Promise<void> {
  const url = `${origin}/v1/predictions`;
  for (let call = 0; call < 200; call++) {
    if (side === "fetch") await (await fetch(url, { method: "POST", body: "{}" })).json();
    else await sendOnce(transport, { method: "POST", url, headers: {}, body: "{}", timeoutMs: 5_000 });
  }
  global.gc?.();
}

const one = side === "adapter" ? byAdapter : byFetch;
await warmUp();
const beforeMb = process.memoryUsage.rss() / 2 ** 20;
const cpu = process.cpuUsage();
let left = PICTURES;
await Promise.all(
  Array.from({ length: IN_FLIGHT }, async () => {
    while (left-- > 0) await one();
  }),
);
const { user, system } = process.cpuUsage(cpu);
const peakMb = process.resourceUsage().maxRSS / 1024;
const figures: PicturesFigures = { cpuMs: (user + system) / 1000 / PICTURES, extraMb: peakMb - beforeMb };
process.send?.(figures);
process.disconnect?.();
