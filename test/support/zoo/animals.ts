/**
 * The zoo: directories with everything that a file can be, one for each cage - a set of properties of ZFS under which its files are made, as
 * these decide how they are stored: block size, size of dnodes, where extended attributes go.
 */
import * as linux from "../../../src/sys/linux.ts";
import { mixture, noise, posixAcl, text } from "./data.ts";
import type { Piece, TreeWriter } from "./tree-writer.ts";

/** Properties that files are made under. */
export interface Cage {
  recordBytes: number;
  dnodesize: "legacy" | "1k" | "2k" | "4k" | "8k" | "16k" | "auto";
  xattr: "on" | "sa";
  /** Whether it has what is stored in the same way whatever the sizes are. */
  isComplete?: true;
}

/** All sizes of dnodes, both places of extended attributes, blocks from the smallest to those that only `-L` sends whole. */
export const CAGES: readonly [Cage, ...Cage[]] = [
  { recordBytes: 512, dnodesize: "legacy", xattr: "on", isComplete: true },
  { recordBytes: 4096, dnodesize: "1k", xattr: "sa" },
  { recordBytes: 16_384, dnodesize: "auto", xattr: "sa" },
  { recordBytes: 131_072, dnodesize: "16k", xattr: "on" },
  { recordBytes: 131_072, dnodesize: "legacy", xattr: "sa", isComplete: true },
  { recordBytes: 262_144, dnodesize: "2k", xattr: "sa" },
];

/** The name of a cage's directory. */
export function cageName({ recordBytes, dnodesize, xattr }: Cage): string {
  return `${recordBytes}-${dnodesize}-${xattr}`;
}

/** Largest value of an extended attribute that is kept with its file; a larger one is a file of its own even with `xattr=sa`. */
const LARGE_XATTR_BYTES = 30 * 1024;
const HUGE_XATTR_BYTES = 60 * 1024;
const LONG_NAMES = 40;
const NAME_BYTES = 255;
const SECOND = 1_000_000_000n;

/** Fills a cage, all but `changes`. */
export function fillCage(cage: TreeWriter, { recordBytes, isComplete }: Cage): void {
  addSizes(cage.below("sizes"), recordBytes);
  addHoles(cage.below("holes"), recordBytes);
  addXattrs(cage.below("xattrs"));
  if (isComplete === undefined) return;
  addKinds(cage.below("kinds"));
  addOwners(cage.below("owners"));
  addAcls(cage.below("acls"));
  addNames(cage.below("names"));
}

/** Files that end before, at and behind the end of a sector and of a block; the smallest are embedded in their block pointers where that can be. */
function addSizes(tree: TreeWriter, recordBytes: number): void {
  const sizes = new Set([0, 1, 60, 511, 512, 513, 5000, recordBytes - 1, recordBytes, recordBytes + 1]);
  for (const bytes of sizes) tree.file(`text-${bytes}`, text(bytes, bytes));
  for (const bytes of [100, 3000]) tree.file(`noise-${bytes}`, noise(bytes, bytes));
  tree.file("mixture", mixture(Math.floor(recordBytes * 1.7), 3));
}

/** Holes of whole blocks, and a last one that reaches to the end of the file or is all of it. */
function addHoles(tree: TreeWriter, recordBytes: number): void {
  const at = (blocks: number, more = 0): Piece => [blocks * recordBytes + more, text(700, blocks)];
  tree.file("at-start", [at(1)]);
  tree.file("in-middle", [at(0), at(3, 11)]);
  tree.file("at-end", [at(0)], { size: 3 * recordBytes + 3 });
  tree.file("everywhere", [at(2)], { size: 4 * recordBytes });
  tree.file("nothing-else", [], { size: 2 * recordBytes });
  tree.file("zeros", new Uint8Array(recordBytes));
}

function addKinds(tree: TreeWriter): void {
  for (const bytes of [1, 50, 160, 400, 1000, 4000]) tree.symlink(`/${"t".repeat(bytes - 1)}`, `link-${bytes}`);
  tree.dress("link-50", { owner: [4_000_000_000, 262_144], mtimeNs: -5n * SECOND });
  tree.node("fifo", linux.S_IFIFO);
  tree.node("socket", linux.S_IFSOCK);
  tree.node("null", linux.S_IFCHR, { major: 1, minor: 3 });
  tree.node("character", linux.S_IFCHR, { major: linux.MAJOR_LIMIT, minor: linux.MINOR_LIMIT });
  tree.node("block", linux.S_IFBLK, { major: 259, minor: 70_000 });
  tree.dress("block", { owner: [65_536, 65_537], mode: 0o600, mtimeNs: 6_000_000_000n * SECOND + 1n });
  tree.file("names", text(800, 1));
  tree.link("names", "another-name");
  tree.below("elsewhere").directory("empty", { mode: 0o1777 });
  tree.link("names", "elsewhere/third-name");
  tree.link("fifo", "elsewhere/fifo");
  tree.link("link-400", "elsewhere/link");
}

