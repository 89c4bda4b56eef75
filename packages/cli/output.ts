/** @module Where text goes: documents and tables to standard output, one-line notes to standard error. */
import { stripVTControlCharacters, styleText } from "node:util";
import type { CommandLineIo, TextStream } from "./io.ts";

export type Style = Parameters<typeof styleText>[0];

/** Something drawn at the end of standard error that must make way for a note. */
export interface Overlay {
  hide(): void;
  show(): void;
}

export interface Output {
  /** One line of JSON on standard output. */
  document(value: unknown): void;
  /** Text for people on standard output. */
  text(text: string): void;
  /** One line on standard error. */
  note(text: string): void;
  /** In colour where the reader wants it. */
  paint(style: Style, text: string): string;
  /** Characters of a line when standard output is a terminal, else null. */
  readonly widthColumns: number | null;
  /** True once the reader has gone: nothing more needs to be written. */
  readonly closed: boolean;
  /** Why standard output could not be written, except that its reader has gone. */
  readonly failure: Error | null;
  overlay: Overlay | null;
}

const WIDTH_COLUMNS_DEFAULT = 80;

export function createOutput({
  stdout,
  stderr,
  environment,
}: Pick<CommandLineIo, "stdout" | "stderr" | "environment">): Output {
  const coloured = wantsColour(stdout, environment);
  let closed = false;
  let failure: Error | null = null;
  stdout.on("error", (error) => {
    closed = true;
    // The reader took what it wanted (`| head -1`): that is no failure of ours.
    if (error.code !== "EPIPE") failure = error;
  });
  // Nobody can be told that notes cannot be written.
  stderr.on("error", () => {});

  const write = (text: string) => {
    if (!closed) stdout.write(text);
  };
  return {
    document: (value) => write(`${JSON.stringify(value)}\n`),
    text: (text) => write(`${text}\n`),
    note(text) {
      this.overlay?.hide();
      stderr.write(`${printable(text)}\n`);
      this.overlay?.show();
    },
    paint: (style, text) => (coloured ? styleText(style, text, { validateStream: false }) : text),
    widthColumns: stdout.isTTY ? (stdout.columns ?? WIDTH_COLUMNS_DEFAULT) : null,
    get closed() {
      return closed;
    },
    get failure() {
      return failure;
    },
    overlay: null,
  };
}

/** `FORCE_COLOR` decides first, then `NO_COLOR`, then whether it is a terminal: the order that Node itself takes. */
export function wantsColour(stream: TextStream, environment: CommandLineIo["environment"]): boolean {
  const force = environment.FORCE_COLOR;
  if (force !== undefined) return force !== "0" && force !== "false";
  if ((environment.NO_COLOR ?? "") !== "" || environment.TERM === "dumb") return false;
  return stream.isTTY === true;
}

/** One line without control characters: a text from outside must not steer the reader's terminal. */
export function printable(text: string): string {
  return stripVTControlCharacters(text)
    .replace(/\p{Cc}+/gu, " ")
    .trim();
}
