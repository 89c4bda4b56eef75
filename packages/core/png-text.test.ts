import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { withoutPromptText } from "./png-text.ts";

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
function chunk(name: string, data: string | Buffer): Buffer {
  const body = Buffer.from(data as string, "latin1");
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  return Buffer.concat([length, Buffer.from(name, "latin1"), body, Buffer.alloc(4)]);
}
const header = chunk("IHDR", Buffer.alloc(13));
const pixels = chunk("IDAT", "pixels");
const end = chunk("IEND", "");
const png = (...texts: Buffer[]) => Buffer.concat([SIGNATURE, header, ...texts, pixels, end]);

describe("prompts in a PNG", () => {
  test.each([
    ["ComfyUI's graph", chunk("tEXt", 'prompt\0{"6":{"text":"a pear"}}')],
    ["its workflow", chunk("tEXt", "workflow\0{}")],
    ["the settings of a web UI", chunk("iTXt", "parameters\0\0\0\0\0a pear")],
    ["compressed", chunk("zTXt", "parameters\0\0xx")],
    ["in another case", chunk("tEXt", "Prompt\0a pear")],
  ])("are taken out: %s", (_, text) => {
    expect(Buffer.from(withoutPromptText(png(text))).equals(png())).toBe(true);
  });

  test("nothing else is touched, in any order", () => {
    const others = [
      chunk("tEXt", "Software\0Atelier"),
      chunk("caBX", "prompt\0manifest"),
      chunk("tEXt", "prompting\0x"),
    ];
    const withPrompt = [others[0], chunk("tEXt", "prompt\0a pear"), others[1], others[2]].filter(
      (one) => one !== undefined,
    );
    expect(Buffer.from(withoutPromptText(png(...withPrompt))).equals(png(...others))).toBe(true);
    const clean = png(...others);
    expect(withoutPromptText(clean)).toBe(clean);
  });

  test("whatever is no whole PNG stays as it is", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), fc.nat(200), (tail, cut) => {
        const broken = Buffer.concat([png(chunk("tEXt", "prompt\0a pear")).subarray(0, cut), tail]);
        const kept = withoutPromptText(broken);
        expect(kept.byteLength).toBeLessThanOrEqual(broken.byteLength);
        expect(withoutPromptText(kept)).toStrictEqual(kept);
      }),
    );
    const jpeg = Buffer.from([0xff, 0xd8, 0xff, 0xe0]);
    expect(withoutPromptText(jpeg)).toBe(jpeg);
  });
});
