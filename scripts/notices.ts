/**
 * Gathers what `ctar licenses` prints: who may copy what of a compiled file. The texts are those that the packages bring along.
 *
 * Bun's own comes with the package of its types, in its documentation; it names all that Bun links.
 */
import { readFileSync } from "node:fs";
import type { Glibc } from "./portable/glibc.ts";

/** One part of a compiled file, and its terms. */
export interface Notice {
  readonly name: string;
  /** The license in a word or two. */
  readonly license: string;
  readonly text: string;
}

/** What is in every compiled file: ctar, its dependencies, Bun. */
export function programNotices(): Notice[] {
  const { dependencies } = readPackage(".");
  return [
    packageNotice("."),
    ...Object.keys(dependencies ?? {}).map((name) => packageNotice(`node_modules/${name}`)),
    { name: `Bun ${Bun.version}`, license: "MIT, and those of what it links", text: describeBun() },
  ];
}

/** What is in a portable file besides. @param license gives a license's text by its name */
export function portableNotices(glibc: Glibc, license: (name: string) => string): Notice[] {
  return [
    { name: `GNU C Library, Debian ${glibc.version}`, license: "LGPL-2.1-or-later, and others", text: describeGlibc(glibc) },
    {
      name: "GNU Lesser General Public License, version 2.1",
      license: "for the GNU C Library, and tinycc in Bun",
      text: license("LGPL-2.1"),
    },
    { name: "GNU Library General Public License, version 2", license: "for JavaScriptCore in Bun", text: license("LGPL-2") },
  ];
}

/** All in one text: a list, and then each part. */
export function renderNotices(notices: readonly Notice[]): string {
  const width = Math.max(...notices.map(({ name }) => name.length));
  const list = notices.map(({ name, license }) => `${name.padEnd(width)}  ${license}`).join("\n");
  return [list, ...notices.map(({ name, text }) => `${name}\n${"=".repeat(name.length)}\n\n${text.trim()}`)].join("\n\n\n");
}

function describeBun(): string {
  const directory = "node_modules/bun-types";
  const { name, version } = readPackage(directory);
  const [, , page = ""] = readFileSync(`${directory}/docs/project/license.mdx`, "utf8").split(/^---$/m);
  return `What follows is from the documentation in ${name} ${version}.\n\n${page.trim()}`;
}

function describeGlibc({ architecture, version, digest, source, sourceVersion, copyright }: Glibc): string {
  return `The loader and libraries that ctar needs, unchanged, for hosts that have none. They are those of Debian's package

    libc6 ${version} (${architecture}), sha256 ${digest}

and their source is Debian's source package ${source} ${sourceVersion}:

    https://snapshot.debian.org/package/${source}/${sourceVersion}/

Others can be used in their place: where a host has glibc's loader and these libraries, its own are used. And scripts/portable/ in the source of
ctar makes such a file with any others.

${copyright}`;
}

interface PackageFile {
  name: string;
  version: string;
  license: string;
  dependencies?: Record<string, string>;
}

function packageNotice(directory: string): Notice {
  const { name, version, license } = readPackage(directory);
  return { name: `${name} ${version}`, license, text: readFileSync(`${directory}/LICENSE`, "utf8") };
}

function readPackage(directory: string): PackageFile {
  return JSON.parse(readFileSync(`${directory}/package.json`, "utf8")) as PackageFile;
}
