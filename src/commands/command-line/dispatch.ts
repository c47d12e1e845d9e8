/**
 * Finds the verb that a command line names, and runs it; answers `help`, `--help` and `--version`.
 */
import { EXIT_CODES } from "../../errors.ts";
import { parseArguments } from "./arguments.ts";
import type { Context } from "../context.ts";
import type { Command, CommandGroup, VerbEntry } from "../define.ts";
import { renderGroupHelp, renderVerbHelp } from "./help.ts";
import { findClosest } from "./suggest.ts";
import { findSynonym } from "./synonyms.ts";
import { asksForHelp, GLOBAL_SPELLINGS, usageError } from "./words.ts";

/** What the completion scripts call; no command for people. */
const COMPLETE = "__complete";

/** A path, or a name as archives have it. */
const LOOKS_LIKE_FILE = /\/|\.(?:tar|tgz|gz|zst|zfs|dat)$/;

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
  if (first === COMPLETE) {
    await (await import("../completion/complete.ts")).complete(rest, program, context);
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
  const kind = name.startsWith("-") ? "option" : "command";
  throw usageError(`Unknown ${kind} "${name}"`, path, suggestFor(name, group, path));
}

/** What somebody may have meant who typed that for a command. */
function suggestFor(name: string, group: CommandGroup, path: string): string[] {
  const [program, ...groups] = path.split(" ");
  const synonym = findSynonym([...groups, name].join(" "));
  if (synonym !== undefined) return [`Did you mean ${program} ${synonym}?`];
  if (name.startsWith("-")) {
    const closest = findClosest(name, [...GLOBAL_SPELLINGS, "--version"]);
    return [closest === undefined ? `Options follow the command: ${path} <command> ${name}` : `Did you mean ${closest}?`];
  }
  const names = group.commands.map((one) => one.name);
  const closest = findClosest(name, names);
  if (closest !== undefined) return [`Did you mean ${path} ${closest}?`];
  return LOOKS_LIKE_FILE.test(name) ? [`${program} inspect ${name} shows what a file is`] : [];
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
