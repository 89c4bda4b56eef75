import { type Catalogue, type Model, modelSchema } from "@atelier/core/catalogue";
import { isAtelierError } from "@atelier/core/errors";
import { loadInstalledCatalogue } from "@atelier/local/installed-catalogue";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { type ExchangeCase, exchangeCases, recordedProviders, replay } from "./replay.ts";

let catalogue: Catalogue;
beforeAll(async () => {
  catalogue = await loadInstalledCatalogue();
});

type Json = ReturnType<typeof JSON.parse>;

/** Every place of a JSON value, as the keys that lead there; the value itself left out. */
function placesIn(value: Json, before: readonly string[] = []): string[][] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, one]) => [
    [...before, key],
    ...placesIn(one, [...before, key]),
  ]);
}

function without(value: Json, place: readonly string[]): Json {
  const copy = structuredClone(value);
  const parent = place.slice(0, -1).reduce((at, key) => at?.[key], copy);
  if (Array.isArray(parent)) parent.splice(Number(place.at(-1)), 1);
  else if (parent) delete parent[place.at(-1) ?? ""];
  return copy;
}

/** With fields that nobody has heard of in every object. */
function withStrangers(value: Json, extra: Readonly<Record<string, unknown>>): Json {
  if (Array.isArray(value)) return value.map((one) => withStrangers(one, extra));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, one]) => [key, withStrangers(one, extra)]);
  return { ...Object.fromEntries(entries), ...extra };
}

/** Strings that are no addresses: an address in an output would be an output. */
const stranger = fc.dictionary(
  fc.stringMatching(/^x_[a-z]{1,8}$/),
  fc.oneof(
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.stringMatching(/^[a-z ]{0,20}$/),
    fc.array(fc.integer()),
  ),
  { maxKeys: 3 },
);

describe.each(recordedProviders())("exchanges with %s", (provider) => {
  const play = (one: ExchangeCase) => playAt(provider, one);
  const cases = exchangeCases(provider);
  it.each(cases)("$name ($origin: $source)", async (one) => {
    expect(await play(one)).toMatchObject(expected(one));
  });

  it.each(cases.filter(({ needed }) => needed !== undefined))("$name, with less in it", async (one) => {
    for (const [index, { answer }] of one.exchanges.entries()) {
      for (const place of placesIn(answer?.body)) {
        if (one.needed?.includes(`${index}:${place.join(".")}`)) continue;
        const fewer = changed(one, index, (body) => without(body, place));
        expect(await play(fewer), `without ${index}:${place.join(".")}`).toMatchObject(expected(one));
      }
    }
  });

  it("is the same with fields that nobody has heard of", async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...cases), stranger, async (one, extra) => {
        const more = one.exchanges.reduce<ExchangeCase>(
          (grown, _, index) => changed(grown, index, (body) => withStrangers(body, extra)),
          one,
        );
        expect(await play(more)).toMatchObject(expected(one));
      }),
      { numRuns: 30 },
    );
  });

  it("never breaks on what is missing: every answer is a value, or a provider that cannot be asked", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...cases),
        fc.array(fc.double({ min: 0, max: 0.999, noNaN: true }), { minLength: 1, maxLength: 6 }),
        async (one, shares) => {
          const poorer = one.exchanges.reduce<ExchangeCase>(
            (left, _, index) =>
              changed(left, index, (body) =>
                shares.reduce((rest, share) => {
                  const places = placesIn(rest);
                  const place = places[Math.floor(share * places.length)];
                  return place === undefined ? rest : without(rest, place);
                }, body),
              ),
            one,
          );
          const result = await play(poorer).catch((error: unknown) => error);
          if (result instanceof Error)
            expect(isAtelierError(result, "ProviderUnavailable"), String(result)).toBe(true);
          else expect(result).toBeDefined();
        },
      ),
      { numRuns: 30 },
    );
  });
});

it("knows of every exchange where it comes from", () => {
  for (const provider of recordedProviders()) {
    for (const { source, origin } of exchangeCases(provider)) {
      expect(source.length).toBeGreaterThan(5);
      expect(origin).toMatch(/^(from documentation|recorded)$/);
    }
  }
});

async function playAt(provider: string, one: ExchangeCase): Promise<unknown> {
  const offered = catalogue.models.filter((model) => model.provider === provider);
  const model = offered.find(({ name }) => one.model === undefined || name === one.model);
  if (model === undefined) throw new Error(`The catalogue has no ${one.model ?? provider}.`);
  const clock = () => Date.parse("2026-11-22T06:00:00Z");
  return replay(one, pricedPlainly(model), { clock, workflows: catalogue.workflows });
}

/** The expected costs of the cases do not change with the price list. */
function pricedPlainly(model: Model): Model {
  if (model.provider !== "replicate") return model;
  const price =
    model.price?.per === "image"
      ? { per: "image", usd: 0.003 }
      : { per: "second", usd: 0.000975, seconds: 5, steps: null };
  return modelSchema.parse({ ...model, price });
}

/** A word stands for itself; recordings only say what kind of end there was. */
function expected({ gives }: ExchangeCase): object {
  return typeof gives === "object" && gives !== null ? gives : expect.stringContaining(String(gives));
}

function changed(one: ExchangeCase, index: number, change: (body: Json) => Json): ExchangeCase {
  return {
    ...one,
    exchanges: one.exchanges.map((exchange, at) => {
      const { answer } = exchange;
      const body = answer?.body;
      if (at !== index || answer === null || typeof body !== "object") return exchange;
      return { ...exchange, answer: { ...answer, body: change(body) } };
    }),
  };
}
