/**
 * The trees that layers are made of, such as that of a snapshot or a directory: files in the order of a walk, each with what it takes to see
 * whether it has changed.
 */
import type { PaxRecords } from "../../stream/tar/pax.ts";
import type { EntryData } from "./made-entry.ts";

/** A tree that can be walked again and again, and gives the same each time. */
export interface LayerTree {
  /** A directory before what is in it, the names in each in the order of their bytes, all of a branch before the next one; the root first. */
  walk(): AsyncIterable<TreeFile>;
}

/** A file of any type under one of its names. */
export interface TreeFile {
  /** Names with slashes between them; none for the root. */
  readonly path: Uint8Array;
  /** `0` a file, `2` a symbolic link, `3` and `4` character and block devices, `5` a directory, `6` a FIFO. Sockets are left out by the tree. */
  readonly typeflag: string;
  /** Permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeNs: bigint;
  /** Bytes of a regular file, holes included. */
  readonly size: number;
  /** Where a symbolic link leads. */
  readonly target?: Uint8Array | undefined;
  readonly device?: { readonly major: number; readonly minor: number } | undefined;
  /** Of a file with several names, what is the same for all of them and for no other file of the tree. */
  readonly identity?: string | undefined;
  /**
   * What is another one whenever something has been changed about the file, so that two of the same path need not be compared if theirs is the
   * same: of a file system with snapshots, the object, its generation and the time of its last change.
   */
  readonly version?: string | undefined;
  /** Extended attributes as records (SCHILY.xattr). */
  xattrs(): PaxRecords | Promise<PaxRecords>;
  /** Data of a regular file. */
  data(): EntryData | Promise<EntryData>;
}
