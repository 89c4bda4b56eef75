/** @module What stands in a scene: seven kinds of abstract shapes. */
import { fill, fixed, linear, radial, type Scene, shadowed } from "./scene.ts";

/** Doorways within doorways. */
function arches(scene: Scene): string {
  const { width, height, random, colour } = scene;
  const centre = random.between(0.1, 0.9) * width;
  const count = random.whole(3, 7);
  const outer = random.between(0.26, 0.62) * width;
  const drift = random.between(-0.06, 0.06) * width;
  const crown = random.between(0.02, 0.3);
  let tone = random.between(0.1, 0.9);
  const parts: string[] = [];
  for (let ring = 0; ring < count; ring++) {
    const share = ring / (count - 1);
    const half = outer * (1 - share * 0.8);
    const middle = centre + drift * ring;
    const top = height * (crown + 0.42 * share) + half * 0.25;
    // At least a visible step, to either side, and round again at the ends.
    tone = (tone + random.between(0.25, 0.75)) % 1;
    const paint = linear(scene, random.between(20, 160), [
      [0, colour(Math.min(1, tone + 0.16), ring % 3)],
      [1, colour(Math.max(0, tone - 0.18), ring % 3)],
    ]);
    const path = `M${fixed(middle - half)} ${height}V${fixed(top + half)}A${fixed(half)} ${fixed(half)} 0 0 1 ${fixed(middle + half)} ${fixed(top + half)}V${height}Z`;
    parts.push(shadowed(path, paint, width * 0.012));
  }
  return parts.join("");
}

/** Draped cloth, or dunes. */
function silk(scene: Scene): string {
  const { width, height, random, colour } = scene;
  const count = random.whole(5, 8);
  const tilt = random.between(-0.35, 0.35) * height;
  const start = random.between(0.05, 0.3) * height;
  const parts: string[] = [];
  for (let fold = 0; fold < count; fold++) {
    const level = start + (height * 0.95 * fold) / count;
    const swing = random.between(0.06, 0.2) * height * random.pick([1, -1]);
    const bend = random.between(0.2, 0.8) * width;
    const left = level - tilt / 2;
    const right = level + tilt / 2;
    const path =
      `M0 ${fixed(left)}C${fixed(bend * 0.5)} ${fixed(left + swing)} ${fixed(bend)} ${fixed((left + right) / 2 + swing)} ${fixed(bend)} ${fixed((left + right) / 2)}` +
      `S${fixed((bend + width) / 2)} ${fixed(right - swing)} ${width} ${fixed(right)}V${height}H0Z`;
    const tone = random.between(0.3, 0.85);
    const paint = linear(scene, random.between(0, 360), [
      [0, colour(Math.min(1, tone + 0.2), fold % 2)],
      [0.4, colour(tone, fold % 2)],
      [1, colour(Math.max(0, tone - 0.42), fold % 3)],
    ]);
    parts.push(shadowed(path, paint, height * 0.014));
  }
  return parts.join("");
}

/** Polished balls on a sweep of paper. */
function spheres(scene: Scene): string {
  const { width, height, random, colour } = scene;
  const horizon = random.between(0.5, 0.75) * height;
  const lamp = random.pick([0.3, 0.7]);
  const floor = linear(scene, 90, [
    [0, colour(random.between(0.4, 0.8), 1)],
    [1, colour(random.between(0.1, 0.4), 1)],
  ]);
  const parts = [
    `<rect y="${fixed(horizon)}" width="${width}" height="${fixed(height - horizon)}" fill="${floor}"/>`,
  ];
  const count = random.whole(3, 6);
  for (let ball = 0; ball < count; ball++) {
    const radius = random.between(0.07, 0.22) * Math.min(width, height) * (1 - ball * 0.07);
    const x = (0.12 + (0.76 * (ball + random.between(0.1, 0.9))) / count) * width;
    const y = horizon - radius * random.between(0.1, 1.5) + (ball / count) * 0.14 * height;
    const tone = random.between(0.45, 0.85);
    const hue = random.whole(0, 2);
    const shade = radial(scene, { x: 0.5, y: 0.5, radius: 0.5 }, [
      [0, "#000000", 0.5],
      [1, "#000000", 0],
    ]);
    const skin = radial(scene, { x: lamp, y: 0.28, radius: 0.85 }, [
      [0, colour(Math.min(1, tone + 0.4), hue)],
      [0.35, colour(tone, hue)],
      [0.85, colour(tone * 0.3, hue)],
      [1, colour(tone * 0.45, hue)],
    ]);
    parts.push(
      `<ellipse cx="${fixed(x + (0.5 - lamp) * radius)}" cy="${fixed(y + radius * 1.02)}" rx="${fixed(radius * 1.25)}" ry="${fixed(radius * 0.26)}" fill="${shade}"/>`,
      `<circle cx="${fixed(x)}" cy="${fixed(y)}" r="${fixed(radius)}" fill="${skin}"/>`,
    );
  }
  return parts.join("");
}

