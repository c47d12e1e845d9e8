/**
 * The man page ctar(8), made of the definitions of the commands: what `--help` says is not written twice. `bun scripts/man-page.ts FILE` writes
 * it; the build does, as dist/ctar.8.
 *
 * The date is that of the commit, or of SOURCE_DATE_EPOCH, so that the same source gives the same page.
 *
 * @see man(7), groff_man_style(7), groff_char(7)
 */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import packageFile from "../package.json" with { type: "json" };
import type { Command, Verb } from "../src/commands/define.ts";
import {
  describeOptions,
  describePositionals,
  EXIT_CODE_ROWS,
  GLOBAL_OPTIONS,
  usageOf,
  type DescribedOption,
} from "../src/commands/command-line/describe.ts";
import { commands } from "../src/commands/index.ts";
import { ENVIRONMENT, PURPOSE } from "../src/commands/command-line/program.ts";

const DESCRIPTION = [
  "ctar exports a container that lives on a ZFS pool into one tar archive: configuration, users, groups, hooks and every dataset as a ZFS stream. It " +
    "imports such an archive again, over files and pipes, next to a running osctld or on rescue media. The archive is that of vpsAdminOS, which osctl ct " +
    "export and osctl ct import write and read.",
  "A pool is a zpool with the layout of vpsAdminOS, or a directory, dir:/path, with the same layout and no ZFS. It also exchanges containers with Docker, " +
    "podman and containerd, as images and as root filesystems, and looks into archives without ZFS.",
  "Data goes to standard output and everything else to standard error. - stands for standard input or output.",
];

const FILES: readonly Row[] = [
  ["conf/ct/<ctid>.yml", "In a pool: the configuration of a container; conf/user, conf/group and hook hold what it needs"],
  ["ct/<ctid>", "In a pool: the data of a container, a dataset with its subdatasets, or a directory"],
  ["conf/.ctar", "In a pool: what running commands would have to undo; ctar doctor shows what killed ones left"],
  ["image", "In a pool: an OCI layout, the images that are kept there"],
  ["/run/osctl/osctld.sock", "The socket of osctld, which is asked to stop, start and adopt containers where it runs"],
];

const EXAMPLES: readonly (readonly [task: string, command: string])[] = [
  ["Copy a container to another host:", "ctar export web01 - | ssh host2 ctar import --as-id web02 -"],
  ["Back it up, and make sure that the archive is whole:", "ctar export web01 web01.tar && ctar verify web01.tar"],
  [
    "Bring it back from rescue media:",
    "zpool import -N -R /mnt tank\nfor part in tank tank/conf tank/hook tank/log\ndo zfs mount $part; done\nctar import web01.tar\nzpool export tank",
  ],
  ["Take one file out of an archive:", "ctar cat web01.tar etc/hostname"],
  [
    "To Docker and from Docker:",
    "ctar export --format docker --tag web:1 web01 - | docker load\ndocker save app:1.2 | ctar import --as-id app01 -",
  ],
];

const SEE_ALSO: readonly (readonly [page: string, section: number])[] = [
  ["docker", 1],
  ["podman", 1],
  ["ssh", 1],
  ["tar", 1],
  ["osctl", 8],
  ["zfs-receive", 8],
  ["zfs-send", 8],
  ["zpool", 8],
];

type Row = readonly [tag: string, text: string];

/** Renders the page. @param date as YYYY-MM-DD; empty if unknown */
export async function renderManPage(date: string): Promise<string> {
  const verbs = await loadVerbs();
  const lines = [
    `.TH CTAR 8 "${date}" ${quoted(`ctar ${packageFile.version}`)} ${quoted("System Manager's Manual")}`,
    ".SH NAME",
    `ctar \\- ${roff(PURPOSE)}`,
    ".SH SYNOPSIS",
    ...["<command> [options] [arguments]", "help [<command>]", "--version"]
      .flatMap((words) => [`.B ctar`, roff(words), ".br"])
      .slice(0, -1),
    ".SH DESCRIPTION",
    ...paragraphs(DESCRIPTION),
    ".SH OPTIONS",
    roff("Every command takes these. Options may stand before, between and after arguments; -- ends them."),
    ...GLOBAL_OPTIONS.flatMap(option),
    ".SH COMMANDS",
    ...verbs.flatMap(([command, verb]) => describeVerb(command, verb)),
    ".SH EXIT STATUS",
    ...EXIT_CODE_ROWS.flatMap(row),
    ".SH ENVIRONMENT",
    ...ENVIRONMENT.flatMap(row),
    ".SH FILES",
    ...FILES.flatMap(row),
    ".SH EXAMPLES",
    ...EXAMPLES.flatMap(([task, command]) => [".PP", roff(task), ...example([command])]).slice(1),
    ".SH SEE ALSO",
    ...SEE_ALSO.map(([page, section], index) => `.BR ${roff(page)} (${section})${index + 1 < SEE_ALSO.length ? "," : ""}`),
  ];
  return `${lines.join("\n")}\n`;
}

