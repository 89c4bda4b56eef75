/** @module Makes the versions that are wanted, for as long as the call has time; the schedule calls again in a minute. */
import type { Telemetry } from "@atelier/aws/telemetry";
import type { AtelierError } from "@atelier/core/errors";
import { throwFailures } from "@atelier/core/turns";
import { isBeingMade } from "@atelier/core/version";
import { finishVersions, type MakeVersionDeps, type VersionMaker } from "@atelier/core/version-make";
import type { Invocation } from "./runtime.ts";

/** The largest takes 13 s of a whole core; with its uploads and on a cold start it is done in this. */
const LONGEST_MS = 60_000;

export async function makeVersions(
  _event: unknown,
  deps: Omit<MakeVersionDeps, "maker"> & { readonly telemetry: Pick<Telemetry, "info"> },
  { requestId, deadlineMs }: Invocation,
): Promise<{ readonly made: number; readonly failed: number }> {
  const { clock, telemetry } = deps;
  const maker: VersionMaker = {
    name: requestId,
    // As the stack has it: whoever claimed a version before that was ended by Lambda.
    isMaking: async (version) => version.maker !== requestId && isBeingMade(version, clock()),
  };
  const faults: AtelierError[] = [];
  const done = await finishVersions(
    { ...deps, maker },
    () => clock() + LONGEST_MS < deadlineMs,
    (error) => faults.push(error),
  );
  const failed = done.filter(({ state }) => state === "failed").length;
  telemetry.info("versions", { made: done.length - failed, failed, waiting: faults.length });
  // So that Lambda counts an error; those that could be made are.
  throwFailures(faults);
  return { made: done.length - failed, failed };
}
