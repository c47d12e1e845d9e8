/** What is large: blocks of every size up to 16 MiB, a directory of 100,000 names and one of 3,000 files, a file of which nearly all is hole. */
import * as fs from "node:fs";
import { loadLibc } from "../../../src/sys/libc.ts";
import { POOL, shell } from "../platform.ts";
import { mixture, noise, text } from "./data.ts";
import { TreeWriter } from "./tree-writer.ts";

/** One dataset for each. */
export const BLOCKS: string = `${POOL}/blocks`;
export const NAMES: string = `${POOL}/names`;
/** A file with holes of many GiB. */
export const SPARSE_FILE = "sparse";

const MANY_NAMES = 100_000;
/** Names that a file of the large directory has. */
const NAMES_OF_FILE = 20;
const MANY_FILES = 3000;
const BLOCK_BYTES = Array.from({ length: 16 }, (_, power) => 512 * 2 ** power);
/** Of OpenZFS 2.1; from 2.2 on blocks may be as large as the pool can have them. */
const LIMIT_PARAMETER = "/sys/module/zfs/parameters/zfs_max_recordsize";

/** Makes both datasets, with the snapshots `s1`, `s2` and `s3`. */
export async function makeElephants(): Promise<void> {
  const limit = fs.readFileSync(LIMIT_PARAMETER, "utf8");
  fs.writeFileSync(LIMIT_PARAMETER, `${BLOCK_BYTES.at(-1)}`);
  try {
    for (const dataset of [BLOCKS, NAMES]) await shell(`zfs create -o compression=lz4 -o atime=off -o xattr=sa ${dataset}`);
    const libc = await loadLibc();
    const [blocks, names] = [new TreeWriter(libc, `/${BLOCKS}`), new TreeWriter(libc, `/${NAMES}`)];
    for (const bytes of BLOCK_BYTES) {
      await shell(`zfs set recordsize=${bytes} ${BLOCKS}`);
      addBlocks(blocks, bytes);
    }
    addSparse(blocks);
    addMany(names);
    await snapshot("s1");
    changeBlocks(blocks);
    removeMany(names);
    await snapshot("s2");
    changeBlocksAgain(blocks);
    addMore(names);
    await snapshot("s3");
  } finally {
    fs.writeFileSync(LIMIT_PARAMETER, limit);
  }
}

async function snapshot(name: string): Promise<void> {
  await shell(`zfs snapshot ${BLOCKS}@${name} ${NAMES}@${name}`);
}

function addBlocks(tree: TreeWriter, recordBytes: number): void {
  tree.file(`cut-${recordBytes}`, mixture(2 * recordBytes + 100, recordBytes));
  tree.file(`written-${recordBytes}`, text(3 * recordBytes, recordBytes));
}

function changeBlocks(tree: TreeWriter): void {
  for (const bytes of BLOCK_BYTES) tree.write(`written-${bytes}`, bytes + 7, noise(100, bytes));
}

function changeBlocksAgain(tree: TreeWriter): void {
  for (const bytes of BLOCK_BYTES) {
    tree.truncate(`cut-${bytes}`, bytes + 1);
    tree.write(`written-${bytes}`, "end", text(bytes, 5));
  }
  tree.write(SPARSE_FILE, 2 ** 35, text(1024 * 1024, 4));
}

function addSparse(tree: TreeWriter): void {
  tree.file(SPARSE_FILE, [[0, text(10, 1)], [2 ** 33 + 5, noise(5000, 2)], [2 ** 40, text(10, 3)]], { size: 2 ** 42 }); // prettier-ignore
}

function addMany(tree: TreeWriter): void {
  const files = tree.below("files");
  for (let index = 0; index < MANY_FILES; index += 1) files.file(`file-${index}`, text(index % 700, index));
  const names = tree.below("names");
  for (let index = 0; index < MANY_NAMES; index += 1) addName(names, index);
}

/** A third of the files, and names of files that keep others. */
function removeMany(tree: TreeWriter): void {
  for (let index = 0; index < MANY_FILES; index += 3) tree.remove(`files/file-${index}`);
  for (let index = 10; index < MANY_NAMES; index += NAMES_OF_FILE) tree.remove(`names/${nameOf(index)}`);
}

function addMore(tree: TreeWriter): void {
  for (let index = 0; index < MANY_FILES; index += 6) tree.file(`files/file-${index}`, noise(index % 600, index));
  const names = tree.below("names");
  // as many as went
  for (let index = MANY_NAMES; index < MANY_NAMES + MANY_NAMES / NAMES_OF_FILE; index += 1) addName(names, index);
}

/** Every so many names there is a file, which the names up to the next are further names of: so there are fewer files to make. */
function addName(names: TreeWriter, index: number): void {
  const first = index - (index % NAMES_OF_FILE);
  if (index === first) names.file(nameOf(index), text(index % 50, index));
  else names.link(nameOf(first), nameOf(index));
}

function nameOf(index: number): string {
  return `name-${index.toString(7)}`;
}
