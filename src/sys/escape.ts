/**
 * Makes text from outside safe to show on a terminal: a name in an archive must not move the cursor, clear the screen or turn the line around.
 */

/** C0 and C1 control characters, DEL, line and paragraph separators, and the marks that change the direction of text. */
// oxlint-disable-next-line no-control-regex
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** Replaces every character that a terminal would act on by its escape: `\n`, `\x1b`, `\u202e`. */
export function escapeControl(text: string): string {
  return text.replace(UNSAFE, escapeOne);
}

function escapeOne(character: string): string {
  const code = character.charCodeAt(0);
  if (character === "\n") return "\\n";
  if (character === "\r") return "\\r";
  if (character === "\t") return "\\t";
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u${code.toString(16).padStart(4, "0")}`;
}
