/** @module What a drawn scene is made with: a size, a seed's numbers and colours, and paints. All SVG text. */
import { hexOfOklch } from "./oklab.ts";
import type { SeededRandom } from "./seeded-random.ts";

export interface Scene {
  readonly width: number;
  readonly height: number;
  readonly random: SeededRandom;
  /** The colour of a tone, 0 dark to 1 light, of the main hue (0) or one of its companions (1, 2). */
  colour(tone: number, hue?: number): string;
  /** Registers a paint (gradient) and gives the reference to it. */
  paint(definition: (id: string) => string): string;
}

export function paletteOf(random: SeededRandom): Scene["colour"] {
  const base = random.between(0, 360);
  const spread = random.pick([24, 42, 150, 180, 210]);
  const hues = [base, base + spread, base - spread / 2];
  const chroma = random.between(0.05, 0.13);
  const [dark, light] = random.pick([
    [0.16, 0.9],
    [0.24, 0.95],
    [0.12, 0.82],
  ]);
  return (tone, hue = 0) => {
    // Chroma fades towards both ends, as pigments do.
    const fullness = 1 - Math.abs(tone - 0.5) * 1.1;
    return hexOfOklch(dark + (light - dark) * tone, chroma * Math.max(0.25, fullness), hues[hue] ?? base);
  };
}

export function linear(
  scene: Scene,
  angleDegrees: number,
  stops: readonly (readonly [offset: number, colour: string, opacity?: number])[],
): string {
  const turn = (angleDegrees * Math.PI) / 180;
  const [dx, dy] = [Math.cos(turn) / 2, Math.sin(turn) / 2];
  return scene.paint(
    (id) =>
      `<linearGradient id="${id}" x1="${fixed(0.5 - dx)}" y1="${fixed(0.5 - dy)}" x2="${fixed(0.5 + dx)}" y2="${fixed(0.5 + dy)}">${stopsOf(stops)}</linearGradient>`,
  );
}

export function radial(
  scene: Scene,
  centre: { x: number; y: number; radius: number },
  stops: readonly (readonly [offset: number, colour: string, opacity?: number])[],
): string {
  return scene.paint(
    (id) =>
      `<radialGradient id="${id}" cx="${fixed(centre.x)}" cy="${fixed(centre.y)}" r="${fixed(centre.radius)}">${stopsOf(stops)}</radialGradient>`,
  );
}

function stopsOf(stops: readonly (readonly [offset: number, colour: string, opacity?: number])[]): string {
  return stops
    .map(
      ([offset, colour, opacity = 1]) =>
        `<stop offset="${offset}" stop-color="${colour}" stop-opacity="${opacity}"/>`,
    )
    .join("");
}

export function fill(scene: Scene, paint: string): string {
  return `<rect width="${scene.width}" height="${scene.height}" fill="${paint}"/>`;
}

/** A shape over its own soft shadow: three widening strokes cost a tenth of a blur filter. */
export function shadowed(path: string, paint: string, reach: number): string {
  const strokes = [1, 2, 3].map(
    (ring) =>
      `<path d="${path}" fill="none" stroke="#000000" stroke-opacity="0.07" stroke-width="${fixed(reach * ring)}"/>`,
  );
  return `${strokes.join("")}<path d="${path}" fill="${paint}"/>`;
}

export function fixed(value: number): string {
  return value.toFixed(2);
}
