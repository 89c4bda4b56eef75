import { stripVTControlCharacters } from "node:util";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Output } from "./output.ts";
import { type Column, renderTable } from "./table.ts";

const COLUMNS: readonly Column[] = [
  { title: "image", minColumns: 7, cut: "start" },
  { title: "cost", align: "right" },
  { title: "file", minColumns: 8 },
];
const plain = (widthColumns: number | null): Pick<Output, "paint" | "widthColumns"> => ({
  widthColumns,
  paint: (_, text) => text,
});

describe("renderTable", () => {
  it("shows cells whole where there is no terminal", () => {
    expect(renderTable(COLUMNS, [["img_1234567890", "$0.05", "a/very/long/path"]], plain(null))).toBe(
      ["image            cost  file", "img_1234567890  $0.05  a/very/long/path"].join("\n"),
    );
  });

  it("cuts the widest columns to the terminal, each at its own end", () => {
    expect(renderTable(COLUMNS, [["img_1234567890", "$0.05", "a/very/long/path"]], plain(28))).toBe(
      ["image       cost  file", "…34567890  $0.05  a/very/lo…"].join("\n"),
    );
  });

  it("becomes blocks, and loses nothing, where even the narrowest columns do not fit", () => {
    const rows = [
      ["img_1", "$0.05", "a/very/long/path"],
      ["img_2", "$1.00", "b"],
    ];
    expect(renderTable(COLUMNS, rows, plain(20))).toBe(
      [
        "image  img_1",
        "cost   $0.05",
        "file   a/very/long/path",
        "",
        "image  img_2",
        "cost   $1.00",
        "file   b",
      ].join("\n"),
    );
  });

  it("never is wider than the terminal, and keeps every row on a line", () => {
    const cell = fc.string({ maxLength: 120, unit: fc.constantFrom("a", "/", "_", "9") });
    const cost = fc.string({ maxLength: 8, unit: fc.constantFrom("$", "0", ".") });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(cell, cost, cell), { maxLength: 5 }),
        fc.integer({ min: 27, max: 200 }),
        (rows, width) => {
          const lines = renderTable(COLUMNS, rows, plain(width)).split("\n");
          expect(lines).toHaveLength(rows.length + 1);
          for (const line of lines) expect(line.length).toBeLessThanOrEqual(width);
        },
      ),
    );
  });

  it("lets no control characters through", () => {
    const rows = [["a\u001b[31mb\nc\u0007d\u009b2Je"]];
    expect(renderTable([{ title: "file" }], rows, plain(null))).toBe("file\nab c de");
  });

  it("counts no colours as width", () => {
    const coloured = { widthColumns: 40, paint: (_: unknown, text: string) => `\u001b[1m${text}\u001b[22m` };
    const rows = [["img_1234567890", "$0.05", "a/very/long/path/of/a/file/in/a/folder"]];
    const painted = COLUMNS.map((column) => ({ ...column, style: () => "green" as const }));
    expect(stripVTControlCharacters(renderTable(painted, rows, coloured))).toBe(
      renderTable(COLUMNS, rows, plain(40)),
    );
  });
});
