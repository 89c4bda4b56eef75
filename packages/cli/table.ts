/** @module Tables: as wide as the terminal at most, and never cut when they go into a file or a pipe. */
import Table from "cli-table3";
import { type Output, printable, type Style } from "./output.ts";

export interface Column {
  readonly title: string;
  readonly align?: "left" | "right";
  /** How narrow it may become on a narrow terminal; default: never narrower than its longest cell. */
  readonly minColumns?: number;
  /** Which end of a cell goes when it is too long; default the end. Ids and paths differ at theirs. */
  readonly cut?: "start" | "end";
  readonly style?: (cell: string) => Style | null;
}

const GAP = "  ";
const NO_LINES = Object.fromEntries(
  [
    ["top", "bottom", "left", "mid", "right"],
    ["top-mid", "top-left", "top-right", "bottom-mid", "bottom-left"],
    ["bottom-right", "left-mid", "mid-mid", "right-mid"],
  ]
    .flat()
    .map((name) => [name, ""]),
);

/**
 * Rows under a heading. When even the narrowest columns do not fit the terminal, each row becomes a block of
 * `title value` lines instead.
 */
export function renderTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  output: Pick<Output, "paint" | "widthColumns">,
): string {
  const cells = rows.map((row) => columns.map((_, index) => printable(row[index] ?? "")));
  const longest = columns.map((column, index) =>
    Math.max(column.title.length, ...cells.map((row) => row[index]?.length ?? 0)),
  );
  const widths = fitted(columns, longest, output.widthColumns);
  if (widths === null) return renderBlocks(columns, cells, output);

  const table = new Table({
    head: columns.map((column) => output.paint("bold", column.title)),
    chars: { ...NO_LINES, middle: GAP },
    style: { "padding-left": 0, "padding-right": 0, head: [], border: [] },
    colAligns: columns.map((column) => column.align ?? "left"),
    colWidths: [...widths],
  });
  for (const row of cells) {
    table.push(
      columns.map((column, index) =>
        painted(column, cutTo(row[index] ?? "", widths[index] ?? 0, column), output),
      ),
    );
  }
  return table
    .toString()
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
}

/** Widths that fit together, taken from the widest column first; null when there are none. */
function fitted(
  columns: readonly Column[],
  longest: readonly number[],
  widthColumns: number | null,
): readonly number[] | null {
  const widths = [...longest];
  if (widthColumns === null) return widths;
  const available = widthColumns - GAP.length * (columns.length - 1);
  for (let total = sum(widths); total > available; total--) {
    let widest = -1;
    columns.forEach((column, index) => {
      const least = Math.max(column.minColumns ?? longest[index] ?? 0, column.title.length);
      if ((widths[index] ?? 0) > least && (widths[index] ?? 0) > (widths[widest] ?? 0)) widest = index;
    });
    if (widest === -1) return null;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return widths;
}

function renderBlocks(
  columns: readonly Column[],
  cells: readonly (readonly string[])[],
  output: Pick<Output, "paint">,
): string {
  const titleColumns = Math.max(...columns.map((column) => column.title.length));
  return cells
    .map((row) =>
      columns
        .map((column, index) => {
          const title = output.paint("bold", column.title.padEnd(titleColumns));
          return `${title}${GAP}${painted(column, row[index] ?? "", output)}`.trimEnd();
        })
        .join("\n"),
    )
    .join("\n\n");
}

function cutTo(cell: string, widthColumns: number, column: Column): string {
  if (cell.length <= widthColumns) return cell;
  const kept = widthColumns - 1;
  return column.cut === "start" ? `…${cell.slice(cell.length - kept)}` : `${cell.slice(0, kept)}…`;
}

function painted(column: Column, cell: string, output: Pick<Output, "paint">): string {
  const style = column.style?.(cell) ?? null;
  return style === null ? cell : output.paint(style, cell);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
