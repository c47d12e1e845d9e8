/**
 * Finds the verb that a command line names, and runs it; answers `help`, `--help` and `--version`.
 */
import { EXIT_CODES } from "../errors.ts";
import { parseArguments } from "./arguments.ts";
import type { Context } from "./context.ts";
import type { Command, CommandGroup, VerbEntry } from "./define.ts";
import { renderGroupHelp, renderVerbHelp } from "./help.ts";
import { findClosest } from "./suggest.ts";
import { asksForHelp, GLOBAL_OPTIONS, usageError } from "./words.ts";

/** What is called, and with what. */
interface Call {
  /** The names so far: `ctar ct`. */
  readonly path: string;
  /** The words after them. */
  readonly words: readonly string[];
  readonly context: Context;
}

/**
 * Runs a command line without its program name and without `--verbose`.
 * @param program the table of commands, named like the program
 * @param version what `--version` prints
 * @returns the exit code
 * @throws ToolError usage, and whatever the verb throws
 */
export async function dispatch(words: readonly string[], program: CommandGroup, version: string, context: Context): Promise<number> {
  const [first, ...rest] = words;
  if (first === "--version") {
    await context.print(version);
    return EXIT_CODES.done;
  }
  const path = program.name;
  if (first !== "help") return runGroup(program, { path, words, context });
  return runGroup(program, { path, words: [...rest.filter((word) => !word.startsWith("-")), "--help"], context });
}

async function runGroup(group: CommandGroup, call: Call): Promise<number> {
  const [name, ...words] = call.words;
  if (name === undefined) {
    call.context.talk(renderGroupHelp(group, call.path));
    return EXIT_CODES.usage;
  }
  if (name === "--help" || name === "-h") {
    await call.context.print(renderGroupHelp(group, call.path));
    return EXIT_CODES.done;
  }
  const command = findCommand(name, group, call.path);
  const inner = { ...call, path: `${call.path} ${name}`, words };
  return "load" in command ? runVerb(command, inner) : runGroup(command, inner);
}

function findCommand(name: string, group: CommandGroup, path: string): Command {
  const command = group.commands.find((one) => one.name === name);
  if (command !== undefined) return command;
  const isOption = name.startsWith("-");
  const known = isOption ? [...GLOBAL_OPTIONS, "--version"] : group.commands.map((one) => one.name);
  const closest = findClosest(name, known);
  const meant = isOption ? `Did you mean ${closest}?` : `Did you mean ${path} ${closest}?`;
  throw usageError(`Unknown ${isOption ? "option" : "command"} "${name}"`, path, closest === undefined ? [] : [meant]);
}

async function runVerb(entry: VerbEntry, { path, words, context }: Call): Promise<number> {
  const verb = await entry.load();
  if (asksForHelp(words)) {
    await context.print(renderVerbHelp(verb, path));
    return EXIT_CODES.done;
  }
  const exitCode = await verb.run(parseArguments(words, verb.args, path), context);
  return exitCode ?? EXIT_CODES.done;
}
