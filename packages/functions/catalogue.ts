/** @module The catalogue as `npm run templates` compiled it, and what follows from it and the installation's settings. */
import { readAttestations, readSettings } from "@atelier/aws/config";
import type { Catalogue, Model } from "@atelier/core/catalogue";
import { installedRouting } from "@atelier/core/installed-routing";
import { localDateOf } from "@atelier/core/schedule";
// Checked when it was compiled; parsing it again would cost every cold start.
import compiled from "../../dist/catalogue.json" with { type: "json" };
import type { Surroundings } from "./runtime.ts";

export function openCatalogue({ clock }: Pick<Surroundings, "clock">) {
  const written = compiled as unknown as Catalogue;
  const { ATELIER_TIMEZONE, ATELIER_PROVIDER } = readSettings(["ATELIER_TIMEZONE", "ATELIER_PROVIDER"]);
  const timezone = ATELIER_TIMEZONE ?? written.schedule.timezone;
  // One time zone for calendar, budgets and folders.
  const catalogue: Catalogue = { ...written, schedule: { ...written.schedule, timezone } };
  const models = new Map(catalogue.models.map((model) => [model.name, model]));
  return {
    catalogue,
    timezone,
    provider: ATELIER_PROVIDER,
    today: () => localDateOf(clock(), timezone),
    modelOf: (name: string): Model | undefined => models.get(name),
  };
}

/** Ranks candidates with the deployment's attestations. A provider that is deployed has its key. */
export function openRouting({ catalogue, provider, today }: ReturnType<typeof openCatalogue>) {
  return {
    route: installedRouting({
      catalogue,
      attestations: readAttestations(today()),
      keysPresent: [provider],
      today,
    }),
  };
}
