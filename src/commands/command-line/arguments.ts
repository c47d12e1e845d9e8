/**
 * From a command line to the values of a verb.
 *
 * citty's parser lets unknown options, surplus arguments and missing values pass in silence. So words.ts reads the words strictly first; what
 * is right is written again in the one spelling that citty reads without surprises, and citty applies the types and defaults to that.
 */
import { parseArgs, type ArgsDef } from "citty";
import { isRepeatable, positionalsOf, type ArgDefinition, type Args, type Values } from "../define.ts";
import { readWords, type Given } from "./words.ts";

/** Reads the words after a verb's name. @param command the verb as typed, `ctar export`, for the hints. @throws ToolError usage */
export function parseArguments<A extends Args>(words: readonly string[], args: A, command: string): Values<A> {
  const given = readWords(words, args, command);
  const single = parseArgs(canonicalWords(given, args), cittyDefinitions(args));
  const values = Object.entries(args).map(([key, definition]) => [key, isRepeatable(definition) ? (given.get(key) ?? []) : single[key]]);
  return Object.fromEntries(values) as Values<A>;
}

/** The one spelling that citty reads without surprises: keys as they are, values after `=`, arguments after `--`. */
function canonicalWords(given: Given, args: Args): string[] {
  const options: string[] = [];
  for (const [key, values] of given) {
    const definition = args[key];
    if (definition === undefined || definition.type === "positional" || isRepeatable(definition)) continue;
    if (definition.type !== "boolean") options.push(`--${key}=${values[0]}`);
    else options.push(values[0] === "true" ? `--${key}` : `--no-${key}`);
  }
  const positionals = positionalsOf(args).filter(([, definition]) => !isRepeatable(definition));
  return [...options, "--", ...positionals.flatMap(([key]) => given.get(key) ?? [])];
}

function cittyDefinitions(args: Args): ArgsDef {
  const definitions: ArgsDef = {};
  for (const [key, definition] of Object.entries(args)) {
    if (isRepeatable(definition)) continue;
    if (definition.type === "boolean") definitions[key] = { type: "boolean", default: definition.default ?? false };
    else definitions[key] = { type: definition.type === "positional" ? "positional" : "string", ...pickDefault(definition) };
  }
  return definitions;
}

function pickDefault(definition: Exclude<ArgDefinition, { type: "boolean" }>): { required?: boolean; default?: string } {
  const { required, default: fallback } = definition;
  return { ...(required === undefined ? {} : { required }), ...(fallback === undefined ? {} : { default: fallback }) };
}
