/** @module What is asked for in a simulation, and when: requests of all sizes, to every provider, in bursts over some days. */
import type { ImageRequest } from "@atelier/core/request";
import { localDateOf } from "@atelier/core/schedule";
import { partsOf } from "@atelier/core/start";
import { someRequest } from "../contract/table-fixtures.ts";
import { PROVIDERS } from "./catalogue.ts";
import { TIMEZONE } from "./installation.ts";

/** The last days of a month: day and month change on the way. */
export const START_MS = Date.parse("2026-11-28T20:00:00Z");
export const HOUR_MS = 3_600_000;
/** Requests come in bursts over this time. */
export const ASKING_MS = 60 * HOUR_MS;
const BURSTS = 6;

export interface Asking {
  readonly images: number;
  /** Whom the requests ask; null: whom routing chooses. Default: every provider in turn, and routing. */
  readonly wanted?: readonly (string | null)[];
  /** Images of a request; all come in the first burst, and none is cancelled. Default: drawn, in all, and some are. */
  readonly imagesPerRequest?: number;
}

export interface Planned {
  readonly request: ImageRequest;
  readonly atMs: number;
  /** Null: nobody cancels it. */
  readonly cancelAfterMs: number | null;
}

export function requestsFor(options: Asking, random: (below: number) => number): Planned[] {
  const { images, imagesPerRequest, wanted: asked = [...PROVIDERS, null] } = options;
  const planned: Planned[] = [];
  for (let left = images, number = 0; left > 0; number++) {
    const count = Math.min(left, imagesPerRequest ?? drawnCount(images, random));
    left -= count;
    const burst = imagesPerRequest === undefined ? random(BURSTS) : 0;
    const atMs = START_MS + 1_000 + (burst * ASKING_MS) / BURSTS + random(20 * 60_000);
    // Every provider by name, and some left to routing.
    const wanted = asked[number % asked.length] ?? null;
    const isLarge = random(10) === 0 && (wanted === "stability" || wanted === null);
    planned.push({
      request: someRequest({
        requestId: `req_sim${String(number).padStart(5, "0")}`,
        category: "weekend_special",
        template: isLarge ? "large_bowl" : "bowl",
        count,
        parts: partsOf(count),
        seed: 1 + random(2 ** 31 - 3),
        priority: random(2) === 0 ? "plan" : "interactive",
        wantedProvider: wanted,
        createdAtMs: atMs,
        localDate: localDateOf(atMs, TIMEZONE),
      }),
      atMs,
      cancelAfterMs: options.imagesPerRequest === undefined && random(25) === 0 ? random(90_000) : null,
    });
  }
  return planned;
}

/** Few are larger than a part. */
function drawnCount(images: number, random: (below: number) => number): number {
  if (images < 500) return 1 + random(6);
  return random(12) === 0 ? 40 + random(40) : 1 + random(24);
}