/** Every verb with the words that call it, `ctar image ls`. */
export async function loadVerbs(table: readonly Command[] = commands, path = "ctar"): Promise<[command: string, verb: Verb][]> {
  const loaded = await Promise.all(
    table.map(async (command): Promise<[string, Verb][]> => {
      const words = `${path} ${command.name}`;
      return "load" in command ? [[words, await command.load()]] : await loadVerbs(command.commands, words);
    }),
  );
  return loaded.flat();
}

function describeVerb(command: string, { summary, description = "", args, examples }: Verb): string[] {
  return [
    `.SS ${quoted(usageOf(command, args))}`,
    ...paragraphs([`${summary}.`, ...description.split("\n\n").filter(Boolean)]),
    ...describePositionals(args).flatMap(({ label, description: text }) => row([label, text])),
    ...describeOptions(args).flatMap(option),
    ...(examples.length === 0 ? [] : [".PP", examples.length === 1 ? "Example:" : "Examples:", ...example(examples)]),
  ];
}

/** Paragraphs behind a heading. */
function paragraphs(texts: readonly string[]): string[] {
  return texts.flatMap((text) => [".PP", roff(text)]).slice(1);
}

function row([tag, text]: Row): string[] {
  return [".TP", `\\fB${roff(tag)}\\fR`, roff(text)];
}

function option({ letter, name, value, description }: DescribedOption): string[] {
  const names = [letter, name].filter((spelling) => spelling !== undefined).map((spelling) => `\\fB${roff(spelling)}\\fR`);
  return [".TP", `${names.join(", ")}${value === undefined ? "" : ` \\fI${roff(value)}\\fR`}`, roff(description)];
}

/** Commands as they are typed. */
function example(texts: readonly string[]): string[] {
  return [".PP", ".RS 4", ".nf", ...texts.flatMap((text) => text.split("\n").map(roff)), ".fi", ".RE"];
}

/** An argument of a request. */
function quoted(text: string): string {
  return `"${roff(text)}"`;
}

/** Text as it is meant: what roff would take for a request, print as another character or hyphenate is escaped. */
function roff(text: string): string {
  const escaped = text.replaceAll(/[\\"'`^~-]|[^ -~]/gu, (char) => ESCAPES[char] ?? `\\[u${hex(char)}]`);
  return escaped.replaceAll(/(?<=^|[ ([])\\-/g, "\\%\\-").replace(/^\./, "\\&.");
}

function hex(char: string): string {
  return (char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
}

const ESCAPES: Readonly<Record<string, string>> = {
  "\\": "\\(rs",
  '"': "\\(dq",
  "'": "\\(aq",
  "`": "\\(ga",
  "^": "\\(ha",
  "~": "\\(ti",
  "-": "\\-",
};

/** Day of SOURCE_DATE_EPOCH, or of the commit; empty if there is neither. */
function sourceDate(): string {
  const seconds = process.env["SOURCE_DATE_EPOCH"] ?? commitTime();
  return seconds === undefined ? "" : new Date(Number(seconds) * 1000).toISOString().slice(0, "YYYY-MM-DD".length);
}

function commitTime(): string | undefined {
  try {
    return execFileSync("git", ["log", "-1", "--format=%ct"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  } catch {
    return undefined; // a source tree without git
  }
}

/** Writes the page. */
export async function writeManPage(file: string): Promise<void> {
  writeFileSync(file, await renderManPage(sourceDate()));
}

if (import.meta.main) await writeManPage(process.argv[2] ?? "dist/ctar.8");
