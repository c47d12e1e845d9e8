/** Takes an unfinished command line apart as a shell does: blanks between words, and the three ways of quoting. */

const BLANK = /[ \t\n]/;

/** The words of a command line up to the cursor; the last one, which may be empty, is the one under it. Nothing is expanded. */
export function splitLine(line: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote: string | undefined;
  for (let at = 0; at < line.length; at++) {
    const char = line.charAt(at);
    const escapes = char === "\\" && quote !== "'";
    if (quote === undefined && BLANK.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (char === quote) quote = undefined;
    else if (quote === undefined && (char === "'" || char === '"')) {
      quote = char;
      word ??= "";
    } else if (escapes && (quote === undefined || '"\\$`'.includes(line.charAt(at + 1)))) {
      at++;
      word = (word ?? "") + line.charAt(at);
    } else word = (word ?? "") + char;
  }
  return [...words, word ?? ""];
}
