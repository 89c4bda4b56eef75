/** @module Abstract studio scenes as SVG: a wall, a light, and a few shapes, all decided by a seed. No human shapes. */
import { fill, fixed, linear, paletteOf, radial, type Scene } from "./scene.ts";
import { seededRandom } from "./seeded-random.ts";
import { SUBJECTS } from "./subjects.ts";

/** The whole drawing of a seed, without any lettering. The same seed and size always give the same text. */
export function backdrop(width: number, height: number, seed: number): string {
  const random = seededRandom(seed);
  const definitions: string[] = [];
  const scene: Scene = {
    width,
    height,
    random,
    colour: paletteOf(random),
    paint: (definition) => {
      const id = `p${definitions.length}`;
      definitions.push(definition(id));
      return `url(#${id})`;
    },
  };
  const subject = random.pick(SUBJECTS);
  const parts = [
    wall(scene),
    tiles(scene, 0.22),
    subject(scene),
    tiles(scene, 0.09),
    keyLight(scene),
    vignette(scene),
  ];
  return `<defs>${definitions.join("")}</defs>${parts.join("")}`;
}

function wall(scene: Scene): string {
  const { random, colour } = scene;
  const angle = random.between(0, 360);
  const [from, to] = random.pick([
    [0.75, 0.3],
    [0.9, 0.5],
    [0.45, 0.12],
    [0.62, 0.35],
  ]);
  return fill(
    scene,
    linear(scene, angle, [
      [0, colour(from)],
      [0.55, colour((from + to) / 2)],
      [1, colour(to, random.whole(0, 2))],
    ]),
  );
}

/** A soft lamp from somewhere above, over everything. */
function keyLight(scene: Scene): string {
  const { random, colour } = scene;
  const centre = {
    x: random.between(0, 1),
    y: random.between(-0.1, 0.45),
    radius: random.between(0.4, 0.75),
  };
  const strength = random.between(0.25, 0.55);
  return fill(
    scene,
    radial(scene, centre, [
      [0, colour(1), strength],
      [0.5, colour(1), strength * 0.3],
      [1, colour(1), 0],
    ]),
  );
}

/**
 * Panels, each a little lighter or darker. On the field of the difference hash (9 x 8), which sees nothing smaller: smooth
 * walls alone would make pictures of different seeds near-duplicates.
 */
function tiles(scene: Scene, strength: number): string {
  const { width, height, random, colour } = scene;
  const [columns, rows] = [9, 8];
  const [stepX, stepY] = [width / columns, height / rows];
  return Array.from({ length: columns * rows }, (_, tile) => {
    const tone = random.pick([colour(1), "#000000"]);
    const opacity = random.between(0, strength);
    const x = (tile % columns) * stepX;
    const y = Math.floor(tile / columns) * stepY;
    return `<rect x="${fixed(x)}" y="${fixed(y)}" width="${fixed(stepX)}" height="${fixed(stepY)}" fill="${tone}" fill-opacity="${fixed(opacity)}"/>`;
  }).join("");
}

function vignette(scene: Scene): string {
  return fill(
    scene,
    radial(scene, { x: 0.5, y: 0.46, radius: 0.78 }, [
      [0.5, "#000000", 0],
      [1, "#000000", 0.38],
    ]),
  );
}
