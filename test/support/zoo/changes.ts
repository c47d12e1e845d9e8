/**
 * What happens to files between three snapshots: each file is named for what happens to it first, and something else happens to it
 * afterwards. What is taken away goes before what is made.
 */
import * as linux from "../../../src/sys/linux.ts";
import { addLongNames } from "./animals.ts";
import { mixture, noise, posixAcl, text } from "./data.ts";
import type { TreeWriter } from "./tree-writer.ts";

const SUCCESSORS = 48;
const LARGE_XATTR = noise(30 * 1024, 9);
const ACCESS = { "system.posix_acl_access": posixAcl([1, 6], [2, 4, 5], [4, 4], [16, 4], [32, 0]) };
const GROWN_NAMES = 60;

/** Files that are going to be changed. @param recordBytes block size that they are made with */
export function addChangeable(tree: TreeWriter, recordBytes: number): void {
  for (const name of ["shortened", "emptied", "overwritten"]) tree.file(name, mixture(2 * recordBytes + 99, 1));
  for (const name of ["rewritten", "replaced", "moved", "removed", "swapped-a", "file-to-link"]) tree.file(name, mixture(5000, 1));
  for (const name of ["extended", "stretched", "file-to-directory", "chowned", "touched"]) tree.file(name, text(700, 2));
  tree.file("swapped-b", text(90, 3));
  tree.symlink("somewhere", "link-to-file");
  tree.node("fifo-to-file", linux.S_IFIFO);
  for (const name of ["moved-directory", "removed-directory", "directory-to-file", "grown-directory"]) {
    tree.below(name).file("inside", text(100, 4));
  }
  for (const name of ["first-name", "only-name"]) tree.file(name, text(80, 5));
  tree.link("first-name", "second-name");
  tree.file("xattr-added", text(9, 6));
  tree.file("xattr-removed", text(9, 7), { xattrs: { "user.small": text(30, 1), "user.large": LARGE_XATTR } });
  tree.file("xattr-lost", text(9, 12), { xattrs: { "user.large": LARGE_XATTR } });
  tree.file("xattr-grown", text(9, 8), { xattrs: { "user.x": text(30, 1) } });
  tree.file("xattr-shrunk", text(9, 9), { xattrs: { "user.x": LARGE_XATTR } });
  tree.file("acl-added", text(9, 10));
  tree.file("acl-removed", text(9, 11), { xattrs: ACCESS });
}

/** First what goes or shrinks. */
export function takeAwayFirst(tree: TreeWriter, recordBytes: number): void {
  tree.truncate("shortened", recordBytes + 5);
  tree.truncate("emptied", 0);
  for (const name of ["replaced", "removed", "removed-directory", "file-to-directory", "directory-to-file", "file-to-link"])
    tree.remove(name);
  for (const name of ["link-to-file", "fifo-to-file", "first-name"]) tree.remove(name);
  tree.undress("xattr-removed", "user.small", "user.large");
  tree.undress("xattr-lost", "user.large");
  tree.undress("acl-removed", "system.posix_acl_access");
}

/** Then what comes or changes. */
export function addFirst(tree: TreeWriter, recordBytes: number): void {
  tree.rewrite("rewritten", mixture(recordBytes + 1, 20));
  for (const name of ["replaced", "directory-to-file", "link-to-file", "fifo-to-file"]) tree.file(name, mixture(9000, 21));
  tree.write("extended", "end", mixture(recordBytes + 77, 22));
  tree.truncate("stretched", 3 * recordBytes + 5);
  tree.write("overwritten", recordBytes + 33, noise(100, 23));
  tree.directory("file-to-directory");
  tree.file("file-to-directory/inside", text(44, 24));
  tree.symlink("t".repeat(300), "file-to-link");
  tree.rename("moved", "moved-directory/moved");
  tree.rename("moved-directory", "moved-away");
  for (const [from, to] of [["swapped-a", "swapped-c"], ["swapped-b", "swapped-a"], ["swapped-c", "swapped-b"]] as const) tree.rename(from, to); // prettier-ignore
  tree.link("only-name", "moved-away/another-name");
  tree.dress("chowned", { owner: [300_000, 70_000], mode: 0o4711 });
  tree.dress("touched", { mtimeNs: 5_000_000_000_123_456_789n });
  tree.dress("xattr-added", { xattrs: { "user.added": noise(1000, 25) } });
  tree.dress("xattr-grown", { xattrs: { "user.x": LARGE_XATTR, "user.y": LARGE_XATTR } });
  tree.dress("xattr-shrunk", { xattrs: { "user.x": text(3, 26) } });
  tree.dress("acl-added", { xattrs: ACCESS });
  const grown = tree.below("grown-directory");
  for (let index = 0; index < GROWN_NAMES; index += 1) grown.link("inside", `name-${index}`);
  addLongNames(grown);
}

export function takeAwaySecond(tree: TreeWriter): void {
  for (const name of ["grown-directory", "file-to-directory", "second-name", "moved-away/another-name"]) tree.remove(name);
  tree.directory("grown-directory");
  tree.truncate("rewritten", 100);
  tree.truncate("extended", 1);
  tree.undress("xattr-added", "user.added");
  tree.undress("xattr-grown", "user.x", "user.y");
  tree.undress("acl-added", "system.posix_acl_access");
}

export function addSecond(tree: TreeWriter, recordBytes: number): void {
  tree.write("shortened", "end", mixture(recordBytes, 30));
  tree.write("emptied", 2 * recordBytes, text(500, 31));
  tree.write("stretched", "end", text(500, 32));
  tree.write("overwritten", 10, noise(50, 33));
  for (const name of ["removed", "file-to-directory"]) tree.file(name, mixture(3000, 34));
  tree.directory("removed-directory", { mode: 0o2770 });
  tree.rename("moved-away/moved", "moved");
  tree.rename("moved-away", "moved-directory");
  tree.link("moved-directory/inside", "second-name");
  tree.dress("xattr-removed", { xattrs: { "user.small": noise(5000, 35) } });
  tree.dress("xattr-shrunk", { xattrs: { "user.x": LARGE_XATTR } });
  tree.file("grown-directory/late", text(10, 36));
}

/** Files of all kinds, in another order each round, so that each gets an object number that one of another kind had; later ones have holes. */
export function addSuccessors(tree: TreeWriter, round: 1 | 2 | 3): void {
  for (let index = 0; index < SUCCESSORS; index += 1) {
    const name = `${round}-${index}`;
    const kind = (index + round) % 4;
    if (kind === 0) tree.file(name, mixture(300 * index + 10, index), { xattrs: { "user.round": noise(round * 700, index) } });
    else if (kind === 1) tree.below(name).file("inside", text(20, index));
    else if (kind === 2) tree.symlink("r".repeat(20 * (index + 1)), name);
    else tree.file(name, round === 1 ? text(140_000, index) : [[130_000, text(5000, index)]]);
  }
}
