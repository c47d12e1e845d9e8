/** Makes the zoo on a pool: one dataset for each compression, with the same files and the same three snapshots. */
import * as fs from "node:fs";
import * as path from "node:path";
import { loadLibc } from "../../../src/sys/libc.ts";
import { POOL, shell } from "../platform.ts";
import { CAGES, cageName, fillCage, type Cage } from "./animals.ts";
import { addChangeable, addFirst, addSecond, addSuccessors, takeAwayFirst, takeAwaySecond } from "./changes.ts";
import { SNAPSHOTS } from "./streams.ts";
import { TreeWriter } from "./tree-writer.ts";

/** The dataset that those of the zoo are in, from which they inherit all other properties. */
export const ZOO: string = `${POOL}/zoo`;

/** Properties of successors, and of all that is made in front of the second snapshot, and of the third. */
const ROUNDS = {
  1: { recordBytes: 131_072, dnodesize: "4k", xattr: "sa" },
  2: { recordBytes: 8192, dnodesize: "4k", xattr: "on" },
  3: { recordBytes: 65_536, dnodesize: "8k", xattr: "sa" },
} as const satisfies Record<number, Cage>;
const SUCCESSORS = "successors";
const [PUNCHED] = CAGES;
const OPEN_FILE = "deleted-while-open";
const PROJECT = 300_000;

/** Makes everything. @param compressions values of the property, which are also the names of the datasets */
export async function makeZoo(compressions: readonly string[]): Promise<void> {
  await shell(`zfs create -o acltype=posixacl -o atime=off ${ZOO}
    for c in ${compressions.join(" ")}; do zfs create -o compression=$c ${ZOO}/$c; done`);
  const libc = await loadLibc();
  const zoo = compressions.map((compression) => new TreeWriter(libc, path.join("/", ZOO, compression)));
  await setProperties(ROUNDS[1]);
  for (const tree of zoo) addSuccessors(tree.below(SUCCESSORS), 1);
  for (const cage of CAGES) {
    await setProperties(cage);
    for (const tree of zoo) {
      fillCage(tree.below(cageName(cage)), cage);
      addChangeable(changes(tree, cage), cage.recordBytes);
    }
  }
  await setProject(zoo);
  await snapshot(0);
  await nextRound(zoo, 2, { takeAway: takeAwayFirst, add: addFirst });
  await punchHoles(zoo);
  await snapshot(1);
  await nextRound(zoo, 3, { takeAway: takeAwaySecond, add: addSecond });
  const open = zoo.map((tree) => deleteWhileOpen(tree));
  await snapshot(2);
  for (const fd of open) fs.closeSync(fd);
}

/** Types of the files that get object numbers of others, by these numbers. */
export function listSuccessors(root: string): Map<number, string> {
  const directory = path.join(root, SUCCESSORS);
  const all = fs.readdirSync(directory).map((name) => fs.lstatSync(path.join(directory, name)));
  return new Map(all.map((status) => [status.ino, status.isDirectory() ? "directory" : status.isFile() ? "file" : "link"]));
}

type Change = (tree: TreeWriter, recordBytes: number) => void;

/** Takes files away, and makes ZFS look for free object numbers from the first one on before it makes others. */
async function nextRound(zoo: readonly TreeWriter[], round: 2 | 3, { takeAway, add }: { takeAway: Change; add: Change }): Promise<void> {
  for (const tree of zoo) tree.remove(SUCCESSORS);
  forEachCage(zoo, takeAway);
  await shell(`for d in ${zoo.map(({ root }) => root.slice(1)).join(" ")}; do zfs unmount $d; zfs mount $d; done`);
  await setProperties(ROUNDS[round]);
  for (const tree of zoo) addSuccessors(tree.below(SUCCESSORS), round);
  forEachCage(zoo, add);
}

function forEachCage(zoo: readonly TreeWriter[], change: Change): void {
  for (const tree of zoo) for (const cage of CAGES) change(changes(tree, cage), cage.recordBytes);
}

function changes(tree: TreeWriter, cage: Cage): TreeWriter {
  return tree.below(cageName(cage)).below("changes");
}

async function setProperties({ recordBytes, dnodesize, xattr }: Cage): Promise<void> {
  await shell(`zfs set recordsize=${recordBytes} dnodesize=${dnodesize} xattr=${xattr} ${ZOO}`);
}

async function snapshot(index: 0 | 1 | 2): Promise<void> {
  await shell(`zfs snapshot -r ${ZOO}@${SNAPSHOTS[index]}`);
}

/** Puts files in a project: they have one more attribute than others, in a layout of its own. */
async function setProject(zoo: readonly TreeWriter[]): Promise<void> {
  const directories = zoo.flatMap((tree) => CAGES.slice(0, 2).map((cage) => `${tree.path(cageName(cage))}/sizes`));
  await shell(`zfs project -p ${PROJECT} -r -s ${directories.join(" ")}`);
}

/** In one cage only, as each takes a process. */
async function punchHoles(zoo: readonly TreeWriter[]): Promise<void> {
  const files = zoo.map((tree) => changes(tree, PUNCHED).path("overwritten"));
  await shell(`for f in ${files.join(" ")}; do fallocate -p -o ${PUNCHED.recordBytes} -l ${PUNCHED.recordBytes} $f; done`);
}

/** A file that is in a snapshot, but in no directory. */
function deleteWhileOpen(tree: TreeWriter): number {
  tree.file(OPEN_FILE, Buffer.alloc(100_000, "open"));
  const fd = fs.openSync(tree.path(OPEN_FILE), "r");
  tree.remove(OPEN_FILE);
  return fd;
}
