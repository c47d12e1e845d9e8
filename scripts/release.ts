/**
 * Makes the files of a release in dist/release: one portable file (scripts/portable/make.ts) for each kind of processor, and SHA256SUMS.
 *
 * Needs a Debian, for glibc and for the compiler of the launchers, and the npm registry, for Bun's other targets.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { compile, writeExecutable } from "./compile.ts";
import { portableNotices, programNotices } from "./notices.ts";
import { fetchGlibc, TRIPLES, type Architecture, type Fetched } from "./portable/glibc.ts";
import { compileLauncher } from "./portable/launcher.ts";
import { makePortable } from "./portable/make.ts";

const DIRECTORY = "dist/release";

interface ReleaseFile {
  readonly name: string;
  readonly target: Bun.Build.CompileTarget;
  readonly architecture: Architecture;
}

/** The baseline is for processors without AVX2. In Bun 1.4.5 both are one build, which needs SSE4.2 only, and give the same bytes. */
const FILES: readonly ReleaseFile[] = [
  { name: "ctar-linux-x64", target: "bun-linux-x64", architecture: "amd64" },
  { name: "ctar-linux-x64-baseline", target: "bun-linux-x64-baseline", architecture: "amd64" },
  { name: "ctar-linux-arm64", target: "bun-linux-arm64", architecture: "arm64" },
];

/** Makes them. */
export async function makeRelease(): Promise<void> {
  installCompilers();
  const fetched = fetchGlibc();
  rmSync(DIRECTORY, { recursive: true, force: true });
  mkdirSync(DIRECTORY, { recursive: true });
  const sums: string[] = [];
  for (const file of FILES) {
    const bytes = await makeFile(file, fetched);
    writeExecutable(`${DIRECTORY}/${file.name}`, bytes);
    sums.push(`${createHash("sha256").update(bytes).digest("hex")}  ${file.name}\n`);
  }
  writeFileSync(`${DIRECTORY}/SHA256SUMS`, sums.join(""));
}

/** Debian's compiler for the machine itself is the package gcc; those for others are called after them. */
function installCompilers(): void {
  const native = process.arch === "x64" ? "amd64" : process.arch;
  const needs = Object.entries(TRIPLES).map(([architecture, triple]) => {
    const compiler = architecture === native ? "gcc" : `gcc-${triple.replaceAll("_", "-")}`;
    return `${triple}-gcc:${compiler}`;
  });
  execFileSync(path.resolve("scripts/apt-need"), needs, { stdio: "inherit" });
}

async function makeFile({ target, architecture }: ReleaseFile, { glibc, license }: Fetched): Promise<Buffer> {
  const libraries = glibc[architecture];
  const program = await compile({ target, notices: [...programNotices(), ...portableNotices(libraries, license)] });
  return makePortable(program, compileLauncher(architecture), libraries.read);
}