/** Owners beyond 16 bits and beyond what old tars hold, all bits of modes, times before 1970 and after 2106. */
function addOwners(tree: TreeWriter): void {
  const rows: readonly (readonly [id: number, mode: number, seconds: bigint])[] = [
    [0, 0o4755, 0n],
    [1000, 0o2750, -1n],
    [65_534, 0o1666, -2_147_483_649n],
    [65_536, 0o000, 2_147_483_648n],
    [262_143, 0o7777, 4_294_967_296n],
    [262_144, 0o600, 15_000_000_000n],
    [4_294_967_294, 0o444, 4_102_444_800n],
  ];
  for (const [index, [id, mode, seconds]] of rows.entries()) {
    const facts = { owner: [id, rows[(index + 3) % rows.length]?.[0] ?? 0], mode, mtimeNs: seconds * SECOND + BigInt(index) } as const;
    tree.file(`file-${id}`, text(10 + index, index), facts);
    tree.directory(`directory-${id}`, facts);
  }
}

/** Attributes that fit beside the others of a file, that need its spill block, and that are files of their own. */
function addXattrs(tree: TreeWriter): void {
  const large = { "user.one": noise(LARGE_XATTR_BYTES, 1), "user.two": noise(LARGE_XATTR_BYTES, 2) };
  tree.file("one", text(5, 1), { xattrs: { "user.comment": text(20, 1) } });
  tree.file("empty-value", text(5, 2), { xattrs: { "user.empty": new Uint8Array(0) } });
  tree.file("several", text(600, 3), {
    xattrs: { "user.first": noise(300, 1), "user.second": noise(400, 2), "trusted.third": noise(500, 3), "security.fourth": noise(60, 4) },
  });
  tree.file("large", text(5, 4), { xattrs: large });
  tree.file("huge", text(5, 5), { xattrs: { "user.huge": noise(HUGE_XATTR_BYTES, 5), "user.small": text(4, 5) } });
  tree.directory("directory", { xattrs: { "user.on-directory": noise(900, 6), "trusted.overlay.opaque": Buffer.from("y") } });
  tree.symlink("anywhere", "link");
  tree.dress("link", { xattrs: { "trusted.on-link": noise(100, 7) } });
  tree.symlink("s".repeat(900), "long-link");
  tree.dress("long-link", { xattrs: { "trusted.on-link": noise(700, 8) } });
  tree.node("character", linux.S_IFCHR, { major: 5, minor: 1 });
  tree.dress("character", { xattrs: { "trusted.on-device": noise(10, 9) } });
}

/** POSIX ACLs; those of NFSv4 cannot be set on Linux. */
function addAcls(tree: TreeWriter): void {
  const access = posixAcl([1, 7], [2, 5, 1234], [2, 1, 4_000_000_000], [4, 5], [8, 6, 77], [16, 7], [32, 0]);
  const inherited = posixAcl([1, 7], [2, 6, 99], [4, 5], [16, 7], [32, 4]);
  tree.file("file", text(50, 1), { xattrs: { "system.posix_acl_access": access } });
  tree.directory("inherited", { xattrs: { "system.posix_acl_default": inherited } });
  tree.file("inherited/file", text(50, 2));
  tree.directory("inherited/directory");
  tree.file("with-others", text(50, 3), { xattrs: { "system.posix_acl_access": access, "user.besides": noise(2000, 3) } });
}

/** Names of any bytes, and so many long ones that a directory of one block cannot hold them. */
function addNames(tree: TreeWriter): void {
  for (const name of ["späces ünd 日本語 🐧", "new\nline", "-rf 'quoted' \"twice\" \\back$lash*", "\u0001\u007f"]) {
    tree.namedFile(Buffer.from(name), text(name.length, 1));
  }
  tree.namedFile(Buffer.from("caf\xe9", "latin1"), text(4, 2));
  tree.namedFile(Buffer.alloc(NAME_BYTES, 0xfe), text(4, 3));
  addLongNames(tree.below("long"));
}

/** Names of 255 bytes, all of one file; a ZAP with one of them is a fat one, and with 40 it has several leaves. */
export function addLongNames(tree: TreeWriter): void {
  tree.file("file", text(100, 1));
  for (let index = 0; index < LONG_NAMES; index += 1) tree.link("file", `${index}`.padStart(NAME_BYTES, "long-"));
}
