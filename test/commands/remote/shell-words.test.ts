import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, test } from "bun:test";
import { quoteCommand } from "../../../src/commands/remote/shell-words.ts";

const WORDS = [
  "plain",
  "--a=b",
  "",
  "it's",
  "a\\b",
  "\\",
  "\\'",
  "tail\\",
  "!x",
  "$HOME `id` $(id)",
  "*",
  "~",
  "a  b",
  '"',
  "#",
  "{a,b}",
  "é€😀",
  "=ls",
  "%s",
];
const SIGNS = Array.from("abc '\"\\!$`*?[]{}()<>|&;~#%=^@:-/é");
/** Login shells that people have. */
const SHELLS = ["sh", "bash", "dash", "busybox sh", "zsh", "fish", "tcsh"];

describe("quoteCommand", () => {
  test.each(SHELLS)("gives %s the words as they are", (shell) => {
    const [program = "", ...applet] = shell.split(" ");
    const run = (words: readonly string[]): string[] =>
      execFileSync(program, [...applet, "-c", quoteCommand(["printf", "%s\\0", ...words])], {
        encoding: "utf8",
        stdio: ["ignore", "pipe", "pipe"],
      })
        .split("\0")
        .slice(0, -1);
    expect(run(WORDS)).toEqual(WORDS);
    const word = fc.string({ unit: fc.constantFrom(...SIGNS) });
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 40 }), (words) => expect(run(words)).toEqual(words)),
      { numRuns: 20 },
    );
  });

  test.each(["a\nb", "a\0b", "\r", "\t", "\u001b[2J"])("refuses %j", (word) => {
    expect(() => quoteCommand(["ctar", word])).toThrow("it has a control character");
  });
});
