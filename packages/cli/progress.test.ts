import type { ProgressEvent, Stage } from "@atelier/local/facade";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { startProgress } from "./progress.ts";
import { CapturedStream } from "./testing/captured-run.ts";
import { failedImage, imageNumbered } from "./testing/documents.ts";

/** What a terminal shows after the text: new lines, cursor up, clear to the end of line or screen; nothing else is expected. */
function screenOf(text: string): string[] {
  const lines = [""];
  let row = 0;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the sequences that a terminal obeys
  for (const [token] of text.matchAll(/\u001b\[(\d+A|0J|K)|\n|[^\u001b\n]+/g)) {
    if (token === "\n") lines[++row] ??= "";
    else if (token.endsWith("A") && token.startsWith("\u001b")) row -= Number.parseInt(token.slice(2), 10);
    else if (token === "\u001b[0J") lines.splice(row, lines.length, "");
    else if (token !== "\u001b[K") lines[row] = token;
  }
  return lines;
}

const finished = (stage: Stage, index: number): ProgressEvent => ({
  kind: "finished",
  stage,
  imageId: imageNumbered(index).image_id,
});

describe("startProgress", () => {
  it("draws a bar for each stage in place", () => {
    const stream = new CapturedStream(30);
    const progress = startProgress(stream);
    progress.take({ kind: "planned", images: 1 });
    progress.take({ kind: "planned", images: 2 });
    progress.take(finished("validate", 0));
    progress.take(finished("validate", 1));
    progress.take(finished("generate", 1));
    progress.take(finished("generate", 1));
    expect(screenOf(stream.text)).toStrictEqual([
      "validate ████████████████ 2/2",
      "generate ████████░░░░░░░░ 1/2",
      "collect  ░░░░░░░░░░░░░░░░ 0/2",
      "process  ░░░░░░░░░░░░░░░░ 0/2",
      "record   ░░░░░░░░░░░░░░░░ 0/2",
      "",
    ]);
  });

  it("fills every bar for an image that has ended, however it ended", () => {
    const stream = new CapturedStream(25);
    const progress = startProgress(stream);
    progress.take({ kind: "planned", images: 1 });
    progress.take(finished("validate", 0));
    progress.take({ kind: "image", document: failedImage(0, "ProviderFailed") });
    progress.stop();
    expect(
      screenOf(stream.text)
        .slice(0, 5)
        .every((line) => line.endsWith(" ███████████ 1/1")),
    ).toBe(true);
  });

  it("stands more images than were planned", () => {
    const stream = new CapturedStream(25);
    const progress = startProgress(stream);
    progress.take({ kind: "planned", images: 1 });
    progress.take(finished("validate", 0));
    progress.take(finished("validate", 1));
    expect(screenOf(stream.text)[0]).toBe("validate ███████████ 2/1");
  });

  it("makes way for a note and comes back below it", () => {
    const stream = new CapturedStream(20);
    const progress = startProgress(stream);
    progress.take({ kind: "planned", images: 1 });
    progress.hide();
    stream.write("a note\n");
    progress.show();
    expect(screenOf(stream.text)).toStrictEqual([
      "a note",
      "validate ░░░░░░ 0/1",
      "generate ░░░░░░ 0/1",
      "collect  ░░░░░░ 0/1",
      "process  ░░░░░░ 0/1",
      "record   ░░░░░░ 0/1",
      "",
    ]);
  });

  it("never fills a line to its end, so that no terminal wraps it", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: 1000 }), (columns, images) => {
        const stream = new CapturedStream(columns);
        const progress = startProgress(stream);
        progress.take({ kind: "planned", images });
        progress.take(finished("validate", 0));
        for (const line of screenOf(stream.text)) expect(line.length).toBeLessThan(columns);
      }),
    );
  });

  it("leaves the cursor visible and the line below the bars free", () => {
    const stream = new CapturedStream(80);
    const progress = startProgress(stream);
    progress.take({ kind: "planned", images: 1 });
    progress.stop();
    progress.show();
    expect(stream.text).not.toContain("\u001b[?25l");
    expect(stream.text.endsWith("\n")).toBe(true);
  });

  it("writes nothing where there is no terminal", () => {
    const stream = new CapturedStream();
    const progress = startProgress(stream);
    progress.take({ kind: "planned", images: 1 });
    progress.hide();
    progress.show();
    progress.stop();
    expect(stream.text).toBe("");
  });
});
