/** @module An operator's word that a viewer is an adult, given by calling the function: AWS says who may, and the call who does. */
import { type AttestationDeps, attestAge, withdrawAge } from "@atelier/core/attestations";
import * as z from "zod";

export const wordSchema = z.strictObject({
  /** `sub` of the viewer's tokens. */
  viewer: z.string().regex(/^[\x21-\x7e]{1,200}$/, "must be the subject of a token"),
  /** Who gives their word. */
  by: z.string().min(1).max(200),
  /** How they know; null takes their word back. */
  how: z.string().min(1).max(500).nullable(),
  /** The last moment at which it counts; left out: a year from now. */
  until: z.iso.datetime().optional(),
});

export async function giveWord(
  { viewer, by, how, until }: z.output<typeof wordSchema>,
  deps: AttestationDeps,
): Promise<{ readonly viewer: string; readonly attested_until: string | null }> {
  const told = { ...deps, actor: by };
  if (how === null) {
    await withdrawAge(viewer, told);
    return { viewer, attested_until: null };
  }
  const untilMs = until === undefined ? undefined : Date.parse(until);
  const attested = await attestAge({ viewer, how, untilMs }, told);
  return { viewer, attested_until: new Date(attested.untilMs).toISOString() };
}
