/** @module Progress bars on standard error, one for each stage, redrawn in place; for terminals only. */
import type { ProgressEvent, Stage } from "@atelier/local/facade";
import type { TextStream } from "./io.ts";
import type { Overlay } from "./output.ts";

const STAGES: readonly Stage[] = ["validate", "generate", "collect", "process", "record"];
const BAR_COLUMNS_MAX = 40;
const WIDTH_COLUMNS_DEFAULT = 80;

export interface Progress extends Overlay {
  take(event: ProgressEvent): void;
  /** Leaves the bars as they are; the next line starts below them. */
  stop(): void;
}

/** Nothing is drawn, and nothing is done, when the stream is no terminal. */
export function startProgress(stream: TextStream): Progress {
  if (!stream.isTTY) return { take() {}, hide() {}, show() {}, stop() {} };

  let images = 0;
  let stopped = false;
  let drawn = "";
  const passed = new Map<Stage, Set<string>>(STAGES.map((stage) => [stage, new Set()]));

  const line = (stage: Stage, count: number) => {
    // One column stays free: a full line makes some terminals wrap, and the way back up would be wrong.
    const widthColumns = (stream.columns ?? WIDTH_COLUMNS_DEFAULT) - 1;
    const counts = ` ${count}/${images}`;
    const barColumns = Math.min(BAR_COLUMNS_MAX, widthColumns - "validate ".length - counts.length);
    const full = Math.floor(barColumns * Math.min(1, count / images));
    const bar = barColumns > 0 ? "█".repeat(full) + "░".repeat(barColumns - full) : "";
    return `${stage.padEnd("validate".length)} ${bar}${counts}`.slice(0, Math.max(0, widthColumns));
  };
  // The cursor is never hidden, so that no way of dying can leave a terminal without one.
  const hide = () => {
    if (drawn !== "") stream.write(`\u001b[${STAGES.length}A\u001b[0J`);
    drawn = "";
  };
  const show = () => {
    if (stopped || images === 0) return;
    const text = STAGES.map((stage) => `${line(stage, passed.get(stage)?.size ?? 0)}\n`).join("");
    if (text === drawn) return;
    // Up to the first bar, then each line over the old one: clearing first would flicker.
    stream.write((drawn === "" ? "" : `\u001b[${STAGES.length}A`) + text.replaceAll("\n", "\u001b[K\n"));
    drawn = text;
  };

  return {
    take(event) {
      switch (event.kind) {
        case "planned":
          // Told again as more becomes known; each time the whole number.
          images = Math.max(images, event.images);
          break;
        case "finished":
          passed.get(event.stage)?.add(event.imageId);
          break;
        case "image":
          // An image that has ended passes no further stage: without this the bars of a failure would never fill.
          for (const stage of passed.values()) stage.add(event.document.image_id);
          break;
        case "entered":
          break;
      }
      show();
    },
    hide,
    show,
    stop() {
      stopped = true;
    },
  };
}
