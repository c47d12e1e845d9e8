/**
 * The help texts: one screen per verb with arguments, options, examples and exit codes; one list per group.
 */
import { EXIT_CODES } from "../errors.ts";
import { kebabCase, optionsOf, positionalsOf, type CommandGroup, type OptionDefinition, type PositionalArg, type Verb } from "./define.ts";

type Row = readonly [left: string, right: string];

const EXIT_CODE_ROWS: readonly Row[] = [
  [`${EXIT_CODES.done}`, "done"],
  [`${EXIT_CODES.failed}`, "failed"],
  [`${EXIT_CODES.usage}`, "wrong usage"],
  [`${EXIT_CODES.losses}`, "done, with losses"],
  [`${EXIT_CODES["not-found"]}`, "not found"],
  [`${EXIT_CODES.busy}`, "busy"],
  [`${EXIT_CODES.damaged}`, "archive damaged"],
  [`${EXIT_CODES.zfs}`, "zfs refused"],
  [`${EXIT_CODES.bug}`, "a bug in ctar"],
  [`${EXIT_CODES.interrupted}`, "interrupted"],
];

const GLOBAL_ROWS: readonly Row[] = [
  ["    --verbose", "Show where an error comes from"],
  ["-h, --help", "Show this help"],
];

/** The help of one verb. @param command the verb as typed: `ctar export` */
export function renderVerbHelp(verb: Verb, command: string): string {
  const positionals = positionalsOf(verb.args);
  const usage = [command, "[options]", ...positionals.map(labelPositional)].join(" ");
  return joinSections([
    verb.summary,
    `Usage: ${usage}`,
    verb.description ?? "",
    section("Arguments", positionals.map(describePositional)),
    section("Options", [...optionsOf(verb.args).map(describeOption), ...GLOBAL_ROWS]),
    section(
      "Examples",
      verb.examples.map((example) => [example, ""]),
    ),
    section("Exit codes", EXIT_CODE_ROWS),
  ]);
}

/** The list of commands of a group. @param command the group as typed: `ctar ct` */
export function renderGroupHelp(group: CommandGroup, command: string): string {
  return joinSections([
    group.summary,
    `Usage: ${command} <command> [options] [arguments]`,
    section(
      "Commands",
      group.commands.map((one) => [one.name, one.summary]),
    ),
    `${command} <command> --help shows options, examples and exit codes.`,
  ]);
}

/** An argument in a usage line: `<ctid>`, `[archive]`, `[path...]`. */
function labelPositional([key, definition]: [string, PositionalArg]): string {
  const name = `${kebabCase(key)}${definition.repeatable === true ? "..." : ""}`;
  return definition.required === false || definition.default !== undefined ? `[${name}]` : `<${name}>`;
}

function describePositional(entry: [string, PositionalArg]): Row {
  const [, definition] = entry;
  return [labelPositional(entry), withNotes(definition.description, notesOf("default", definition.default))];
}

function describeOption([key, definition]: [string, OptionDefinition]): Row {
  const alias = definition.alias === undefined ? "    " : `-${definition.alias}, `;
  return [`${alias}${labelOption(key, definition)}`, withNotes(definition.description, noteOption(definition))];
}

function labelOption(key: string, definition: OptionDefinition): string {
  const name = kebabCase(key);
  if (definition.type === "boolean") return definition.negatable === true ? `--[no-]${name}` : `--${name}`;
  return `--${name} ${definition.type === "enum" ? definition.options.join("|") : definition.valueHint}`;
}

function noteOption(definition: OptionDefinition): string[] {
  if (definition.type === "boolean") return definition.negatable === true ? [`default: ${definition.default === true ? "yes" : "no"}`] : [];
  const repeatable = definition.type === "string" && definition.repeatable === true ? ["repeatable"] : [];
  const required = definition.required === true ? ["required"] : [];
  return [...required, ...repeatable, ...notesOf("default", definition.default)];
}

function notesOf(label: string, value: string | undefined): string[] {
  return value === undefined ? [] : [`${label}: ${value}`];
}

function withNotes(description: string, notes: readonly string[]): string {
  return notes.length === 0 ? description : `${description} (${notes.join(", ")})`;
}

function section(title: string, rows: readonly Row[]): string {
  if (rows.length === 0) return "";
  const width = Math.max(...rows.map(([left]) => left.length));
  return [`${title}:`, ...rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`.trimEnd())].join("\n");
}

function joinSections(sections: readonly string[]): string {
  return sections.filter((text) => text !== "").join("\n\n");
}
