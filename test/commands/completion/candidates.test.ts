import { describe, expect, test } from "bun:test";
import { loadVerbs } from "../../../scripts/man-page.ts";
import { offerFor, type Look, type Offer } from "../../../src/commands/completion/candidates.ts";
import { commands } from "../../../src/commands/index.ts";
import type { CommandGroup, Completes } from "../../../src/commands/define.ts";
import { exampleCommands } from "../../support/example-commands.ts";

const PROGRAM: CommandGroup = { name: "ctar", summary: "", commands };
const EXAMPLES: CommandGroup = { name: "ctar", summary: "", commands: exampleCommands };

/** Says what is looked for, and on which pool. */
const look: Look = async (what, pool) => await Promise.resolve([{ word: `<${what} of ${pool ?? "any pool"}>`, description: "" }]);

async function offer(line: string, program: CommandGroup = PROGRAM): Promise<Offer> {
  return await offerFor(line.split(" "), program, look);
}

async function offered(line: string, program?: CommandGroup): Promise<string[]> {
  return (await offer(line, program)).candidates.map(({ word }) => word);
}

describe("offerFor offers", () => {
  test.each<[string, string[]]>([
    ["image l", ["import", "export", "ls", "inspect", "tag", "rm", "prune", "check", "load", "save"]],
    ["ct ", ["export", "import"]],
    ["help ct ", ["export", "import"]],
    ["help export ", []],
    ["nonsense ", []],
    ["image nonsense ", []],
    ["-", ["--version", "--verbose", "--help"]],
    ["image -", ["--verbose", "--help"]],
    ["export --format ", ["zfs", "tar", "rootfs", "docker", "oci"]],
    ["export --format=", ["--format=zfs", "--format=tar", "--format=rootfs", "--format=docker", "--format=oci"]],
    ["export -c ", ["auto", "off", "gzip"]],
    ["export -fc ", ["auto", "off", "gzip"]],
    ["--verbose export -c ", ["auto", "off", "gzip"]],
    ["export -cgzip ", ["<container of any pool>"]],
    ["export --level 6 ", ["<container of any pool>"]],
    ["export ", ["<container of any pool>"]],
    ["export --pool tank ", ["<container of tank>"]],
    ["export --pool=dir:/srv/ct ", ["<container of dir:/srv/ct>"]],
    ["export tank:", ["tank:<container of tank>"]],
    ["export dir:/srv/ct:w", ["dir:/srv/ct:<container of dir:/srv/ct>"]],
    ["export -- ", ["<container of any pool>"]],
    ["export --unknown ", ["<container of any pool>"]],
    ["export --unknown=", []],
    ["list --pool ", ["<pool of any pool>", "dir:"]],
    ["list --pool=", ["--pool=<pool of any pool>", "--pool=dir:"]],
    ["init t", ["<pool of any pool>", "dir:"]],
    ["image rm --pool tank a b ", ["<image of tank>"]],
    ["image export a ", ["<image of any pool>"]],
    ["import --as-id ", []],
    ["cat web01.tar ", []],
    ["list x", []],
    ["completion ", ["bash", "zsh", "fish"]],
  ])("for %j", async (line, expected) => {
    expect(await offered(line)).toEqual(expected);
  });

  test("every command where none is typed, with what it does", async () => {
    const { candidates } = await offer("");
    for (const { name, summary } of commands) expect(candidates).toContainEqual({ word: name, description: summary });
    expect(candidates.map(({ word }) => word)).toContain("help");
  });

  test("options that are still to be given", async () => {
    const all = await offered("pack b --", EXAMPLES);
    expect(all).toEqual(expect.arrayContaining(["--compression", "--zfs-property", "--no-consistent", "--json", "--help"]));
    const rest = await offered("pack b -j --no-consistent --zfs-property a=1 --", EXAMPLES);
    for (const gone of ["--json", "--consistent", "--no-consistent"]) expect(rest).not.toContain(gone);
    expect(rest).toContain("--zfs-property");
    expect(await offered("pack -x", EXAMPLES)).toEqual(expect.arrayContaining(["-c", "-l", "-j"]));
  });

  test("options where no argument is wanted any more, and none after --", async () => {
    expect(await offered("list ")).toContain("--json");
    expect(await offered("list -- ")).toEqual([]);
    expect(await offered("export -- --")).not.toContain("--json");
  });

  test.each<[string, Offer["paths"]]>([
    ["verify web", { kind: "files", before: "" }],
    ["verify -- web", { kind: "files", before: "" }],
    ["export web01 ", { kind: "files", before: "" }],
    ["convert a.tar --threads 2 b", { kind: "files", before: "" }],
    ["image export a ", { kind: "files", before: "" }],
    ["extract a.tar -C ", { kind: "directories", before: "" }],
    ["extract a.tar --directory=/t", { kind: "directories", before: "--directory=" }],
    ["list --pool dir:/s", { kind: "directories", before: "dir:" }],
    ["list --pool=dir:/s", { kind: "directories", before: "--pool=dir:" }],
    ["export dir:/s", { kind: "directories", before: "dir:" }],
    ["init dir:", { kind: "directories", before: "dir:" }],
    ["verify --js", undefined],
    ["export w", undefined],
  ])("paths for %j", async (line, paths) => {
    expect((await offer(line)).paths).toEqual(paths);
  });
});

test("every argument that is a pool, a file or a directory is completed as such", async () => {
  const kinds: Readonly<Record<string, string>> = { POOL: "pool", FILE: "file", DIR: "directory", pool: "pool", ctid: "container", file: "file", archive: "file", image: "image" }; // prettier-ignore
  const wrong = (await loadVerbs()).flatMap(([command, { args }]) =>
    Object.entries(args).flatMap(([key, definition]) => {
      const kind = definition.type === "positional" ? kinds[key] : definition.type === "string" ? kinds[definition.valueHint] : undefined;
      const completes = "completes" in definition ? [definition.completes].flat() : [];
      return kind === undefined || completes.includes(kind as Completes) ? [] : [`${command} ${key}`];
    }),
  );
  expect(wrong).toEqual([]);
});