/** Window light through slats, on a wall. */
function louvre(scene: Scene): string {
  const { width, height, random, colour } = scene;
  const slats = random.whole(4, 9);
  const slant = random.between(0.1, 0.5) * height * random.pick([1, -1]);
  const left = random.between(0, 0.35) * width;
  const right = random.between(0.6, 1) * width;
  const top = random.between(-0.15, 0.15) * height;
  const step = (height * random.between(0.75, 1.05)) / slats;
  const open = random.between(0.4, 0.65);
  const light = linear(scene, random.pick([0, 180]), [
    [0, colour(1), 0.9],
    [1, colour(0.9, 1), 0.35],
  ]);
  const shade = fill(scene, colour(0.05, 1)).replace(
    "/>",
    ` fill-opacity="${fixed(random.between(0.25, 0.5))}"/>`,
  );
  const bands = Array.from({ length: slats }, (_, slat) => {
    const y = top + slat * step;
    return `<path d="M${fixed(left)} ${fixed(y)}L${fixed(right)} ${fixed(y + slant)}v${fixed(step * open)}L${fixed(left)} ${fixed(y + step * open)}Z" fill="${light}"/>`;
  });
  return shade + bands.join("") + (random.whole(0, 1) === 0 ? "" : spheres(scene));
}

/** Sheets of coloured glass, one over another. */
function discs(scene: Scene): string {
  const { width, height, random, colour } = scene;
  const parts: string[] = [];
  for (let disc = random.whole(5, 9); disc > 0; disc--) {
    const radius = random.between(0.14, 0.4) * Math.min(width, height);
    const tone = random.between(0.1, 1);
    const paint = linear(scene, random.between(0, 360), [
      [0, colour(tone, disc % 3), 0.95],
      [1, colour(Math.max(0, tone - 0.35), (disc + 1) % 3), 0.45],
    ]);
    parts.push(
      `<circle cx="${fixed(random.between(0.05, 0.95) * width)}" cy="${fixed(random.between(0.05, 0.85) * height)}" r="${fixed(radius)}" fill="${paint}"/>`,
    );
  }
  return parts.join("");
}

/** Blocks to stand things on. */
function plinths(scene: Scene): string {
  const { width, height, random, colour } = scene;
  const count = random.whole(3, 5);
  const lit = random.pick([0, 1]);
  const order = random.pick([1, -1]);
  const parts: string[] = [];
  for (let block = 0; block < count; block++) {
    const place = order > 0 ? block : count - 1 - block;
    const breadth = (width / count) * random.between(0.75, 1.1);
    const x = ((place + 0.5) / count) * width - breadth / 2;
    const top = height * random.between(0.22, 0.78);
    const depth = breadth * 0.24;
    const hue = random.whole(0, 2);
    const tone = random.between(0.4, 0.8);
    const front = linear(scene, 90, [
      [0, colour(tone, hue)],
      [1, colour(tone * 0.45, hue)],
    ]);
    const side = colour(lit === 0 ? tone * 0.4 : Math.min(1, tone + 0.12), hue);
    parts.push(
      `<path d="M${fixed(x)} ${fixed(top)}h${fixed(breadth * 0.78)}V${height}h${fixed(-breadth * 0.78)}Z" fill="${front}"/>`,
      `<path d="M${fixed(x + breadth * 0.78)} ${fixed(top)}l${fixed(breadth * 0.22)} ${fixed(-depth)}V${height}h${fixed(-breadth * 0.22)}Z" fill="${side}"/>`,
      `<path d="M${fixed(x)} ${fixed(top)}l${fixed(breadth * 0.22)} ${fixed(-depth)}h${fixed(breadth * 0.78)}l${fixed(-breadth * 0.22)} ${fixed(depth)}Z" fill="${colour(Math.min(1, tone + 0.28), hue)}"/>`,
    );
  }
  return parts.join("");
}

/** Folded paper turning about a point. */
function petals(scene: Scene): string {
  const { width, height, random, colour } = scene;
  const centre = { x: random.between(0.2, 0.8) * width, y: random.between(0.2, 0.7) * height };
  const count = random.whole(7, 12);
  const reach = Math.hypot(width, height) * random.between(0.45, 0.8);
  const turn = random.between(0, 360);
  const round = (radius: number, degrees: number) => {
    const angle = (degrees * Math.PI) / 180;
    return `${fixed(centre.x + radius * Math.cos(angle))} ${fixed(centre.y + radius * Math.sin(angle))}`;
  };
  return Array.from({ length: count }, (_, petal) => {
    const from = turn + (petal * 360) / count;
    const to = from + 360 / count + 14;
    const tone = random.between(0.15, 0.95);
    const paint = linear(scene, from + 90, [
      [0, colour(Math.min(1, tone + 0.15), petal % 3)],
      [1, colour(Math.max(0, tone - 0.25), petal % 3)],
    ]);
    return `<path d="M${round(0, 0)}Q${round(reach * 0.6, from - 16)} ${round(reach, from)}Q${round(reach * 1.1, (from + to) / 2)} ${round(reach, to)}Q${round(reach * 0.6, to - 16)} ${round(0, 0)}Z" fill="${paint}"/>`;
  }).join("");
}

export const SUBJECTS = [arches, silk, spheres, louvre, discs, plinths, petals] as const;
