import { describe, expect, test } from "bun:test";
import { loadVerbs } from "../../../scripts/man-page.ts";
import { parseArguments } from "../../../src/commands/command-line/arguments.ts";
import { splitLine } from "../../../src/commands/completion/split-line.ts";
import { kebabCase, type CommandGroup, type Verb } from "../../../src/commands/define.ts";
import { renderGroupHelp, renderVerbHelp } from "../../../src/commands/command-line/help.ts";
import { commands } from "../../../src/commands/index.ts";
import { ENVIRONMENT } from "../../../src/commands/command-line/program.ts";

const COLUMNS = 80;
const verbs = await loadVerbs();

/** What of a shell's command line is given to ctar, and what is called; a line may call it on both sides of a pipe, or through ssh. */
function callsIn(example: string): [command: string, verb: Verb, words: string[]][] {
  const programs = example.replaceAll("\\\n", " ").split(/ (?:\||&&) /);
  return programs.flatMap((program) => {
    const words = splitLine(program.replace(/ [<>] \S+$/, "").trim());
    const at = words.indexOf("ctar");
    const called = words.slice(at).join(" ");
    const found = at === -1 ? [] : verbs.filter(([command]) => `${called} `.startsWith(`${command} `));
    if (at !== -1 && found.length !== 1) throw new Error(`no command: ${called}`);
    return found.map(([command, verb]): [string, Verb, string[]] => [command, verb, words.slice(at + command.split(" ").length)]);
  });
}

describe.each(verbs)("the help of %s", (command, verb) => {
  test("fits a terminal of 80 columns", () => {
    const long = renderVerbHelp(verb, command).split("\n").filter((line) => line.length > COLUMNS); // prettier-ignore
    expect(long).toEqual([]);
  });

  test("names every argument, and shows examples that the command takes", () => {
    const help = renderVerbHelp(verb, command);
    for (const [key, { type }] of Object.entries(verb.args)) {
      if (type === "positional") expect(help).toMatch(new RegExp(`^ {2}[<[]${kebabCase(key)}(\\.{3})?[\\]>]`, "m"));
      else expect(help).toMatch(new RegExp(`^ {2}(-\\w,|   ) --(\\[no-\\])?${kebabCase(key)}( |$)`, "m"));
    }
    expect(verb.examples.length).toBeGreaterThan(0);
    for (const example of verb.examples) {
      expect(help).toContain(`  ${example.split("\n")[0]}`);
      for (const [called, { args }, words] of callsIn(example)) expect(() => parseArguments(words, args, called)).not.toThrow();
    }
    const own = verb.examples.filter((example) => example.includes(command));
    expect(own.length).toBeGreaterThan(0);
  });
});

test("the help of groups fits a terminal of 80 columns", () => {
  const program: CommandGroup = { name: "ctar", summary: "", commands, environment: ENVIRONMENT };
  const groups = [program, ...commands.flatMap((command) => ("load" in command ? [] : [command]))];
  expect(groups.length).toBeGreaterThan(2);
  const long = groups.flatMap((group) => renderGroupHelp(group, group.name).split("\n")).filter((line) => line.length > COLUMNS);
  expect(long).toEqual([]);
});

test("renderGroupHelp wraps what is long beside its column, and gives a long left side its own line", () => {
  const group: CommandGroup = {
    name: "ctar",
    summary: "s",
    commands: [
      { name: "a", summary: `${"word ".repeat(20)}end`, load: async () => await Promise.reject(new Error()) },
      { name: "a-name-of-more-than-thirty-columns", summary: "what it is", load: async () => await Promise.reject(new Error()) },
    ],
  };
  const lines = renderGroupHelp(group, "ctar").split("\n");
  const at = lines.indexOf("Commands:");
  expect(lines.slice(at + 1, at + 5)).toEqual([
    `  a  ${"word ".repeat(15).trim()}`,
    `     ${"word ".repeat(5)}end`,
    "  a-name-of-more-than-thirty-columns",
    "     what it is",
  ]);
});
