/** @module What is done once a day, at the time of the calendar's report: what is due by retention goes, and what expires soon is told. */
import { readVariables } from "@atelier/aws/config";
import { type AttestationStore, announceExpiring, expiring } from "@atelier/core/attestations";
import type { Catalogue } from "@atelier/core/catalogue";
import { AtelierError } from "@atelier/core/errors";
import type { Events } from "@atelier/core/ports";
import { type PrivacyDeps, sweep } from "@atelier/core/privacy";
import { DEFAULT_RETENTION, type Retention, retentionSchema } from "@atelier/core/retention";
import type { Attestation } from "@atelier/core/terms";
import type { Surroundings } from "./runtime.ts";

interface DailyDeps extends PrivacyDeps, Pick<Surroundings, "telemetry"> {
  readonly retention: Retention;
  readonly catalogue: Pick<Catalogue, "providers" | "models" | "termsExpireAfterDays">;
  readonly attestations: Pick<AttestationStore, "ages">;
  readonly termsAttested: () => Promise<readonly Attestation[]>;
  readonly events: Events;
  readonly today: () => string;
}

/** It may be called any number of times a day: what is gone is not due, and a day is told of once. */
export async function dailyRound(
  _event: unknown,
  deps: DailyDeps,
): Promise<{ readonly removed: number; readonly expiring: number }> {
  const { telemetry, today } = deps;
  const [attestations, ages] = [await deps.termsAttested(), await deps.attestations.ages()];
  const found = expiring({ ...deps, attestations, ages, today: today() });
  await announceExpiring(found, today(), deps);
  const { images, files } = await sweep(deps.retention, deps);
  telemetry.info("daily", { removed: images.length, files, expiring: found.length });
  return { removed: images.length, expiring: found.length };
}

/** `ATELIER_RETENTION`: days by status in JSON, as `retention` in `settings.json` of a data folder; what it leaves out is the default. @throws AtelierError `ConfigurationInvalid` */
export function openRetention(): { readonly retention: Retention } {
  const { ATELIER_RETENTION: written = "{}" } = readVariables(["ATELIER_RETENTION"]);
  const parsed = retentionSchema.safeParse(parsedJson(written));
  if (parsed.success) return { retention: { ...DEFAULT_RETENTION, ...parsed.data } };
  throw new AtelierError(
    "ConfigurationInvalid",
    'ATELIER_RETENTION is wrong; give days by status in JSON, such as {"failed":90,"rejected":30}, null for good.',
  );
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
