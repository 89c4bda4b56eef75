/** @module What is done once a day, at the time of the calendar's report: what is due by retention goes, and what expires soon is told. */
import { readVariables } from "@atelier/aws/config";
import { type AttestationStore, announceExpiring, expiring } from "@atelier/core/attestations";
import type { Catalogue } from "@atelier/core/catalogue";
import { AtelierError } from "@atelier/core/errors";
import type { Events } from "@atelier/core/ports";
import { type PrivacyDeps, sweep } from "@atelier/core/privacy";
import { DEFAULT_RETENTION, type Retention, retentionSchema } from "@atelier/core/retention";
import type { Attestation } from "@atelier/core/terms";
import { allInTurn } from "@atelier/core/turns";
import type { Surroundings } from "./runtime.ts";

interface DailyDeps extends PrivacyDeps, Pick<Surroundings, "telemetry"> {
  readonly retention: Retention;
  readonly catalogue: Pick<Catalogue, "providers" | "models" | "termsExpireAfterDays">;
  readonly attestations: Pick<AttestationStore, "ages">;
  readonly termsAttested: () => Promise<readonly Attestation[]>;
  readonly events: Events;
  readonly today: () => string;
}

/**
 * It may be called any number of times a day: what is gone is not due, and a day is told of once.
 *
 * @throws AtelierError what failed, when both have had their turn
 */
export async function dailyRound(
  _event: unknown,
  deps: DailyDeps,
): Promise<{ readonly removed: number; readonly expiring: number }> {
  const done = await allInTurn({
    retention: () => sweep(deps.retention, deps),
    expiring: () => tellExpiring(deps),
  });
  const removed = done.retention.images.length;
  deps.telemetry.info("daily", { removed, files: done.retention.files, expiring: done.expiring });
  return { removed, expiring: done.expiring };
}

/** @returns how many there are */
async function tellExpiring(deps: DailyDeps): Promise<number> {
  const [attestations, ages] = [await deps.termsAttested(), await deps.attestations.ages()];
  const found = expiring({ ...deps, attestations, ages, today: deps.today() });
  await announceExpiring(found, deps.today(), deps);
  return found.length;
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
