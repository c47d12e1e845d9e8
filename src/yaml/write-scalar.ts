/**
 * Prints one scalar the way libyaml 0.2.5 does.
 *
 * A space beyond column 80 becomes a line break, if it stands alone; in double quotes the rest of a run of spaces is protected by a
 * backslash. Keys are never folded. A literal block says `2` when it starts with white space, `-` when it has no final line break and `+`
 * when it has several.
 */
import type { ScalarStyle } from "./scalar-style.ts";
import type { YamlWriter } from "./writer.ts";

/** Where a scalar goes. */
export interface ScalarPlace {
  /** Column of its continuation lines. */
  indent: number;
  /** Whether it may be folded. */
  folds: boolean;
}

/** Writes a string in the given style. */
export function writeScalar(writer: YamlWriter, text: string, style: ScalarStyle, place: ScalarPlace): void {
  switch (style) {
    case "plain":
      return writePlain(writer, text, place);
    case "single":
      return writeSingleQuoted(writer, text, place);
    case "double":
      return writeDoubleQuoted(writer, text, place);
    case "literal":
      return writeLiteral(writer, text, place);
  }
}

function writePlain(writer: YamlWriter, text: string, place: ScalarPlace): void {
  if (text !== "") writer.indicator("");
  writeFolded(writer, text, place);
  writer.endScalar();
}

function writeSingleQuoted(writer: YamlWriter, text: string, place: ScalarPlace): void {
  const endsInBreak = text.endsWith("\n");
  writer.indicator("'");
  writeFolded(writer, (endsInBreak ? text.slice(0, -1) : text).replaceAll("'", "''"), place);
  if (endsInBreak) {
    writer.break();
    writer.break();
    writer.indent(place.indent);
  }
  writer.indicator("'", { spaced: false });
}

/** Writes words, breaking long lines at lone inner spaces. */
function writeFolded(writer: YamlWriter, text: string, { folds, indent }: ScalarPlace): void {
  for (const [index, piece] of text.split(/(?<=[^ ])( )(?=[^ ])/).entries()) {
    if (isGap(index) && folds && writer.isFull) writer.indent(indent);
    else writer.put(piece);
  }
}

function writeDoubleQuoted(writer: YamlWriter, text: string, { folds, indent }: ScalarPlace): void {
  writer.indicator('"');
  for (const [index, piece] of text.split(/(?<=[^ ])( +(?=[^ ])| {2,}$)/).entries()) {
    if (!isGap(index) || !folds || !writer.isFull) {
      writer.put(escapeText(piece));
      continue;
    }
    writer.indent(indent);
    writer.put(piece.length > 1 ? `\\${piece.slice(1)}` : "");
  }
  writer.indicator('"', { spaced: false });
}

/** Splitting at a captured gap puts the gaps at the odd places. */
function isGap(index: number): boolean {
  return index % 2 === 1;
}

const SHORT_ESCAPES = new Map([
  [0x00, "0"],
  [0x07, "a"],
  [0x08, "b"],
  [0x09, "t"],
  [0x0a, "n"],
  [0x0b, "v"],
  [0x0c, "f"],
  [0x0d, "r"],
  [0x1b, "e"],
  [0x22, '"'],
  [0x5c, "\\"],
  [0x85, "N"],
  [0x2028, "L"],
  [0x2029, "P"],
]);

function escapeText(text: string): string {
  return text.replace(/[^\x20-\x7e\u00a0-\ud7ff\ue000-\ufffd]|["\\\ufeff\u2028\u2029]/gu, escapeCharacter);
}

function escapeCharacter(character: string): string {
  const code = character.codePointAt(0) as number;
  const short = SHORT_ESCAPES.get(code);
  if (short !== undefined) return `\\${short}`;
  const hex = code.toString(16).toUpperCase();
  if (code <= 0xff) return `\\x${hex.padStart(2, "0")}`;
  return code <= 0xffff ? `\\u${hex.padStart(4, "0")}` : `\\U${hex.padStart(8, "0")}`;
}

function writeLiteral(writer: YamlWriter, text: string, { indent }: ScalarPlace): void {
  writer.indicator(`|${/^[ \n]/.test(text) ? "2" : ""}${chomping(text)}`);
  writer.startBlock();
  for (const [number, line] of text.split("\n").entries()) {
    if (number > 0) writer.break();
    if (line === "") continue;
    writer.indent(indent);
    writer.put(line);
  }
}

/** The chomping indicator of a literal block. */
export function chomping(text: string): "" | "-" | "+" {
  if (!text.endsWith("\n")) return "-";
  return text.endsWith("\n\n") ? "+" : "";
}
