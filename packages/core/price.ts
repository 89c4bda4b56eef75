/** @module What one picture costs: by model, size and steps, as its provider bills. */
import type { Model, Parameters } from "./catalogue.ts";
import { MICROS_PER_USD, type Micros } from "./money.ts";

/**
 * A job that takes longer is cancelled at the provider (`Cancel-After`). It bounds what a model that is billed by time can
 * cost: the hold is the most that an attempt can cost.
 */
export const JOB_DEADLINE_MS = 5 * 60 * 1000;

export interface Price {
  /** What the provider's list says for this picture. */
  readonly listMicros: Micros;
  /** The most that it can cost: what is held. */
  readonly mostMicros: Micros;
}

/** Rounded up to whole micro-USD. Null when the catalogue does not know the price: nothing can be held. */
export function priceOf(
  model: Pick<Model, "price" | "steps">,
  { width, height, steps: asked }: Pick<Parameters, "width" | "height" | "steps">,
): Price | null {
  const { price } = model;
  if (price === null) return null;
  // As many as are sent: the nearest that the model takes.
  const steps = model.steps ? Math.min(model.steps.max, Math.max(model.steps.min, asked)) : asked;
  const megapixels = (width * height) / 1_000_000;
  switch (price.per) {
    case "nothing":
      return { listMicros: 0, mostMicros: 0 };
    case "image": {
      const sized = price.sizes.find(({ megapixelsMax }) => megapixels <= megapixelsMax);
      return fixed(sized?.usd ?? price.usd);
    }
    case "credit": {
      const stepped = price.steps.find(({ stepsMax }) => steps <= stepsMax);
      return fixed((stepped?.credits ?? price.credits) * price.usd);
    }
    case "second": {
      const mostMicros = roundedUp((price.usd * JOB_DEADLINE_MS) / 1000);
      const seconds = price.seconds * megapixels * (price.steps === null ? 1 : steps / price.steps);
      const listUsd = price.list ?? price.usd * seconds;
      return { listMicros: Math.min(mostMicros, roundedUp(listUsd)), mostMicros };
    }
  }
}

/**
 * What a provider charged that reports how long its hardware ran or how many pictures it made; null where it bills
 * otherwise or reports neither.
 */
export function chargeOfUsage(
  model: Pick<Model, "price">,
  usage: { readonly seconds: number | null; readonly images: number | null },
  listMicros: Micros | null,
): Micros | null {
  if (model.price?.per === "second" && usage.seconds !== null) {
    return roundedUp(model.price.usd * usage.seconds);
  }
  if (model.price?.per === "image" && usage.images !== null && listMicros !== null) {
    return listMicros * usage.images;
  }
  return null;
}

function fixed(usd: number): Price {
  const micros = roundedUp(usd);
  return { listMicros: micros, mostMicros: micros };
}

/** Up, so that no fraction is ever missing from a hold; the tolerance is for products such as 0.1 * 3. */
function roundedUp(usd: number): Micros {
  return Math.ceil(usd * MICROS_PER_USD - 1e-6);
}
