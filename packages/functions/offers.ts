/** @module What is for sale, for functions that make no prompts: the catalogue without templates and policy, most of its weight. */
import type { Catalogue, Model } from "@atelier/core/catalogue";
// Checked when it was compiled; parsing it again would cost every cold start.
import compiled from "../../dist/offers.json" with { type: "json" };
import { chosenTimezone } from "./installation.ts";

export type Offers = Pick<Catalogue, "providers" | "models" | "workflows">;

export function openOffers() {
  const offers = compiled as unknown as Offers & { readonly timezone: string };
  const models = new Map(offers.models.map((model) => [model.name, model]));
  return {
    offers,
    timezone: chosenTimezone(offers.timezone),
    modelOf: (name: string): Model | undefined => models.get(name),
  };
}
