import { describe, expect, test } from "bun:test";
import { dispatch } from "../../../src/commands/command-line/dispatch.ts";
import { commands } from "../../../src/commands/index.ts";
import { takeVerbose } from "../../../src/commands/command-line/words.ts";
import type { Command, CommandGroup } from "../../../src/commands/define.ts";
import { captureContext, type CapturedContext } from "../../support/context.ts";
import { exampleCommands } from "../../support/example-commands.ts";

const PROGRAM: CommandGroup = { name: "ctar", summary: "ctar moves things", commands: exampleCommands };

const OVERVIEW = `ctar moves things

Usage: ctar <command> [options] [arguments]

Commands:
  pack  Put things into a box
  fail  Fail in some way
  ct    The old spellings

ctar <command> --help shows options, examples and exit codes.`;

const PACK_HELP = `Put things into a box

Usage: ctar pack [options] <box> [things...]

Things are put in the order given.

Arguments:
  <box>        Where to put them, or -
  [things...]  What to put there

Options:
  -c, --compression auto|off|gzip
                           How to squeeze (default: auto)
      --as-id ID           Name on the label
  -l, --level N            How hard (default: 6)
      --zfs-property K=V   A property to set (repeatable)
      --[no-]consistent    Hold still meanwhile (default: yes)
      --[no-]large-blocks  Keep big ones whole (default: no)
      --no-hooks           Leave hooks out
  -j, --json               For scripts
      --verbose            Show where an error comes from
  -h, --help               Show this help

Examples:
  ctar pack box.tar one two
  ctar pack - one | ctar unpack -

Exit codes:
  0    done
  1    failed
  2    wrong usage
  3    done, with losses
  10   not found
  11   busy
  12   archive damaged
  13   zfs refused
  70   a bug in ctar
  130  interrupted`;

async function run(...words: string[]): Promise<CapturedContext & { exitCode: number }> {
  const context = captureContext();
  const exitCode = await dispatch(words, PROGRAM, "ctar 1.2.3", context);
  return { ...context, exitCode };
}

test("dispatch runs a verb and returns its exit code", async () => {
  const plain = await run("pack", "b");
  expect([plain.exitCode, plain.stdout.length]).toEqual([0, 1]);
  expect((await run("pack", "b", "--json")).exitCode).toBe(3);
  expect((await run("ct", "pack", "b")).stdout).toEqual(plain.stdout);
});

test("dispatch prints the version", async () => {
  expect(await run("--version")).toMatchObject({ exitCode: 0, stdout: ["ctar 1.2.3"], stderr: [] });
});

test.each([[["--help"]], [["-h"]], [["help"]]])("dispatch prints the overview to stdout for %p", async (words) => {
  const { exitCode, stdout, stderr } = await run(...words);
  expect([exitCode, stderr]).toEqual([0, []]);
  expect(stdout.join("\n")).toBe(OVERVIEW);
});

test.each<[string[], string]>([
  [[], "Usage: ctar <command>"],
  [["ct"], "Usage: ctar ct <command>"],
])("dispatch of the bare group %p shows its commands on stderr and fails", async (words, usage) => {
  const { exitCode, stdout, stderr } = await run(...words);
  expect([exitCode, stdout]).toEqual([2, []]);
  expect(stderr.join("\n")).toContain(usage);
});

test.each([[["pack", "--help"]], [["pack", "b", "--unknown", "-h"]], [["help", "pack"]]])(
  "dispatch prints the help of a verb for %p",
  async (words) => {
    const { exitCode, stdout, stderr } = await run(...words);
    expect([exitCode, stderr]).toEqual([0, []]);
    expect(stdout.join("\n")).toBe(PACK_HELP);
  },
);

test("dispatch names a verb of a group in its help as it is called", async () => {
  expect((await run("ct", "pack", "--help")).stdout.join("\n")).toContain("Usage: ctar ct pack [options] <box> [things...]");
  expect((await run("help", "ct", "pack")).stdout.join("\n")).toContain("Usage: ctar ct pack [options] <box> [things...]");
  expect((await run("help", "ct")).stdout.join("\n")).toContain("Usage: ctar ct <command>");
});

test("dispatch leaves a --help after -- to the verb", async () => {
  expect((await run("pack", "--", "--help")).stdout.join("\n")).toContain('"box":"--help"');
});

describe("dispatch refuses", () => {
  test.each<[string[], string, string[]]>([
    [["pcak"], 'Unknown command "pcak"', ["Did you mean ctar pack?", "See ctar --help"]],
    [["frobnicate"], 'Unknown command "frobnicate"', ["See ctar --help"]],
    [["ct", "pick"], 'Unknown command "pick"', ["Did you mean ctar ct pack?", "See ctar ct --help"]],
    [["Pack"], 'Unknown command "Pack"', ["Did you mean ctar pack?", "See ctar --help"]],
    [["fai"], 'Unknown command "fai"', ["Did you mean ctar fail?", "See ctar --help"]],
    [["backup"], 'Unknown command "backup"', ["Did you mean ctar export?", "See ctar --help"]],
    [["image"], 'Unknown command "image"', ["See ctar --help"]],
    [["ct", "ls"], 'Unknown command "ls"', ["Did you mean ctar list?", "See ctar ct --help"]],
    [["x"], 'Unknown command "x"', ["Did you mean ctar extract?", "See ctar --help"]],
    [["-xzf", "a.tar"], 'Unknown option "-xzf"', ["Did you mean ctar extract?", "See ctar --help"]],
    [["-V"], 'Unknown option "-V"', ["Did you mean ctar --version?", "See ctar --help"]],
    [["web01.tar"], 'Unknown command "web01.tar"', ["ctar inspect web01.tar shows what a file is", "See ctar --help"]],
    [["constructor"], 'Unknown command "constructor"', ["See ctar --help"]],
    [["help", "pakc"], 'Unknown command "pakc"', ["Did you mean ctar pack?", "See ctar --help"]],
    [["--versoin"], 'Unknown option "--versoin"', ["Did you mean --version?", "See ctar --help"]],
    [["--json", "pack"], 'Unknown option "--json"', ["Options follow the command: ctar <command> --json", "See ctar --help"]],
    [["ct", "pack"], "Missing argument <box>", ["See ctar ct pack --help"]],
  ])("%p", async (words, message, hints) => {
    await expect(run(...words)).rejects.toMatchObject({ code: "usage", message, hints });
  });
});

test.each<[string[], string[], boolean]>([
  [["pack", "b"], ["pack", "b"], false],
  [["--verbose", "pack", "b"], ["pack", "b"], true],
  [["pack", "b", "--verbose"], ["pack", "b"], true],
  [["pack", "--", "--verbose"], ["pack", "--", "--verbose"], false],
])("takeVerbose of %p", (words, rest, verbose) => {
  expect(takeVerbose(words)).toEqual({ words: rest, verbose });
});

/** Pairs of what the table says and what the verb says of itself. */
async function loadAll(table: readonly Command[]): Promise<[Command, { name: string; summary: string }][]> {
  const loaded = await Promise.all(
    table.map(async (command) =>
      "load" in command ? [[command, await command.load()] as [Command, { name: string; summary: string }]] : loadAll(command.commands),
    ),
  );
  return loaded.flat();
}

test("the table of commands says of each verb what the verb says of itself", async () => {
  for (const [entry, verb] of await loadAll([...commands, ...exampleCommands])) {
    expect([verb.name, verb.summary]).toEqual([entry.name, entry.summary]);
  }
});
