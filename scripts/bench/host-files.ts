/** The files of this machine as the content of benchmark data: what a container's root filesystem consists of, and there on every machine. */
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";

const ROOT = "/usr";
/** Of a larger file only the beginning is taken, so that no single one dominates. */
const FILE_LIMIT_BYTES = 16 * 1024 * 1024;
/** Bytes per block, and the unit that the size of a smaller file is rounded up to. */
const BLOCK_BYTES = 128 * 1024;
const SECTOR_BYTES = 512;

/** Regular files, in an order that depends on their names only and mixes all of them. */
export function hostFiles(): string[] {
  return [...regularFiles(ROOT)]
    .map((name) => ({ name, key: createHash("md5").update(name).digest("hex") }))
    .toSorted((a, b) => (a.key < b.key ? -1 : 1))
    .map(({ name }) => name);
}

/** The blocks that ZFS would hold a file in: of 128 KiB, or a smaller single one. The same memory is used for each. None of an unreadable file. */
export function* fileBlocks(file: string): Generator<Uint8Array> {
  const fd = openOrSkip(file);
  if (fd === undefined) return;
  try {
    const size = Math.min(fs.fstatSync(fd).size, FILE_LIMIT_BYTES);
    const blockBytes = size < BLOCK_BYTES ? roundUp(size, SECTOR_BYTES) : BLOCK_BYTES;
    const block = new Uint8Array(blockBytes);
    for (let done = 0; done < size;) {
      const count = fs.readSync(fd, block, 0, Math.min(blockBytes, size - done), done);
      if (count === 0) return;
      block.fill(0, count);
      yield block;
      done += count;
    }
  } finally {
    fs.closeSync(fd);
  }
}

/** How many bytes of a file {@link fileBlocks} gives at most. */
export function countedBytes(file: string): number {
  return Math.min(fs.statSync(file).size, FILE_LIMIT_BYTES);
}

/** The next multiple of `unit`. */
export function roundUp(bytes: number, unit: number): number {
  return Math.ceil(bytes / unit) * unit;
}

/** By hand, since Bun's recursive `readdir` follows links: `/usr/bin/X11` is one to where it stands. */
function* regularFiles(directory: string): Generator<string> {
  for (const entry of fs.readdirSync(directory, { withFileTypes: true })) {
    const name = path.join(directory, entry.name);
    if (entry.isDirectory()) yield* regularFiles(name);
    else if (entry.isFile()) yield name;
  }
}

function openOrSkip(file: string): number | undefined {
  try {
    return fs.openSync(file, "r");
  } catch {
    return undefined;
  }
}
