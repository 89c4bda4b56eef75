import fc from "fast-check";
import sharp from "sharp";
import { expect, test } from "vitest";
import { DIGITAL_SOURCE_TYPE, provenanceXmp } from "./provenance.ts";
import { PROVENANCE } from "./testing.ts";

test("says that the picture is synthetic, by what, when, and which it is", () => {
  const xmp = provenanceXmp(PROVENANCE);
  for (const property of [
    `<Iptc4xmpExt:DigitalSourceType>${DIGITAL_SOURCE_TYPE}</Iptc4xmpExt:DigitalSourceType>`,
    "<Iptc4xmpExt:AISystemUsed>sdxl</Iptc4xmpExt:AISystemUsed>",
    "<Iptc4xmpExt:AISystemVersionUsed>1.0</Iptc4xmpExt:AISystemVersionUsed>",
    "<xmp:CreatorTool>Atelier</xmp:CreatorTool>",
    "<xmp:CreateDate>2026-11-23T05:00:00.000Z</xmp:CreateDate>",
    "<dc:identifier>img_01_00000</dc:identifier>",
    '<dc:title><rdf:Alt><rdf:li xml:lang="x-default">A title</rdf:li></rdf:Alt></dc:title>',
    "<dc:subject><rdf:Bag><rdf:li>one</rdf:li><rdf:li>two</rdf:li></rdf:Bag></dc:subject>",
  ]) {
    expect(xmp).toContain(property);
  }
});

test("a model without a version leaves the version out", () => {
  expect(provenanceXmp({ ...PROVENANCE, modelVersion: null })).not.toContain("AISystemVersionUsed");
});

test("markup in a text stays text", () => {
  const xmp = provenanceXmp({ ...PROVENANCE, title: `"</rdf:li>" & <b>`, keywords: ["a\0b\uD800"] });
  expect(xmp).toContain("&quot;&lt;/rdf:li&gt;&quot; &amp; &lt;b&gt;");
  expect(xmp).toContain("<rdf:li>a b\uFFFD</rdf:li>");
});

test("any text gives well-formed XML", async () => {
  const text = fc.string({ unit: "binary", maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(text, fc.array(text, { maxLength: 4 }), async (title, keywords) => {
      const xmp = provenanceXmp({ ...PROVENANCE, title, keywords });
      const body = xmp.slice(xmp.indexOf("<x:xmpmeta"), xmp.lastIndexOf("<?xpacket"));
      // librsvg reads XML strictly: a drawing with broken metadata is no drawing.
      const drawing = `<svg xmlns="http://www.w3.org/2000/svg" width="4" height="4"><metadata>${body}</metadata></svg>`;
      expect((await sharp(Buffer.from(drawing)).metadata()).width).toBe(4);
    }),
    { numRuns: 60 },
  );
});

test("however long the texts, a JPEG can hold the packet", async () => {
  const long = `"€`.repeat(10_000);
  const xmp = provenanceXmp({ ...PROVENANCE, title: long, keywords: Array(1_000).fill(long) });
  const picture = sharp({ create: { width: 8, height: 8, channels: 3, background: "#fff" } });
  const jpeg = await picture.withXmp(xmp).jpeg().toBuffer();
  expect((await sharp(jpeg).metadata()).xmpAsString === xmp).toBe(true);
});
