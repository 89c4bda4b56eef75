/** @module Pictures in a function of one core. */
import { createImaging } from "@atelier/imaging/open";
import { DEFAULT_RECIPE } from "@atelier/imaging/renditions";

/** No sandbox runs on AWS, so no picture is believed by its mark. */
export function openImaging() {
  return { imaging: createImaging({ concurrency: 1 }), recipe: DEFAULT_RECIPE, sandboxKey: null };
}
