/**
 * How Psych and libyaml 0.2.5 print a string: plain, in single or double quotes, or as a literal block.
 *
 * Psych wishes for a style by looking at the meaning (would the plain word come back as a string?), libyaml then looks at the characters
 * and falls back: plain, where the text would be misread, to single quotes; single quotes and blocks, where they cannot hold the text, to
 * double quotes.
 *
 * Two departures. U+2028 and U+2029 always go into double quotes, escaped: libyaml prints them raw in single quotes or blocks, as the line
 * breaks they were in YAML 1.1, and readers of YAML 1.2 get another string back. What merely looks like a date (`2024-02-30`) is quoted like
 * one: Psych prints it plain, and then its own `YAML.safe_load` refuses the file.
 */
import { plainKind } from "./plain-scalar.ts";

/** The ways to print a scalar. */
export type ScalarStyle = "plain" | "single" | "double" | "literal";

/** Chooses the style of a string. */
export function scalarStyle(text: string): ScalarStyle {
  const wish = wishedStyle(text);
  if (wish === "double" || !isPrintable(text) || hasSpaceBeforeBreak(text)) return "double";
  if (wish === "literal") return text.endsWith(" ") ? "double" : "literal";
  if (wish === "plain" && isPlainSafe(text)) return "plain";
  return "single";
}

/** Whether the text holds a line break of YAML 1.1, in which case it cannot be a key on one line. */
export function hasBreak(text: string): boolean {
  return /[\r\n\u0085\u2028\u2029]/.test(text);
}

/** Psych's part of the choice, by meaning. Ruby's `^` and `$` match at lines. */
function wishedStyle(text: string): ScalarStyle {
  if (/\n(?!\n?$)/.test(text)) return "literal";
  if (text === "<<") return "single";
  if (text === "y" || text === "n") return "double";
  if (/(?:^|(?<=\n))[^\p{Alphabetic}\p{M}\p{Nd}\p{Pc}][^"]*(?=\n|$)/u.test(text)) return "double";
  return readsAsString(text) ? "plain" : "single";
}

function readsAsString(text: string): boolean {
  return plainKind(text) === "string" && !/^0[0-7]*[89]/.test(text);
}

/** Whether libyaml prints every character as it is; characters outside the basic plane it does not. */
function isPrintable(text: string): boolean {
  return !/[^\n\x20-\x7e\u00a0-\ud7ff\ue000-\ufffd]|[\ufeff\u2028\u2029]/.test(text);
}

function hasSpaceBeforeBreak(text: string): boolean {
  return text.includes(" \n");
}

/** Whether a printable text can stand without quotes in a block. */
function isPlainSafe(text: string): boolean {
  return !/^(?:---|\.\.\.|[#,[\]{}&*!|>'"%@`]|[?:-](?: |$))|:(?: |$)| #|^ | $|\n/.test(text);
}
