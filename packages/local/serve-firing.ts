/** @module Firing an entry of the calendar: once, however many processes serve the folder. */
import type { ScheduledOccurrence } from "@atelier/core/schedule";
import { allInTurn } from "@atelier/core/turns";
import { reportExpiring } from "./attest-desk.ts";
import type { Installation } from "./installation.ts";
import { privacyOf } from "./privacy.ts";
import { firingName, settleBooks } from "./runs.ts";

/** What makes pictures goes on in the background; the daily report is done when this resolves. */
export async function fireOccurrence(
  occurrence: ScheduledOccurrence,
  installation: Installation,
): Promise<void> {
  const { occurrences } = installation.steps.requests;
  const { occurrenceId, entry, localDate, scheduledAtMs, action } = occurrence;
  if (await occurrences.get(occurrenceId)) return;
  if (action.kind === "generate") {
    await installation.gate.refresh();
    // Whichever execution comes first to the plan owns the occurrence; others end with nothing.
    await installation.machine.start(firingName(occurrenceId, installation), {
      entry,
      scheduledTime: new Date(scheduledAtMs).toISOString(),
    });
    return;
  }
  const noted = { occurrenceId, entry, localDate, scheduledAtMs, requestId: null, category: null, count: 0 };
  if (await occurrences.putIfAbsent(noted)) await reportDay(installation);
}

/** Whatever a report that was cut off left undone, the rounds or the next day's do. */
async function reportDay(installation: Installation): Promise<void> {
  await allInTurn({
    books: () => settleBooks(installation),
    retention: () => privacyOf(installation).sweep(false),
    expiring: () => reportExpiring(installation),
  });
}
