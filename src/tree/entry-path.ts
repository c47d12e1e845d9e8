/**
 * Names of entries, and targets of hard links, as the steps from the root of the tree: an archive from a stranger must not reach beyond it.
 */
import { damaged } from "../errors.ts";
import { displayName } from "../stream/tar/display-name.ts";

/**
 * The longest name that is packed or extracted, in bytes. Paths in a system call end at 4096; a tree may be deeper than that, but a tree
 * of as many directories in one another as a name of the archive has room for is made to use us up.
 */
export const NAME_LIMIT_BYTES = 16384;

const SLASH = 0x2f;
const DOT = 0x2e;

/** The parts of a name, without `.` and empty ones; none for the root. @throws ToolError damaged for `..`, an absolute name, a NUL byte */
export function splitEntryName(name: Uint8Array, offset: number): Uint8Array[] {
  if (name[0] === SLASH) throw hostile(name, "the name leaves the tree, it is absolute", offset);
  if (name.includes(0)) throw hostile(name, "the name holds a NUL byte", offset);
  if (name.length > NAME_LIMIT_BYTES) throw hostile(name, `the name has ${name.length} bytes, more than ${NAME_LIMIT_BYTES}`, offset);
  const parts: Uint8Array[] = [];
  for (let start = 0; start <= name.length;) {
    const slash = name.indexOf(SLASH, start);
    const end = slash === -1 ? name.length : slash;
    const part = name.slice(start, end);
    if (part.length === 2 && part[0] === DOT && part[1] === DOT) throw hostile(name, `the name leaves the tree, it holds ".."`, offset);
    if (part.length > 0 && !(part.length === 1 && part[0] === DOT)) parts.push(part);
    start = end + 1;
  }
  return parts;
}

/** The name of an entry that lies there, for people. */
export function displayPath(parts: readonly Uint8Array[]): string {
  const slash = Buffer.from("/");
  return displayName(Buffer.concat([Buffer.from("."), ...parts.flatMap((part) => [slash, part])]));
}

function hostile(name: Uint8Array, reason: string, offset: number): Error {
  return damaged(`Cannot extract "${displayName(name)}": ${reason}`, { offset, facts: { reason } });
}
