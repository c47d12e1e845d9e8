/**
 * Makes and changes files beneath a directory, in a shorter spelling than the system's calls: what a file holds, who owns it, its mode, time
 * and extended attributes in one call. Paths are ASCII unless they are given as bytes.
 */
import * as fs from "node:fs";
import * as path from "node:path";
import type { Libc } from "../../../src/sys/libc.ts";
import * as linux from "../../../src/sys/linux.ts";

/** What there is of a file besides its contents; what is not given stays as it is. */
export interface Facts {
  mode?: number;
  /** User and group. */
  owner?: readonly [uid: number, gid: number];
  mtimeNs?: bigint;
  xattrs?: Readonly<Record<string, Uint8Array>>;
}

/** Data and where in a file it goes; what is between pieces is a hole. */
export type Piece = readonly [offset: number, bytes: Uint8Array];

const HERE = new Uint8Array(0);

/** Writes beneath one directory. */
export class TreeWriter {
  readonly root: string;
  readonly #libc: Libc;

  /** @param root an existing directory */
  constructor(libc: Libc, root: string) {
    this.#libc = libc;
    this.root = root;
  }

  /** A writer for a directory in this one, which is made if it is not there. */
  below(name: string): TreeWriter {
    fs.mkdirSync(this.path(name), { recursive: true });
    return new TreeWriter(this.#libc, this.path(name));
  }

  path(name: string): string {
    return path.join(this.root, name);
  }

  /** Makes a file. */
  file(name: string, data: Uint8Array | readonly Piece[] = HERE, facts: Facts & { size?: number } = {}): void {
    this.namedFile(Buffer.from(name), data);
    if (facts.size !== undefined) fs.truncateSync(this.path(name), facts.size);
    this.dress(name, facts);
  }

  /** Makes a file of any name. */
  namedFile(name: Uint8Array, data: Uint8Array | readonly Piece[] = HERE): void {
    const at = Buffer.concat([Buffer.from(`${this.root}/`), name]);
    const fd = this.#libc.open(linux.AT_FDCWD, at, linux.O_WRONLY | linux.O_CREAT | linux.O_EXCL, 0o644);
    for (const [offset, bytes] of data instanceof Uint8Array ? [[0, data] as const] : data) this.#libc.write(fd, bytes, offset);
    this.#libc.close(fd);
  }

  directory(name: string, facts: Facts = {}): void {
    fs.mkdirSync(this.path(name));
    this.dress(name, facts);
  }

  symlink(target: string, name: string): void {
    fs.symlinkSync(target, this.path(name));
  }

  /** Makes a device, FIFO or socket. @param type S_IF… */
  node(name: string, type: number, device: { major: number; minor: number } = { major: 0, minor: 0 }): void {
    this.#libc.makeNode(linux.AT_FDCWD, Buffer.from(this.path(name)), type | 0o640, device);
  }

  /** Gives a file another name. */
  link(from: string, name: string): void {
    fs.linkSync(this.path(from), this.path(name));
  }

  rename(from: string, to: string): void {
    fs.renameSync(this.path(from), this.path(to));
  }

  /** Takes away whatever has a name. */
  remove(name: string): void {
    fs.rmSync(this.path(name), { recursive: true });
  }

  /** Writes into a file that is there, from its end on if the offset is so. */
  write(name: string, offset: number | "end", bytes: Uint8Array): void {
    const fd = fs.openSync(this.path(name), "r+");
    const at = offset === "end" ? fs.fstatSync(fd).size : offset;
    this.#libc.write(fd, bytes, at);
    fs.closeSync(fd);
  }

  truncate(name: string, size: number): void {
    fs.truncateSync(this.path(name), size);
  }

  /** Replaces what a file holds; it stays the same object. */
  rewrite(name: string, bytes: Uint8Array): void {
    this.truncate(name, 0);
    this.write(name, 0, bytes);
  }

  /** Gives anything that has a name, a symbolic link too, what it is to have; the time last, as all else changes it. */
  dress(name: string, { mode, owner, mtimeNs, xattrs = {} }: Facts): void {
    const fd = this.#libc.open(linux.AT_FDCWD, Buffer.from(this.path(name)), linux.O_PATH);
    if (owner !== undefined) this.#libc.chown(fd, ...owner);
    if (mode !== undefined) this.#libc.chmod(fd, mode);
    for (const [xattr, value] of Object.entries(xattrs)) this.#libc.setXattr(fd, Buffer.from(xattr), value);
    if (mtimeNs !== undefined) this.#libc.setTimes(fd, { atimeNs: mtimeNs, mtimeNs });
    this.#libc.close(fd);
  }

  /** Takes away extended attributes. */
  undress(name: string, ...xattrs: readonly string[]): void {
    const fd = this.#libc.open(linux.AT_FDCWD, Buffer.from(this.path(name)), linux.O_PATH);
    for (const xattr of xattrs) this.#libc.removeXattr(fd, Buffer.from(xattr));
    this.#libc.close(fd);
  }
}
