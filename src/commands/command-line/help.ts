/**
 * The help texts: one screen per verb with arguments, options, examples and exit codes; one list per group. They are laid out for a terminal of
 * 80 columns, whatever the terminal is, so that they are the same in a pipe.
 */
import type { CommandGroup, Verb } from "../define.ts";
import { describeOptions, describePositionals, EXIT_CODE_ROWS, GLOBAL_OPTIONS, usageOf, type DescribedOption } from "./describe.ts";

type Row = readonly [left: string, right: string];

const WIDTH = 80;
/** A longer left side has its line for itself. */
const LEFT_LIMIT = 30;
const INDENT = "  ";

/** The help of one verb. @param command the verb as typed: `ctar export` */
export function renderVerbHelp(verb: Verb, command: string): string {
  const { summary, description = "", args, examples } = verb;
  return joinSections([
    summary,
    `Usage: ${usageOf(command, args)}`,
    description.split("\n\n").map((paragraph) => wrap(paragraph, WIDTH).join("\n")).join("\n\n"), // prettier-ignore
    section("Arguments", describePositionals(args).map(({ label, description: text }) => [label, text])), // prettier-ignore
    section("Options", [...describeOptions(args), ...GLOBAL_OPTIONS].map(optionRow)),
    list(
      "Examples",
      examples.flatMap((example) => example.split("\n")),
    ),
    section("Exit codes", EXIT_CODE_ROWS),
  ]);
}

/** The list of commands of a group. @param command the group as typed: `ctar ct` */
export function renderGroupHelp({ summary, commands, environment = [] }: CommandGroup, command: string): string {
  return joinSections([
    summary,
    `Usage: ${command} <command> [options] [arguments]`,
    section("Commands", commands.map((one) => [one.name, one.summary])), // prettier-ignore
    section("Environment", environment),
    `${command} <command> --help shows options, examples and exit codes.`,
  ]);
}

function optionRow({ letter, name, value, description }: DescribedOption): Row {
  return [`${letter === undefined ? "    " : `${letter}, `}${name}${value === undefined ? "" : ` ${value}`}`, description];
}

function section(title: string, rows: readonly Row[]): string {
  const lefts = rows.map(([left]) => left.length).filter((length) => length <= LEFT_LIMIT);
  const width = Math.max(0, ...lefts);
  return list(title, rows.flatMap((row) => layOut(row, width))); // prettier-ignore
}

/** A row's lines: its two sides beside each other, or one below the other. @param width of the left side, in columns */
function layOut([left, right]: Row, width: number): string[] {
  const gap = " ".repeat(width + INDENT.length);
  const [first = "", ...others] = wrap(right, WIDTH - INDENT.length - gap.length);
  const begin = left.length > width ? [left, `${gap}${first}`] : [`${left.padEnd(width)}${INDENT}${first}`];
  return [...begin, ...others.map((line) => `${gap}${line}`)];
}

function list(title: string, lines: readonly string[]): string {
  return lines.length === 0 ? "" : [`${title}:`, ...lines.map((line) => `${INDENT}${line}`)].join("\n");
}

/** The text in lines of at most that many columns; a longer word has a line for itself. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

function joinSections(sections: readonly string[]): string {
  return sections.filter((text) => text !== "").join("\n\n");
}
