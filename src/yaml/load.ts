/**
 * Reads one YAML document as Ruby's Psych understands it, from a stranger.
 *
 * The `yaml` package finds the structure; what an unquoted word means is Psych's business (plain-scalar.ts), not its schema's. Only text
 * that every reader takes for the same thing is accepted: UTF-8, none of the control characters that libyaml refuses, and none of the line
 * breaks (lone CR, NEL, U+2028, U+2029) that YAML 1.1 knows and 1.2 does not. Size, depth and the number of values are bounded.
 */
import { type Document, LineCounter, parseDocument, visit } from "yaml";
import { damaged } from "../errors.ts";
import { convert, type Refuse } from "./convert.ts";
import type { YamlValue } from "./value.ts";

/** Longest document; a container's configuration has some kilobytes. */
export const MAX_DOCUMENT_LENGTH: number = 1024 * 1024;

const PARSE_OPTIONS = {
  version: "1.1",
  schema: "failsafe",
  resolveKnownTags: false,
  uniqueKeys: false,
  prettyErrors: false,
  logLevel: "error",
} as const;

/**
 * Reads a document. An empty one is null.
 * @param what its name in messages
 * @throws ToolError "damaged" with line and column, for whatever is wrong with it
 */
export function loadYaml(input: string | Uint8Array, what: string): YamlValue {
  const text = decode(input, what);
  const lines = new LineCounter();
  countLines(lines, text);
  const refuse: Refuse = (offset, problem) => {
    const { line, col } = lines.linePos(offset);
    return damaged(`Cannot read ${what}: line ${line}, column ${col}: ${problem}`, {
      facts: { line, column: col },
    });
  };
  checkCharacters(text, refuse);
  const document = parse(text, what);
  const error = document.errors[0];
  if (error !== undefined) throw refuse(error.pos[0], wording(error.message));
  return convert(document.contents, text, refuse);
}

/** Whether a document that {@link loadYaml} reads has aliases, which Psych's `safe_load` refuses. */
export function hasAliases(input: string | Uint8Array): boolean {
  let isFound = false;
  const found = (): symbol => {
    isFound = true;
    return visit.BREAK;
  };
  visit(parse(decode(input, "document"), "document"), { Alias: found });
  return isFound;
}

function decode(input: string | Uint8Array, what: string): string {
  if (input.length > MAX_DOCUMENT_LENGTH) {
    throw damaged(`Cannot read ${what}: longer than ${MAX_DOCUMENT_LENGTH} bytes`, {
      facts: { length: input.length },
    });
  }
  if (typeof input === "string") return input.startsWith("\ufeff") ? input.slice(1) : input;
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(input);
  } catch (cause) {
    throw damaged(`Cannot read ${what}: not UTF-8`, { cause });
  }
}

function countLines(lines: LineCounter, text: string): void {
  lines.addNewLine(0);
  for (let end = text.indexOf("\n"); end !== -1; end = text.indexOf("\n", end + 1)) lines.addNewLine(end + 1);
}

function checkCharacters(text: string, refuse: Refuse): void {
  const index = text.search(/[^\t\n\r\x20-\x7e\u00a0-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]|[\u2028\u2029\ufeff]|\r(?!\n)/u);
  if (index === -1) return;
  const code = (text.codePointAt(index) as number).toString(16).toUpperCase().padStart(4, "0");
  throw refuse(index, `character U+${code} must be escaped`);
}

function parse(text: string, what: string): Document.Parsed {
  try {
    return parseDocument(text, PARSE_OPTIONS);
  } catch (cause) {
    throw damaged(`Cannot read ${what}: ${wording(cause instanceof Error ? cause.message : String(cause))}`, { cause });
  }
}

function wording(message: string): string {
  if (message.includes("call stack")) return "nested too deep";
  if (message.startsWith("Source contains multiple documents")) return "more than one document";
  return message;
}
