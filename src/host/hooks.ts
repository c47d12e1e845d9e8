/**
 * A container's hook scripts on a pool: `hook/ct/<id>/<kind>` and `hook/ct/<id>/<kind>.d/<name>`. As upstream does, only executable files
 * count, and a directory goes one level deep.
 *
 * @see vpsAdminOS `osctld/lib/osctld/hook/manager.rb`, 24.05
 */
import * as fs from "node:fs";
import * as path from "node:path";
import { damaged } from "../errors.ts";
import { listNames, makeDirectory, readSmallFile, writeNewFile } from "../sys/files.ts";
import type { Pool } from "./pool.ts";

/** A hook script; satisfies the archive room's `HookScript`. */
export interface Hook {
  /** `pre-start`, or `pre-start.d/10-name`. */
  readonly name: string;
  /** File mode, type bits included. */
  readonly mode: number;
  readonly content: Uint8Array;
}

/** Kinds in the order in which upstream exports them. */
const KINDS = [
  "pre-start",
  "veth-up",
  "pre-mount",
  "post-mount",
  "on-start",
  "post-start",
  "pre-stop",
  "on-stop",
  "veth-down",
  "post-stop",
];
/** Upstream keeps set-user-ID bits too; no script needs them, and a stranger's is better without. */
const PERMISSION_BITS = 0o777;
/** NAME_MAX, with room for the end of a temporary name. */
const NAME_LIMIT_BYTES = 235;
const EXECUTE_BITS = 0o111;

/** Directory of a container's hooks. */
export function hookDirectory(pool: Pool, id: string): string {
  return path.join(pool.paths.hook, "ct", id);
}

/** The scripts of a container, kind by kind and sorted by base name inside one; names that are no hooks are told to `onSkipped`. */
export function readHooks(pool: Pool, id: string, onSkipped: (name: string) => void): Hook[] {
  const root = hookDirectory(pool, id);
  const names = listNames(root).flatMap((name) => {
    return name.endsWith(".d") ? listNames(path.join(root, name)).map((script) => `${name}/${script}`) : [name];
  });
  const hooks = names.flatMap((name) => {
    const hook = readHook(root, name);
    if (hook === undefined) onSkipped(name);
    return hook ?? [];
  });
  const sortKey = ({ name }: Hook): string => `${KINDS.indexOf(kindOf(name))} ${path.basename(name)}`;
  return hooks.toSorted((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1));
}

function readHook(root: string, name: string): Hook | undefined {
  if (hookNameProblem(name) !== undefined) return undefined;
  const file = path.join(root, name);
  const stat = fs.statSync(file, { throwIfNoEntry: false });
  if (stat === undefined || !stat.isFile() || (stat.mode & EXECUTE_BITS) === 0) return undefined;
  const content = readSmallFile(file);
  return content === undefined ? undefined : { name, mode: stat.mode, content };
}

/** Checks hooks from an archive before any is written. @throws ToolError damaged for a name that is no hook's or climbs out */
export function checkHookNames(hooks: readonly Hook[]): void {
  for (const { name } of hooks) {
    const problem = hookNameProblem(name);
    if (problem !== undefined) throw damaged(`Cannot import hook ${JSON.stringify(name)}: ${problem}`);
  }
}

/** Writes scripts into a container's new hook directory. */
export function installHooks(pool: Pool, id: string, hooks: readonly Hook[]): void {
  const root = hookDirectory(pool, id);
  makeDirectory(path.dirname(root), 0o500);
  makeDirectory(root, 0o700);
  const last = new Map(hooks.map((hook) => [hook.name, hook])); // of several members of a name, upstream's last one stays
  for (const { name, mode, content } of last.values()) {
    if (name.includes("/")) makeDirectory(path.join(root, path.dirname(name)), 0o755);
    writeNewFile(path.join(root, name), content, mode & PERMISSION_BITS);
  }
}

function hookNameProblem(name: string): string | undefined {
  const [first = "", script, ...deeper] = name.split("/");
  if (deeper.length > 0) return "too many sublevels";
  if (!KINDS.includes(kindOf(name)) || (script !== undefined && !first.endsWith(".d")))
    return `${JSON.stringify(first)} is no kind of hook`;
  if (script === "" || script === "." || script === ".." || script?.includes("\0") === true) return "it has no name";
  if (Buffer.byteLength(script ?? "") > NAME_LIMIT_BYTES) return `its name is longer than ${NAME_LIMIT_BYTES} bytes`;
  return undefined;
}

function kindOf(name: string): string {
  const [first = "", ...deeper] = name.split("/");
  return deeper.length === 0 ? first : first.replace(/\.d$/, "");
}
