/**
 * Words of a Dockerfile's instruction: split at white space that no quotes are around, variables and quotes resolved as a shell does it.
 *
 *     'as it is'   "with $VARIABLES and \" \$ \\"   \  takes the meaning from any character
 *     $NAME  ${NAME}  ${NAME:-instead of none}  ${NAME-…}  ${NAME:+if there is one}  ${NAME+…}
 *
 * @see moby/buildkit `frontend/dockerfile/parser/line_parsers.go` (`parseWords`), `frontend/dockerfile/shell/lex.go`
 */
import { ToolError } from "../../errors.ts";
import { quoted } from "../quoted.ts";

/** Values of variables. */
export type Variables = ReadonlyMap<string, string>;

const WORD = /(?:[^\s'"\\]|\\[^]?|'[^']*(?:'|$)|"(?:[^"\\]|\\[^]?)*(?:"|$))+/g;
const NAME = /^(?:[A-Za-z_][A-Za-z0-9_]*|[0-9@*#?$!-])/;
const SUBSTITUTION = /^\{([A-Za-z_][A-Za-z0-9_]*)(?:(:?[-+])((?:[^{}\\]|\\[^]?|\{[^}]*\})*))?\}/;
/** What a backslash takes the meaning of between double quotes. */
const ESCAPED_IN_QUOTES = /^\\["$\\]/;

/** Splits a text; words keep their quotes. */
export function splitWords(text: string): string[] {
  return text.match(WORD) ?? [];
}

/** A text without its quotes, with values in place of variables. @throws ToolError usage for a quote without its other one, or a substitution that is none */
export function expandWord(text: string, variables: Variables): string {
  let expanded = "";
  let quote = "";
  for (let at = 0; at < text.length;) {
    const rest = text.slice(at);
    const first = rest.charAt(0);
    let length = 1;
    if (quote === "'" || (first !== "\\" && first !== "$" && first !== '"' && (first !== "'" || quote !== ""))) {
      if (quote === "'" && first === "'") quote = "";
      else expanded += first;
    } else if (first === "\\") {
      const isEscape = quote === "" ? rest.length > 1 : ESCAPED_IN_QUOTES.test(rest);
      expanded += isEscape ? rest.charAt(1) : quote === "" ? "" : first;
      length = isEscape ? 2 : 1;
    } else if (first === "$") {
      const found = substitute(rest.slice(1), variables);
      expanded += found.value;
      length += found.length;
    } else {
      quote = quote === first ? "" : first;
    }
    at += length;
  }
  if (quote !== "") throw new ToolError("usage", `Cannot use ${quoted(text)}: there is no ${quote} to close the first one`);
  return expanded;
}

/** The value of what stands behind a dollar sign, and how long that is. */
function substitute(rest: string, variables: Variables): { value: string; length: number } {
  if (!rest.startsWith("{")) {
    const [name] = NAME.exec(rest) ?? [];
    return name === undefined ? { value: "$", length: 0 } : { value: variables.get(name) ?? "", length: name.length };
  }
  const match = SUBSTITUTION.exec(rest);
  if (match === null) throw new ToolError("usage", `Cannot use ${quoted(`$${rest}`)}: it is no substitution of a variable`);
  const [whole, name = "", operator = "", word = ""] = match;
  const known = variables.get(name);
  const isThere = known !== undefined && !(operator.startsWith(":") && known === "");
  if (operator.endsWith("-")) return { value: isThere ? known : expandWord(word, variables), length: whole.length };
  if (operator.endsWith("+")) return { value: isThere ? expandWord(word, variables) : "", length: whole.length };
  return { value: known ?? "", length: whole.length };
}
