/**
 * A command line for a shell that we do not know: the login shell of a user on another host, to which sshd passes what ssh is given as it is.
 *
 * Between single quotes, sh, bash, zsh and busybox take every character but the quote for itself, while fish sees a meaning in `\` and csh in `!`. In all
 * of them, a backslash in front of one of the three, outside quotes, makes it mean itself: `it's` is `'it'\''s'`.
 */
import { ToolError } from "../../errors.ts";

/** Quotes words. @throws ToolError usage if one has a control character, as a line break, which not every shell takes */
export function quoteCommand(words: readonly string[]): string {
  return words.map(quoteWord).join(" ");
}

function quoteWord(word: string): string {
  // oxlint-disable-next-line no-control-regex
  if (/[\u0000-\u001f\u007f]/.test(word)) throw new ToolError("usage", `Cannot pass "${word}" to another host: it has a control character`);
  if (/^[A-Za-z0-9_./:@%+,-]+$/.test(word)) return word;
  return `'${word.replace(/['\\!]/g, String.raw`'\$&'`)}'`;
}
