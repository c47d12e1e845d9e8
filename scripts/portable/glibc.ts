/**
 * Fetches glibc's loader and libraries for a portable file: from Debian 12's package libc6, whatever the building host is, in its newest
 * version. Debian's package base-files has the texts of the licenses.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import * as path from "node:path";

const CACHE = ".cache/glibc";

/** Debian's names of processors, and how names of compilers and directories begin there. */
export const TRIPLES = { amd64: "x86_64-linux-gnu", arm64: "aarch64-linux-gnu" } as const;
export type Architecture = keyof typeof TRIPLES;

/** A package libc6, unpacked. */
export interface Glibc {
  readonly architecture: Architecture;
  readonly version: string;
  /** SHA-256 of the package's file. */
  readonly digest: string;
  /** Name and version of the source package. */
  readonly source: string;
  readonly sourceVersion: string;
  /** Debian's account of who may copy what. */
  readonly copyright: string;
  /** The loader or a library by its name. */
  readonly read: (name: string) => Buffer;
}

/** What is fetched. */
export interface Fetched {
  readonly glibc: Readonly<Record<Architecture, Glibc>>;
  /** A license's text, such as "LGPL-2.1". */
  readonly license: (name: string) => string;
}

/** Downloads and unpacks everything; takes about ten seconds. */
export function fetchGlibc(): Fetched {
  const debs = path.join(CACHE, "debs");
  rmSync(debs, { recursive: true, force: true });
  mkdirSync(debs, { recursive: true });
  apt(CACHE, "update");
  apt(debs, "download", "libc6:amd64", "libc6:arm64", "base-files:amd64");
  const files = new Map(readdirSync(debs).map((file) => [file.replace(/_.*_/, ":").replace(/\.deb$/, ""), path.join(debs, file)]));
  const baseFiles = unpack(files, "base-files:amd64");
  return {
    glibc: { amd64: openGlibc(files, "amd64"), arm64: openGlibc(files, "arm64") },
    license: (name) => readFileSync(path.join(baseFiles, "usr/share/common-licenses", name), "utf8"),
  };
}

function apt(directory: string, ...words: string[]): void {
  const view = [path.resolve(CACHE), Object.keys(TRIPLES).join(",")];
  execFileSync(path.resolve("scripts/debian-12"), [...view, "apt-get", "-qq", ...words], { cwd: directory, stdio: ["ignore", 2, 2] });
}

type Debs = ReadonlyMap<string, string>;

function openGlibc(debs: Debs, architecture: Architecture): Glibc {
  const deb = debOf(debs, `libc6:${architecture}`);
  const format = "${Version} ${source:Package} ${source:Version}";
  const [version = "", source = "", sourceVersion = ""] = run("dpkg-deb", "--show", `--showformat=${format}`, deb).split(" ");
  const root = unpack(debs, `libc6:${architecture}`);
  return {
    architecture,
    version,
    digest: createHash("sha256").update(readFileSync(deb)).digest("hex"),
    source,
    sourceVersion,
    copyright: readFileSync(path.join(root, "usr/share/doc/libc6/copyright"), "utf8"),
    read: (name) => readFileSync(path.join(root, "lib", TRIPLES[architecture], name)),
  };
}

/** Unpacks a package beside its file. */
function unpack(debs: Debs, name: string): string {
  const deb = debOf(debs, name);
  const root = deb.replace(/\.deb$/, "");
  run("dpkg-deb", "--extract", deb, root);
  return root;
}

function debOf(debs: Debs, name: string): string {
  const deb = debs.get(name);
  if (deb === undefined) throw new Error(`the package ${name} was not downloaded`);
  return deb;
}

function run(program: string, ...words: string[]): string {
  return execFileSync(program, words, { encoding: "utf8" });
}
