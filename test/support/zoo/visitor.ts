/** What ctar makes of a file, by its own commands, and whether that is the tree that was sent. */
import { dispatch } from "../../../src/commands/command-line/dispatch.ts";
import { commands } from "../../../src/commands/index.ts";
import { ToolError } from "../../../src/errors.ts";
import { captureContext } from "../context.ts";
import { runProgram, type Finished } from "../program.ts";
import { listTree, text } from "../tree-listing.ts";

/** Runs ctar with arguments. */
export type Run = (...args: string[]) => Promise<Finished>;
/** The compiled program in a process of its own, or its commands in this one. */
export const program: Run = runProgram;
export const inProcess: Run = async (...args) => {
  const context = captureContext();
  const exitCode = await dispatch(args, { name: "ctar", summary: "", commands }, "", context).catch((error: unknown) => {
    if (!(error instanceof ToolError)) throw error;
    context.talk(`error: ${error.message}`);
    return error.exitCode;
  });
  return { exitCode, stdout: context.stdout.map((line) => `${line}\n`).join(""), stderr: context.stderr.join("\n") };
};

const DIFFERENCES = 5;
const DIFFERENCE_CHARACTERS = 600;

/** Differences between what a command gave and the tree; none if it is the same. */
export interface Visit {
  verify: readonly string[];
  ls: readonly string[];
  extract: readonly string[];
}

/** What every visit is to give. */
export const SAME: Visit = { verify: [], ls: [], extract: [] };

/** What is seen on a visit. */
export interface Sights {
  /** Lines of {@link listTree}. */
  expected: readonly string[];
  /** To extract to, made and left there. */
  directory: string;
  extractBy: Run;
}

/** Verifies, lists and extracts a file. */
export async function visit(file: string, sights: Sights): Promise<Visit> {
  return { verify: await verify(file), ls: await list(file, sights.expected), extract: await extract(file, sights) };
}

async function verify(file: string): Promise<string[]> {
  const { exitCode, stdout, stderr } = await inProcess("verify", file);
  return exitCode === 0 ? [] : [`exit ${exitCode}: ${stdout}${stderr}`];
}

async function extract(file: string, { expected, directory, extractBy }: Sights): Promise<string[]> {
  const { exitCode, stderr } = await extractBy("extract", "--dataset-root", file, "-C", directory);
  if (exitCode !== 0 || !/^extracted [^\n]*\n?$/.test(stderr)) return [`exit ${exitCode}: ${stderr}`];
  return differences(expected, await listTree(directory));
}

async function list(file: string, expected: readonly string[]): Promise<string[]> {
  const { exitCode, stdout, stderr } = await inProcess("ls", "-lR", "--json", "--dataset-root", file);
  if (exitCode !== 0) return [`exit ${exitCode}: ${stderr}`];
  const lines = stdout.trimEnd().split("\n").map((line) => JSON.parse(line) as Listed); // prettier-ignore
  const agreeing = expected.map((line, index) => (isListed(line, lines[index]) ? line : showListed(lines[index])));
  return [
    ...differences(expected, agreeing),
    ...(lines.length === expected.length ? [] : [`${lines.length} lines for ${expected.length} files`]),
  ];
}

/** A line of `ctar ls --json`. */
interface Listed {
  path: string;
  pathBase64?: string;
  type: string;
  mode: string;
  uid: number;
  gid: number;
  nlink: number;
  size: number;
  mtime: string;
  target?: string;
  dev?: readonly [number, number];
}

/** Types as {@link listTree} calls them. */
const TYPES: Readonly<Record<string, string>> = { directory: "dir", symlink: "link", character: "char" };

/** Whether a line of the tree begins as a listed file says it must, and has as many names. */
function isListed(line: string, listed: Listed | undefined): boolean {
  if (listed === undefined) return false;
  const names = listed.type === "directory" || listed.nlink === 1 ? "" : ` names=${listed.nlink}(`;
  return `${line} `.startsWith(`${showListed(listed)} `) && (names === "" ? !line.includes(" names=") : line.includes(names));
}

function showListed(listed: Listed | undefined): string {
  if (listed === undefined) return "nothing";
  const { path, pathBase64, mode, uid, gid, size, mtime, target, dev } = listed;
  const name = pathBase64 === undefined ? Buffer.from(path) : Buffer.from(pathBase64, "base64");
  const type = TYPES[listed.type] ?? listed.type;
  const shown = path === "." ? text(name) : text(Buffer.concat([Buffer.from("./"), name]));
  const facts = [shown, type, mode, `${uid}:${gid}`, `${nanoseconds(mtime)}ns`];
  if (dev !== undefined) facts.push(`device=${dev.join(":")}`);
  if (target !== undefined) facts.push(`-> ${text(Buffer.from(target))}`);
  if (type === "file") facts.push(`${size} bytes`);
  return facts.join(" ");
}

/** Decimal seconds as nanoseconds. */
function nanoseconds(seconds: string): bigint {
  const [, sign = "", whole = "", fraction = ""] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(seconds) ?? [];
  const absolute = BigInt(whole) * 1_000_000_000n + BigInt(fraction.padEnd(9, "0"));
  return sign === "" ? absolute : -absolute;
}

/** The first lines that are not the same. */
function differences(expected: readonly string[], received: readonly string[]): string[] {
  const found: string[] = [];
  for (let index = 0; index < Math.max(expected.length, received.length) && found.length < DIFFERENCES; index += 1) {
    const [want = "nothing", have = "nothing"] = [expected[index], received[index]];
    if (want !== have) found.push(`expected ${want.slice(0, DIFFERENCE_CHARACTERS)}\nreceived ${have.slice(0, DIFFERENCE_CHARACTERS)}`);
  }
  return found;
}
